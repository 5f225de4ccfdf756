"""`list_files`: what is in a folder, as far as ignore files don't hide it."""

from __future__ import annotations

import asyncio
import heapq
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.plain import name_line
from roundtrip.agent.tooling import Finished, Intent, Output, Refusal, Workspace
from roundtrip.tools import habits
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.finding.engines import (
    PYTHON,
    SECONDS,
    Counting,
    Engine,
    Progress,
    Records,
    fitting,
    installed,
    nested,
)
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.ignore import AGENT, GIT, Hidden, Scope, scope_of
from roundtrip.tools.paths import failure, intend, unfit_folder

SPARE = 64
"""How many times as many entries as are shown a level may hold before it is thinned out."""

SPEC = ToolSpec(
    name="list_files",
    description="List a folder: folders first, ignored files left out.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "folder, default ."},
            "recursive": {"type": "boolean", "description": "with all folders below it"},
            "pattern": {"type": "string", "description": "glob, for example **/*.py"},
        },
    },
    aliases=(
        "glob",
        "ls",
        "list_directory",
        "list_dir",
        "list",
        "find",
        "find_files",
        "file_search",
        "glob_file_search",
        "find_path",
    ),
    parameter_aliases={**habits.FOLDER, "glob": "pattern", "glob_pattern": "pattern", "query": "pattern"},
    adapt=habits.list_files,
    example='{"path": "src", "recursive": true}',
)


class Level:
    """The folders, or the files, of one depth: how many there are, and the first of them by name."""

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._most = SPARE * shown
        self._kept: list[str] = []
        self._dropped = 0

    @property
    def count(self) -> int:
        return self._dropped + len(self._kept)

    def add(self, entry: str) -> None:
        self._kept.append(entry)
        if len(self._kept) > self._most:
            kept = self.first()
            self._dropped, self._kept = self.count - len(kept), kept

    def first(self) -> list[str]:
        return heapq.nsmallest(self._shown, self._kept)


class Entries:
    """The entries of a folder, made from the paths of its files; a folder's entry ends with a slash.

    fits: None lets all of them through. shown: how many of them will be wanted at most.
    """

    def __init__(
        self, recursive: bool, fits: Callable[[str], bool] | None = None, shown: int = DEFAULT.entries
    ) -> None:
        self.recursive = recursive
        self._fits = fits
        self._shown = shown
        self._levels: dict[tuple[int, bool], Level] = {}
        self._folders: dict[str, Level | None] = {"": self._level(0, files=True)}
        """Each folder there is, with the level of its files; None where they are not listed."""
        self.hidden = 0
        """Entries that are there and did not fit the pattern."""

    @property
    def count(self) -> int:
        return sum(level.count for level in self._levels.values())

    def add_file(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        level = self._folders[folder] if folder in self._folders else self.add_folder(folder)
        if level is None:
            return
        if self._fits and not self._fits(path):
            self.hidden += 1
        else:
            level.add(path)

    def add_folder(self, folder: str) -> Level | None:
        """With all those above it; in a listing that is not recursive only the uppermost is shown."""
        missing = []
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for folder in reversed(missing):
            depth = folder.count("/")
            if self._fits and not self._fits(folder):
                self.hidden += self.recursive or not depth
            elif self.recursive or not depth:
                self._level(depth, files=False).add(f"{folder}/")
            self._folders[folder] = self._level(depth + 1, files=True) if self.recursive else None
        return self._folders[folder]

    def _level(self, depth: int, *, files: bool) -> Level:
        return self._levels.setdefault((depth, files), Level(self._shown))

    def first(self) -> list[str]:
        """What is near comes first: by depth, then folders before files, then by name."""
        found: list[str] = []
        for _, level in sorted(self._levels.items(), key=lambda item: item[0]):
            if len(found) < self._shown:
                found += level.first()
        return found[: self._shown]


class ListFiles:
    """engines: those that may find the files, the best first; by default the ones that are installed."""

    spec = SPEC

    def __init__(
        self, workspace: Workspace, engines: tuple[Engine, ...] | None = None, *, caps: Caps = DEFAULT
    ) -> None:
        self._workspace = workspace
        self._engines = installed(workspace.root) if engines is None else engines
        self._caps = caps

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (arguments.get("path") or ".",))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        folder = self._workspace.locate(arguments.get("path") or ".")
        if isinstance(folder, Refusal):
            return failure(folder.reason)
        reason = unfit_folder(self._workspace, folder)
        if reason:
            return failure(reason)
        scope = await asyncio.to_thread(scope_of, folder, self._workspace.root)
        pattern, name = arguments.get("pattern", ""), self._workspace.shown(folder)
        for engine in (*fitting(self._engines, scope), PYTHON):
            recursive = arguments.get("recursive", False) or "/" in pattern
            entries = Entries(recursive, _fits(pattern, _prefix(name)), self._caps.entries)
            finished = await self._list(engine, scope, entries, Progress(output))
            if engine.succeeded(finished.code) or (finished.code is None and entries.count):
                break
        if not entries.recursive:
            await asyncio.to_thread(_add_unlisted, scope, entries, incomplete=finished.code is None)
        return _render(name, pattern, entries, incomplete=finished.code is None)

    async def _list(self, engine: Engine, scope: Scope, entries: Entries, progress: Progress) -> Finished:
        """Adds all files; those of repositories further down are asked for one after the other."""
        accepts, below = await asyncio.to_thread(Counting, engine, scope), [""]
        while below:
            prefix = below.pop()

            def take(paths: list[str], prefix: str = prefix) -> None:
                for path in paths:
                    path = prefix + path.removeprefix("./")
                    if path.endswith("/"):
                        below.append(path)
                    elif accepts(path):
                        entries.add_file(path)
                progress(entries.count, "entries")

            where = nested(scope, prefix) if prefix else scope
            finished = await self._workspace.run(
                engine.listing(where), cwd=Path(where.base), seconds=SECONDS, output=Records("\0", take)
            )
            if not engine.succeeded(finished.code):
                break
        return finished


def _prefix(name: str) -> str:
    """What stands before an entry to make it a path: relative to the workspace where it lies inside."""
    return "" if name == "." else f"{name.rstrip('/')}/"


def _fits(pattern: str, prefix: str) -> Callable[[str], bool] | None:
    """The pattern may be meant relative to the folder or to the workspace."""
    if not pattern:
        return None
    fits = matcher(pattern)
    return (lambda entry: fits(entry) or fits(prefix + entry)) if prefix else fits


def _add_unlisted(scope: Scope, entries: Entries, *, incomplete: bool) -> None:
    """Adds what has no files to list: empty folders and links; all folders where there was no time."""
    hidden = Hidden(scope, GIT, AGENT)
    try:
        with os.scandir(scope.base) as found:
            for entry in found:
                is_folder = entry.is_dir()
                unlisted = entry.is_symlink() or (is_folder and (incomplete or _is_empty(entry.path)))
                # To git a link is no folder, so a pattern for folders does not hide it.
                if (
                    not unlisted
                    or entry.name == ".git"
                    or hidden(entry.name, folder=entry.is_dir(follow_symlinks=False))
                ):
                    continue
                if is_folder:
                    entries.add_folder(entry.name)
                else:
                    entries.add_file(entry.name)
    except OSError:
        return  # what could be listed is enough


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _render(name: str, pattern: str, entries: Entries, *, incomplete: bool) -> ToolResult:
    found, count = entries.first(), entries.count
    stopped = f" (stopped after {SECONDS:.0f} s)" if incomplete else ""
    if not found:
        reason = f"nothing matches {pattern}" if entries.hidden else "nothing here, but for what ignore files hide"
        return ToolResult(f"{name}: {reason}{stopped}", f"{name}: 0 entries")
    prefix = _prefix(name)
    lines = [name_line(f"{prefix}{entry}") for entry in found]
    if count > len(found):
        lines.append(f"… {count - len(found)} more; narrow it with path or pattern")
    header = f"{count} {'entry' if count == 1 else 'entries'} in {name}"
    return ToolResult("\n".join((f"{header}{stopped}:", *lines)), header)
