"""The ports that the core owns: what a tool, a model, an approver and a workspace must be able to do.

Contract, for all of them: a failure of the other side (a missing file, a dead server, a refusal) is a value.
An exception that leaves one of these methods is a bug of ours and ends the program, `asyncio.CancelledError`
excepted, which is how an interrupt arrives.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
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

    paths: absolute, symlinks resolved. command: the shell command line, "" for none. url: what it fetches, "" for none.
    preview: gives what would change, for people: a unified diff, or a sentence where there is none to see, "" if
    nothing can be told. It reads files, so it is called only where somebody looks.
    refusal: not None means that the call can't be done whoever approves of it.
    """

    effect: Effect
    paths: tuple[Path, ...] = ()
    command: str = ""
    url: str = ""
    refusal: Refusal | None = None
    preview: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended. `code` is None when the time limit ended it.

    output: stdout and stderr together; of a long output head and tail only, while `Output` got all of it.
    """

    code: int | None
    output: str
    seconds: float


Output = Callable[[str], None]
"""Takes a piece of a tool's live output, for people only: the model never sees it."""


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


class Workspace(Protocol):
    """The directory the agent works in, and the guard of everything outside it."""

    @property
    def root(self) -> Path: ...

    def locate(self, path: str, *, writing: bool = False) -> Path | Refusal:
        """The absolute path with symlinks resolved, or why a tool may not use it. Relative means: to the root."""
        ...

    def shown(self, path: Path) -> str:
        """The path as it is shown to the model: relative to the root where it lies inside."""
        ...

    def saw(self, path: Path) -> None:
        """Notes that the model has now seen the file as it is on disk."""
        ...

    def stale(self, path: Path) -> str:
        """Why an existing file may not be overwritten yet ("" if it may): unread, or changed since it was read."""
        ...

    def replace(self, path: Path, data: bytes) -> None:
        """Writes a file whole or not at all; makes its folders, keeps its mode. Raises OSError."""
        ...

    async def run(self, command: Sequence[str] | str, *, cwd: Path, seconds: float, output: Output) -> Finished:
        """Runs a program (a str: through the shell) without stdin; at the time limit its whole group is killed."""
        ...


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
        ...


class Approver(Protocol):
    """Whoever may say yes: a policy in scripts, a person in the REPL."""

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """None lets the call run."""
        ...
