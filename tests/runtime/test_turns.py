"""Whoever leaves a session during a turn interrupts it first."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fault_server import call, calls, says, serving
from processes import dies, written
from roundtrip.agent.events import Event, Interrupted, TurnEnded, UserSaid
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.checkpoints.checkpoint_log import Origin
from roundtrip.agent.runtime.checkpoints.news import digest
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.session_log import load
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.tooling import Intent, Refusal
from roundtrip.tools.toolset import default_tools

pytestmark = pytest.mark.once

SLEEP = calls(call("execute_command", '{"command": "echo $$ > pid; exec sleep 100"}'))


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Place:
    def __init__(self, folder: Path) -> None:
        self.root, self.sessions = folder / "project", folder / "sessions"
        self.root.mkdir()
        self.events: list[Event] = []
        self.said: list[str] = []

    @asynccontextmanager
    async def in_a_turn(self) -> AsyncIterator[tuple[Chat, asyncio.Task[TurnEnded], int]]:
        """A session with a command that runs, and the id of its process."""
        async with serving(SLEEP, says("new")) as fault:
            settings = Settings(fault.base_url, "kimi-k2", "", "config.toml", "config.toml")
            setup = Setup(settings, self.root, default_tools, lambda: "Be good.", self.sessions, sandbox="off")
            chat = Chat(setup, Yes(), self.events.append, self.said.append)
            assert await chat.connect() == ""
            turn = asyncio.create_task(chat.turn("first"))
            yield chat, turn, await asyncio.to_thread(written, self.root / "pid")
            await chat.close()
        assert self.said == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def restart(chat: Chat, place: Place) -> None:
    await chat.restart()


async def close(chat: Chat, place: Place) -> None:
    await chat.close()


async def resume(chat: Chat, place: Place) -> None:
    """Another session, of which there is a copy."""
    [path] = place.sessions.glob("*.jsonl")
    copy = path.with_name(f"{path.stem[:-1]}{'0' if path.stem[-1] != '0' else '1'}.jsonl")
    copy.write_bytes(path.read_bytes().replace(path.stem.encode(), copy.stem.encode()))
    await chat.resume(copy)


@pytest.mark.parametrize("leave", [restart, resume, close])
def test_the_turn_ends_first_and_in_its_own_log(place: Place, leave: Callable[[Chat, Place], Awaitable[None]]) -> None:
    async def main() -> None:
        async with place.in_a_turn() as (chat, turn, process):
            id = chat.session_id
            await leave(chat, place)
            assert turn.done()
            assert (await turn).outcome == "interrupted"
            assert await asyncio.to_thread(dies, process)
            kinds = [type(event) for event in load(place.sessions / f"{id}.jsonl").events]
            assert kinds[0] is UserSaid
            assert kinds[-2:] == [Interrupted, TurnEnded]
            if leave is restart:
                assert (await chat.turn("second")).answer == "new"
                events = load(place.sessions / f"{chat.session_id}.jsonl").events
                assert isinstance(events[0], UserSaid)

    asyncio.run(main())


def test_one_turn_at_a_time(place: Place) -> None:
    async def main() -> None:
        async with place.in_a_turn() as (chat, turn, _):
            for other in (chat.turn("second"), chat.use("other")):
                with pytest.raises(AssertionError):
                    await other
            with pytest.raises(AssertionError):
                chat.rewind(Origin())
            turn.cancel()
            assert (await turn).outcome == "interrupted"
            assert (await chat.turn("second")).answer == "new"

    asyncio.run(main())


def test_closing_that_is_cancelled_still_closes_everything(place: Place) -> None:
    async def main() -> None:
        before = os.listdir("/dev/fd")
        async with place.in_a_turn() as (chat, turn, process):
            closing = asyncio.create_task(chat.close())
            await asyncio.sleep(0)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
            assert (await turn).outcome == "interrupted"
            assert await asyncio.to_thread(dies, process)
        await asyncio.sleep(0.05)
        assert len(os.listdir("/dev/fd")) <= len(before) + 1, "the loop's own among them"

    asyncio.run(main())


@pytest.mark.parametrize("leave", [restart, resume, close])
def test_what_is_temporary_goes_with_the_session(place: Place, leave: Callable[[Chat, Place], Awaitable[None]]) -> None:
    async def main() -> None:
        async with place.in_a_turn() as (chat, _, _):
            assert chat.jobs is not None
            folder = chat.jobs.confinement.scratch()
            await leave(chat, place)
            assert not folder.exists()

    asyncio.run(main())


def test_a_message_is_known_again_though_it_is_no_text() -> None:
    """The history holds it with its half characters replaced."""
    assert digest("a \udcff") == digest("a \ufffd") != digest("a ?")
