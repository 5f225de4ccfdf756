"""Telling of files that are obeyed unasked (`protected.WATCHED`), when a command has changed them.

Strategy. What a checkpoint covers is known from it. Others, those that git ignores above all, are looked at before and
after a command: in the root, where most of them must lie to be obeyed, and wherever the last look saw them ignored.
What a command in the background changes is told with the next command.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from roundtrip.agent.files import content
from roundtrip.agent.plain import name_line
from roundtrip.agent.rules.protected import obeyed

_LARGEST: Final = 1 << 18
_MOST: Final = 100
"""Files in one folder."""

_RESTLESS: Final = ".idea/workspace.xml"
"""What its editor writes all the time."""


class Watcher:
    """Watches one workspace. warn: hears what was changed."""

    def __init__(self, root: Path, warn: Callable[[str], None]) -> None:
        self._root, self._warn = root, warn
        self._marks: Mapping[str, bytes] = {}
        self._lingers = False
        """Whether a command may go on in the background."""

    def begins(self, arguments: str, ignored: Collection[str], changed: Callable[[], Collection[str]]) -> None:
        """A command begins. changed: what checkpoints found changed since the last one ended."""
        marks = marks_of(self._root, ignored)
        if self._lingers:
            self._tell("a command in the background (or somebody else) changed", (), {*changed(), *self._differ(marks)})
        self._marks = marks
        self._lingers = self._lingers or "background" in arguments

    def ended(self, ignored: Collection[str], changed: Collection[str]) -> None:
        """It has ended, or goes on in the background."""
        marks = marks_of(self._root, ignored)
        self._tell("the command changed", changed, self._differ(marks) - set(changed))
        self._marks = marks

    def _differ(self, marks: Mapping[str, bytes]) -> set[str]:
        return {path for path in self._marks.keys() | marks.keys() if self._marks.get(path) != marks.get(path)}

    def _tell(self, who: str, covered: Collection[str], others: Collection[str]) -> None:
        for paths, end in ((covered, "takes it back"), (others, "can't take it back")):
            said = obeyed(paths)
            if said:
                self._warn(f"{who} files that act unasked: {name_line(said)}; /undo {end}")


def marks_of(root: Path, ignored: Collection[str]) -> dict[str, bytes]:
    """The files that are obeyed, and what is in them: in the root, and those that git is known to ignore."""
    try:
        names = os.listdir(root)
    except OSError:
        names = []
    paths = {path for path in (*names, *(path.rstrip("/") for path in ignored)) if obeyed([path])}
    return dict(one for path in paths for one in _marks(root, path, 1))


def _marks(root: Path, path: str, deeper: int) -> Iterator[tuple[str, bytes]]:
    where = root / path
    try:
        status = where.lstat()
        if stat.S_ISDIR(status.st_mode):
            for name in sorted(os.listdir(where))[:_MOST] if deeper >= 0 else ():
                yield from _marks(root, f"{path}/{name}", deeper - 1)
        elif stat.S_ISLNK(status.st_mode):
            yield path, os.fsencode(os.readlink(where))
        elif path != _RESTLESS:
            small = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST
            yield path, sha256(content(where, _LARGEST) or b"").digest() if small else str(status.st_mtime_ns).encode()
    except OSError:
        return
