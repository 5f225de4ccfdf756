"""`list_files`: what is in a folder, as far as ignore files don't hide it."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from roundtrip.agent.files import FOLDER, straight
from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.plain import name_line
from roundtrip.agent.tooling import Finished, Intent, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.cut import first_lines
from roundtrip.tools.finding.engines import (
    PYTHON,
    SECONDS,
    Counting,
    Engine,
    Progress,
    Records,
    by_folder,
    installed,
    listers,
    nested,
)
from roundtrip.tools.finding.entries import Entries
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.ignore import Scope, scope_of
from roundtrip.tools.finding.python_files import directly, walk
from roundtrip.tools.habits import FOLDER_PATH, reading
from roundtrip.tools.paths import failure, inside, intend, unfit_folder

NO_TEXT = re.compile("[\ufffd\ud800-\udfff]")
"""Bytes of a name that are no text, as an engine's output has them, and as Python has them."""

TARGET = 200
"""Characters of a link's target that are shown; they may be thousands."""

T = TypeVar("T")

WILD = re.compile(r"[*?\[{.]")
"""What a glob, or a whole name, has; who gives neither looks for a part of a name."""

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
        "print_tree",
        "repo_browser.print_tree",
    ),
    parameter_aliases={**FOLDER_PATH, "glob": "pattern", "glob_pattern": "pattern", "query": "pattern"},
    adapt=reading.list_files,
    example='{"path": "src", "recursive": true}',
)


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
        reason = await asyncio.to_thread(unfit_folder, self._workspace, folder)
        if reason:
            return failure(reason)
        scope = await asyncio.to_thread(scope_of, folder, self._workspace.root)
        pattern, name = inside(self._workspace, arguments.get("pattern", "")), self._workspace.shown(folder)
        recursive = arguments.get("recursive", False) or "/" in pattern
        new = partial(Entries, recursive, _fits(pattern, _prefix(name)), self._caps.entries)
        found = await (self._below(scope, new, output) if recursive else _directly(scope, new))
        if isinstance(found, str):
            return failure(f"The listing failed: {found or 'no reason was given'}.")
        entries, complete = found
        return await asyncio.to_thread(_render, scope, name, pattern, entries, self._caps.bytes, complete=complete)

    async def _below(self, scope: Scope, new: Callable[[], Entries], output: Output) -> tuple[Entries, bool] | str:
        """All there is below a folder, and whether there was time for all of it; or why it can't be listed."""
        for engine in dict.fromkeys((*listers(self._engines, scope), PYTHON)):
            entries = new()
            async with asyncio.TaskGroup() as at_once:
                linking = at_once.create_task(_passed_over(engine, scope))
                finished = await self._list(engine, scope, entries, Progress(output))
            if engine.succeeded(finished.code) or (finished.code is None and (entries.count or entries.hidden)):
                break
        if finished.code is not None and not engine.succeeded(finished.code):
            return name_line(" ".join(finished.output.split())[-200:])
        links, complete = linking.result()
        for where, paths in by_folder(links):
            entries.add_files(where, paths)
        return entries, complete and finished.code is not None

    async def _list(self, engine: Engine, scope: Scope, entries: Entries, progress: Progress) -> Finished:
        """Adds all files; those of repositories further down are asked for one after the other."""
        accepts, below = await asyncio.to_thread(Counting, scope), [""]
        while below:
            prefix = below.pop()

            def take(paths: str, prefix: str = prefix) -> None:
                for folder, found in by_folder(_below(prefix, paths)):
                    if found.endswith("/\0"):
                        below.append(f"{folder}/")
                    elif counted := accepts(folder, found):
                        entries.add_files(folder, counted)
                progress(entries.count, "entries")

            finished = await self._at_once(engine, nested(scope, prefix) if prefix else scope, take)
            if not engine.succeeded(finished.code):
                break
        return finished

    async def _at_once(self, engine: Engine, scope: Scope, take: Callable[[str], None]) -> Finished:
        """Runs what lists the files of a scope. How that ended; of several, the one that did not do well."""
        commands, base = await asyncio.to_thread(engine.listings, scope), Path(scope.base)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._workspace.run(each, cwd=base, seconds=SECONDS, output=Records("\0", take)))
                for each in commands
            ]
        ends = [task.result() for task in running]
        return next((finished for finished in ends if not engine.succeeded(finished.code)), ends[0])


def _below(prefix: str, paths: str) -> str:
    """The paths that an engine printed for a folder below the scope's base, as seen from there."""
    start = "./" if paths.startswith("./") else ""
    return paths if prefix == start else f"\0{paths[:-1]}".replace(f"\0{start}", f"\0{prefix}")[1:] + "\0"


async def _passed_over(engine: Engine, scope: Scope) -> tuple[str, bool]:
    """The links that an engine does not name, and whether there was time for all of them."""
    if engine.names_links:
        return "", True
    return await _timed(lambda going: "".join(f"{link}\0" for link in walk(scope, files=False, going=going)))


async def _directly(scope: Scope, new: Callable[[], Entries]) -> tuple[Entries, bool] | str:
    """What is in a folder itself, and whether there was time to see which of its folders are to be shown; or why it
    can't be listed."""
    entries = new()

    def add(going: Callable[[], bool]) -> Entries:
        for entry in directly(scope, going=going):
            if entry.endswith("/"):
                entries.add_folder(entry[:-1])
            else:
                entries.add_files("", f"{entry}\0")
        return entries

    try:
        return await _timed(add)
    except OSError as error:
        return error.strerror or ""


async def _timed(work: Callable[[Callable[[], bool]], T]) -> tuple[T, bool]:
    """What work in a thread comes to that asks whether to go on, and whether there was time for all of it."""
    stopped, until = threading.Event(), time.monotonic() + SECONDS

    def going() -> bool:
        return not stopped.is_set() and time.monotonic() < until

    try:
        return await asyncio.to_thread(work, going), going()
    finally:
        stopped.set()  # the thread must not outlive a call that was cancelled


def _prefix(name: str) -> str:
    """What stands before an entry to make it a path: relative to the workspace where it lies inside."""
    return "" if name == "." else f"{name.rstrip('/')}/"


def _fits(pattern: str, prefix: str) -> Callable[[str], bool] | None:
    """The pattern may be meant relative to the folder or to the workspace."""
    if not pattern:
        return None
    fits = matcher(pattern)
    return (lambda entry: fits(entry) or fits(prefix + entry)) if prefix else fits


def _render(scope: Scope, name: str, pattern: str, entries: Entries, most: int, *, complete: bool) -> ToolResult:
    """most: bytes of the entries that are shown."""
    found, count = entries.first(), entries.count
    stopped = "" if complete else f" (stopped after {SECONDS:.0f} s)"
    if not found:
        wide = pattern if WILD.search(pattern) else f"*{pattern}*"
        below = "" if entries.recursive else f"; for folders below it use **/{wide}"
        none = f"nothing matches {pattern}{below}"
        reason = none if entries.hidden else "nothing here, but for what ignore files hide"
        return ToolResult(f"{name}: {reason}{stopped}", f"{name}: 0 entries")
    prefix = _prefix(name)
    lines = first_lines((name_line(f"{prefix}{entry}") for entry in _with_targets(scope.base, found)), most)
    if count > len(lines):
        lines.append(f"… {count - len(lines)} more; narrow it with path or pattern")
    header = f"{count} {'entry' if count == 1 else 'entries'} in {name}"
    return ToolResult("\n".join((f"{header}{stopped}:", *lines)), header)


def _with_targets(base: str, found: Iterable[str]) -> Iterator[str]:
    """The entries below a folder, links with where they lead. Left out is what is not there, or behind a link that has
    come since. A name that is no text is not looked up, for not all engines tell its bytes."""
    last, above, is_text = None, -1, not NO_TEXT.search(base)
    try:
        for entry in found:
            folder, _, name = entry.rstrip("/").rpartition("/")
            if folder != last:
                if above >= 0:
                    os.close(above)
                last, above = folder, _opened(f"{base}/{folder}")
            leads = _leads(name, above) if is_text and not NO_TEXT.search(entry) else ""
            if leads is not None:
                yield f"{entry}{leads}"
    finally:
        if above >= 0:
            os.close(above)


def _opened(folder: str) -> int:
    """A descriptor, -1 where there is none."""
    try:
        return straight(folder, FOLDER)
    except OSError:
        return -1


def _leads(name: str, folder: int) -> str | None:
    """Where a link in a folder leads to, "" for what is none; None for what is not there."""
    try:
        target = os.readlink(name, dir_fd=folder) if folder >= 0 else None
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    return None if target is None else f" -> {target[:TARGET]}{'…' * (len(target) > TARGET)}"
