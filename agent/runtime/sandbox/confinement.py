"""The sandbox of a session's commands, as far as it has to be made: folders, the shared `localhost`, traces to remove.

What a command may do is planned in `policy`, which is pure where it matters; here it is put into effect.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from roundtrip.agent.files import real
from roundtrip.agent.runtime.sandbox.leftovers import left_running, watched
from roundtrip.agent.runtime.sandbox.localhost import Localhost
from roundtrip.agent.runtime.sandbox.policy import (
    NOTHING,
    Kind,
    Policy,
    Sandbox,
    SandboxMode,
    bwrap_line,
    cache_path,
    find,
    landlock_line,
    policy,
)
from roundtrip.agent.runtime.sandbox.repositories import PINS
from roundtrip.agent.runtime.sandbox.sockets import sockets
from roundtrip.agent.runtime.sandbox.traces import Traces, is_pin
from roundtrip.agent.runtime.sandbox.variables import environment_of, withheld

_PREFIX: Final = "roundtrip-"
_YOUNG: Final = 60
"""Seconds for which a temporary folder without a lock may still be about to get one."""


_UNGUARDED: Final = (
    "Not read-only for commands, although programs may be run by what stands there, because it is a link or no file, "
    "or there is too much of it; the user should look into it:"
)
_MOST_NAMED: Final = 3


class Confinement:
    """mode: whether there is a sandbox at all. kind: the only one that is tried, None for the best. found: which there
    is, None if that was not asked yet: `find` runs programs, and waits for them.

    writable: folders that commands may write beside the workspace. private: further ones of the agent's own, which
    commands don't see. network: whether commands have it; it may be
    changed, which counts for the commands that are started then.
    """

    def __init__(
        self,
        root: Path,
        *,
        mode: SandboxMode,
        kind: Kind | None = None,
        network: bool = False,
        writable: Sequence[Path] = (),
        private: Sequence[Path] = (),
        found: Sandbox | None = None,
    ) -> None:
        self.mode, self.network = mode, network
        self.root = real(root)
        self._kind, self._writable, self._private = kind, tuple(writable), tuple(private)
        self._commands = itertools.count(1)
        self._found = found
        self._scratch: Path | None = None
        self._localhost: Localhost | None = None
        self._traces = Traces(cache_path() / "locks")
        self._pinned: set[Path] = set()
        self._told: set[str] = set()
        self.cache: Path | None = None
        """The folder of the commands' caches, None before there is one."""

    @property
    def sandbox(self) -> Sandbox:
        """What commands run in. The first time it takes some milliseconds to find out."""
        if self._found is None:
            self._found = find(self.root, "none" if self.mode == "off" else self._kind)
        return self._found

    @property
    def refusal(self) -> str:
        """Why no command may run, "" if they may."""
        if self.mode != "strict" or self.sandbox.complete:
            return ""
        return (
            f"Not run: the user wants every command in a complete sandbox, and there is none: {self.sandbox.reason}. "
            "Do what you can without commands, or tell the user; `agent sandbox` shows what is missing."
        )

    def scratch(self) -> Path:
        """The session's temporary folder; another one if it was cleared away. Raises OSError."""
        if self._scratch is None or not (self._scratch / NOTHING).exists():
            self._scratch = Path(os.path.realpath(tempfile.mkdtemp(prefix=_PREFIX, dir=self._place())))
            self._lock = (self._scratch / NOTHING).open("x")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._remove_scratch = weakref.finalize(self, _remove, self._scratch, self._lock)
            _remove_stale(self._scratch.parent)
        return self._scratch

    def _place(self) -> str:
        """Where temporary folders are: not where commands could put other files in the place of ours. Raises OSError.

        That is not so everywhere: TMPDIR may be a folder of the project.
        """
        usual = tempfile.gettempdir()
        open = [os.path.realpath(path) for path in (self.root, *self._writable)]
        if not any(Path(os.path.realpath(usual)).is_relative_to(path) for path in open):
            return usual
        own = cache_path() / "temporary"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(own)

    def policy(self, path: str) -> Policy | None:
        """What a command may do that is started now, None for everything; with the folders for it. Raises OSError.

        path: the variable PATH of the command.
        """
        if self.sandbox.kind == "none":
            return None
        if self.sandbox.kind == "bwrap":
            with self._traces.arranging():
                made = self._guarded(self._planned(path))
        else:
            made = self._planned(path)
        for _, place in made.private:
            if not place.is_dir():
                place.mkdir()
                place.chmod(0o1777)
        return replace(made, report=f".left-{next(self._commands)}")

    def _planned(self, path: str) -> Policy:
        """What is to hold by what there is now."""
        made = policy(
            self.root, self.scratch(), path, network=self.network, writable=self._writable, private=self._private
        )
        self.cache = made.cache
        made.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        return made

    def _guarded(self, made: Policy) -> Policy:
        """With what bubblewrap can do beyond; makes what is to be read-only and is not there.

        What can't be made counts as before: it is removed if a command makes it.
        """
        own, pinned = self.root / ".agent", []
        self._traces.keep(made.cache, made=True)
        for path in made.readonly:
            if path == own or path.name in PINS:  # which another session may have made
                self._traces.keep(path)
        for path in made.pinned:
            with suppress(OSError):
                if self._traces.pin(path):
                    pinned.append(path)
        self._pinned |= set(pinned)
        if not own.exists():
            with suppress(OSError):  # where nothing can be made there, commands can't either
                self._traces.folder(own)
                pinned.append(own)
        covered = filter(made.shows, sockets((self.root, made.cache, made.temporary, *made.writable)))
        return replace(
            made,
            readonly=tuple(sorted({*made.readonly, *pinned})),
            hidden=tuple(sorted({*made.hidden, self._traces.locks})),
            emptied=tuple(sorted({*made.emptied, *covered})),
        )

    def line(self, policy: Policy, cwd: Path, shell: Sequence[str]) -> Sequence[str]:
        """The command line that keeps a command to the policy."""
        kind, program = self.sandbox.kind, self.sandbox.program
        if kind == "landlock":
            return landlock_line(program, policy, shell)
        shell = watched(policy, shell)
        if policy.network:
            return bwrap_line(program, policy, cwd, shell, alone=False)
        if self._localhost is None:
            self._localhost = Localhost(program, self.root)
        way = self._localhost.way()
        return (*way, *bwrap_line(program, policy, cwd, shell, alone=not way))

    def environment(self, policy: Policy, given: Mapping[str, str]) -> Mapping[str, str]:
        """The variables of a command: those given without what is withheld, and what they say of its folders."""
        kept = {name: value for name, value in given.items() if policy.network or not withheld(name, "without network")}
        return {**kept, **environment_of(self.sandbox.kind, policy)}

    def left(self, policy: Policy) -> tuple[str, ...]:
        """Command lines of what the command had left running, and what ended with it. To be asked once."""
        return left_running(self.sandbox.kind, policy)

    def clear(self, policy: Policy, *, last: bool) -> str:
        """Takes away what was there for a command, or came through it. Returns what the model should know of that.

        last: no other command runs.
        """
        removed = []
        for path in {**dict.fromkeys(policy.absent), **dict.fromkeys(policy.pinned)}:
            if path in self._pinned and (path.name != "commondir" or is_pin(path)):
                continue  # the user may have written own settings meanwhile
            with suppress(OSError):
                path.unlink()
                removed.append(path.name)
        if last:
            self._tidy()
        said = f"Removed from .git, because it would lead git elsewhere: {', '.join(removed)}." if removed else ""
        return " ".join(filter(None, (said, self._unguarded(policy))))

    def _tidy(self) -> None:
        """Takes away what is there only while commands run."""
        self._pinned.clear()
        self._traces.leave()

    def _unguarded(self, policy: Policy) -> str:
        """What commands could change although they should not, said once."""
        new = [path for path in policy.unguarded if path not in self._told]
        self._told |= set(new)
        shown = [path.removeprefix(f"{self.root}/") for path in new[:_MOST_NAMED]]
        more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
        return f"{_UNGUARDED} {', '.join(shown)}{more}." if new and self.sandbox.kind == "bwrap" else ""

    def close(self) -> None:
        """Removes what is temporary. No command runs any more."""
        self._tidy()
        if self._localhost is not None:
            self._localhost.close()
            self._localhost = None
        if self._scratch is not None:
            self._remove_scratch()  # as it happens anyway at the end of the program
            self._scratch = None
        if self.cache is not None and self.sandbox.kind == "landlock":
            with suppress(OSError):
                self.cache.rmdir()  # only if no command used it


def _remove(folder: Path, lock: TextIO) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()


def _remove_stale(folder: Path) -> None:
    """Removes what programs left that were killed: their temporary folders, which nobody locks any more."""
    for path in folder.glob(f"{_PREFIX}*/{NOTHING}"):
        with suppress(OSError), path.open() as lock:
            if os.fstat(lock.fileno()).st_mtime < time.time() - _YOUNG:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
