"""Puts files back as they were: each one whole or not at all, and never outside the workspace.

Strategy. Every folder on the way is opened by its own descriptor, and a symbolic link is never followed: what stands
in the workspace now may have been put there to lead us out of it. First what must not be there is removed, then what
must be there is written. What stands in the way and is in no checkpoint stays, and is reported. Nothing waits for the
disk: what is put back is in a checkpoint still.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from roundtrip.agent.runtime.checkpoints.progress import Progress
from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit
from roundtrip.agent.runtime.checkpoints.states import Entry, above
from roundtrip.agent.runtime.writing import temporary

_USUAL = 0o777
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_AHEAD: Final = 64
"""Files that git is asked for before they are needed; the names of all of them fit into a pipe."""


class PutBack:
    """root: the workspace. content: gives the bytes of a file. permissions: gives those of a file. modes: those of
    folders that are not made with the usual ones."""

    def __init__(
        self,
        root: Path,
        content: Callable[[Entry], bytes],
        permissions: Callable[[Entry], int],
        modes: Mapping[str, int],
    ) -> None:
        self._root, self._content, self._permissions, self._modes = root, content, permissions, modes

    def __call__(
        self,
        files: Mapping[str, Entry | None],
        folders: Collection[str],
        no_folders: Collection[str],
        progress: Progress,
    ) -> dict[str, str]:
        """Makes each file what it is to be (None: not there), and makes and removes empty folders.

        Returns what could not be done, and why.
        """
        problems: dict[str, str] = {}
        removed = sorted((path for path, entry in files.items() if entry is None), reverse=True)
        for done, path in enumerate(removed, 1):
            progress(done, len(files))
            with _told(path, problems):
                self._remove(path)
        left = {*no_folders, *above(removed), *above(no_folders)} - {*folders, *above(folders)}
        for path in sorted(left, reverse=True):
            with suppress(OSError), self._inside(path) as (parent, name):
                os.rmdir(name, dir_fd=parent)  # only if it is empty
        written = [(path, entry) for path, entry in sorted(files.items()) if entry is not None]
        for done, (path, entry) in enumerate(written, len(removed) + 1):
            progress(done, len(files))
            with _told(path, problems):
                self._write(path, entry)
        for path in sorted(folders):
            with _told(path, problems), self._inside(f"{path}/.", make=True):
                pass
        return problems

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError), self._inside(path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def _write(self, path: str, entry: Entry) -> None:
        data = self._content(entry)
        with self._inside(path, make=True) as (parent, name):
            before = _status(name, parent)
            like = before if before is not None and stat.S_ISREG(before.st_mode) else None
            if entry.mode == "120000":
                made = _link(parent, data)
            else:
                made = temporary(parent, like, data, bits=self._permissions(entry), durable=False)
            with made as new:
                if before is not None and stat.S_ISDIR(before.st_mode):
                    os.rmdir(name, dir_fd=parent)
                os.replace(new, name, src_dir_fd=parent, dst_dir_fd=parent)

    @contextmanager
    def _inside(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The folder that a path lies in, opened, and the last part of the path. make: makes what is missing."""
        *folders, name = path.split("/")
        if not all(part and part != ".." and part.casefold() != ".git" for part in (*folders, name)):
            raise PermissionError(0, "it is none of ours")
        descriptor = os.open(self._root, _OPEN)
        try:
            for depth, part in enumerate(folders, 1):
                bits = self._modes.get("/".join(folders[:depth]), _USUAL) if make else None
                descriptor = _step(descriptor, part, bits)
            yield descriptor, name
        finally:
            os.close(descriptor)


@contextmanager
def _link(parent: int, target: bytes) -> Iterator[str]:
    """The name of a new link; it is gone afterwards."""
    name = f".roundtrip-{secrets.token_hex(8)}.tmp"
    os.symlink(target, os.fsencode(name), dir_fd=parent)
    try:
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=parent)


def _step(folder: int, part: str, bits: int | None) -> int:
    """Opens a folder in another one, which is closed then. bits: permissions of one that is missing and is made."""
    made = False
    if bits is not None:
        with suppress(FileExistsError):
            os.mkdir(part, bits, dir_fd=folder)
            made = bits != _USUAL
    inner = os.open(part, _OPEN, dir_fd=folder)
    os.close(folder)
    if made and bits is not None:
        os.fchmod(inner, bits)  # without what the umask took away
    return inner


def _status(name: str, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _told(path: str, problems: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problems[path] = error.strerror or str(error)


@contextmanager
def stored(git: ShadowGit, wanted: Sequence[Entry]) -> Iterator[Callable[[Entry], bytes]]:
    """Gives the bytes of these files, one after the other in this order; what it gives raises OSError."""
    with git.process("cat-file", "--batch") as process:
        asked = iter(wanted)

        def ask(count: int) -> None:
            process.stdin.write(b"".join(f"{entry.object}\n".encode() for entry in islice(asked, count)))
            process.stdin.flush()

        def content(entry: Entry) -> bytes:
            ask(1)
            head = process.stdout.readline().split()
            if len(head) != 3 or head[0] != entry.object.encode():
                raise OSError(f"the checkpoint is damaged: {entry.object} is missing")
            data: bytes = process.stdout.read(int(head[2]) + 1)[:-1]
            if len(data) != int(head[2]):
                raise OSError(f"the checkpoint is damaged: {entry.object} ends too soon")
            return data

        ask(_AHEAD)
        yield content
