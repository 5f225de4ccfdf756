"""`list_files`: what is in a folder, as far as ignore files don't hide it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools import ripgrep
from roundtrip.tools.globs import matcher
from roundtrip.tools.paths import failure, intend, unfit_folder

SHOWN = 300
KEPT = 50_000
"""Entries that are held in memory; the shallowest `SHOWN` of them are shown."""

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
    aliases=("glob", "ls", "list_directory", "list_dir"),
    parameter_aliases={
        "file_path": "path",
        "absolute_path": "path",
        "filename": "path",
        "target_file": "path",
        "directory": "path",
    },
    example='{"path": "src", "recursive": true}',
)


class Entries:
    """The entries of a folder, made from the paths of its files; a folder's entry ends with a slash."""

    def __init__(self, recursive: bool, fits: Callable[[str], bool], limit: int = KEPT) -> None:
        self.recursive = recursive
        self._fits = fits
        self._limit = limit
        self._kept: set[str] = set()
        self.uncounted = 0
        """Entries beyond the limit; a folder may be counted more than once."""
        self.hidden = 0
        """Entries that are there and did not fit the pattern; a folder may be counted more than once."""

    def add_file(self, path: str) -> None:
        parts = path.removeprefix("./").split("/")
        if not self.recursive:
            self.add(parts[0] + ("/" if len(parts) > 1 else ""))
            return
        for depth in range(1, len(parts)):
            self.add("/".join(parts[:depth]) + "/")
        self.add("/".join(parts))

    def add(self, entry: str) -> None:
        if entry in self._kept:
            return
        if not self._fits(entry.rstrip("/")):
            self.hidden += 1
        elif len(self._kept) < self._limit:
            self._kept.add(entry)
        else:
            self.uncounted += 1

    def sorted(self) -> list[str]:
        """What is near first: by depth, then folders before files, then by name."""
        return sorted(self._kept, key=lambda entry: (entry.rstrip("/").count("/"), not entry.endswith("/"), entry))


class ListFiles:
    """rg: the path of ripgrep, "" if there is none; by default it is looked for."""

    spec = SPEC

    def __init__(self, workspace: Workspace, rg: str | None = None) -> None:
        self._workspace = workspace
        self._rg = ripgrep.find() if rg is None else rg

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (arguments.get("path") or ".",))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        folder = self._workspace.locate(arguments.get("path") or ".")
        if isinstance(folder, Refusal):
            return failure(folder.reason)
        reason = unfit_folder(self._workspace, folder) or ("" if self._rg else ripgrep.MISSING)
        if reason:
            return failure(reason)
        pattern = arguments.get("pattern", "")
        entries = Entries(arguments.get("recursive", False) or "/" in pattern, self._fits(folder, pattern))
        finished = await ripgrep.run(
            self._workspace, self._rg, ("--files", "./"), base=folder, take=entries.add_file, end="\0"
        )
        if not entries.recursive:
            _add_unlisted(folder, entries, incomplete=finished.code is None)
        return _render(self._workspace.shown(folder), pattern, entries, incomplete=finished.code is None)

    def _fits(self, folder: Path, pattern: str) -> Callable[[str], bool]:
        """The pattern may be meant relative to the folder or to the workspace."""
        fits = matcher(pattern)
        return lambda entry: fits(entry) or fits(self._workspace.shown(folder / entry))


def _add_unlisted(folder: Path, entries: Entries, *, incomplete: bool) -> None:
    """Adds what has no files that rg would list: empty folders and links; all folders where rg had no time."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                is_folder = entry.is_dir()
                if entry.is_symlink() or (is_folder and entry.name != ".git" and (incomplete or _is_empty(entry.path))):
                    entries.add(entry.name + ("/" if is_folder else ""))
    except OSError:
        return  # what rg could list is enough


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _render(name: str, pattern: str, entries: Entries, *, incomplete: bool) -> ToolResult:
    found = entries.sorted()
    count = len(found) + entries.uncounted
    stopped = f" (stopped after {ripgrep.SECONDS:.0f} s)" if incomplete else ""
    if not found:
        reason = f"nothing matches {pattern}" if entries.hidden else "nothing here, but for what ignore files hide"
        return ToolResult(f"{name}: {reason}{stopped}", f"{name}: 0 entries")
    prefix = "" if name == "." else f"{name.rstrip('/')}/"
    lines = [f"{prefix}{entry}".replace("\n", "\\n") for entry in found[:SHOWN]]
    if count > SHOWN:
        lines.append(f"… {count - SHOWN} more; narrow it with path or pattern")
    header = f"{count} {'entry' if count == 1 else 'entries'} in {name}"
    return ToolResult("\n".join((f"{header}{stopped}:", *lines)), header)
