"""What a run for scripts writes to its log: for people, each thing once, and broken between words on a terminal."""

import fcntl
import io
import json
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import Any, TextIO

import pytest
from roundtrip.agent.events import AssistantEnded, ToolFinished, ToolStarted
from roundtrip.agent.frontends.headless import Headless
from roundtrip.agent.frontends.words import fitted, second_column
from roundtrip.agent.messages import Assistant, Call

pytestmark = pytest.mark.once

REFUSED = "Not run: commands are not allowed. .envrc is run by direnv. Do what you can without it, or tell the user."


def log(call: Call, content: str, *, ran: bool = True, **more: Any) -> list[str]:
    """What is written of a call."""
    out = io.StringIO()
    front = Headless(out)
    front(AssistantEnded(0, Assistant("", "", (call,))))
    if ran:
        front(ToolStarted(0, 0, call.name, call.arguments))
    front(ToolFinished(0, 0, content, **more))
    return out.getvalue().splitlines()


def command(text: str) -> Call:
    return Call(0, "execute_command", json.dumps({"command": text}))


def test_a_command_is_there_once_and_of_a_failing_one_the_end() -> None:
    assert log(command("make"), "exit code 0.\nall is made") == ["agent: $ make", "agent: -> exit code 0."]
    said = "exit code 2.\none\ntwo\n\nthree\nfour\n"
    assert log(command("make"), said, failed=True) == [
        "agent: $ make", "agent: | two", "agent: | three", "agent: | four", "agent: -> exit code 2.",
    ]  # fmt: skip


def test_where_a_command_runs_is_said() -> None:
    call = Call(0, "execute_command", json.dumps({"command": "rm *", "cwd": "tests"}))
    assert log(call, "exit code 0.")[0] == "agent: $ (in tests) rm *"


def test_of_a_refusal_what_is_for_people() -> None:
    (line,) = log(command("make"), REFUSED, ran=False, failed=True, refused=True)
    assert line.endswith("-> Not run: commands are not allowed. .envrc is run by direnv.")
    assert '"make"' in line, "what did not run stands there, too"


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as out:
        yield out
    os.close(ours)


@pytest.mark.parametrize(
    ("columns", "text", "shown"),
    [
        (20, "a line that is longer than that", "a line that is\nlonger than that"),
        (20, "holds  a second column", "holds  a second\n       column"),
        (20, "no second  column", "no second  column"),
        (12, "a far away  column is none", "a far away\ncolumn is\nnone"),
        (20, f"see {'x' * 30}", f"see\n{'x' * 30}"),
        (20, "one\n\ntwo\n", "one\n\ntwo\n"),
        (0, "a line that is longer than that", "a line that is longer than that"),
    ],
)
def test_lines_are_broken_between_words(terminal: TextIO, columns: int, text: str, shown: str) -> None:
    fcntl.ioctl(terminal.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    assert fitted(text, terminal) == shown
    assert fitted(text, io.StringIO()) == text, "what is no terminal gets it as it is"


def test_a_second_column_is_not_too_far_on_the_right() -> None:
    assert [second_column("a  b", width) for width in (8, 6, 5)] == [3, 3, 0]
    assert [second_column(line, 80) for line in ("", "   ", "one two", "  one  two", "one  ")] == [0, 0, 0, 7, 5]
