"""What stands on the disk only while commands run: mount points, the pins of `repositories`, empty caches.

Strategy. Several sessions, of several programs too, may run commands in one workspace or in one repository. A mount
point that one of them takes away is gone for the others as well: what their commands could only read, they can write
from then on. So each session holds a shared lock for each such path as long as it runs commands, and only who gets the
lock for itself takes the path away: the last one. Rules:
1. The locks are files in a folder that commands don't see: they could hold us up by locking them.
2. A lock file is not empty if one of us made the path; else that is the user's, and stays. So what a killed program
   has left goes with the next last command.
3. One more lock is held while it is found out what there is, and while it is taken away: nothing changes in between.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from roundtrip.agent.files import content
from roundtrip.agent.runtime.sandbox.repositories import PINS

_ALL: Final = "all"


class Traces:
    """locks: the folder of the locks. What is called between `arranging` and `leave` may raise OSError."""

    def __init__(self, locks: Path) -> None:
        self.locks = locks
        self._held: dict[Path, BinaryIO] = {}

    @contextmanager
    def arranging(self) -> Iterator[None]:
        """Nobody takes anything away within it."""
        self.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.locks / _ALL, "ab") as lock:
            with suppress(OSError):  # not every file system has locks
                fcntl.flock(lock, fcntl.LOCK_EX)  # soon: nobody waits for anything else in there
            yield

    def keep(self, path: Path, *, made: bool = False) -> None:
        """Nobody takes it away before we have left. made: it is not the user's."""
        if path not in self._held:
            lock = self._held[path] = self._file(path).open("ab")
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_SH)
        if made:
            self._held[path].write(b"made\n")
            self._held[path].flush()

    def folder(self, path: Path) -> None:
        """Makes an empty folder, unless it is there."""
        self.keep(path)
        with suppress(FileExistsError):
            path.mkdir()
            self.keep(path, made=True)

    def pin(self, path: Path) -> bool:
        """Makes a file as `PINS` says it. Whether it is one now; another may stand there already."""
        self.keep(path)
        with suppress(FileExistsError), path.open("xb") as file:
            self.keep(path, made=True)
            file.write(PINS[path.name])
        return is_pin(path)

    def leave(self) -> None:
        """No command of ours runs any more: takes away what nobody else needs."""
        if not self._held:
            return
        with suppress(OSError), self.arranging():
            for path, lock in self._held.items():
                with suppress(OSError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(lock.fileno()).st_size:
                        _take_away(path)
                    self._file(path).unlink()
        for lock in self._held.values():
            lock.close()
        self._held.clear()

    def _file(self, path: Path) -> Path:
        return self.locks / sha256(os.fsencode(path)).hexdigest()[:24]


def is_pin(path: Path) -> bool:
    """Whether a file says nothing but what it was made for."""
    text = PINS[path.name]
    return content(path, len(text) + 1) == text


def _take_away(path: Path) -> None:
    """A folder with something in it, and a file that says something else meanwhile, are the user's."""
    with suppress(OSError):
        if path.name not in PINS:
            path.rmdir()
        elif is_pin(path):
            path.unlink()
