"""The session at the keyboard, as a person has it: the real program on a terminal, against a real server."""

import inspect
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import SlowSDK
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.runtime.sandbox.policy import find
from terminal import CTRL_C, CTRL_D, ENTER, ESC, TMUX, Terminal, environment, terminal, tmux

pytestmark = pytest.mark.once

READY = "kimi-k2 · "


def pieces(text: str, size: int = 4) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def says(text: str) -> dict[str, Any]:
    return {"chunks": pieces(text)}


def thinks(thought: str, text: str) -> dict[str, Any]:
    thoughts = [{"reasoning_content": piece} for piece in pieces(thought)]
    return {"deltas": [*thoughts, *({"content": piece} for piece in pieces(text))]}


def calls(*made: tuple[str, dict[str, Any]], text: str = "") -> dict[str, Any]:
    """A turn that makes calls, as Kimi K2 leaks them."""
    blocks = "".join(
        f"<|tool_call_begin|>functions.{name}:{n}<|tool_call_argument_begin|>{json.dumps(arguments)}<|tool_call_end|>"
        for n, (name, arguments) in enumerate(made)
    )
    return says(f"{text}<|tool_calls_section_begin|>{blocks}<|tool_calls_section_end|>")


WRITE = ("write_to_file", {"path": "hello.py", "content": "print('hi')\n"})
RUN = ("execute_command", {"command": "for i in $(seq 30); do echo line $i; done"})
WAIT = ("execute_command", {"command": "while [ ! -e go ]; do sleep 0.05; done"})
SLEEP = ("execute_command", {"command": "echo be''gun; sleep 300"})


class Place:
    """A home, a project, a server, and the program."""

    def __init__(self, path: Path) -> None:
        self.home, self.project = path / "home", path / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.server: ScriptedServer
        self.environment = environment(self.home)

    def agent(self, *words: str, columns: int = 80, rows: int = 24, cold: bool = False, **more: str) -> Any:
        env = self.environment | {"AGENT_BASE_URL": self.server.base_url} | more
        return terminal(*words, cwd=self.project, env=env, columns=columns, rows=rows, cold=cold)

    def body(self, number: int = -1) -> list[dict[str, Any]]:
        """The messages of a request."""
        messages: list[dict[str, Any]] = json.loads(self.server.bodies[number])["messages"]
        return messages

    @property
    def records(self) -> list[dict[str, Any]]:
        """The only session's."""
        (file,) = (self.home / ".local/state/roundtrip/sessions").glob("*.jsonl")
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def serving(place: Place, request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    """The server of a test that says its turns with `turns`."""
    marker = request.node.get_closest_marker("turns")
    with ScriptedServer(marker.args, "kimi-k2", pause=marker.kwargs.get("pause", 0.0)) as server:
        place.server = server
        yield server
        assert server.refusals == []


turns = pytest.mark.turns


def words(count: int) -> str:
    """A document of all kinds of blocks, in which each word is another one."""
    parts, number = [], 0

    def some(how_many: int) -> str:
        nonlocal number
        number += how_many
        return " ".join(f"w{n:05}" for n in range(number - how_many, number))

    while number < count:
        parts += [
            f"## {some(3)}", f"{some(30)} **{some(2)}** and `{some(1)}`", f"- {some(4)}\n- {some(12)}\n  - {some(3)}",
            f"| {some(1)} | {some(1)} |\n|---|---|\n| {some(1)} | {some(1)} |",
            f"```python\nx = '{some(3)}'\n# {some(4)}\n\nprint()\n```", f"> {some(20)}", f"1. {some(3)}\n2. {some(14)}",
        ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def found(text: str) -> list[str]:
    return re.findall(r"w\d{5}", text)


DOCUMENT = words(2900)


@pytest.mark.parametrize("columns", [60, 200])
@pytest.mark.parametrize("kind", ["an answer after reasoning", "an answer that may be reasoning"])
def test_the_scrollback_is_the_text(place: Place, columns: int, kind: str) -> None:
    assert len(DOCUMENT) > 20_000
    turn = thinks("Hm.", DOCUMENT) if "after" in kind else says(DOCUMENT)
    with ScriptedServer([turn], "kimi-k2") as place.server, place.agent(columns=columns) as tty:
        tty.wait(READY)
        tty.say("write")
        tty.wait("tokens")
        tty.settle()
        assert found(tty.text) == found(DOCUMENT)


@pytest.mark.skipif(not TMUX, reason="needs tmux")
@pytest.mark.parametrize("widths", [(80, 60), (60, 200)], ids=str)
def test_a_resize_in_the_middle_leaves_nothing_behind(place: Place, widths: tuple[int, int]) -> None:
    before, after = widths
    reading = thinks("Hm.", DOCUMENT[:12000]) if before == 80 else says(DOCUMENT[:12000])
    with ScriptedServer([reading, says("Done.")], "kimi-k2", pause=0.001) as server:
        env = place.environment | {"AGENT_BASE_URL": server.base_url}
        with tmux(cwd=place.project, env=env, columns=before) as tty:
            tty.wait(READY)
            tty.say("write")
            for width, word in ((after, "w00100"), (before, "w00200"), (after, "w00300")):
                tty.wait(lambda word=word: max(found(tty.shown), default="") >= word)
                server.pause = 0.5  # what is written just then may come too late for the old width, and too early
                time.sleep(0.3)
                tty.resize(width)
                time.sleep(0.7)
                server.pause = 0.001
            tty.wait("tokens")
            tty.say("and")
            tty.wait(lambda: re.search(r"Done\.\s+>\s+kimi-k2 · asks first", tty.shown))
            text = tty.text
            assert found(text) == found(DOCUMENT[:12000])
            assert text.count("asks first") == 1, "the status line is there once"
            assert text.count("writing") == 0


def asked(tty: Terminal) -> None:
    """Until the first change is asked about, and a key can answer."""
    tty.wait(READY)
    tty.say("do it")
    tty.wait("Make this change?")
    tty.settle()


APPROVED = [calls(WRITE, RUN, text="I write and run."), says("All done.")]


@turns(*APPROVED)
def test_yes_by_one_key(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("Make this change?")
        assert "+print('hi')" in tty.shown, "the diff is seen before it is approved"
        assert not (place.project / "hello.py").exists()
        tty.settle()
        tty.send("y")
        tty.wait("Run this command?")
        assert (place.project / "hello.py").read_text() == "print('hi')\n"
        assert "$ for i in" in tty.shown
        tty.settle()
        tty.send("y")
        tty.wait("All done.")
        tty.settle()
        assert tty.text.count("created hello.py") == 1
        assert tty.text.count("+print('hi')") == 1
        assert "exit code 0" in tty.text
        assert "line 1\n" in tty.text
        assert "line 15\n" not in tty.text, "output is folded"
        assert "… 22 more lines: /output …" in tty.text
        assert "line 30\n" in tty.text
        tty.say("/output")
        tty.wait("> /output")
        tty.settle()
        assert "line 15\n" in tty.text, "all of it is there, if it is wanted"
        tty.say("/output 7")
        tty.wait("no output is kept under the number 7")


@turns(calls(WRITE), calls(("write_to_file", {"path": "b.py", "content": "b = 1\n"})), calls(RUN), says("All done."))
def test_always_means_this_kind_and_this_session(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        asked(tty)
        tty.send("a")
        tty.wait("Run this command?")
        assert (place.project / "b.py").exists(), "the second edit was not asked for"
        assert "+b = 1" in tty.shown, "but shown"
        tty.wait("edits allowed")
        tty.settle()
        tty.send("y")
        tty.wait("All done.")


SERVE = ("execute_command", {"command": "echo ser''ving; sleep 300", "background": True})
SOON = ("execute_command", {"command": "until [ -e go ]; do sleep 0.05; done; exit 3", "background": True})


@turns(calls(SOON), says("It runs."))
def test_that_a_command_in_the_background_has_ended_is_said(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--mode", "auto") as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("It runs.")
        (place.project / "go").touch()
        tty.wait("command 1 in the background has ended, exit code 3; /output 1")
        tty.say("/resume nothing")
        tty.wait("there is no session 'nothing'; /sessions lists them")


@turns(calls(SERVE), says("It serves."), calls(SERVE), says("Again."))
def test_who_reaches_a_server_in_the_background_is_said(place: Place, serving: ScriptedServer) -> None:
    sandbox = find(place.project).kind
    with place.agent("--mode", "auto", columns=60) as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("It serves.")
        assert ("only the agent's own commands reach" in tty.text) == (sandbox == "bwrap")
        tty.say("/output 1")
        tty.wait("it still runs")
        tty.say("/network on")
        if sandbox != "none":
            tty.wait("what runs already keeps what it was started with")
        tty.say("again")
        tty.wait("Again.")
        assert tty.text.count("only the agent's own commands reach") == (sandbox == "bwrap")


@turns(calls(WRITE, text="I write."), says("As you wish."))
def test_no_with_a_reason_goes_to_the_model(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        asked(tty)
        tty.send("n")
        tty.wait("why>")
        tty.say("use tabs")
        tty.wait("As you wish.")
        assert not (place.project / "hello.py").exists()
        assert "the user said no. They said: use tabs" in place.body()[-1]["content"]
        tty.settle()
        assert "\n> use tabs\n" in tty.text, "what was typed stays"


@turns(calls(WRITE), says("Well."))
def test_who_is_typing_does_not_answer(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 0.02
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.send("maybe y")
        tty.wait("Make this change?")
        tty.settle()
        tty.send("yes a")
        tty.settle()
        assert "maybe yyes a" in tty.shown
        assert "Make this change?" in tty.shown
        assert not (place.project / "hello.py").exists()
        tty.send(ENTER)
        tty.wait("queued: maybe yyes a")
        tty.settle()
        tty.send("y")
        tty.wait("Well.")
        assert [m["content"] for m in place.body() if m["role"] == "user"] == ["do it", "maybe yyes a"]


@turns(calls(RUN, WAIT), says("One."))
def test_what_is_queued_comes_after_the_results(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("running execute_command")
        tty.wait("$ while")
        tty.say("and then this")
        tty.wait("queued: and then this")
        (place.project / "go").touch()
        tty.wait("One.")
        assert [message["role"] for message in place.body(1)[3:]] == ["tool", "tool", "user"]
        assert place.body(1)[-1]["content"] == "and then this"
        tty.settle()
        assert tty.text.count("and then this") == 1


@turns(says("The first answer. " * 30), says("Two."))
def test_what_is_queued_too_late_is_the_next_turn(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 0.01
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("one")
        tty.wait("writing")
        tty.say("two")
        tty.wait("queued: two")
        tty.wait("Two.")
        assert [message["role"] for message in place.body()] == ["system", "user", "assistant", "user"]


def interrupted(place: Place, tty: Terminal, key: str) -> None:
    """Stops the turn, and has another one."""
    tty.send(key)
    tty.wait("interrupted")
    place.server.pause = 0.0
    tty.settle()
    tty.say("go on")
    tty.wait("Another turn.")
    assert place.body()[-1] == {"role": "user", "content": "go on"}


@pytest.mark.parametrize("key", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
@turns(says("Never heard."), says("Another turn."))
def test_interrupted_before_the_first_byte(place: Place, serving: ScriptedServer, key: str) -> None:
    serving.pause = 60.0
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("wait")
        tty.wait("waiting for the model")
        tty.wait(lambda: serving.played)
        interrupted(place, tty, key)


@pytest.mark.parametrize("key", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
@turns(says("Word by word. " * 200), says("Another turn."))
def test_interrupted_while_it_streams(place: Place, serving: ScriptedServer, key: str) -> None:
    serving.pause = 0.02
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("write")
        tty.wait("Word by word. Word")
        interrupted(place, tty, key)
        assert "Word by word. Word" in tty.text, "what was seen stays"


@pytest.mark.parametrize("key", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
@turns(calls(WRITE, RUN), says("Another turn."))
def test_interrupted_while_it_asks(place: Place, serving: ScriptedServer, key: str) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("write")
        tty.wait("Make this change?")
        interrupted(place, tty, key)
        results = [message["content"] for message in place.body() if message["role"] == "tool"]
        assert [result.startswith("Not run") for result in results] == [True, True]
        assert not (place.project / "hello.py").exists()


@pytest.mark.parametrize("key", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
@turns(calls(SLEEP, WRITE), says("Another turn."))
def test_interrupted_while_a_tool_runs(place: Place, serving: ScriptedServer, key: str) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("run")
        tty.wait("begun")
        interrupted(place, tty, key)
        results = [message["content"] for message in place.body() if message["role"] == "tool"]
        assert "may have run" in results[0]
        assert results[1].startswith("Not run")


@turns(says("Never heard."))
def test_what_was_queued_comes_back_when_it_is_stopped(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 60.0
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("wait")
        tty.wait(lambda: serving.played)
        tty.say("precious")
        tty.wait("queued: precious")
        tty.send(ESC)
        tty.wait("> precious")
        assert "queued: " not in tty.shown


PASTE = "".join(f"pasted line {number}\n" for number in range(2000))


@turns(says("Long."))
def test_a_paste_of_2000_lines(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.send(f"\x1b[200~{PASTE}\x1b[201~")
        tty.wait("pasted line 1999")
        assert serving.played == 0, "newlines in a paste don't send it"
        tty.send(ENTER)
        tty.wait("Long.")
        assert place.body()[-1]["content"] == PASTE
        assert "1990 more lines" in tty.text or "1991 more lines" in tty.text


def test_what_was_queued_comes_back_when_the_turn_fails(place: Place) -> None:
    with ScriptedServer([says("Word by word. " * 100)], "kimi-k2", pause=0.02) as place.server, place.agent() as tty:
        tty.wait(READY)
        tty.say("one")
        tty.wait("Word by word.")
        tty.say("precious")
        tty.wait("queued: precious")
        place.server.__exit__()
        tty.wait("> precious")
        tty.wait("to try again")


@turns(says("Good."))
def test_several_lines_can_be_typed(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.send("one\\\rtwo\x1b\rthree\nfour")
        tty.settle()
        tty.send(ENTER)
        tty.wait("Good.")
        assert place.body()[-1]["content"] == "one\ntwo\nthree\nfour"


@turns(says("First."), says("Second."))
def test_a_session_is_taken_up_again(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("hello")
        tty.wait("First.")
        tty.settle()
        tty.send(CTRL_D)
        assert tty.wait_end() == 0
        (resume,) = re.findall(r"agent --resume (\S+)", tty.text)
    for words in (("--continue",), ("--resume", resume), ("--resume", resume[-4:])):
        with place.agent(*words) as tty:
            tty.wait(READY)
            assert "> hello" in tty.shown
            assert "First." in tty.shown
            if words[0] == "--continue":
                tty.say("again")
                tty.wait("Second.")
    assert [message["content"] for message in place.body()[1:]] == ["hello", "First.", "again"]
    assert place.body(1)[0] == place.body(0)[0], "the system prompt stays as it was"


@turns(says("First."))
def test_commands(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("/help")
        tty.wait("/sessions")
        tty.say("/modell")
        tty.wait("did you mean /model?")
        tty.say("/model")
        tty.wait("1. kimi-k2 (now)")
        tty.say("/network on")
        tty.wait("commands have the network from now on")
        tty.say("hello")
        tty.wait("First.")
        tty.say("/clear")
        tty.wait("a new session; the one before")
        tty.say("/sessions")
        tty.wait("1. ")
        assert "hello" in tty.shown
        tty.say("/resume 1")
        tty.wait("> hello")
        tty.say("/quit")
        assert tty.wait_end() == 0
        assert serving.played == 1, "none of it went to the model"


@turns(says("A file."))
def test_completion(place: Place, serving: ScriptedServer) -> None:
    (place.project / "src").mkdir()
    (place.project / "src" / "module.py").touch()
    with place.agent() as tty:
        tty.wait(READY)
        tty.send("/mo")
        tty.wait("/model")
        tty.send("\x7f\x7f\x7fread @mod")
        tty.wait("src/module.py")
        tty.send("\t")
        tty.wait("@src/module.py")
        tty.send(ENTER)
        tty.settle()
        tty.send(ENTER)
        tty.wait("A file.")
        assert place.body()[-1]["content"] == "read @src/module.py"


@turns(says("**Good** `code`."), says("Yes."))
def test_no_color(place: Place, serving: ScriptedServer) -> None:
    with place.agent(NO_COLOR="1") as tty:
        tty.wait(READY)
        tty.say("hello")
        tty.wait("Good")
        tty.settle()
        colors = re.findall(rb"\x1b\[[0-9;]*\b(?:3[0-7]|4[0-7]|9[0-7]|38;[0-9;]+|48;[0-9;]+)[0-9;]*m", tty.raw)
        assert colors == []


@turns(calls(WRITE), says("It is *done*."))
def test_a_dumb_terminal(place: Place, serving: ScriptedServer) -> None:
    with place.agent(TERM="dumb") as tty:
        tty.say("do it")
        tty.wait("Make this change?")
        tty.say("no use tabs")
        tty.wait("It is done.")
        assert b"\x1b" not in tty.raw
        assert "They said: no use tabs" in place.body()[-1]["content"]
        tty.send(CTRL_D)
        assert tty.wait_end() == 0


@turns(calls(SLEEP), says("Another turn."))
def test_a_dumb_terminal_can_be_interrupted(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--yes", TERM="dumb") as tty:
        tty.say("run")
        tty.wait("sleep 300")
        tty.settle()
        tty.send(CTRL_C)
        tty.wait("interrupted")
        tty.say("go on")
        tty.wait("Another turn.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@turns(calls(SLEEP))
def test_a_signal_closes_the_session(place: Place, serving: ScriptedServer, number: signal.Signals) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("run")
        tty.wait("begun")
        os.kill(tty.process, number)
        assert tty.wait_end() == 128 + number
        assert [record["type"] for record in place.records][-2:] == ["interrupted", "turn_ended"]


@turns(says("Here I am."))
def test_the_prompt_is_there_before_what_is_heavy(place: Place, serving: ScriptedServer, tmp_path: Path) -> None:
    sdk = SlowSDK(tmp_path / "slow")
    with place.agent(cold=True, PYTHONPATH=str(sdk.folder)) as tty:
        tty.wait("starting")
        tty.say("typed early")
        tty.wait("queued: typed early")
        tty.say("/jobs")
        tty.wait("queued: /jobs")
        sdk.release()
        tty.wait("Here I am.")
        tty.wait("no command runs in the background")


@turns(says("Word by word. " * 400))
def test_typing_while_it_streams(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 0.002
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("write")
        tty.wait("Word by word")
        for end in range(1, 30):
            tty.send("abcdefghijklmnopqrstuvwxyz0123456789"[end - 1])
            tty.wait("> " + "abcdefghijklmnopqrstuvwxyz0123456789"[:end])
        assert "tokens" not in tty.shown, "it still streams"


@turns(says("Hello."))
def test_no_work_while_nothing_happens(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("hi")
        tty.wait("Hello.")
        tty.settle(1.0)
        before, at = ticks(tty.process), time.monotonic()
        assert not tty.read(3.0), "nothing is drawn"
        used = (ticks(tty.process) - before) / os.sysconf("SC_CLK_TCK")
        assert used <= 0.02 * (time.monotonic() - at)


def ticks(process: int) -> int:
    """CPU time of a process."""
    return sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))


def test_a_server_that_is_not_there_is_said_and_nothing_lost(place: Place) -> None:
    place.server = ScriptedServer([says("Now.")], "kimi-k2")
    with place.server as server:
        url = server.base_url
    env = place.environment | {"AGENT_BASE_URL": url}
    with terminal(cwd=place.project, env=env) as tty:
        tty.wait("is the server running?")
        tty.say("hello")
        tty.wait(lambda: tty.text.count("is the server running?") == 2)
        tty.wait("> hello")


@turns(says("Never."))
def test_ctrl_d_leaves_while_it_works(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 60.0
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("wait")
        tty.wait(lambda: serving.played)
        tty.send(CTRL_D)
        assert tty.wait_end() == 0


@turns(says("\x1b]0;title\x07 and \x1b[31mred\x1b[2J."))
def test_a_model_can_not_write_to_the_terminal(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("hi")
        tty.wait("red")
        assert b"\x1b]0;" not in tty.raw
        assert b"\x1b[2J" not in tty.raw


TWO_WRITES = calls(WRITE, ("write_to_file", {"path": "b.py", "content": "b = 1\n"}))


@turns(calls(WRITE), says("Well."))
def test_a_word_is_no_answer_whatever_it_begins_with(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        asked(tty)
        for letter in "actually":
            tty.send(letter)
            tty.settle(0.1)
        tty.settle()
        assert "> actually" in tty.shown
        assert "Make this change?" in tty.shown
        assert not (place.project / "hello.py").exists()


@turns(calls(WRITE), says("Well."))
@pytest.mark.parametrize("pause", [0.0, 0.5], ids=["fast", "slow"])
def test_a_whole_word_answers(place: Place, serving: ScriptedServer, pause: float) -> None:
    with place.agent() as tty:
        asked(tty)
        for letter in "yes":
            tty.send(letter)
            time.sleep(pause)
        tty.send(ENTER)
        tty.wait("Well.")
        tty.settle()
        assert "queued" not in tty.shown
        assert [m["content"] for m in place.body() if m["role"] == "user"] == ["do it"]
        assert (place.project / "hello.py").exists()


@turns(calls(WRITE), says("Well."))
def test_what_means_an_answer_and_is_none_is_told_so(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        asked(tty)
        tty.send("OK")
        tty.settle()
        tty.send(ENTER)
        tty.wait("this is no answer: y, a, or n and why")
        tty.send("NO, use ruby")
        tty.settle()
        tty.send(ENTER)
        tty.wait("Well.")
        said = next(m["content"] for m in place.body() if m["role"] == "tool")
        assert said == "Not run: the user said no. They said: use ruby"
        assert [m["content"] for m in place.body() if m["role"] == "user"] == ["do it"]
        assert not (place.project / "hello.py").exists()


@turns(calls(WRITE), says("Well."))
def test_a_search_in_the_history_is_no_answer(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("maybe yes")
        tty.wait("Make this change?")
        tty.settle()
        tty.send("\x12")
        tty.settle()
        tty.send("yes")
        tty.settle()
        assert not (place.project / "hello.py").exists()
        tty.send(CTRL_C)
        tty.settle()
        assert "Make this change?" in tty.shown, "the search is left, and no more"


@turns(TWO_WRITES, says("Well."))
def test_the_next_question_is_not_answered_by_what_was_typed_before(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        asked(tty)
        tty.send("n")
        tty.wait("why>")
        tty.send("no" + ENTER + "again")
        tty.wait("again")
        tty.settle()
        assert not (place.project / "b.py").exists()
        assert "> again" in tty.shown


@turns(calls(WRITE), says("Well."))
def test_a_dumb_terminal_wants_a_whole_word(place: Place, serving: ScriptedServer) -> None:
    with place.agent(TERM="dumb") as tty:
        tty.say("do it")
        tty.wait("Make this change?")
        tty.say("a test is failing, look at that first")
        tty.wait("y, a, or n and why:")
        assert not (place.project / "hello.py").exists()
        tty.say("Yes")
        tty.wait("Well.")
        assert (place.project / "hello.py").exists()


@turns(says("Word by word. " * 40))
def test_what_is_said_after_a_command_waits_for_the_command(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 0.01
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("one")
        tty.wait("Word by word.")
        tty.say("/sessions")
        tty.say("two")
        tty.wait("queued: two")
        tty.send(ESC)
        tty.wait("not run: /sessions")
        tty.wait("> two")


def silent_listener() -> socket.socket:
    """A server that accepts and never answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    return listener


@pytest.mark.parametrize("key", [ESC, CTRL_D, "SIGTERM"])
def test_a_server_that_hangs_keeps_nothing_and_nobody(place: Place, key: str) -> None:
    with silent_listener() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with terminal(cwd=place.project, env=place.environment | {"AGENT_BASE_URL": url}) as tty:
            tty.wait("looking for the model")
            tty.say("precious")
            tty.wait("queued: precious")
            if key == "SIGTERM":
                os.kill(tty.process, signal.SIGTERM)
                assert tty.wait_end() == 143
                return
            tty.send(key)
            if key == CTRL_D:
                assert tty.wait_end() == 0
                return
            tty.wait("> precious")
            tty.send(ENTER)
            tty.wait("looking for the model")
            tty.settle()
            tty.send(key)
            tty.wait("> precious")


@turns(calls(SLEEP, WRITE))
def test_a_terminal_that_is_closed_closes_the_session(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("run")
        tty.wait("begun")
        tty.hang_up()
        assert tty.wait_end() == 129
        assert [record["type"] for record in place.records][-3:] == ["tool_finished", "interrupted", "turn_ended"]


@turns(says("Hello."))
def test_a_history_that_can_not_be_kept_is_no_reason_to_stop(place: Place, serving: ScriptedServer) -> None:
    state = place.home / ".local/state/roundtrip"
    state.mkdir(parents=True)
    (state / "history").touch()
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("hi")
        tty.wait("Hello.")


@turns(says("Hello."))
def test_the_editor_gives_back_what_was_written(place: Place, serving: ScriptedServer) -> None:
    editor = place.home / "editor"
    editor.write_text("#!/bin/sh\nprintf 'from the editor' > \"$1\"\n", encoding="utf-8")
    editor.chmod(0o755)
    with place.agent(EDITOR=str(editor)) as tty:
        tty.wait(READY)
        tty.send("draft\x18\x05")
        tty.wait("> from the editor")
        tty.send(ENTER)
        tty.wait("Hello.")
        assert place.body()[-1]["content"] == "from the editor"


@turns(says("Hello."))
def test_a_command_that_takes_nothing_gives_back_the_line(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("/clear please fix it")
        tty.wait("takes nothing behind it")
        tty.wait("> /clear please fix it")


def test_what_the_screen_needs_of_prompt_toolkit_is_there() -> None:
    """reflow.py and screen.py stand on parts that are not promised."""
    from prompt_toolkit.application import Application
    from prompt_toolkit.renderer import Renderer

    application, renderer = inspect.getsource(Application), inspect.getsource(Renderer)
    assert all(name in application for name in ("def _redraw", "def _on_resize", "self._running_in_terminal"))
    assert all(name in renderer for name in ("self._cursor_pos", "self._last_screen", "self._last_size"))


@turns(calls(WRITE), says("I may not."))
def test_a_prompt_on_a_terminal_tells_what_is_awaited(place: Place, serving: ScriptedServer) -> None:
    serving.pause = 0.03
    with place.agent("write it") as tty:
        tty.wait("waiting for the model … ")
        assert tty.wait_end() == 4
        assert "waiting for" not in tty.shown, "it is written over"
        assert "--allow edit" in tty.shown
        assert "I may not." in tty.shown


@turns(calls(RUN), says("Done."))
def test_repairs_are_told(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("/repairs")
        tty.wait("nothing had to be repaired")
        tty.say("do it")
        tty.wait("1 repair")
        tty.wait("Done.")
        tty.say("/repairs")
        tty.wait("1 leaked call")


@pytest.mark.parametrize(("folder", "shown"), [("home/work", "~/work"), ("home", "~"), ("homeless", "/homeless")])
def test_the_greeting_names_the_folder_and_no_password(place: Place, folder: str, shown: str) -> None:
    where = place.home.parent / folder
    where.mkdir(exist_ok=True)
    env = place.environment | {"AGENT_BASE_URL": "http://me:secret@127.0.0.1:9/v1"}
    with terminal(cwd=where, env=env, columns=200) as tty:
        tty.wait("is the server running?")
        assert f"{shown} · http://…@127.0.0.1:9/v1 · /help" in tty.text
        assert "secret" not in tty.text


GREP = ("execute_command", {"command": "grep -c print hello.txt"})
GREP_AGAIN = ("execute_command", {"command": "grep -c hello hello.txt"})


@turns(calls(GREP), says("Done."))
def test_a_question_fits_a_narrow_terminal(place: Place, serving: ScriptedServer) -> None:
    with place.agent(columns=40) as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("Run this command?")
        tty.settle()
        lines = [line.rstrip() for line in tty.shown.splitlines()]
        at = lines.index("[y]es  [n]o, and why")
        assert lines[at + 1 : at + 3] == ["[a]lways in this session, [p] in this", "project: grep *"]
        tty.send("y")
        tty.wait("Done.")


@turns(calls(GREP), calls(GREP_AGAIN), says("Done."), calls(GREP_AGAIN), says("Done again."), calls(GREP))
def test_always_in_this_project_holds_in_the_next_run(place: Place, serving: ScriptedServer) -> None:
    (place.project / "hello.txt").write_text("print hello\n", encoding="utf-8")
    with place.agent() as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("Run this command?")
        assert "[p] in this project: grep *" in tty.shown, "what would be remembered is shown"
        tty.settle()
        tty.send("p")
        tty.wait("Done.")
        assert tty.text.count("Run this command?") == 0
        tty.send(CTRL_D)
        tty.wait_end()
    with place.agent("--continue") as tty:
        tty.wait("Done.")
        tty.wait(READY)
        tty.say("again")
        tty.wait("Done again.")
        tty.say("/mode")
        tty.wait("1. grep * (in this project)")
        tty.say("/mode forget 2")
        tty.wait("/mode forget takes a number")
        tty.say("/mode forget 1")
        tty.wait("no longer allowed: grep * (in this project)")
        tty.say("/mode forget all")
        tty.wait("you have allowed nothing that could be forgotten")
        tty.say("and again")
        tty.wait("Run this command?")
    assert not list(place.project.glob(".agent*")), "nothing of it is in the project"


@turns(calls(("read_file", {"path": "/etc/passwd"})), calls(WRITE), says("That is my plan."))
def test_modes_by_key_and_by_name(place: Place, serving: ScriptedServer) -> None:
    with place.agent() as tty:
        tty.wait("asks first")
        for words in ("edits allowed", "edits and commands allowed", "plan mode", "asks first"):
            tty.send("\x1b[Z")
            tty.wait(words)
        tty.say("/mode yolo")
        tty.wait("there is no mode yolo")
        tty.say("/mode plan")
        tty.wait("plan mode")
        tty.say("do it")
        tty.wait("/etc/passwd is outside the workspace.")
        assert "[p] in this project: read in /etc" in tty.shown
        tty.settle()
        tty.send("n")
        tty.wait("why>")
        tty.send(ENTER)
        tty.wait("That is my plan.")
        assert "plan mode" in place.body()[-1]["content"]
        assert not (place.project / "hello.py").exists()


@turns(calls(("write_to_file", {"path": "AGENTS.md", "content": "x\n"})), says("Well."))
def test_what_is_obeyed_unasked_has_no_always(place: Place, serving: ScriptedServer) -> None:
    with place.agent("--yes") as tty:
        tty.wait(READY)
        tty.say("do it")
        tty.wait("AGENTS.md tells every agent here what to do.")
        assert "(asked each time)" in tty.shown
        assert "[a]lways" not in tty.shown
        tty.settle()
        tty.send("a")
        tty.settle(1)
        assert "Make this change?" in tty.shown, "a letter that is no answer goes into the line"
        tty.send("\x7f")
        tty.settle()
        tty.send("y")
        tty.wait("Well.")
        assert (place.project / "AGENTS.md").exists()


@turns(calls(GREP), says("Done."))
def test_a_projects_configuration_counts_when_it_was_accepted(place: Place, serving: ScriptedServer) -> None:
    (place.project / "hello.txt").write_text("print\n", encoding="utf-8")
    config = place.project / ".agent" / "config.toml"
    config.parent.mkdir()
    config.write_text('mode = "edits"\n\n[commands]\nallow = ["grep *"]\n', encoding="utf-8")
    with place.agent() as tty:
        tty.wait(".agent/config.toml is ignored until you accept it: /trust shows it")
        tty.wait(READY)
        tty.say("/trust yes")
        tty.wait('allow = ["grep *"]')
        tty.say("/trust yes")
        tty.wait("accepted, as long as it stays as it is; the mode is edits from now on")
        tty.say("do it")
        tty.wait("Done.")
    with terminal("trust", cwd=place.project, env=place.environment) as tty:
        tty.wait("You have accepted it.")
    config.write_text('[commands]\nallow = ["grep *", "*"]\n', encoding="utf-8")
    with terminal("trust", cwd=place.project, env=place.environment) as tty:
        tty.wait("[y/N]")
        tty.say("n")
        tty.wait("It is ignored.")
