"""`list_files`: what is in a folder, as far as ignore files don't hide it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
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
    WITHOUT_LINKS,
    Counting,
    Engine,
    Progress,
    Records,
    by_folder,
    installed,
    listers,
    nested,
)
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.ignore import AGENT, GIT, Hidden, Scope, scope_of
from roundtrip.tools.finding.python_files import walk
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

    def add(self, entries: list[str]) -> None:
        self._kept += entries
        if len(self._kept) > self._most:
            kept = self.first()
            self._dropped, self._kept = self.count - len(kept), kept

    def first(self) -> list[str]:
        return sorted(self._kept)[: self._shown]  # quick: engines name most of them in order


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

    def add_files(self, folder: str, paths: list[str]) -> None:
        """Those in one folder, links among them."""
        level = self._folders[folder] if folder in self._folders else self.add_folder(folder)
        if level is None:
            return
        fitting = [path for path in paths if self._fits(path)] if self._fits else paths
        self.hidden += len(paths) - len(fitting)
        level.add(fitting)

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
                self._level(depth, files=False).add([f"{folder}/"])
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
        for engine in (*listers(self._engines, scope), PYTHON):
            recursive = arguments.get("recursive", False) or "/" in pattern
            entries = Entries(recursive, _fits(pattern, _prefix(name)), self._caps.entries)
            finished = await self._list(engine, scope, entries, Progress(output))
            if engine.succeeded(finished.code) or (finished.code is None and entries.count):
                break
        complete = finished.code is not None and (engine.name not in WITHOUT_LINKS or await _add_links(scope, entries))
        return await asyncio.to_thread(_render, scope, name, pattern, entries, complete=complete)

    async def _list(self, engine: Engine, scope: Scope, entries: Entries, progress: Progress) -> Finished:
        """Adds all files; those of repositories further down are asked for one after the other."""
        accepts, below = await asyncio.to_thread(Counting, scope), [""]
        while below:
            prefix = below.pop()

            def take(paths: list[str], prefix: str = prefix) -> None:
                for folder, found in by_folder(_below(prefix, paths)).items():
                    if found[0].endswith("/"):
                        below.extend(found)
                    elif counted := accepts(folder, found):
                        entries.add_files(folder, counted)
                progress(entries.count, "entries")

            where = nested(scope, prefix) if prefix else scope
            finished = await self._workspace.run(
                engine.listing(where), cwd=Path(where.base), seconds=SECONDS, output=Records("\0", take)
            )
            if not engine.succeeded(finished.code):
                break
        return finished


def _below(prefix: str, paths: list[str]) -> list[str]:
    """The paths that an engine printed for a folder below the scope's base, as seen from there."""
    if not prefix and not paths[0].startswith("./"):
        return paths
    return [prefix + path.removeprefix("./") for path in paths]


async def _add_links(scope: Scope, entries: Entries) -> bool:
    """Adds the links that an engine has passed over. Returns whether there was time for all of them."""
    stopped, until = threading.Event(), time.monotonic() + SECONDS

    def going() -> bool:
        return not stopped.is_set() and time.monotonic() < until

    try:
        links = await asyncio.to_thread(lambda: list(walk(scope, files=False, going=going)))
        complete = going()
    finally:
        stopped.set()  # the thread must not outlive a call that was cancelled
    for folder, paths in by_folder(links).items():
        entries.add_files(folder, paths)
    return complete


def _prefix(name: str) -> str:
    """What stands before an entry to make it a path: relative to the workspace where it lies inside."""
    return "" if name == "." else f"{name.rstrip('/')}/"


def _fits(pattern: str, prefix: str) -> Callable[[str], bool] | None:
    """The pattern may be meant relative to the folder or to the workspace."""
    if not pattern:
        return None
    fits = matcher(pattern)
    return (lambda entry: fits(entry) or fits(prefix + entry)) if prefix else fits


def _add_folders(scope: Scope, entries: Entries, *, complete: bool) -> None:
    """Adds the folders in this one that hold no files; all of them where there was no time."""
    hidden = Hidden(scope, GIT, AGENT)
    try:
        with os.scandir(scope.base) as found:
            for entry in found:
                listed = not entry.is_dir(follow_symlinks=False) or (complete and not _is_empty(entry.path))
                if not listed and entry.name != ".git" and not hidden(entry.name, folder=True):
                    entries.add_folder(entry.name)
    except OSError:
        return  # what could be listed is enough


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _render(scope: Scope, name: str, pattern: str, entries: Entries, *, complete: bool) -> ToolResult:
    if not entries.recursive:
        _add_folders(scope, entries, complete=complete)
    found, count = entries.first(), entries.count
    stopped = "" if complete else f" (stopped after {SECONDS:.0f} s)"
    if not found:
        reason = f"nothing matches {pattern}" if entries.hidden else "nothing here, but for what ignore files hide"
        return ToolResult(f"{name}: {reason}{stopped}", f"{name}: 0 entries")
    prefix = _prefix(name)
    lines = [name_line(f"{prefix}{entry}{_leads(os.path.join(scope.base, entry))}") for entry in found]
    if count > len(found):
        lines.append(f"… {count - len(found)} more; narrow it with path or pattern")
    header = f"{count} {'entry' if count == 1 else 'entries'} in {name}"
    return ToolResult("\n".join((f"{header}{stopped}:", *lines)), header)


def _leads(path: str) -> str:
    """Where a link leads to, "" for what is none."""
    if not os.path.islink(path):
        return ""
    try:
        return f" -> {os.readlink(path)}"
    except OSError:
        return ""
