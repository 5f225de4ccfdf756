"""The commands of a session: where their output goes, and that they end with it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_server import call, calls, says, serving
from processes import dies, written
from roundtrip.agent.frontends.terminal.commands import COMMANDS
from roundtrip.agent.messages import Call, Result
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.sessions import find
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.tooling import Intent, Refusal
from roundtrip.tools.toolset import default_tools
from sandboxes import need, outside_tmp

pytestmark = pytest.mark.once


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Screen:
    """What `/jobs` works on."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.said: list[str] = []
        self.failed: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def fail(self, text: str) -> None:
        self.failed.append(text)

    async def type(self, rest: str = "") -> None:
        await COMMANDS["jobs"].run(self, rest)  # type: ignore[arg-type]


def chat_of(tmp_path: Path, base_url: str) -> Chat:
    (tmp_path / "project").mkdir(exist_ok=True)
    settings = Settings(base_url, "kimi-k2", "", "config.toml", "config.toml")
    sessions = tmp_path / "sessions"
    setup = Setup(settings, tmp_path / "project", default_tools, lambda: "Be good.", sessions, sandbox="off")
    return Chat(setup, Yes(), lambda event: None, lambda text: None)


def start(command: str) -> dict[str, object]:
    return call("execute_command", json.dumps({"command": command, "background": True}))


def last_result(chat: Chat) -> str:
    return next(message.content for message in reversed(chat.messages) if isinstance(message, Result))


def test_they_stand_beside_the_session_and_end_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "project" / "pid"

    async def run() -> None:
        read = call("read_command_output", '{"id": 1, "offset": 0}')
        again = call("execute_command", '{"command": "echo other; sleep 100", "background": true}', 1)
        answers = (calls(start("echo $$ > pid; echo up; sleep 100")), says("a"), calls(read, again), says("b"))
        async with serving(*answers) as fault:
            chat = chat_of(tmp_path, fault.base_url)
            assert chat.jobs is None
            assert await chat.connect() == ""
            await chat.turn("start it")
            assert "with the id 1;" in last_result(chat)
            assert chat.jobs is not None
            assert [job.id for job in chat.jobs.running] == [1]
            before = await asyncio.to_thread(written, pid)
            folder = tmp_path / "sessions" / f"{chat.session_id}.outputs"
            assert sorted(path.name for path in folder.iterdir()) == ["1.out"]
            await chat.restart()
            assert await asyncio.to_thread(dies, before)
            await chat.resume(find(tmp_path / "sessions", "", str(tmp_path / "project")))
            assert await chat.connect() == ""
            await chat.turn("look")
            assert chat.jobs is not None
            assert [job.id for job in chat.jobs.running] == [2]
            results = [message.content for message in chat.messages if isinstance(message, Result)]
            assert results[1] == "killed. Bytes 0 to 3 of 3:\nup"
            await chat.close()
        assert sorted(path.name for path in folder.iterdir()) == ["1.json", "1.out", "2.json", "2.out"]

    asyncio.run(run())


def test_people_see_and_kill_them(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(calls(start("sleep 100")), says("a")) as fault:
            chat = chat_of(tmp_path, fault.base_url)
            screen = Screen(chat)
            await screen.type()
            assert await chat.connect() == ""
            await chat.turn("start it")
            await screen.type()
            await screen.type("2")
            await screen.type("1")
            await screen.type()
            await chat.close()
        none = "no command runs in the background"
        listed = screen.said.pop(1)
        assert listed.startswith(" 1. ")
        assert "sleep 100\n/jobs NUMBER kills one" in listed
        assert screen.said == [none, "killed: sleep 100", none]
        assert screen.failed == ["no command with the number 2 runs in the background; /jobs lists them"]

    asyncio.run(run())


AGENT = """
import asyncio, sys
from pathlib import Path
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.jobs import LocalJobs

async def main():
    root = Path(sys.argv[1])
    jobs = LocalJobs(root, confinement=Confinement(root, mode="auto", kind=sys.argv[2]))
    await jobs.run(sys.argv[3], cwd=root, seconds=100, output=print)

asyncio.run(main())
"""


@pytest.mark.once
@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_in_a_sandbox_they_end_even_if_the_agent_is_killed(tmp_path: Path, kind: str) -> None:
    need(kind, tmp_path)  # type: ignore[arg-type]
    with outside_tmp(tmp_path) as root:
        beats = root / "beats"
        command = "setsid sh -c 'while :; do echo x >> beats; sleep 0.05; done' & sleep 100"
        environment = {**os.environ, "TMPDIR": str(tmp_path)}  # what a killed agent leaves there
        agent = subprocess.Popen([sys.executable, "-c", AGENT, root, kind, command], env=environment)
        deadline = time.monotonic() + 30
        while not beats.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(agent.pid, signal.SIGKILL)
        agent.wait()
        sizes = [-1, beats.stat().st_size]
        while sizes[-1] != sizes[-2] and time.monotonic() < deadline:
            time.sleep(1)
            sizes.append(beats.stat().st_size)
        assert sizes[-1] == sizes[-2]
