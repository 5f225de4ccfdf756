"""The engine that needs no other program: walks a tree as `ignore` says, and lists its files and links.

It runs as a program of its own, so that it can be stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from roundtrip.agent.files import FOLDER, straight
from roundtrip.tools.finding.ignore import AGENT, GIT, Hidden, Scope

CODES: Final[tuple[int, ...]] = (0,)
LINKS: Final = True


def walk(scope: Scope, *, files: bool = True, going: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """The files and symbolic links below the scope's base that nothing hides, relative to it. No link is followed.

    files: if not, only the links. going: asked at each folder whether to go on.
    """
    try:
        base = straight(scope.base, FOLDER)
    except OSError:
        return
    try:
        yield from _walk(base, Hidden(scope, GIT, AGENT), files, going)
    finally:
        os.close(base)


def _walk(base: int, hidden: Hidden, files: bool, going: Callable[[], bool]) -> Iterator[str]:
    waiting = [""]
    while waiting and going():
        folder = waiting.pop()
        try:
            with folder_entries(folder, base) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    wanted = is_folder or entry.is_symlink() or (files and entry.is_file(follow_symlinks=False))
                    if not wanted or entry.name == ".git":
                        continue
                    path = f"{folder}{entry.name}"
                    if hidden(path, folder=is_folder):
                        continue
                    if is_folder:
                        waiting.append(f"{path}/")
                    else:
                        yield path
        except OSError:
            continue  # what can't be read has no files to show


@contextmanager
def folder_entries(folder: str, base: int | None = None) -> Iterator[Iterator[os.DirEntry[str]]]:
    """What is in a folder that no link leads to; it may be relative to a descriptor. Raises OSError."""
    descriptor = straight(folder, FOLDER, folder=base)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def fits(scope: Scope) -> bool:
    return True


def listing(program: str, scope: Scope) -> tuple[str, ...]:
    """-P: a folder's own modules must not be taken for Python's."""
    return (sys.executable, "-P", "-m", "roundtrip.tools.finding.python_files", json.dumps(asdict(scope)))


def searching(program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
    return ()  # whoever searches is a Python already


def main() -> None:
    scope = Scope(**json.loads(sys.argv[1]))
    for path in walk(scope):
        sys.stdout.buffer.write(os.fsencode(path) + b"\0")


if __name__ == "__main__":
    main()
