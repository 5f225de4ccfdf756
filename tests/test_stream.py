"""One turn for scripts, as they see it: the stream of events, the session behind it, and how it ends when it must."""

import fcntl
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from processes import SlowSDK
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.events import CLOSED, TYPES
from zygote import Program

pytestmark = pytest.mark.once

SCHEMA = Path(__file__).parents[1] / "agent" / "events.schema.json"
check = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
AGENT = (sys.executable, "-m", "roundtrip.agent")
ANSWER = {"chunks": ["All ", "fine."]}
ENDLESS = {"chunks": ["word "] * 100_000}
"""With a pause before each, it lasts longer than any test."""

TURN = re.compile(
    r"user_said ("
    r"request_sent ((reasoning_delta|text_delta|call_begun|argument_delta) )*(usage_reported )?(repaired )*"
    r"((reclassified|call_dropped) )*(call_ready )*(model_changed )?"
    r"assistant_ended (tool_started (tool_output )*tool_finished )*"
    r")+turn_ended"
)
"""The order that EVENTS.md shows, for a turn in which nothing fails."""


def leak(*made: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A turn that makes calls, as Kimi K2 writes them."""
    blocks = [
        f"<|tool_call_begin|>functions.{name}:{n}<|tool_call_argument_begin|>{json.dumps(arguments)}<|tool_call_end|>"
        for n, (name, arguments) in enumerate(made)
    ]
    return {"chunks": ["<|tool_calls_section_begin|>", *blocks, "<|tool_calls_section_end|>"]}


LOOK = leak(("list_files", {}))
WRITE = leak(("write_to_file", {"path": "a.txt", "content": "hi\n"}))
WAIT = "sleep 300 & echo $$ > group; wait"
"""A command that has begun when the file is there, and doesn't end by itself."""


class Home:
    """A home folder, a project, and the command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.project = path / "project"
        self.project.mkdir()
        self.environment = {"HOME": str(path), "PATH": os.environ["PATH"]}

    def start(self, *words: str, before: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
        """before: a command that starts ours, cold."""
        environment = self.environment | options.pop("environment", {})
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        options = {"text": True, "encoding": "utf-8", "env": environment, "cwd": self.project, **pipes, **options}
        return subprocess.Popen([*before, *AGENT, *words], **options) if before else Program(words, **options)

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        with self.start(*words, **options) as process:
            return ended(process)

    @property
    def session(self) -> Path:
        """The only one."""
        (file,) = (self.path / ".local/state/roundtrip/sessions").glob("*.jsonl")
        return file

    @property
    def records(self) -> list[dict[str, Any]]:
        """The session's, without its header."""
        return read(self.session.read_text(encoding="utf-8"))[1:]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """The end of a process that ends by itself, and without a cry."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Traceback" not in (err or "")
    assert "Exception ignored" not in (err or "")
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def playing(*turns: dict[str, Any], pause: float = 0.0) -> Iterator[ScriptedServer]:
    """A server with this script; at the end, every request must have been as it should."""
    with ScriptedServer(turns, "kimi-k2", pause=pause) as server:
        yield server
        assert server.refusals == []


def messages(server: ScriptedServer, number: int) -> list[dict[str, Any]]:
    """Of a request."""
    value = json.loads(server.bodies[number])["messages"]
    assert isinstance(value, list)
    return value


def read(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def types(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def closed(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The closed ones, without the time."""
    return [
        {name: value for name, value in event.items() if name != "at"}
        for event in events
        if TYPES[event["type"]] in CLOSED
    ]


def until_there(file: Path, process: subprocess.Popen[str]) -> str:
    """What a command has written into a file, as soon as it has."""
    while not (file.exists() and file.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.02)
    return file.read_text().strip()


@contextmanager
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def until_full(process: subprocess.Popen[str]) -> None:
    """Until the pipe from the process holds as much as it can take, nearly."""
    assert process.stdout is not None
    held = bytearray(4)
    while int.from_bytes(held, sys.byteorder) < 60_000:
        assert process.poll() is None
        time.sleep(0.02)
        fcntl.ioctl(process.stdout, termios.FIONREAD, held)


def gone(group: int) -> bool:
    """Whether a process group is gone, soon."""
    for _ in range(250):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


# --- the stream


def test_every_line_is_an_event_and_they_come_in_order(home: Home) -> None:
    with playing(LOOK, ANSWER) as server:
        said = home.run("look", "--stream-json", "--base-url", server.base_url)
    events = read(said.stdout)
    for event in events:
        check(event)
    assert said.returncode == 0
    assert TURN.fullmatch(" ".join(types(events))), types(events)
    assert {"tool_started", "tool_finished", "text_delta", "call_begun", "repaired"} <= set(types(events))
    assert events[-1]["answer"] == "All fine."
    assert "repair: leaked_call" in said.stderr


@pytest.mark.parametrize(
    ("turns", "flags", "code"),
    [((ANSWER,), (), 0), ((WRITE, ANSWER), (), 4), ((LOOK, ANSWER), ("--max-steps", "1"), 3), ((), (), 1)],
    ids=["answered", "refused", "limit", "failed"],
)
def test_the_exit_code_is_the_same_as_without(
    home: Home, turns: tuple[dict[str, Any], ...], flags: tuple[str, ...], code: int
) -> None:
    for out in ("--stream-json", "--json"):
        with ScriptedServer(turns, "kimi-k2") as server:
            said = home.run("go", out, *flags, "--base-url", server.base_url)
        assert said.returncode == code
        for line in read(said.stdout) if out == "--stream-json" else ():
            check(line)


def test_the_session_holds_the_closed_events(home: Home) -> None:
    with playing(LOOK, ANSWER) as server:
        said = home.run("look", "--stream-json", "--base-url", server.base_url)
    for record in home.records:
        check(record)
    assert closed(home.records) == closed(read(said.stdout))
    assert types(closed(home.records)) == ["user_said", "assistant_ended", "tool_finished", "assistant_ended"]


# --- the session


def test_continue_goes_on_with_the_session_of_this_folder(home: Home) -> None:
    with playing(ANSWER, ANSWER) as server:
        home.run("first", "--base-url", server.base_url)
        said = home.run("second", "--continue", "--stream-json", "--base-url", server.base_url)
        assert said.returncode == 0
        before = [*messages(server, 0), {"role": "assistant", "content": "All fine."}]
        assert messages(server, 1) == [*before, {"role": "user", "content": "second"}]
        assert types(closed(home.records)) == ["user_said", "assistant_ended"] * 2
        assert closed(home.records)[2:] == closed(read(said.stdout)), "what was before is not told again"
        elsewhere = home.path / "elsewhere"
        elsewhere.mkdir()
        said = home.run("third", "--continue", "--base-url", server.base_url, cwd=elsewhere)
        assert (said.returncode, said.stdout) == (2, "")
        assert "no session in this folder" in said.stderr
        assert len(server.bodies) == 2


def test_resume_takes_an_id_or_a_part_of_it(home: Home) -> None:
    with playing(ANSWER, ANSWER, ANSWER) as server:
        home.run("first", "--base-url", server.base_url)
        name = home.session.stem
        for part in (name, name[9:]):
            assert home.run("again", "--resume", part, "--base-url", server.base_url).returncode == 0
        assert [message["content"] for message in messages(server, 2)[1::2]] == ["first", "again", "again"]


def test_an_id_that_does_not_name_one_session_is_refused(home: Home) -> None:
    with playing(ANSWER) as server:
        home.run("one", "--base-url", server.base_url)
    name = home.session.stem
    with playing(ANSWER) as server:
        home.run("two", "--base-url", server.base_url)
        for part, said in ((name[:2], "2 sessions"), ("nowhere", "no session 'nowhere'")):
            refused = home.run("three", "--resume", part, "--base-url", server.base_url)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert said in refused.stderr
            assert "agent sessions" in refused.stderr
        assert len(server.bodies) == 1


def test_json_names_the_session(home: Home) -> None:
    with playing(ANSWER, ANSWER) as server:
        printed = json.loads(home.run("hi", "--json", "--base-url", server.base_url).stdout)
        assert printed["session"] == home.session.stem
        said = home.run("hi", "--json", "--resume", printed["session"], "--base-url", server.base_url)
        assert json.loads(said.stdout)["session"] == printed["session"]


def test_only_the_owner_may_read_sessions(home: Home) -> None:
    with playing(ANSWER) as server:
        home.run("hi", "--base-url", server.base_url, umask=0)
    assert stat.S_IMODE(home.session.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.session.parent.stat().st_mode) == 0o700


def test_a_session_that_cannot_be_saved_is_no_reason_to_stop(home: Home) -> None:
    (home.path / "file").touch()
    state = {"XDG_STATE_HOME": str(home.path / "file")}
    with playing(LOOK, ANSWER) as server:
        said = home.run("hi", "--json", "--base-url", server.base_url, environment=state)
    assert said.returncode == 0
    assert said.stderr.count("the session can't be saved") == 1
    printed = json.loads(said.stdout)
    assert (printed["answer"], printed["session"]) == ("All fine.", "")


# --- signals


@pytest.mark.parametrize("out", ["--json", "--stream-json"])
def test_sigterm_ends_a_command_and_the_session_goes_on(home: Home, out: str) -> None:
    with playing(leak(("execute_command", {"command": WAIT})), ANSWER) as server:
        with home.start("wait", "--yes", "--sandbox", "off", out, "--base-url", server.base_url) as process:
            group = int(until_there(home.project / "group", process))
            assert os.getpgid(group) == group
            process.send_signal(signal.SIGTERM)
            said = ended(process)
        assert said.returncode == 143
        assert gone(group)
        assert types(home.records)[-2:] == ["interrupted", "turn_ended"]
        if out == "--json":
            printed = json.loads(said.stdout)
            assert (printed["outcome"], printed["exit_code"]) == ("interrupted", 143)
            assert printed["session"] == home.session.stem
        else:
            assert types(read(said.stdout))[-2:] == ["interrupted", "turn_ended"]
        assert home.run("go on", "--continue", "--base-url", server.base_url).stdout == "All fine.\n"
        assert "may have run" in messages(server, 1)[-2]["content"]


class Silent:
    """A server that hears a request and says nothing, until it is told to; but it tells of itself."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(60)
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        self._heard: list[socket.socket] = []

    def request(self) -> str:
        """Path of the next request, of those that are not about the server itself."""
        connection, _ = self._listening.accept()
        self._heard.append(connection)
        said = connection.recv(65536).decode()
        if not said:  # whoever asked has given up, on a machine with much to do
            return self.request()
        path = said.split()[1]
        if path == "/props":
            body = '{"default_generation_settings": {"n_ctx": 131072}}'
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            connection.sendall(f"{head}connection: close\r\n\r\n{body}".encode())
            return self.request()
        return path

    def answer(self, text: str) -> None:
        """To the last request."""
        chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
        self._heard[-1].sendall(f"{head}{body}".encode())

    def close(self) -> None:
        for one in (self._listening, *self._heard):
            one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


FIRST_BYTE = ("--model", "kimi-k2"), "/v1/chat/completions"
MODELS = (), "/v1/models"


@pytest.mark.parametrize(("flags", "path"), [FIRST_BYTE, MODELS], ids=["first byte", "before the turn"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=["TERM", "HUP", "INT"]
)
def test_a_signal_ends_the_waiting(
    home: Home, silent: Silent, flags: tuple[str, ...], path: str, number: signal.Signals, code: int
) -> None:
    with home.start("hi", "--json", *flags, "--base-url", silent.base_url, before=["env"]) as process:
        assert silent.request() == path
        process.send_signal(number)
        said = ended(process)
    assert said.returncode == code
    printed = json.loads(said.stdout)
    assert (printed["exit_code"], printed["answer"]) == (code, "")
    assert printed["outcome"] == "interrupted"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"])
def test_a_signal_while_the_sdk_is_loaded(home: Home, silent: Silent, number: signal.Signals, code: int) -> None:
    sdk, (flags, _) = SlowSDK(home.path / "slow"), FIRST_BYTE
    before = ["env", f"PYTHONPATH={sdk.folder}"]
    with home.start("hi", "--json", *flags, "--base-url", silent.base_url, before=before) as process:
        sdk.wait()
        process.send_signal(number)
        sdk.release()
        said = ended(process)
    assert (said.returncode, json.loads(said.stdout)["outcome"]) == (code, "interrupted")


def test_nohup_keeps_it_running(home: Home, silent: Silent) -> None:
    flags, path = FIRST_BYTE
    with home.start("hi", *flags, "--base-url", silent.base_url, before=["nohup"]) as process:
        assert silent.request() == path
        process.send_signal(signal.SIGHUP)
        silent.answer("still here")
        said = ended(process)
    assert (said.returncode, said.stdout) == (0, "still here\n")


# --- nobody listens


def test_it_ends_when_nobody_reads_the_stream(home: Home) -> None:
    with playing(ENDLESS, pause=0.005) as server:
        with home.start("talk", "--stream-json", "--base-url", server.base_url) as process:
            assert process.stdout is not None
            while json.loads(process.stdout.readline())["type"] != "text_delta":
                pass
            process.stdout.close()
            process.stdout = None
            said = ended(process)
        assert said.returncode == 1
        assert types(home.records)[-2:] == ["interrupted", "turn_ended"]


def test_nobody_reads_the_stream_from_the_start(home: Home) -> None:
    with ScriptedServer([ENDLESS], "kimi-k2", pause=0.005) as server, unread() as pipe:
        said = home.run("talk", "--stream-json", "--base-url", server.base_url, stdout=pipe)
    assert said.returncode == 1
    assert types(home.records) == ["user_said", "interrupted", "turn_ended"]


def test_sigterm_is_heard_while_nobody_reads(home: Home) -> None:
    """As with a parent that ends its child and waits, but has stopped to read."""
    with playing(ENDLESS) as server:
        with home.start("talk", "--stream-json", "--base-url", server.base_url) as process:
            until_full(process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 143
            said = ended(process)
        for event in read(said.stdout[: said.stdout.rindex("\n")]):
            check(event)
        assert types(home.records)[-2:] == ["interrupted", "turn_ended"]


def test_what_a_crash_left_open_is_closed(home: Home) -> None:
    commands = leak(("execute_command", {"command": WAIT}), ("execute_command", {"command": "touch never"}))
    with playing(commands, ANSWER) as server:
        with home.start("wait", "--yes", "--sandbox", "off", "--base-url", server.base_url) as process:
            group = int(until_there(home.project / "group", process))
            process.kill()
        os.killpg(group, signal.SIGKILL)
        before = closed(home.records)
        said = home.run("go on", "--continue", "--stream-json", "--base-url", server.base_url)
        assert said.returncode == 0
        told = closed(read(said.stdout))
        assert types(closed(home.records)[len(before) :]) == ["tool_finished", "interrupted", *types(told)]
        first, second = (message["content"] for message in messages(server, 1)[-3:-1])
        assert "may have run" in first
        assert "Not run" in second
        assert not (home.project / "never").exists()


def test_a_closed_stderr_costs_nothing_but_the_news(home: Home) -> None:
    with playing(LOOK, ANSWER) as server:
        said = home.run("look", "--base-url", server.base_url, before=["sh", "-c", 'exec "$@" 2>&-', "sh"])
    assert (said.returncode, said.stdout) == (0, "All fine.\n")


def test_nobody_reads_stderr(home: Home) -> None:
    with playing(LOOK, ANSWER) as server, unread() as pipe:
        said = home.run("look", "--base-url", server.base_url, stderr=pipe)
        assert (said.returncode, said.stdout) == (0, "All fine.\n")
        said = home.run("look", "--workspace", "nowhere", "--base-url", server.base_url, stderr=pipe)
        assert (said.returncode, said.stdout) == (2, ""), "there is something to say, too, but nobody to hear"
