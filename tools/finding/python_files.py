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


def directly(scope: Scope, *, going: Callable[[], bool] = lambda: True) -> Iterator[str]:
    """What of the same is in the scope's base itself, and the folders in it, with a slash, that hold some of it or
    nothing at all. Of what is below, no more is looked at than that takes. Raises OSError.

    going: asked at each folder; from where it says no, all folders that nothing hides are taken to hold something.
    """
    hidden, base = Hidden(scope, GIT, AGENT), straight(scope.base, FOLDER)
    try:
        with folder_entries("", base) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git" or hidden(entry.name, folder=is_folder):
                    continue
                if not is_folder and (entry.is_symlink() or entry.is_file(follow_symlinks=False)):
                    yield entry.name
                elif is_folder and _holds(base, entry.name, hidden, going):
                    yield f"{entry.name}/"
    finally:
        os.close(base)


def _holds(base: int, folder: str, hidden: Hidden, going: Callable[[], bool]) -> bool:
    """Whether a folder is to be shown."""
    found = next(_walk(base, hidden, True, going, f"{folder}/"), None)
    return found is not None or not going() or _is_empty(base, folder)


def _is_empty(base: int, folder: str) -> bool:
    try:
        with folder_entries(folder, base) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _walk(base: int, hidden: Hidden, files: bool, going: Callable[[], bool], start: str = "") -> Iterator[str]:
    waiting = [start]
    while waiting and going():
        folder = waiting.pop()
        try:
            with folder_entries(folder, base) as entries:
                # Nearly all entries are files: where only links are wanted, they are passed over as fast as can be.
                for entry in entries if files else [one for one in entries if not one.is_file(follow_symlinks=False)]:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    wanted = is_folder or entry.is_symlink() or entry.is_file(follow_symlinks=False)
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


def shares(scope: Scope) -> bool:
    return False


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
