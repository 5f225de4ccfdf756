"""Who finds files: ripgrep, else git, else Python. All of them find the same ones.

An engine is a module: it says where it `fits`, and which command lists the files of a scope, or those of them that
match one of some patterns for bytes (`patterns.Pattern.loose`). The commands run in the scope's base and print paths
with a NUL behind each, symbolic links among them or not; `Counting` tells which of these count.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from roundtrip.tools.finding import git_files, python_files, ripgrep
from roundtrip.tools.finding.ignore import AGENT, GIT, Hidden, Scope, exclude_file

if TYPE_CHECKING:  # each search starts a Python, which needs none of it
    from roundtrip.agent.tooling import Output


class _Finder(Protocol):
    """CODES: with which its program ends when all went well. LINKS: whether it names symbolic links."""

    @property
    def CODES(self) -> tuple[int, ...]: ...
    @property
    def LINKS(self) -> bool: ...
    def fits(self, scope: Scope) -> bool: ...
    def shares(self, scope: Scope) -> bool: ...
    def listing(self, program: str, scope: Scope) -> tuple[str, ...]: ...
    def searching(self, program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]: ...


FINDERS: Final[dict[str, _Finder]] = {"rg": ripgrep, "git": git_files, "python": python_files}
"""The best first."""

LISTERS: Final = ("git", "rg", "python")
"""For listings, the fastest first."""

SECONDS: Final = 30.0
"""Time limit of a listing or a search."""

PATIENCE: Final = 2.0
"""Seconds between two words on how far it is."""

NAMES: Final = 64
"""The most names that who lists files compares each path with."""

RUN: Final = re.compile(r"((?:[^\0/]*+/)*+)[^\0/]*+\0(?:\1[^\0/]*+\0)*+")
"""Paths of one folder behind each other. Nothing is tried twice: it takes less time than to split them."""


@dataclass(frozen=True, slots=True)
class Engine:
    """name: a key of `FINDERS`. program: the path of what it runs, if that is not Python."""

    name: str
    program: str = ""

    def listing(self, scope: Scope) -> tuple[str, ...]:
        return FINDERS[self.name].listing(self.program, scope)

    def listings(self, scope: Scope) -> tuple[tuple[str, ...], ...]:
        """Commands that list the files together, at the same time."""
        shares = halves(scope.base) if FINDERS[self.name].shares(scope) else ()
        return tuple((*self.listing(scope), "--", *names) for names in shares) or (self.listing(scope),)

    def searching(self, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """() where this engine can only list."""
        return FINDERS[self.name].searching(self.program, scope, patterns)

    def succeeded(self, code: int | None) -> bool:
        return code in FINDERS[self.name].CODES

    @property
    def names_links(self) -> bool:
        """Whether links are among the files; if not, `python_files.walk` must look for them."""
        return FINDERS[self.name].LINKS


PYTHON: Final = Engine("python")


def installed(root: Path) -> tuple[Engine, ...]:
    """The engines of this machine, the best first; Python is always the last. root: of the workspace."""
    found = (Engine("rg", ripgrep.find(root)), Engine("git", git_files.find(root)))
    return (*(engine for engine in found if engine.program), PYTHON)


class Records:
    """Takes text in pieces and hands it on in whole records, each of which ends with `end`."""

    def __init__(self, end: str, take: Callable[[str], None]) -> None:
        self._end = end
        self._take = take
        self._rest = ""

    def __call__(self, text: str) -> None:
        records, end, self._rest = (self._rest + text).rpartition(self._end)
        if end:
            self._take(records + end)


class Progress:
    """Tells the person who waits how far it is, once it takes long, and not too often. The model sees nothing of it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._next = time.monotonic() + PATIENCE

    def __call__(self, count: int, what: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PATIENCE
            self._output(f"{count} {what} so far\n")


def fitting(engines: Iterable[Engine], scope: Scope) -> tuple[Engine, ...]:
    """Those that can be asked about this scope; none where an ignore file is no file, which might hold them up."""
    base = Path(scope.base)
    folders = (folder for folder in (base, *base.parents) if folder.is_relative_to(scope.top))
    files = [*(folder / GIT for folder in folders), *([Path(exclude_file(scope.top))] if scope.repository else [])]
    if any(map(_may_hold_up, files)):
        return ()
    return tuple(engine for engine in engines if FINDERS[engine.name].fits(scope))


def _may_hold_up(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()
    except OSError:
        return False


def nested(scope: Scope, path: str) -> Scope:
    """What is to be asked for where an engine printed a path that ends with `/`."""
    base = os.path.join(scope.base, path.rstrip("/"))
    return Scope(base, scope.root, base, repository=True)


def listers(engines: Iterable[Engine], scope: Scope) -> list[Engine]:
    """Those that fit, in the order in which they are asked for a listing."""
    return sorted(fitting(engines, scope), key=lambda engine: LISTERS.index(engine.name))


def halves(base: str) -> tuple[list[str], ...]:
    """The names in a folder, for two who look through it; () where that is not worth it."""
    try:
        with os.scandir(base) as found:
            entries = [(not entry.is_dir(follow_symlinks=False), entry.name) for entry in found if entry.name != ".git"]
    except OSError:
        return ()
    names = [name for _, name in sorted(entries)]  # folders first: both get the same number of them
    return (names[::2], names[1::2]) if 1 < len(names) <= NAMES else ()


def by_folder(paths: str) -> Iterator[tuple[str, str]]:
    """Paths with a NUL behind each, apart by folder: what is decided for a folder need not be decided for each of its
    files. A folder comes again where other paths stand between."""
    for run in RUN.finditer(paths):
        yield run[1][:-1], run[0]


class Counting:
    """Tells which of the files count that an engine has found for a scope: those that no `.agentignore` hides."""

    def __init__(self, scope: Scope) -> None:
        self._hidden = Hidden(scope, AGENT)

    def __call__(self, folder: str, paths: str) -> str:
        """Those of the paths in a folder that count."""
        if self._hidden.silent(folder):
            return paths
        return "".join(f"{path}\0" for path in paths.split("\0")[:-1] if not self._hidden(path))
