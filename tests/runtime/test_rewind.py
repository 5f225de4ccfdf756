"""Going back: files and conversation, with a real server, on a real disk."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, call, calls, says, serving
from roundtrip.agent.commands.undo import diff, list_checkpoints, restore, undo
from roundtrip.agent.events import Event, Rewound, ToolFinished
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.undoing import checkpoints as checkpoints_command
from roundtrip.agent.messages import Call, User
from roundtrip.agent.runtime.calls import NOT_STARTED
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.checkpoints.restores import Overview
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.sessions import find
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.tooling import Intent, Output, Refusal
from roundtrip.tools.toolset import default_tools

pytestmark = pytest.mark.once


def write(name: str, content: str) -> dict[str, Any]:
    return call("write_to_file", json.dumps({"path": name, "content": content}))


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Session:
    """What the commands of a front end see of it."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.console: Any = self
        self.said: list[str] = []
        self.input = ""

    def say(self, text: str) -> None:
        self.said.append(text)

    def fail(self, text: str) -> None:
        self.said.append(f"error: {text}")

    def commit(self, blocks: list[Block]) -> None:
        self.said += [block.text for block in blocks]

    def put_back(self, text: str) -> None:
        self.input = text


class Place:
    def __init__(self, path: Path) -> None:
        self.path, self.root = path, path / "project"
        self.root.mkdir()
        self.events: list[Event] = []
        self.warned: list[str] = []

    @asynccontextmanager
    async def chat(self, fault: FaultServer, *, resume: bool = False, kept: bool = True) -> AsyncIterator[Chat]:
        settings = Settings(fault.base_url, "kimi-k2", "", "config.toml", "config.toml")
        setup = Setup(
            settings, self.root, default_tools, lambda: "Be good.", self.path / "sessions" if kept else None,
            checkpoints=self.path / "checkpoints",
        )  # fmt: skip
        chat = Chat(setup, Yes(), self.events.append, self.warned.append)
        try:
            if resume:
                await chat.resume(find(self.path / "sessions", "", str(self.root)))
            assert await chat.connect() == ""
            yield chat
        finally:
            await chat.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def users(body: dict[str, Any]) -> list[str]:
    return [message["content"] for message in body["messages"] if message["role"] == "user"]


def test_the_model_is_told_what_was_taken_back(place: Place) -> None:
    async def main() -> None:
        answers = (calls(write("a.py", "a")), says("Done."), says("I see."), says("And now?"))
        async with serving(*answers) as fault, place.chat(fault) as chat:
            await chat.turn("write it")
            assert chat.checkpoints is not None
            outcome = await chat.checkpoints.undo()
            assert outcome.files == (("-", "a.py"),)
            await chat.turn("and now?")
            await chat.turn("again?")
            assert users(fault.bodies[2])[-1] == "(The user took back changes to: a.py.)\n\nand now?"
            assert users(fault.bodies[3])[-1] == "again?"
            assert users(fault.bodies[3])[:-1] == users(fault.bodies[2]), "told once, and kept"

    run(main)


def test_a_file_that_was_put_back_has_to_be_read_again(place: Place) -> None:
    async def main() -> None:
        (place.root / "a.py").write_text("old\n" * 300)
        read = call("read_file", '{"path": "a.py"}')
        edit = call("edit_file", json.dumps({"path": "a.py", "old_string": "new\n", "new_string": "newer\n"}))
        answers = (calls(read), calls(write("a.py", "new\n")), says("Done."), calls(edit), says("Oh."))
        async with serving(*answers) as fault, place.chat(fault) as chat:
            await chat.turn("write it")
            assert chat.checkpoints is not None
            assert (await chat.checkpoints.undo()).done
            await chat.turn("edit it")
            finished = [event for event in place.events if isinstance(event, ToolFinished)]
            assert finished[-1].failed
            assert (place.root / "a.py").read_text() == "old\n" * 300

    run(main)


def test_files_and_conversation_go_back_and_a_resumed_session_stays_there(place: Place) -> None:
    async def main() -> None:
        (place.root / "a.py").write_text("old")
        read = call("read_file", '{"path": "a.py"}')
        turns = (says("Hi."), calls(write("b.py", "b")), calls(read), calls(write("a.py", "new")), says("Done."))
        async with serving(*turns, says("Fine."), says("Well.")) as fault:
            async with place.chat(fault) as chat:
                await chat.turn("hello")
                before = chat.messages
                await chat.turn("change both")
                session = Session(chat)
                await checkpoints_command(session, "2 all")
                assert session.input == "change both"
                assert session.said[-1].startswith("taken back: write_to_file b.py; write_to_file a.py")
                assert chat.messages == before
                assert [path.name for path in place.root.iterdir()] == ["a.py"]
                assert (place.root / "a.py").read_text() == "old"
                assert place.events[-1] == Rewound(3)
                await chat.turn("change one")
                assert users(fault.bodies[5]) == ["hello", "change one"], "and nothing of what is gone, nor a note"
                history = chat.messages
                await checkpoints_command(session, "2 all")
                assert session.said[-1].startswith("error: the conversation does not hold the turn"), session.said
            async with place.chat(fault, resume=True) as chat:
                assert chat.messages == history
                await chat.turn("go on")
                assert users(fault.bodies[6]) == ["hello", "change one", "go on"]
                session = Session(chat)
                await checkpoints_command(session, "")
                assert "write_to_file a.py  (1 file) (taken back)" in session.said[-1]

    run(main)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("7", "error: there is no checkpoint 7; /checkpoints lists them"),
        ("7 all", "error: there is no checkpoint 7; /checkpoints lists them"),
        ("one", "error: /checkpoints NUMBER, with “all” for the conversation, too, and “yes” if it asks for it"),
        ("1 none", "error: /checkpoints NUMBER, with “all” for the conversation, too, and “yes” if it asks for it"),
    ],
)
def test_what_is_no_checkpoint_is_told(place: Place, typed: str, said: str) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a")), says("Done.")) as fault, place.chat(fault) as chat:
            await chat.turn("write it")
            session = Session(chat)
            await checkpoints_command(session, typed)
            assert session.said == [said]
            assert (place.root / "a.py").exists()

    run(main)


def test_what_somebody_else_wrote_keeps_the_conversation_where_it_is(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a")), says("Done.")) as fault, place.chat(fault) as chat:
            await chat.turn("write it")
            (place.root / "a.py").write_text("mine")
            before = chat.messages
            session = Session(chat)
            await checkpoints_command(session, "1 all")
            assert "/checkpoints 1 all yes does it all the same" in session.said[-1]
            assert (chat.messages, session.input) == (before, "")
            await checkpoints_command(session, "1 all yes")
            assert (len(chat.messages), session.input) == (1, "write it")
            assert not (place.root / "a.py").exists()

    run(main)


def test_what_was_taken_back_before_is_told_although_the_user_says_it_again(place: Place) -> None:
    """The note stands before what the user typed, and does not come back into the input."""

    async def main() -> None:
        answers = (calls(write("a.py", "a")), says("1"), calls(write("b.py", "b")), says("2"))
        async with serving(*answers) as fault, place.chat(fault) as chat:
            await chat.turn("one")
            assert chat.checkpoints is not None
            await chat.checkpoints.undo()
            await chat.turn("two")
            said = chat.messages[5]
            assert isinstance(said, User)
            assert said.content.startswith("(The user took back")
            session = Session(chat)
            await checkpoints_command(session, "2 all")
            assert session.input == "two"

    run(main)


def test_the_command_line_knows_the_checkpoints_too(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a\n")), says("Done.")) as fault, place.chat(fault) as chat:
            await chat.turn("write it")

    run(main)
    folder = place.path / "checkpoints"
    out = io.StringIO()
    assert list_checkpoints(folder, place.root, out) == 0
    assert "  1.    now  write_to_file a.py  (1 file)" in out.getvalue()
    assert diff(folder, place.root, out, None) == 0
    assert "+++ b/a.py\n@@ -0,0 +1 @@\n+a" in out.getvalue()
    assert undo(folder, place.root, out) == 0
    assert not (place.root / "a.py").exists()
    (place.root / "a.py").write_text("mine")
    assert undo(folder, place.root, out, redo=True) == 1
    assert (place.root / "a.py").read_text() == "mine"
    assert undo(folder, place.root, out, redo=True, yes=True) == 0
    assert (place.root / "a.py").read_text() == "a\n"
    assert restore(folder, place.root, out, 1) == 0
    assert (place.root / "a.py").read_text() == "mine", "that was there before it was brought back"
    assert restore(folder, place.root, out, 2) == 1


class Stuck:
    """A recorder that is still at it."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def before(self, call: Call, intent: Intent, output: Output) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    async def after(self, call: Call, intent: Intent) -> None:
        pytest.fail("it had not begun")


def test_a_call_that_is_stopped_before_its_checkpoint_was_made_has_not_run(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a"))) as fault, place.chat(fault) as chat:
            stuck = Stuck()
            assert chat._agent is not None
            chat._agent._recorder = stuck
            turn = asyncio.create_task(chat.turn("write it"))
            await stuck.begun.wait()
            turn.cancel()
            assert (await turn).outcome == "interrupted"
            (finished,) = [event for event in place.events if isinstance(event, ToolFinished)]
            assert finished.content == NOT_STARTED
            assert not (place.root / "a.py").exists()

    run(main)


def test_without_a_call_that_changes_something_there_is_no_repository(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(call("list_files")), says("ok")) as fault, place.chat(fault) as chat:
            await chat.turn("look")
            assert chat.checkpoints is not None
            assert (await chat.checkpoints.undo()).problem
        assert not (place.path / "checkpoints").exists()

    run(main)


def test_sessions_are_told_apart(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a")), says("Done.")) as fault:
            async with place.chat(fault) as chat:
                await chat.turn("write it")
                first = chat.session_id
            async with place.chat(fault) as chat:
                session = Session(chat)
                await checkpoints_command(session, "")
                assert f"(session {first})" in session.said[-1]
                await checkpoints_command(session, "1 all")
                assert "does not hold the turn" in session.said[-1]
                assert isinstance(chat.checkpoints, Checkpoints)
                overview = await chat.checkpoints.overview()
                assert isinstance(overview, Overview)
                assert overview.changes[0].origin.session == first

    run(main)


def test_sessions_that_are_not_kept_are_told_apart_too(place: Place) -> None:
    async def main() -> None:
        async with serving(calls(write("a.py", "a")), says("Done."), calls(write("b.py", "b")), says("Done.")) as fault:
            async with place.chat(fault, kept=False) as chat:
                await chat.turn("write it")
                session = Session(chat)
                await checkpoints_command(session, "1 all")
                assert (session.input, len(chat.messages)) == ("write it", 1)
                assert not (place.root / "a.py").exists()
                await chat.turn("write it")
            async with place.chat(fault, kept=False) as chat:
                assert isinstance(chat.checkpoints, Checkpoints)
                refused = await chat.checkpoints.undo(yes=False)
                assert not refused.done
                assert (place.root / "b.py").exists()

    run(main)
