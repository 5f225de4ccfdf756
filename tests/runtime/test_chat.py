"""Sessions with a real server, on a real disk: what is kept, and how one goes on with it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_server import Answer, FaultServer, call, calls, deltas, props, says, serving
from roundtrip.agent.conversation import INTERRUPTED
from roundtrip.agent.events import (
    CLOSED,
    AssistantEnded,
    Event,
    Interrupted,
    ModelChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserSaid,
)
from roundtrip.agent.messages import Call, Result
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.session_log import ALSO, Loaded, SessionError, load
from roundtrip.agent.runtime.sessions import NOT_STARTED, RESULT_LOST, find, summaries
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.tooling import Intent, ModelFailure, Refusal, Situation
from roundtrip.tools.toolset import CORE, default_tools

MODEL = "kimi-k2"
"""Its family is known from its name."""


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Place:
    """A project, and a folder for its sessions. system: the prompt of the next session."""

    def __init__(self, path: Path) -> None:
        self.root, self.sessions = path / "project", path / "sessions"
        self.root.mkdir()
        self.system = "Be good."
        self.events: list[Event] = []
        self.said: list[str] = []

    def setup(self, base_url: str, model: str = MODEL, source: str = "config.toml", **changes: Any) -> Setup:
        settings = Settings(base_url, model, "", "config.toml", source if model else "")
        setup = Setup(settings, self.root, default_tools, lambda: self.system, self.sessions)
        return replace(setup, **changes)

    @asynccontextmanager
    async def chat(self, fault: FaultServer, *model: str, **changes: Any) -> AsyncIterator[Chat]:
        """model: its name, and where that came from."""
        chat = Chat(self.setup(fault.base_url, *model, **changes), Yes(), self.events.append, self.said.append)
        try:
            yield chat
        finally:
            await chat.close()
            assert self.said == []

    @asynccontextmanager
    async def resumed(self, fault: FaultServer, *model: str, name: str = "") -> AsyncIterator[tuple[Chat, Loaded]]:
        """The latest session, gone on with, by another run of the program."""
        async with self.chat(fault, *model) as chat:
            loaded = await chat.resume(find(self.sessions, name, str(self.root)))
            assert await chat.connect() == ""
            yield chat, loaded

    @property
    def file(self) -> Path:
        """That of the latest session."""
        return find(self.sessions, "", str(self.root))

    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines(keepends=True)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def listing(*names: str) -> Answer:
    return Answer([json.dumps({"data": [{"id": name} for name in names]}).encode()], kind="application/json")


KIMI = props(chat_template="{%- for call in calls -%}<|tool_call_begin|>{{ call.id }}")


def closed_port() -> str:
    """The address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def begins_with(fault: FaultServer, later: int, earlier: int) -> bool:
    """Whether a request goes on from another, byte for byte."""
    before, after = (json.dumps(fault.bodies[n]["messages"])[:-1] for n in (earlier, later))
    return after.startswith(before)


READ = call("read_file", '{"path": "a.txt"}')
WRITE = call("write_to_file", '{"path": "a.txt", "content": "new\\n"}')


# What is kept.


def test_a_turn_is_logged(place: Place) -> None:
    async def main() -> None:
        (place.root / "a.txt").write_text("old\n")
        async with serving(calls(READ), says("It says old.")) as fault, place.chat(fault) as chat:
            assert await chat.connect() == ""
            assert chat.connected
            assert not place.sessions.exists(), "nothing was said yet"
            assert chat.session_id == ""
            assert (await chat.turn("what does it say?")).answer == "It says old."
            loaded = load(place.file)
            assert loaded.events == tuple(event for event in place.events if isinstance(event, (*CLOSED, *ALSO)))
            kinds = [UserSaid, AssistantEnded, ToolStarted, ToolFinished, AssistantEnded, TurnEnded]
            assert [type(event) for event in loaded.events] == kinds
            assert place.of(TextDelta), "which are not kept"
            header = loaded.header
            assert (header.workspace, header.base_url, header.model) == (str(place.root), fault.base_url, MODEL)
            assert (header.system, header.id) == ("Be good.", chat.session_id)

    run(main)


def test_each_event_is_on_disk_when_the_front_end_hears_of_it(place: Place) -> None:
    async def main() -> None:
        seen: list[bool] = []

        def emit(event: Event) -> None:
            if isinstance(event, (*CLOSED, *ALSO)):
                seen.append(load(place.file).events[-1] == event)

        async with serving(calls(READ), says("ok")) as fault:
            chat = Chat(place.setup(fault.base_url), Yes(), emit, pytest.fail)
            await chat.connect()
            await chat.turn("go")
            await chat.close()
        assert seen == [True] * 6

    run(main)


def test_without_a_folder_nothing_is_written(place: Place) -> None:
    async def main() -> None:
        before = sorted(place.root.parent.rglob("*"))
        async with serving(says("one"), says("two")) as fault, place.chat(fault, sessions=None) as chat:
            await chat.connect()
            await chat.turn("hi")
            await chat.use("mistral-small")
            await chat.restart()
            await chat.turn("ho")
            assert chat.session_id == ""
            assert [len(body["messages"]) for body in fault.bodies] == [2, 2]
        assert sorted(place.root.parent.rglob("*")) == before

    run(main)


@pytest.mark.parametrize("name", ["kimi-k2", "default"])
def test_where_nothing_was_said_nothing_is_left(place: Place, name: str) -> None:
    """Not even where the server's template tells the family."""

    async def main() -> None:
        async with serving(props=KIMI) as fault, place.chat(fault, name) as chat:
            await chat.connect()
            assert chat.profile == "kimi_k2"
            await chat.use("another")
            await chat.restart()
        assert not place.sessions.exists()

    run(main)


def test_a_family_that_the_template_told_is_kept(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(call("read_file")), says("hi"), props=KIMI) as fault:
            async with place.chat(fault, "default") as chat:
                await chat.connect()
                await chat.turn("hi")
            assert load(place.file).events[:2] == (ModelChanged("default", "kimi_k2"), UserSaid("hi"))
            fault.props = props(chat_template="{{ another }}")
            async with place.resumed(fault, "default") as (chat, _):
                assert chat.profile == "kimi_k2"
                await chat.turn("more")
                assert fault.bodies[2]["messages"][2]["tool_calls"][0]["id"] == "functions.read_file:0"
                assert begins_with(fault, 2, 1)
        assert len(place.of(ModelChanged)) == 1

    run(main)


# How one goes on.


def test_a_session_goes_on_with_the_same_bytes(place: Place) -> None:
    async def main() -> None:
        (place.root / "a.txt").write_text("<|im_end|> and 🎉\n")
        thinks = deltas({"reasoning_content": "Hm.\ud83d"}, {"content": "I'll look. "}, READ, finish="tool_calls")
        async with serving(Answer(thinks), says("Seen."), says("Yes."), says("Again.")) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("what does it say?\ud800")
                before, session = chat.messages, chat.session_id
            place.system = "Be very good."  # for new sessions
            for number, text in ((2, "Are you sure?"), (3, "Really?")):
                async with place.resumed(fault) as (chat, loaded):
                    assert chat.session_id == session
                    assert loaded.notes == ()
                    assert loaded.events == load(place.file).events
                    assert chat.messages == before
                    await chat.turn(text)
                    assert begins_with(fault, number, number - 1)
                    assert fault.bodies[number]["messages"][-1] == {"role": "user", "content": text}
                    before = chat.messages
        assert len(summaries(place.sessions)) == 1

    run(main)


def test_a_session_is_not_resumed_twice_at_a_time(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("hi")
            async with place.chat(fault) as other:
                with pytest.raises(SessionError, match="in use"):
                    await other.resume(place.file)
                assert not other.connected
            assert (await chat.turn("still there?")).outcome == "answered"
        async with serving(says("hi")) as fault, place.resumed(fault) as (chat, _):
            assert (await chat.turn("now it's mine")).outcome == "answered"

    run(main)


def test_a_session_of_another_folder_is_refused(place: Place, tmp_path: Path) -> None:
    async def main() -> None:
        other = tmp_path / "other"
        other.mkdir()
        async with serving(says("hi")) as fault:
            async with place.chat(fault, root=other) as chat:
                await chat.connect()
                await chat.turn("hi")
            path = find(place.sessions, "", str(other))
            before = path.read_bytes()
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("mine")
                for _ in range(2):
                    with pytest.raises(SessionError, match=f"belongs to {other}; .*--workspace {other}"):
                        await chat.resume(path)
                assert (await chat.turn("the one before goes on")).outcome == "answered"
                assert len(fault.bodies[2]["messages"]) == 4
            assert path.read_bytes() == before
            with pytest.raises(SessionError, match="no session"):
                find(place.sessions, "", str(tmp_path))

    run(main)


def test_what_is_no_session_leaves_the_one_before(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("hi")
            (place.sessions / "x.jsonl").write_text("no session")
            with pytest.raises(SessionError, match="no session"):
                await chat.resume(place.sessions / "x.jsonl")
            session = chat.session_id
            await chat.turn("more")
            assert load(place.sessions / f"{session}.jsonl").events[-3] == UserSaid("more")

    run(main)


def test_from_one_session_to_another_and_back(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("one")
            first = chat.session_id
            await chat.restart()
            await chat.turn("two")
            await chat.resume(place.sessions / f"{first}.jsonl")
            assert not chat.connected
            assert await chat.connect() == ""
            await chat.turn("three")
            said = [m["content"] for m in fault.bodies[-1]["messages"] if m["role"] == "user"]
            assert said == ["one", "three"]
        assert len(summaries(place.sessions)) == 2

    run(main)


# A session that broke off.


TWO = calls(READ, call("execute_command", '{"command": "echo begun; sleep 60"}', 1))


async def broken_off(place: Place, lines: int) -> None:
    """A session of which only so many lines are left, as where the program was killed."""
    async with serving(TWO) as fault, place.chat(fault) as chat:
        await chat.connect()
        task = asyncio.create_task(chat.turn("go"))
        while len(place.of(ToolStarted)) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await task
    kinds = [json.loads(line)["type"] for line in place.lines()]
    assert kinds[:6] == ["session", "user_said", "assistant_ended", "tool_started", "tool_finished", "tool_started"]
    place.file.write_bytes(b"".join(place.lines()[:lines]))
    place.events.clear()


@pytest.mark.parametrize(
    ("lines", "results"),
    [
        (3, [NOT_STARTED, NOT_STARTED]),
        (4, [INTERRUPTED, NOT_STARTED]),
        (5, ["a.txt", NOT_STARTED]),
        (6, ["a.txt", INTERRUPTED]),
    ],
)
def test_a_session_that_was_killed_goes_on(place: Place, lines: int, results: list[str]) -> None:
    async def main() -> None:
        await broken_off(place, lines)
        async with serving(says("I see."), says("Yes.")) as fault:
            async with place.resumed(fault) as (chat, loaded):
                assert place.events == [], "what was, is no news: front ends did not see the calls"
                assert loaded.events[-1] == Interrupted()
                assert loaded.events == load(place.file).events
                assert any("broken off" in note for note in loaded.notes)
                found = [message.content for message in chat.messages if isinstance(message, Result)]
                assert [result in text for result, text in zip(results, found, strict=True)] == [True, True]
                assert (await chat.turn("go on")).answer == "I see."
                before = chat.messages
            async with place.resumed(fault) as (chat, loaded):
                assert chat.messages == before
                assert loaded.notes == ()
                await chat.turn("again")
                assert begins_with(fault, 1, 0)

    run(main)


def test_a_question_that_was_never_answered(place: Place) -> None:
    async def main() -> None:
        await broken_off(place, 2)
        async with serving(says("Yes?")) as fault, place.resumed(fault) as (chat, loaded):
            assert loaded.events[-2:] == (UserSaid("go"), Interrupted())
            await chat.turn("hello?")
            said = [message["content"] for message in fault.bodies[0]["messages"]]
            assert said == ["Be good.", "go", "hello?"]

    run(main)


def test_a_session_with_a_lost_line_goes_on(place: Place) -> None:
    """Also the second time, and behind steps that are numbered anew."""

    async def main() -> None:
        (place.root / "a.txt").write_text("old\n")
        answers = [calls(READ), says("Seen."), calls(call("list_files")), says("One."), says("Two."), says("Three.")]
        async with serving(*answers) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("look")
            session, said, looks, started, finished, seen, ended = place.lines()
            assert b"tool_finished" in finished
            assert b"Seen." in seen
            place.file.write_bytes(b"".join([session, said, looks, started, ended]))
            for number, text in ((2, "list"), (4, "and"), (5, "on")):
                async with place.resumed(fault) as (chat, loaded):
                    assert ["lost" in note for note in loaded.notes] == [True]
                    assert RESULT_LOST in [m.content for m in chat.messages if isinstance(m, Result)]
                    await chat.turn(text)
                    assert number == 2 or begins_with(fault, number, number - 1)

    run(main)


# Which model.


@pytest.mark.parametrize(
    ("name", "source", "same_server", "asked"),
    [
        ("kimi-flag", "--model", True, "kimi-flag"),
        ("kimi-flag", "--model", False, "kimi-flag"),
        ("kimi-config", "config.toml", True, "kimi-session"),
        ("kimi-config", "AGENT_MODEL", True, "kimi-session"),
        ("kimi-config", "config.toml", False, "kimi-config"),
        ("", "", True, "kimi-session"),
        ("", "", False, "kimi-listed"),
        ("kimi-session", "--model", True, "kimi-session"),
    ],
)
def test_which_model_goes_on(place: Place, name: str, source: str, same_server: bool, asked: str) -> None:
    """The flag counts more than the session, and the session more than the configuration, on the same server."""

    async def main() -> None:
        async with serving(says("hi")) as fault, serving(listing("kimi-listed", "other"), says("hi")) as elsewhere:
            async with place.chat(fault, "kimi-session") as chat:
                await chat.connect()
                await chat.turn("hi")
            server = fault if same_server else elsewhere
            async with place.resumed(server, name, source) as (chat, _):
                assert chat.model == asked
                await chat.turn("and now?")
                assert server.bodies[-1]["model"] == asked
                changes = [event for event in load(place.file).events if isinstance(event, ModelChanged)]
                assert changes == ([] if asked == "kimi-session" else [ModelChanged(asked, "kimi_k2")])
                assert place.of(ModelChanged) == changes

    run(main)


def test_the_model_that_was_used_last_goes_on(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("hi")
                await chat.use("mistral-small")
                assert chat.model == "mistral-small"
                await chat.turn("and now?")
            async with place.resumed(fault) as (chat, _):
                assert (chat.model, chat.profile) == ("mistral-small", "mistral")
            assert len(place.of(ModelChanged)) == 1

    run(main)


def test_another_model_for_the_next_request(place: Place) -> None:
    """It is of another family, too, whatever was known of the one before."""

    async def main() -> None:
        (place.root / "a.txt").write_text("old\n")
        told = [calls(READ), says("Seen."), says("Yes."), says("No.")]
        async with serving(*told, props=KIMI) as fault, place.chat(fault, "default") as chat:
            await chat.connect()
            await chat.turn("look")
            assert fault.bodies[1]["messages"][2]["tool_calls"][0]["id"] == "functions.read_file:0"
            await chat.use("mistral-small")
            await chat.turn("and you?")
            assert fault.bodies[2]["model"] == "mistral-small"
            assert len(fault.bodies[2]["messages"][2]["tool_calls"][0]["id"]) == 9, "as its template wants it"
            fault.props = props(chat_template="{{ plain }}")
            await chat.use("plain")
            await chat.turn("and you?")
            assert fault.bodies[3]["messages"][2]["tool_calls"][0]["id"] == "call_0x", "as it came"
        assert [event for event in load(place.file).events if isinstance(event, ModelChanged)] == [
            ModelChanged("default", "kimi_k2"),
            ModelChanged("mistral-small", "mistral"),
            ModelChanged("plain", "generic"),
        ]

    run(main)


def test_a_flag_names_a_model_of_another_family(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(call("list_files")), says("Seen."), props=KIMI) as fault:
            async with place.chat(fault, "default") as chat:
                await chat.connect()
                await chat.turn("look")
            async with place.resumed(fault, "mistral-small", "--model") as (chat, _):
                assert chat.profile == "mistral"
                await chat.turn("and you?")
                assert len(fault.bodies[2]["messages"][2]["tool_calls"][0]["id"]) == 9
            assert ModelChanged("mistral-small", "mistral") in load(place.file).events

    run(main)


# What the server says of itself.


def with_context(tokens: int) -> Answer:
    return props(default_generation_settings={"n_ctx": tokens}, total_slots=1)


async def nobody(question: str, options: tuple[str, ...]) -> str | None:
    return None


def told(fault: FaultServer, number: int) -> list[str]:
    """Names of the tools that a request describes."""
    return [tool["function"]["name"] for tool in fault.bodies[number]["tools"]]


def test_the_tools_follow_the_context_and_then_stay(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi"), props=with_context(8192)) as fault:
            async with place.chat(fault, inquire=nobody) as chat:
                await chat.connect()
                await chat.turn("one")
            assert set(told(fault, 0)) == CORE
            assert load(place.file).header.situation == Situation(8192, 1, interactive=True)
            fault.props = with_context(131_072)
            async with place.resumed(fault) as (chat, _):
                await chat.turn("two")
                assert fault.bodies[1]["tools"] == fault.bodies[0]["tools"], "the prefix of the session"
                await chat.restart()
                await chat.turn("three")
                assert set(told(fault, 2)) > CORE
            async with place.resumed(fault, "another", "--model", name="") as (chat, _):
                await chat.turn("four")
                assert told(fault, 3) == told(fault, 2)

    run(main)


def test_another_model_has_other_tools(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi"), props=with_context(8192)) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("one")
            fault.props = with_context(131_072)
            async with place.resumed(fault, "another", "--model") as (chat, _):
                await chat.turn("two")
            assert set(told(fault, 0)) == CORE
            assert set(told(fault, 1)) > CORE

    run(main)


def test_a_log_of_an_older_version_has_the_tools_of_an_unknown_server(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi"), props=with_context(8192)) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("one")
            header, *lines = place.lines()
            older = {name: value for name, value in json.loads(header).items() if name != "situation"}
            place.file.write_bytes(json.dumps(older).encode() + b"\n" + b"".join(lines))
            async with place.resumed(fault) as (chat, _):
                await chat.turn("two")
            assert set(told(fault, 1)) > CORE

    run(main)


def test_a_server_without_props_is_asked_for_its_list(place: Place) -> None:
    async def main() -> None:
        listed = [{"id": "other", "max_model_len": 99}, {"id": MODEL, "max_model_len": 16_384}]
        answer = Answer([json.dumps({"data": listed}).encode()], kind="application/json")
        async with serving(answer, says("hi"), props=Answer([b"{}"], 404)) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("one")
            assert [head.split(" ", 2)[:2] for head in fault.heads] == [
                ["GET", "/v1/models"],
                ["POST", "/v1/chat/completions"],
            ]
            assert load(place.file).header.situation == Situation(16_384)
            assert set(told(fault, 1)) == CORE

    run(main)


def test_a_model_that_was_chosen_in_this_run_is_kept(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("one")
            path = place.file
            await chat.restart()
            await chat.use("kimi-chosen")
            await chat.resume(path)
            await chat.connect()
            assert (await chat.turn("two")).outcome == "answered"
            assert [body["model"] for body in fault.bodies] == [MODEL, "kimi-chosen"]

    run(main)


def test_a_model_may_be_named_before_there_is_a_connection(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault, "") as chat:
            await chat.use("kimi-k2-named")
            assert await chat.connect() == ""
            await chat.turn("hi")
            assert [body["model"] for body in fault.bodies] == ["kimi-k2-named"]

    run(main)


def test_to_connect_again_changes_nothing(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("hi")
            async with place.resumed(fault, "kimi-other", "--model") as (chat, _):
                assert await chat.connect() == ""
                await chat.turn("and now?")
                assert begins_with(fault, 1, 0)
        assert len(place.of(ModelChanged)) == 1

    run(main)


# No server, no model.


def test_a_server_that_is_not_there_yet(place: Place) -> None:
    async def main() -> None:
        base_url = closed_port()
        chat = Chat(place.setup(base_url, ""), Yes(), place.events.append, place.said.append)
        for _ in range(2):
            problem = await chat.connect()
            assert base_url in problem
            assert "does not list its models" in problem
            assert not chat.connected
        assert isinstance(await chat.models(), ModelFailure)
        await chat.restart()
        assert (chat.session_id, chat.messages, chat.queue, chat.take_back()) == ("", (), (), [])
        fault = FaultServer([listing("kimi-k2"), says("hi")])
        server = await asyncio.start_server(fault.handle, "127.0.0.1", int(base_url[:-3].rpartition(":")[2]))
        assert await chat.connect() == ""
        assert (await chat.turn("hi")).answer == "hi"
        await chat.close()
        server.close()
        assert (place.of(ModelChanged), place.said) == ([], [])

    run(main)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (listing(), "lists no models"),
        (Answer([b"<html>"], kind="text/html"), "lists no models"),
        (Answer([b"{}"], 401, "application/json"), "does not list its models"),
    ],
    ids=["none", "a web page", "a key is wanted"],
)
def test_a_server_without_models(place: Place, answer: Answer, said: str) -> None:
    async def main() -> None:
        async with serving(answer, listing("kimi-k2"), says("hi")) as fault, place.chat(fault, "") as chat:
            assert said in await chat.connect()
            assert not chat.connected
            assert not place.sessions.exists()
            assert await chat.connect() == ""
            assert (chat.model, chat.connected) == ("kimi-k2", True)

    run(main)


def test_a_session_waits_until_the_server_is_there(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("hi")
            before = place.file.read_bytes()
            async with serving(listing(), listing("kimi-other"), says("ho")) as other, place.chat(other, "") as chat:
                await chat.resume(place.file)
                assert "lists no models" in await chat.connect()
                assert len(chat.messages) == 3, "it can be looked at"
                assert place.file.read_bytes() == before
                assert await chat.connect() == ""
                await chat.turn("more")
                assert [m["content"] for m in other.bodies[2]["messages"]] == ["Be good.", "hi", "hi", "more"]

    run(main)


# A new session.


def test_a_new_session_is_a_new_file(place: Place) -> None:
    async def main() -> None:
        async with serving(says("hi")) as fault, place.chat(fault) as chat:
            await chat.connect()
            await chat.turn("one")
            first = chat.session_id
            place.system = "Be very good."
            await chat.restart()
            assert chat.connected
            assert (chat.model, chat.session_id) == (MODEL, "")
            await chat.turn("two")
            assert [m["content"] for m in fault.bodies[1]["messages"]] == ["Be very good.", "two"]
            assert chat.session_id not in ("", first)
            logs = {one.header.id: load(one.path) for one in summaries(place.sessions)}
            assert set(logs) == {first, chat.session_id}
            assert [log.events[0] for log in (logs[first], logs[chat.session_id])] == [UserSaid("one"), UserSaid("two")]
            assert logs[first].events[-1] == TurnEnded("answered", "hi", 1)

    run(main)


@pytest.mark.parametrize("how", ["the same session", "a new one", "resumed"])
def test_what_a_session_has_seen_is_its_own(place: Place, how: str) -> None:
    """Another session has not read the file, so it may not overwrite it before it has; nor may a run of the program
    that goes on later, when the file may be another."""

    async def main() -> None:
        file = place.root / "a.txt"
        file.write_text("old\n")
        async with serving(calls(READ), says("Seen."), calls(WRITE), calls(WRITE), says("Done.")) as fault:
            async with place.chat(fault) as chat:
                await chat.connect()
                await chat.turn("read")
                if how == "a new one":
                    await chat.restart()
                elif how == "resumed":
                    await chat.resume(await left(chat, place))
                    await chat.connect()
                await chat.turn("write")
            _, *written = [event.content.split()[0] for event in place.of(ToolFinished)]
            assert written == (["overwrote", "unchanged:"] if how == "the same session" else ["Not", "overwrote"])
            assert file.read_text() == "new\n"

    run(main)


async def left(chat: Chat, place: Place) -> Path:
    """The file of a session that the chat has left for another one."""
    path = place.file
    await chat.restart()
    return path
