"""Writes and removes files below a root, whole or not at all, and nowhere else.

Strategy. The caller has judged the path, with every link in it resolved. Here each folder on the way is opened by
itself, from the root downwards and never through a link; all that follows is done relative to the last of these
descriptors. So a folder that is exchanged for a link between the check and the write is refused by the kernel.

Rules:
1. New content goes into a temporary file in the same folder and through to the disk; then it takes the file's name.
   Who looks or dies in between finds the old file or the new one, never another.
2. Mode and owner stay. Of hard links only this one gets the new content: one that leads out changes nothing outside.
3. What says that it is read-only is not written, though its folder would let us, and though we may be root.
4. A temporary file is locked while its writer lives. What a killed one left behind is harmless, and removed by the
   first write into that folder of a later session.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from roundtrip.agent.files import enter

TEMPORARY = re.compile(r"\.roundtrip-[0-9a-f]{16}\.tmp")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Writer:
    """root: absolute, without links. Paths are absolute and below it. All methods raise OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._swept: set[Path] = set()

    def replace(self, path: Path, data: bytes, over: bytes | None = None, like: os.stat_result | None = None) -> int:
        """Writes a file and makes its folders. over: what the file must hold for that, None for whatever it does.
        like: of whom a new one gets mode and owner. Returns its time, in ns."""
        with self._folder(path.parent, make=True) as folder:
            if path.parent not in self._swept:
                self._swept.add(path.parent)
                _sweep(folder)
            before = _status(folder, path.name)
            if over is not None and _content(folder, path.name) != over:
                raise OSError(errno.EBUSY, "it has just been changed by somebody else")
            with temporary(folder, before or like, data) as new:
                if not _same(before, _status(folder, path.name)):
                    raise OSError(errno.EBUSY, "somebody else changed it at the same time")
                changed = os.stat(new, dir_fd=folder).st_mtime_ns
                os.replace(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            with suppress(OSError):  # not every file system can
                os.fsync(folder)
        return changed

    def remove(self, path: Path, over: bytes | None = None) -> None:
        """Removes a regular file. over: what it must hold for that."""
        with self._folder(path.parent) as folder:
            if _status(folder, path.name) is None:
                raise FileNotFoundError(errno.ENOENT, "it does not exist")
            if over is not None and _content(folder, path.name) != over:
                raise OSError(errno.EBUSY, "it has just been changed by somebody else")
            os.unlink(path.name, dir_fd=folder)

    @contextmanager
    def _folder(self, path: Path, *, make: bool = False) -> Iterator[int]:
        """A descriptor of a folder, reached without following a link."""
        folder = os.open(self._root, _FOLDER)
        try:
            for name in path.relative_to(self._root).parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=folder)
                inner = enter(folder, name, _FOLDER)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _status(folder: int, name: str) -> os.stat_result | None:
    """Of the file that is to be changed, None if there is none. Raises OSError if it is not for us to change."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise PermissionError(errno.EPERM, f"{name} has become a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if not status.st_mode & 0o222 or not os.access(name, os.W_OK, dir_fd=folder):
        raise PermissionError(errno.EACCES, "the file is read-only")
    return status


def _content(folder: int, name: str) -> bytes | None:
    try:
        with open(os.open(name, _OLD, dir_fd=folder), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _same(before: os.stat_result | None, now: os.stat_result | None) -> bool:
    if before is None or now is None:
        return before is now
    return (before.st_ino, before.st_size, before.st_mtime_ns) == (now.st_ino, now.st_size, now.st_mtime_ns)


@contextmanager
def temporary(
    folder: int, like: os.stat_result | None, data: bytes, *, bits: int | None = None, durable: bool = True
) -> Iterator[str]:
    """The name of a new file with this content, and with owner and mode of the other; it is gone afterwards.

    bits: another mode. durable: on the disk, and not only in its cache. Other writers' `_sweep` leaves it alone.
    """
    name = f".roundtrip-{secrets.token_hex(8)}.tmp"
    mode = stat.S_IMODE(like.st_mode) if like and bits is None else bits
    descriptor = os.open(name, _NEW, 0o666 if mode is None else 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            with suppress(OSError):  # without locks, `_sweep` removes nothing either
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if like:
                with suppress(OSError):  # only root may give files away; whose it is matters less than its content
                    os.fchown(descriptor, like.st_uid, like.st_gid)
            if mode is not None:
                os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(descriptor)
            yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _sweep(folder: int) -> None:
    """Removes the temporary files of writers that live no more."""
    for name in filter(TEMPORARY.fullmatch, os.listdir(folder)):
        with suppress(OSError), open(os.open(name, _OLD, dir_fd=folder), "rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)
