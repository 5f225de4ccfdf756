"""What all tools that take a path have in common: intents, and the words for a path that is no good."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from roundtrip.agent.messages import Effect, ToolResult
from roundtrip.agent.plain import name_line
from roundtrip.agent.tooling import Intent, Refusal, Workspace
from roundtrip.tools.finding.ignore import scope_of
from roundtrip.tools.finding.python_files import walk

SUGGESTED = 5
"""How many names an error about a missing file offers."""

COMPARED = 10_000
"""Names in a folder among which close ones are looked for; to compare more takes seconds."""

WALKED_FILES, WALKED_FOLDERS = 20_000, 4000
"""How much of the workspace is looked through for a file of the same name."""

KINDS = (
    (stat.S_ISDIR, "is a folder; use list_files"),
    (stat.S_ISFIFO, "is a named pipe (FIFO), which can't be read as a file"),
    (stat.S_ISSOCK, "is a socket, which can't be read as a file"),
    (stat.S_ISCHR, "is a device, which can't be read as a file"),
    (stat.S_ISBLK, "is a device, which can't be read as a file"),
)
"""What is no regular file, and what to say of it."""


def intend(workspace: Workspace, effect: Effect, paths: Iterable[str], *, writing: bool = False) -> Intent:
    """The intent of a call that touches these paths; the first refusal refuses the call."""
    located: list[Path] = []
    for path in paths:
        where = workspace.locate(path, writing=writing)
        if isinstance(where, Refusal):
            return Intent(effect, refusal=where)
        located.append(where)
    return Intent(effect, tuple(located))


def inside(workspace: Workspace, pattern: str) -> str:
    """A glob relative to the workspace, where it was given with the workspace's own path."""
    return pattern.removeprefix(f"{workspace.root}/")


def failure(reason: str) -> ToolResult:
    return ToolResult(reason, details=reason.partition("\n")[0], failed=True)


def unfit_file(workspace: Workspace, path: Path) -> str:
    """Why this can't be read as a regular file, "" if it can."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return missing(workspace, path)
    except OSError as error:
        return f"{workspace.shown(path)} can't be read: {error.strerror}."
    return next((f"{workspace.shown(path)} {kind}." for is_kind, kind in KINDS if is_kind(mode)), "")


def unfit_folder(workspace: Workspace, path: Path) -> str:
    """Why this is no folder that can be listed, "" if it is one."""
    if not os.path.lexists(path):
        return missing(workspace, path)
    return "" if os.path.isdir(path) else f"{workspace.shown(path)} is not a folder; use read_file for a file."


def missing(workspace: Workspace, path: Path) -> str:
    """The error for a path that can't be reached, with what may be meant by it."""
    given, folder = path, path.parent
    while not os.path.isdir(folder):
        path, folder = folder, folder.parent
    if os.path.lexists(path):
        return f"{workspace.shown(path)} is no folder, so there is nothing below it."
    meant = _ends_alike(workspace.root, given)
    if meant:
        return f"{workspace.shown(given)} does not exist. Did you mean: {workspace.shown(meant)}?"
    what = f"{workspace.shown(path)} does not exist."
    if not path.is_relative_to(workspace.root):
        what += f" The workspace is {name_line(str(workspace.root))}."
    close = list(dict.fromkeys((*_of_that_name(workspace.root, given), *_close(folder, path.name))))[:SUGGESTED]
    if not close:
        return f"{what} Use list_files on {workspace.shown(folder)} to see what there is."
    return f"{what} Did you mean: {', '.join(map(workspace.shown, close))}?"


def _ends_alike(root: Path, path: Path) -> Path | None:
    """What is in the workspace at the longest end of a path that begins as somewhere else, such as /workspace/src."""
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ("", *path.parts[1:])
    ends = (root.joinpath(*parts[start:]) for start in range(1, len(parts)))
    return next(filter(os.path.lexists, ends), None)


def _of_that_name(root: Path, path: Path) -> Iterator[Path]:
    """The files of a path's name that lie elsewhere in the workspace, where it is not large."""
    folders = iter(range(WALKED_FOLDERS))
    if path.is_relative_to(root):
        found = walk(scope_of(root, root), going=lambda: next(folders, None) is not None)
        yield from sorted(root / file for file in islice(found, WALKED_FILES) if os.path.basename(file) == path.name)


def _close(folder: Path, name: str) -> Iterator[Path]:
    """What is in a folder under names close to one."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    if len(names) <= COMPARED:
        folded = {name.casefold(): name for name in reversed(names)}
        close = difflib.get_close_matches(name.casefold(), folded, SUGGESTED)
        yield from (folder / folded[name] for name in close)
