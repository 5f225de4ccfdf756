"""The directory the agent works in: which paths a tool may use, what the model has seen, how files are written.

Strategy. A path is judged by where it leads, with every symbolic link resolved, not by how it is spelled.
Rules:
1. Reading may be anywhere on this machine. Windows drives, network shares and URLs are nowhere on it.
2. Writing must end up below the root, and never in `.git` or `.agent`, however a file system may spell these.
3. An existing file is only overwritten when the model has seen it as it is on disk now.
4. A file is written whole or not at all (writing.py).
5. What was judged counts, whatever has changed since (approved.py): a call that was let through as one that merely
   reads writes nothing, and a judged path is reached without a link, or not at all (agent/files.py).
The guard keeps a model from mistakes in the use of tools; what a command may do is the sandbox's matter (sandbox/).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from roundtrip.agent.files import held, real, straight
from roundtrip.agent.plain import name_line
from roundtrip.agent.rules.protected import is_barred
from roundtrip.agent.rules.spelling import ADVICE, doubt, quoted, undecorated, unusable
from roundtrip.agent.runtime import process
from roundtrip.agent.runtime.approved import may_write, was_judged
from roundtrip.agent.runtime.jobs import LocalJobs, command_environment
from roundtrip.agent.runtime.writing import Writer
from roundtrip.agent.tooling import Finished, Output, Refusal

HASHED = 8 * 1024 * 1024
"""Bytes up to which a file's content tells whether it has changed; beyond that size its time does."""

MEANWHILE = "the file changed while the call waited, and nobody was asked about this change; send the call again"
"""Why a call may not write that was to write nothing; the tool ends the sentence."""

AGENTS_MD = 32 * 1024
"""Bytes of AGENTS.md that go into the system prompt."""


@dataclass(frozen=True, slots=True)
class _Write:
    """A path that a tool wants to write: as it was given, normalised as text, and resolved."""

    root: Path
    given: str
    lexical: Path
    resolved: Path


@dataclass(frozen=True, slots=True)
class _Stamp:
    """How a file looked. digest: of its content, "" where the file was too large for that."""

    size: int
    mtime_ns: int
    digest: str

    def same(self, other: _Stamp) -> bool:
        if self.size != other.size:
            return False
        return self.digest == other.digest if self.digest else self.mtime_ns == other.mtime_ns


def _leads_out(write: _Write) -> bool:
    return write.lexical.is_relative_to(write.root) and not write.resolved.is_relative_to(write.root)


def _is_outside(write: _Write) -> bool:
    return not write.resolved.is_relative_to(write.root)


def _is_in_protected(write: _Write) -> bool:
    """Looked for in the spelling too: `.git` may itself be a link to another name."""
    parts = (write.resolved, *write.resolved.parents, write.lexical, *write.lexical.parents)
    return any(is_barred(part.name) and real(part.parent).is_relative_to(write.root) for part in parts)


def _is_loop(write: _Write) -> bool:
    """Resolving stops in front of links that go round in circles."""
    return any(os.path.islink(part) for part in (write.resolved, *write.resolved.parents))


WRITE_RULES: tuple[tuple[Callable[[_Write], bool], str], ...] = (
    (
        lambda write: write.given.startswith("~"),
        f"begins with ~, and nothing is written in home directories. {ADVICE}",
    ),
    (lambda write: write.given.endswith("/"), "ends with /, so it names a folder. Add the name of the file."),
    (_leads_out, f"leads out of the workspace through a symbolic link, so it can't be written. {ADVICE}"),
    (_is_outside, f"is outside the workspace, where nothing may be written. {ADVICE}"),
    (_is_in_protected, "belongs to git or to the agent, whose folders .git and .agent no tool may write."),
    (_is_loop, f"is a symbolic link that leads in a circle. {ADVICE}"),
)
"""When a path may not be written: the first rule that holds, and the rest of the sentence that says why."""


class LocalWorkspace:
    """The `Workspace` of files on this machine.

    root: an existing directory. environment: what programs get; without it, ours but for the model's key.
    jobs: what runs its commands; without it, they run in no sandbox.
    """

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None, jobs: LocalJobs | None = None) -> None:
        self._root = real(root)
        self._environment = command_environment() if environment is None else dict(environment)
        self._jobs = jobs or LocalJobs(self._root, self._environment)
        self._seen: dict[Path, _Stamp] = {}
        self._writer = Writer(self._root)
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    @property
    def root(self) -> Path:
        return self._root

    @property
    def jobs(self) -> LocalJobs:
        return self._jobs

    def locate(self, path: str, *, writing: bool = False) -> Path | Refusal:
        """The absolute path with symlinks resolved, or why a tool may not use it. Relative means: to the root.

        A name that is not there is taken without quotes and the like, and refused where it is probably another.
        """
        plain = undecorated(path)
        plain = path if self._is_meant(path, plain) else plain
        located = self._locate(plain, writing=writing)
        other, reason = doubt(plain)
        return located if isinstance(located, Refusal) or self._is_meant(plain, other) else Refusal(reason)

    def _is_meant(self, path: str, other: str) -> bool:
        """Whether a path is meant as it is spelt, and not as another one: it is there, or the folder it begins with."""
        first, begins = path.partition("/")[0], other.partition("/")[0]
        return (
            path == other
            or os.path.lexists(self._root / path)
            or (first not in ("", begins) and os.path.isdir(self._root / first))
        )

    def _locate(self, path: str, *, writing: bool) -> Path | Refusal:
        reason = unusable(path)
        if reason:
            return Refusal(reason)
        where = self._root / (path if writing else os.path.expanduser(path))
        write = _Write(self._root, path, Path(os.path.normpath(where)), real(where))
        for applies, rest in WRITE_RULES if writing else ():
            if applies(write):
                return Refusal(f"{quoted(path)} {rest}")
        if write.resolved.is_relative_to(self._root) and not self._root.is_dir():
            return Refusal(f"The workspace {name_line(str(self._root))} is gone; tell the user.")
        if not was_judged(write.resolved):
            return Refusal(f"{quoted(path)} leads elsewhere than when this call was looked at; send the call again.")
        return write.resolved

    def shown(self, path: Path) -> str:
        """The path as it is shown to the model: relative to the root where it lies inside."""
        return name_line((path.relative_to(self._root) if path.is_relative_to(self._root) else path).as_posix())

    def look(self, path: Path) -> Callable[[], None]:
        """Takes down how the file is, before it is read; what it returns notes that the model has seen it so."""
        return partial(self._saw, path, _stamp(path))

    def stale(self, path: Path) -> str:
        """Why an existing file may not be overwritten yet ("" if it may): unread, or changed since it was read."""
        if not os.path.lexists(path):
            return ""
        seen, now = self._seen.get(path), _stamp(path)
        if seen is None:
            return f"{self.shown(path)} has not been read"
        if now is None or not seen.same(now):
            return f"{self.shown(path)} changed on disk since it was read"
        return ""

    def replace(
        self, path: Path, data: bytes, *, over: bytes | None = None, like: os.stat_result | None = None
    ) -> None:
        """Writes a file whole or not at all; makes its folders, keeps mode and owner. Raises OSError.

        over: what the file must still hold for that; None for whatever it does. like: of whom a new one gets mode and
        owner.
        """
        self._guard(path)
        changed = self._writer.replace(path, data, over, like)
        self._saw(path, _Stamp(len(data), changed, _digest(data) if len(data) <= HASHED else ""))

    def remove(self, path: Path, *, over: bytes | None = None) -> None:
        """Removes a file. over: as for `replace`. Raises OSError."""
        self._guard(path)
        self._writer.remove(path, over)
        self._saw(path, None)

    @asynccontextmanager
    async def lock(self, *paths: Path) -> AsyncIterator[None]:
        """Keeps these files from other calls of this session, from the check to the write."""
        async with AsyncExitStack() as held:
            for path in sorted(set(paths)):
                await held.enter_async_context(self._locks.setdefault(path, asyncio.Lock()))
            yield

    async def run(self, command: Sequence[str], *, cwd: Path, seconds: float, output: Output) -> Finished:
        """Runs a program of ours, outside the sandbox and without stdin; at the time limit its group is killed."""
        with ExitStack() as until:
            try:
                folder = until.enter_context(held(cwd))
            except OSError as error:
                return Finished(process.CANNOT_START, f"{self.shown(cwd)} can't be entered: {error.strerror}", 0.0)
            return await process.run(command, cwd=folder, environment=self._environment, seconds=seconds, output=output)

    async def work(self, program: Sequence[str], work: str, *, seconds: float, output: Output) -> Finished:
        """Has a program of ours do a piece of work, outside the sandbox; it stays for the next one."""
        workers, environment = self._jobs.workers, self._environment
        return await workers.do(program, work, environment=environment, seconds=seconds, output=output)

    def _saw(self, path: Path, stamp: _Stamp | None) -> None:
        if stamp is None:
            self._seen.pop(path, None)
        else:
            self._seen[path] = stamp

    def _guard(self, path: Path) -> None:
        if not may_write():
            raise PermissionError(errno.EPERM, MEANWHILE)
        located = self._locate(str(path), writing=True)
        if isinstance(located, Refusal):
            raise PermissionError(errno.EPERM, located.reason)
        if located != path:
            raise PermissionError(errno.EPERM, f"{self.shown(path)} has become a symbolic link")


def agents_md(root: Path) -> str | None:
    """The text of the workspace's AGENTS.md, cut visibly where it is too long; None if there is none to read.

    A link that leads out of the workspace is not followed: a project must not choose what else we send.
    """
    path = real(root / "AGENTS.md")
    try:
        if not path.is_relative_to(real(root)) or not stat.S_ISREG(path.stat().st_mode):
            return None
        with open(path, "rb", opener=straight) as file:
            data = file.read(AGENTS_MD + 1)
    except OSError:
        return None
    text = data[:AGENTS_MD].decode("utf-8-sig", "replace" if len(data) <= AGENTS_MD else "ignore").strip()
    cut = f"\n\n… (AGENTS.md is longer: only its first {AGENTS_MD} bytes are shown)" if len(data) > AGENTS_MD else ""
    return text + cut if text else None


def _stamp(path: Path) -> _Stamp | None:
    """How the file looks now; None for what is no regular file or can't be read."""
    try:
        if not path.is_file():  # to open a device may do something
            return None
        with open(path, "rb", opener=straight) as file:
            status = os.fstat(file.fileno())
            digest = _digest(file.read()) if status.st_size <= HASHED else ""
    except OSError:
        return None
    return _Stamp(status.st_size, status.st_mtime_ns, digest)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
