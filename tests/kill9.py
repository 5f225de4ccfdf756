"""kill -9 at any moment of a session, and what `--continue` makes of it."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from fault_server import FaultServer, says, serving
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import KIMI
from zygote import Program, zygote

PATIENCE = 60.0
COMMAND = "echo begin {0} >> log; sleep 0.05; echo done {0} >> log; echo output {0}"


def leaked(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A turn that makes calls, as Kimi K2 leaks them, in small pieces."""
    text = "".join(
        f"<|tool_call_begin|>functions.{name}:{n}<|tool_call_argument_begin|>{json.dumps(arguments)}<|tool_call_end|>"
        for n, (name, arguments) in enumerate(calls)
    )
    text = f"Let me see.<|tool_calls_section_begin|>{text}<|tool_calls_section_end|>"
    return {"chunks": [text[at : at + 20] for at in range(0, len(text), 20)]}


TURNS = (
    leaked(("read_file", {"path": "a.txt"}), ("read_file", {"path": "b.txt"})),
    leaked(*(("execute_command", {"command": COMMAND.format(number)}) for number in (1, 2))),
    {"chunks": ["All ", "done."]},
)


@contextmanager
def steady(answer: str) -> Iterator[FaultServer]:
    """A server that always says the same, in a thread of its own."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    found: list[FaultServer] = []

    async def serve() -> None:
        async with serving(says(answer)) as server:
            found.append(server)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


class Victim:
    """One session in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        for name in "ab":
            (self.project / f"{name}.txt").write_text(f"content of {name}\n", encoding="utf-8")

    def start(self, *words: str, url: str) -> Program:
        env = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "AGENT_BASE_URL": url, "AGENT_MODEL": "kimi-k2"}
        with (self.folder / "out").open("ab") as out:
            return Program(words, cwd=self.project, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The whole lines of the session's file."""
        files = list((self.folder / ".local/state/roundtrip/sessions").glob("*.jsonl"))
        assert len(files) <= 1
        lines = files[0].read_bytes().split(b"\n")[:-1] if files else []
        return [json.loads(line) for line in lines]

    def ran(self, word: str) -> Counter[str]:
        """How often each command came to a place."""
        log = self.project / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return Counter(line.split()[1] for line in lines if line.startswith(word))

    def die(self, seconds: float) -> None:
        """Starts, and is killed after so many seconds."""
        with ScriptedServer(TURNS, "kimi-k2", pause=0.002) as server:
            program = self.start("--yes", "go", url=server.base_url)
            time.sleep(seconds)
            program.kill()
            program.wait(PATIENCE)
            assert server.refusals == [], server.refusals

    def lifetime(self) -> float:
        """Seconds from the start to the last word, when it is not killed."""
        with ScriptedServer(TURNS, "kimi-k2", pause=0.002) as server:
            zygote()  # its own start is none of the program's
            begun = time.monotonic()
            program = self.start("--yes", "go", url=server.base_url)
            while not server.over and program.poll() is None:
                time.sleep(0.005)
            lived = time.monotonic() - begun
            program.wait(PATIENCE)
            assert server.over
        return lived

    def go_on(self) -> list[dict[str, Any]]:
        """`--continue`: the messages that the server gets."""
        with steady("I go on.") as server:
            self.start("--continue", "--yes", "and now?", url=server.base_url).wait(PATIENCE)
            said = (self.folder / "out").read_text(encoding="utf-8")
            assert "I go on." in said, said
            (body,) = [body for body in server.bodies if "messages" in body]
        assert preflight(body, KIMI) == []
        messages: list[dict[str, Any]] = body["messages"]
        return messages


def check(folder: Path, seconds: float) -> str:
    """Kills a session, goes on with it, and holds what the model is told against what happened. Returns how far it
    had come."""
    victim = Victim(folder)
    victim.die(seconds)
    before = victim.records
    if not any(record["type"] == "user_said" for record in before):
        return "nothing was said"
    finished = [record["content"] for record in before if record["type"] == "tool_finished"]
    messages = victim.go_on()
    results = [message["content"] for message in messages if message["role"] == "tool"]
    asked = [call for message in messages for call in message.get("tool_calls") or ()]
    assert len(results) == len(asked), "one result for every call"
    assert set(finished) <= set(results), "no finished tool is forgotten"
    time.sleep(0.1)  # a command that lost its agent runs to its end
    begun, done = victim.ran("begin"), victim.ran("done")
    assert max(begun.values(), default=0) <= 1, "none runs twice"
    for call, result in zip(asked, results, strict=True):
        number = next((n for n in "12" if f"begin {n}" in call["function"]["arguments"]), "")
        if number and result.startswith("Not run"):
            assert not begun[number], "it ran, and the model is told that it did not"
        elif number and f"output {number}" not in result:
            assert "may have run" in result
        elif number:
            assert done[number]
    open_calls = sum("may have run" in result for result in results)
    return f"{len(finished)} finished, {open_calls} may have run"


def moments(count: int, lifetime: float, seed: int) -> list[float]:
    """When to kill: anywhere between the start and the end."""
    random = Random(seed)
    return [random.uniform(0.0, lifetime) for _ in range(count)]
