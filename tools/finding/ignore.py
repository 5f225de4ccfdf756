"""Ignore files: which paths `.gitignore` and `.agentignore` hide, at any depth, as git understands them.

Strategy. One matcher, for whatever has no better one: all of `.agentignore`, which no other program knows, and
`.gitignore` where neither ripgrep nor git does the work. A folder's ignore file is read when a path in it is first
asked about. Rules:
1. The deepest ignore file that says anything about a path decides; what is in a hidden folder is hidden.
2. `.gitignore` hides tracked files too: what a project calls generated is no reading for a model.
3. Inside a repository, a repository further down begins anew, with its own `.git/info/exclude`. A user's global
   ignore file doesn't count, so that a project looks the same to everybody.
4. Outside a repository ignore files count from the workspace on; above it, they are none of the project's.
5. Who names an ignored folder gets what is in it, but for what ignore files inside hide.
Paths are relative to the folder that the matcher was made for, with `/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roundtrip.tools.finding.wildmatch import Patterns

GIT: Final = ".gitignore"
AGENT: Final = ".agentignore"

LARGEST: Final = 256 * 1024
"""Bytes of an ignore file that are read; to understand so many patterns takes seconds."""

LONGEST: Final = 8 * 1024
"""Characters of a file that says where a repository is."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """hidden: with all that is in it. rules: the patterns that count in it, the deepest first, each with the length
    of the part of a path that they don't look at."""

    hidden: bool = False
    rules: tuple[tuple[int, Patterns], ...] = ()


class IgnoreFiles:
    """What the ignore files of one name hide, from the folder `top` downwards.

    repository: whether `top` is one; see rule 3.
    """

    def __init__(self, top: str, name: str, *, repository: bool = False) -> None:
        self._top = top
        self._name = name
        self._repository = repository
        excluded = _rules(0, exclude_file(top)) if repository else ()
        self._folders = {"": _Folder(rules=_rules(0, os.path.join(top, name)) + excluded)}

    def hides(self, path: str, *, folder: bool = False) -> bool:
        if not path:
            return False
        above = self._folders.get(path.rpartition("/")[0]) or self._folder(path.rpartition("/")[0])
        return above.hidden or (bool(above.rules) and _hide(above.rules, path, folder=folder))

    def silent(self, folder: str) -> bool:
        """Whether nothing directly in this folder can be hidden."""
        known = self._folders.get(folder) or self._folder(folder)
        return not known.hidden and not known.rules

    def _folder(self, path: str) -> _Folder:
        missing = []  # not by recursion: a tree may be deeper than Python goes
        while path not in self._folders:
            missing.append(path)
            path = path.rpartition("/")[0]
        known = self._folders[path]
        for path in reversed(missing):
            known = self._folders[path] = self._below(known, path)
        return known

    def _below(self, above: _Folder, path: str) -> _Folder:
        if above.hidden or (above.rules and _hide(above.rules, path, folder=True)):
            return _Folder(hidden=True)
        where = f"{self._top}/{path}"
        own = _rules(len(path) + 1, f"{where}/{self._name}")
        if self._repository and os.path.lexists(os.path.join(where, ".git")):
            return _Folder(rules=own + _rules(len(path) + 1, exclude_file(where)))
        return _Folder(rules=own + above.rules) if own else above


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked through: all below `base`, except for what ignore files hide.

    root: of the workspace. top: where `.gitignore` files begin to count, `base` or a folder above it.
    repository: whether top is one.
    """

    base: str
    root: str
    top: str
    repository: bool

    def gitignore(self) -> IgnoreFiles:
        return IgnoreFiles(self.top, GIT, repository=self.repository)


def scope_of(base: Path, root: Path) -> Scope:
    """What counts for a search of `base`, a folder inside or outside of the workspace at `root`."""
    repository = next((folder for folder in (base, *base.parents) if os.path.lexists(folder / ".git")), None)
    for top in (repository, root if base.is_relative_to(root) else None):
        if top == base:
            break
        if top is None:
            continue
        scope = Scope(str(base), str(root), str(top), top == repository)
        if scope.gitignore().hides(base.relative_to(top).as_posix(), folder=True):
            continue  # rule 5
        above = (folder for folder in base.parents if folder.is_relative_to(top))
        if scope.repository or any(os.path.lexists(folder / GIT) for folder in above):
            return scope
    return Scope(str(base), str(root), str(base), repository == base)


class Hidden:
    """Tells which of the paths below a scope's base are hidden by ignore files."""

    def __init__(self, scope: Scope, *names: str) -> None:
        base = Path(scope.base)
        tops = {GIT: Path(scope.top), AGENT: Path(scope.root) if base.is_relative_to(scope.root) else base}
        self._rules: list[tuple[IgnoreFiles, str]] = []
        for name in names:
            rules, prefix = self._from(tops[name], base, name, repository=name == GIT and scope.repository)
            self._rules.append((rules, prefix))

    @staticmethod
    def _from(top: Path, base: Path, name: str, *, repository: bool) -> tuple[IgnoreFiles, str]:
        rules, prefix = IgnoreFiles(str(top), name, repository=repository), base.relative_to(top).as_posix()
        if prefix != "." and rules.hides(prefix, folder=True):
            return IgnoreFiles(str(base), name), ""
        return rules, "" if prefix == "." else f"{prefix}/"

    def __call__(self, path: str, *, folder: bool = False) -> bool:
        return any(rules.hides(prefix + path, folder=folder) for rules, prefix in self._rules)

    def silent(self, folder: str) -> bool:
        """Whether nothing directly in this folder can be hidden."""
        return all(rules.silent((prefix + folder).rstrip("/")) for rules, prefix in self._rules)


def _hide(rules: tuple[tuple[int, Patterns], ...], path: str, *, folder: bool) -> bool:
    for start, patterns in rules:
        hidden = patterns.hide(path[start:], folder=folder)
        if hidden is not None:
            return hidden
    return False


def _rules(start: int, file: str) -> tuple[tuple[int, Patterns], ...]:
    """The patterns of one ignore file; none where there is none or it can't be read."""
    if not os.access(file, os.R_OK):
        return ()
    try:
        with open(file, "rb", opener=_open_at_once) as opened:
            patterns = Patterns(opened.read(LARGEST).decode("utf-8", "surrogateescape"))
    except OSError:
        return ()
    return ((start, patterns),) if patterns else ()


def _open_at_once(path: str, flags: int) -> int:
    """Opens what may be a FIFO without waiting for somebody to write into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def exclude_file(repository: str) -> str:
    """The path of `info/exclude`. `.git` is a file in worktrees and submodules, which says where the rest is."""
    git = os.path.join(repository, ".git")
    for place in _pointed(git):
        git = os.path.normpath(os.path.join(repository, place.removeprefix("gitdir:").strip()))
    for place in _pointed(os.path.join(git, "commondir")):
        git = os.path.normpath(os.path.join(git, place.strip()))
    return os.path.join(git, "info", "exclude")


def _pointed(file: str) -> Iterator[str]:
    try:
        with open(file, encoding="utf-8", errors="surrogateescape", opener=_open_at_once) as opened:
            line = opened.readline(LONGEST)
    except OSError:
        return
    if "\0" not in line:
        yield line
