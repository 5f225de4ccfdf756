"""The ports that the core owns: what a tool, a model, an approver and a workspace must be able to do.

Contract, for all of them: a failure of the other side (a missing file, a dead server, a refusal) is a value.
An exception that leaves one of these methods is a bug: of a call it becomes the result ("The tool failed: …"), else it
leaves `Agent.turn`; the history stays whole. `asyncio.CancelledError` is no bug, but how an interrupt arrives.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from typing import Any, Literal, Protocol

from roundtrip.agent.messages import Call, Effect, ToolResult, ToolSpec


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done, in words that help the model to do better."""

    reason: str


@dataclass(frozen=True, slots=True)
class Intent:
    """What a call is about to do: the one thing that path rules, approvals and editors look at.

    effect: of this very call: an edit that can't be made as things stand merely reads, and is held to that.
    paths: absolute, symlinks resolved; a call that names some may use these only, and what is in them.
    command: the shell command line, "" for none. url: what it fetches, "" for none; private: the url leads
    to this machine, its network or the model's server, which a yes to the web does not cover.
    preview: gives what would change, for people: a unified diff, or a sentence where there is none to see, "" if
    nothing can be told. It reads files, so it is called only where somebody looks. refusal: why nobody can approve it.
    """

    effect: Effect
    paths: tuple[Path, ...] = ()
    command: str = ""
    url: str = ""
    private: bool = False
    refusal: Refusal | None = None
    preview: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended. `code` is None when the time limit ended it.

    output: stdout and stderr together; of a long output head and tail only, while `Output` got all of it.
    left: command lines of what it had started and what still runs.
    """

    code: int | None
    output: str
    seconds: float
    left: tuple[str, ...] = ()


Output = Callable[[str], None]
"""Takes a piece of a tool's live output, for people only: the model never sees it."""


Inquire = Callable[[str, tuple[str, ...]], Awaitable[str | None]]
"""Asks the user a question with options to choose from, none for an open one. None: nobody answers."""

Delegate = Callable[[str, Output], Awaitable[ToolResult]]
"""Has a task done in a conversation of its own, and returns its last answer; Output gets its steps."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What tools reach beside the workspace; None where a session has no such thing. server: base URL of the model's
    server, which they are to leave alone."""

    inquire: Inquire | None = None
    delegate: Delegate | None = None
    server: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the tools of a session depend on; it holds until the session's end, because it shapes the prompt's prefix.

    context: tokens that fit into a request, slots: requests that the server works on at a time; 0 where that is not
    known. images: the model takes them. interactive: somebody is there to be asked. wanted: names of the optional
    tools that the user switched on.
    """

    context: int = 0
    slots: int = 0
    images: bool = False
    interactive: bool = False
    wanted: frozenset[str] = frozenset()

    @property
    def delegates(self) -> bool:
        """Whether `new_task` is offered. In a single slot, a child's prompt would push its parent's from the cache."""
        return "new_task" in self.wanted and self.slots != 1


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a command's output: its bytes from `start` to `end` out of `total`. What lies between `start` and
    where it was asked to begin is not kept any more."""

    start: int
    text: str
    end: int
    total: int


JobState = Literal["running", "ended", "timed out", "killed"]


class Job(Protocol):
    """A command that was started, as long as it runs and afterwards."""

    @property
    def id(self) -> int:
        """The number under which its output can be read, 0 if it has none."""

    @property
    def command(self) -> str: ...

    @property
    def state(self) -> JobState: ...

    @property
    def finished(self) -> Finished:
        """How it ended; while it runs, how far it is."""

    @property
    def note(self) -> str:
        """What the model should know of the sandbox to understand the result, "" for nothing."""

    @property
    def total(self) -> int:
        """Bytes of output so far."""

    def keep(self) -> int:
        """Keeps the output beyond the call that started the command. Returns the id, 0 if that can't be done."""

    def read(self, offset: int, most: int) -> Excerpt:
        """At most `most` bytes of the output from `offset` on; a negative one counts from its end."""

    def search(self, words: Sequence[str], most: int) -> tuple[list[tuple[int, str]], int]:
        """The first lines that hold one of the words, upper and lower case alike, each with its offset; `most` of
        them. And how many there are."""

    async def news(self, since: int, seconds: float) -> None:
        """Waits until there is output behind `since`, or the command has ended, or the time is over."""

    async def kill(self) -> None:
        """Ends it with all that it has started. Returns when that is done."""


class Jobs(Protocol):
    """The shell commands of a session, in the sandbox if there is one. They end with the session."""

    @property
    def running(self) -> Sequence[Job]:
        """Those in the background, in the order in which they were started."""

    async def run(
        self, command: str, *, cwd: Path, seconds: float, output: Output, background: bool = False
    ) -> Job | Refusal:
        """Runs a command without stdin; after `seconds` it is killed, and so it is when the caller is cancelled.

        background: after `seconds` it is left running instead, and `output` hears no more of it.
        """

    def find(self, id: int) -> Job | Refusal:
        """The command with this id, also one of this session's earlier runs."""


class Workspace(Protocol):
    """The directory the agent works in, and the guard of everything outside it."""

    @property
    def root(self) -> Path: ...

    @property
    def jobs(self) -> Jobs: ...

    def locate(self, path: str, *, writing: bool = False) -> Path | Refusal:
        """The absolute path with symlinks resolved, or why a tool may not use it. Relative means: to the root."""

    def shown(self, path: Path) -> str:
        """The path as it is shown to the model: relative to the root where it lies inside."""

    def look(self, path: Path) -> Callable[[], None]:
        """Takes down how the file is, before it is read; what it returns notes that the model has seen it so."""

    def stale(self, path: Path) -> str:
        """Why an existing file may not be overwritten yet ("" if it may): unread, or changed since it was read."""

    def replace(self, path: Path, data: bytes, *, over: bytes | None = None, like: stat_result | None = None) -> None:
        """Writes a file whole or not at all; makes its folders, keeps mode and owner. Raises OSError.

        over: what the file must still hold for that; None for whatever it does. like: of whom a new one gets mode and
        owner. A call that was let through as one that merely reads may not write: that is an OSError too.
        """

    def remove(self, path: Path, *, over: bytes | None = None) -> None:
        """Removes a file. over: as for `replace`. Raises OSError."""

    def lock(self, *paths: Path) -> AbstractAsyncContextManager[None]:
        """Keeps these files from other calls of this session, from the check to the write."""

    async def run(self, command: Sequence[str], *, cwd: Path, seconds: float, output: Output) -> Finished:
        """Runs a program of ours, outside the sandbox and without stdin; at the time limit its group is killed."""

    async def work(self, program: Sequence[str], work: str, *, seconds: float, output: Output) -> Finished:
        """Has a program of ours do a piece of work, as `run` does, and may leave it running, idle, for the next one.

        It gets its work behind a line with the length in bytes, and answers up to a line that begins with NUL; then
        `code` is 0. It may be in any folder, and should end when its stdin does."""


class Tool(Protocol):
    """One tool. It owns its workspace; `arguments` have been through `rules.dispatch` and fit its schema."""

    @property
    def spec(self) -> ToolSpec: ...

    def intent(self, arguments: Mapping[str, Any]) -> Intent: ...

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """The server answered with a success status; the body follows as `bytes`."""

    content_type: str


FailureKind = Literal["unreachable", "refused", "silent", "cut"]


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """The exchange failed. unreachable: no connection. refused: an HTTP status ≥ 400. silent: no byte within
    the time limit that the user set. cut: the transport broke after the first byte.

    retry_after: seconds the server asked us to wait, None if it did not say.
    message: what the server said, as it said it.
    """

    kind: FailureKind
    text: str
    status: int = 0
    retry_after: float | None = None
    message: str = ""


class Model(Protocol):
    """A chat-completions server."""

    def exchange(self, body: Mapping[str, Any]) -> AsyncGenerator[Opened | bytes | ModelFailure, None]:
        """Sends one request. Yields `Opened`, then the body's bytes as they come; or, at any place, one
        `ModelFailure` as the last item. Closing the iterator closes the connection."""


class Approver(Protocol):
    """Whoever may say yes: a policy in scripts, a person in the REPL."""

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """None lets the call run."""


class Recorder(Protocol):
    """Takes down how the workspace was before a call, so that the call can be undone. It stops no call."""

    async def before(self, call: Call, intent: Intent, output: Output) -> None:
        """The call has been approved, and runs next. output: hears how far a long recording is."""

    async def after(self, call: Call, intent: Intent) -> None:
        """The call has run, or was broken off."""
