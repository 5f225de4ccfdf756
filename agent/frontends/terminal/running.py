"""The commands about the shell commands of a session, /jobs, /output and /network, and what is told of those that go
on in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from roundtrip.agent.events import Event, ToolFinished
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.excerpts import size
from roundtrip.agent.frontends.terminal.view import Console
from roundtrip.agent.frontends.words import duration, printable
from roundtrip.agent.plain import readable
from roundtrip.agent.runtime.job import LocalJob
from roundtrip.agent.runtime.recording import Recording

if TYPE_CHECKING:
    from roundtrip.agent.runtime.chat import Chat

_MOST_BYTES: Final = 256 * 1024
_MOST_LINES: Final = 3000
"""How much of the end of an output is printed."""

_ONLINE: Final = "commands have the network from now on; /network off takes it from them"
_OFFLINE: Final = "commands have no network; /network on gives it to them, as long as the program runs"
_STAYS: Final = "what runs already keeps what it was started with; /jobs lists it"
_ALONE: Final = (
    "It has no network: only the agent's own commands reach its ports. /network on changes that for commands that are "
    "started later."
)


class Session(Protocol):
    """What these commands work on; see `repl.Repl`."""

    console: Console

    @property
    def chat(self) -> Chat: ...
    def say(self, text: str) -> None: ...
    def fail(self, text: str) -> None: ...


class Background:
    """Tells of each command that goes on in the background what the user can't see."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: tuple[LocalJob, ...] = ()

    def __call__(self, event: Event, chat: Chat | None) -> list[Block]:
        """What is to be told behind an event."""
        if not isinstance(event, ToolFinished):
            return []
        now = running(chat)
        new, self._told = [job for job in now if job not in self._told], now
        for job in new:
            if job.task is not None:
                job.task.add_done_callback(partial(self._ended, job))
        alone = chat is not None and not chat.network and _kind(chat) == "bwrap"  # Landlock lets nobody have ports
        return [Block("list", _ALONE, follows=True)] if new and alone else []

    def _ended(self, job: LocalJob, task: object) -> None:
        if job.state != "killed":  # whoever did that, said so
            code = f"exit code {job.finished.code}"
            self._say(f"command {job.id} in the background has ended, {code}; /output {job.id} prints what it said")


def running(chat: Chat | None) -> tuple[LocalJob, ...]:
    """The commands in the background."""
    return chat.jobs.running if chat is not None and chat.jobs is not None else ()


def conditions(chat: Chat) -> Iterable[str]:
    """What holds for commands, in a word or two each."""
    if kind := _kind(chat):
        yield from ["no sandbox"] * (kind == "none") or ["network on"] * chat.network
    if count := len(running(chat)):
        yield f"{count} job{'s' * (count > 1)}"


def _kind(chat: Chat) -> str:
    """That of the sandbox, "" before there is one."""
    return chat.jobs.confinement.sandbox.kind if chat.jobs is not None else ""


async def jobs(session: Session, rest: str) -> None:
    """/jobs [NUMBER]"""
    found = running(session.chat)
    if rest:
        job = next((job for job in found if rest == str(job.id)), None)
        if job is None:
            session.fail(f"no command with the number {rest} runs in the background; /jobs lists them")
            return
        await job.kill()
        session.say(f"killed: {printable(job.command)}")
        return
    lines = [f"{job.id:2}. {duration(job.finished.seconds):>6}  {printable(job.command)}" for job in found]
    hint = "/jobs NUMBER kills one, /output NUMBER prints what it said"
    session.say("\n".join([*lines, hint] if lines else ["no command runs in the background"]))


async def output(session: Session, rest: str) -> None:
    """/output [NUMBER]"""
    job = _named(session.chat, rest)
    if job is None:
        session.fail(
            f"no output is kept under the number {rest}; /output prints that of the last command" if rest
            else "no command has run in this session since it was begun or taken up again"
        )  # fmt: skip
        return
    part = await asyncio.to_thread(job.read, -_MOST_BYTES, _MOST_BYTES)
    lines = readable(part.text).rstrip().split("\n")
    shown = "\n".join(lines[-_MOST_LINES:])
    left_out = part.total - len(shown.encode("utf-8", "replace"))
    cut = part.start > 0 or len(lines) > _MOST_LINES
    text = shown or ("(its output could not be kept)" if job.total else "(no output)")
    blocks = [Block("command", job.command), Block("output", text, follows=True)]
    blocks += [Block("list", f"Above that {size(left_out)}; {_where(job)}", follows=True)] if cut else []
    session.console.commit([*blocks, *([Block("note", "it still runs")] if job.state == "running" else [])])


def _named(chat: Chat, rest: str) -> LocalJob | None:
    """The command that is meant: the last one, or one with a number."""
    if chat.jobs is None or not rest:
        return chat.jobs.last if chat.jobs is not None else None
    found = chat.jobs.find(int(rest)) if rest.isdecimal() else None
    return found if isinstance(found, LocalJob) else None


def _where(job: LocalJob) -> str:
    """Where the whole output can be read."""
    recording = job.recording
    try:
        whole = recording is not None and Recording.shortest(recording.path) >= recording.total
    except OSError:
        whole = False
    if recording is None or not whole:
        return "it was too much to be kept whole."
    until = "" if job.kept else ", until the next command starts"
    return f"the whole output is in {recording.path}{until}."


async def network(session: Session, rest: str) -> None:
    """/network [on|off]"""
    wanted = {"": session.chat.network, "on": True, "off": False}.get(rest.lower())
    if wanted is None:
        session.fail("/network on, or /network off")
        return
    changed = wanted != session.chat.network
    if rest:
        session.chat.network = wanted
    if session.chat.network and not wanted:
        session.say("commands have the network, because they run without a sandbox")
        return
    session.say("\n".join([_ONLINE if wanted else _OFFLINE, *([_STAYS] * (changed and bool(running(session.chat))))]))
