"""The model asks the user: the real program on a terminal, against a real server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.frontends.terminal.inquiry import Inquiry
from terminal import CTRL_D, ENTER, ESC, Terminal, environment, terminal

READY = "kimi-k2 · "
HINT = "Answer the question: a number from 1 to 2, or what you type; Enter sends it"
ASK = {"question": "Which **one** is it?", "options": ["the red one", "the blue one"]}
DONE = {"chunks": ["All ", "right."]}


def asks(arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    call = f"functions.ask_followup_question:0<|tool_call_argument_begin|>{json.dumps(arguments or ASK)}"
    text = f"<|tool_calls_section_begin|><|tool_call_begin|>{call}<|tool_call_end|><|tool_calls_section_end|>"
    return {"chunks": re.findall(".{1,4}", text)}


class Place:
    def __init__(self, path: Path, server: ScriptedServer) -> None:
        self.path, self.server = path, server
        (path / "project").mkdir()

    def agent(self, **more: str) -> Any:
        env = environment(self.path, AGENT_BASE_URL=self.server.base_url, **more)
        return terminal(cwd=self.path / "project", env=env)

    def messages(self, number: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = json.loads(self.server.bodies[number])["messages"]
        return messages


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with ScriptedServer(request.param, "kimi-k2") as server:
        yield Place(tmp_path, server)
        assert server.refusals == []


def script(*turns: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("place", [turns], indirect=True, ids=[""])


def asked(tty: Terminal) -> None:
    tty.wait(READY)
    tty.say("do it")
    tty.wait(HINT)
    tty.wait("answer>")


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "answer"), [("2", "the blue one"), ("neither, the green one", "neither, the green one")]
)
@script(asks(), DONE)
def test_a_number_or_a_line_answers(place: Place, typed: str, answer: str) -> None:
    with place.agent() as tty:
        asked(tty)
        assert re.search(r"Which one is it\?\s+1\. +the red one\s+2\. +the blue one", tty.text)
        tty.say(typed)
        tty.wait("All right.")
        assert place.messages(1)[-1]["content"] == f"The user answers: {answer}"
        assert HINT not in tty.shown
        tty.send(CTRL_D)
        assert tty.wait_end() == 0


@pytest.mark.once
@script(asks(), DONE, DONE)
def test_a_line_that_was_begun_before_is_no_answer(place: Place) -> None:
    place.server.pause = 0.5
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("do it")
        tty.send("and then the tests")
        tty.wait("> and then the tests")
        place.server.pause = 0.0
        tty.wait("(to answer, empty the line first: Enter queues it)")
        tty.send(ENTER)
        tty.wait("queued: and then the tests")
        tty.wait(HINT)
        tty.say("/help")
        tty.wait("/resume [ID]")
        tty.say("1")
        tty.wait("All right.")
        assert [message["content"] for message in place.messages(1)[-2:]] == [
            "The user answers: the red one", "and then the tests",
        ]  # fmt: skip


@pytest.mark.once
@script(asks(), DONE)
def test_it_can_be_interrupted_and_what_was_typed_stays(place: Place) -> None:
    with place.agent() as tty:
        asked(tty)
        tty.send("the re")
        tty.wait("answer> the re")
        tty.send(ESC)
        tty.wait("interrupted")
        tty.wait("> the re")
        assert "answer>" not in tty.shown
        tty.say("d one, of course")
        tty.wait("All right.")
        assert [message["role"] for message in place.messages(1)[-2:]] == ["tool", "user"]
        assert place.messages(1)[-1]["content"] == "the red one, of course"


@pytest.mark.once
@script(asks({"question": "Which one?"}), DONE)
def test_a_dumb_terminal_asks_too(place: Place) -> None:
    with place.agent(TERM="dumb") as tty:
        tty.wait(">")
        tty.say("do it")
        tty.wait("Answer the question: what you type; Enter sends it:")
        tty.say("the red one")
        tty.wait("All right.")
        assert place.messages(1)[-1]["content"] == "The user answers: the red one"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("1", "a"), (" 2. ", "b"), ("2)", "b"), ("3", "3"), ("0", "0"), ("²", "²"), ("-1", "-1"), 
        ("1 and 2", "1 and 2"), (" both ", "both"), ("a", "a"),
    ],
)  # fmt: skip
def test_what_a_line_means(line: str, answer: str) -> None:
    assert Inquiry("?", ("a", "b"), None).meant(line) == answer  # type: ignore[arg-type]
