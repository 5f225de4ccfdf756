"""Opens what somebody else may be changing: no link leads elsewhere, and nothing waits for a pipe.

Strategy. A path was judged with every link in it resolved. Here each folder on the way is opened by itself, relative to
the one above, and never through a link. So what is opened stands where the path says, or nothing is opened. A unit of
its own, because the shell and the tools both open files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_AT_ONCE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WAY: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
"""To go through a folder one need not be allowed to read it."""

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


def real(path: str | Path) -> Path:
    """Absolute, links resolved as far as the path exists; the path itself where it can't be one."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return Path(path)


def straight(path: str | Path, flags: int = os.O_RDONLY, *, folder: int | None = None) -> int:
    """A descriptor of what stands there, reached without a link. May be an opener of `open`. Raises OSError.

    path: normalised; absolute, or relative to the descriptor of a folder.
    """
    text = os.fspath(path)
    *steps, name = [part for part in text.split("/") if part] or ["."]
    here = os.open("/" if text.startswith("/") else ".", _WAY, dir_fd=folder)
    try:
        for step in steps:
            inner = enter(here, step, _WAY)
            os.close(here)
            here = inner
        return enter(here, name, flags | _AT_ONCE)
    finally:
        os.close(here)


@contextmanager
def held(folder: str | Path) -> Iterator[Path]:
    """A folder under a name that still means it when its own name means another one; on Linux. Raises OSError."""
    descriptor = straight(folder, FOLDER)
    try:
        same = Path(f"/proc/self/fd/{descriptor}")
        yield same if same.exists() else Path(folder)
    finally:
        os.close(descriptor)


def whole(path: Path) -> bytes:
    """All that is in a file, reached without a link. Raises OSError."""
    with open(path, "rb", opener=straight) as file:
        return file.read()


def enter(folder: int, name: str, flags: int) -> int:
    """Opens what is in a folder; flags: with O_NOFOLLOW. Raises OSError."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise PermissionError(error.errno, f"{name} has become a symbolic link") from None
        raise


def content(path: Path, most: int, *, links: bool = False) -> bytes | None:
    """The first `most` bytes of a regular file, None for what is none or can't be read. links: follows one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | (_AT_ONCE & ~os.O_NOFOLLOW if links else _AT_ONCE))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except (OSError, ValueError):
        return None
