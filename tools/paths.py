"""What all tools that take a path have in common: intents, and the words for a path that is no good."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from roundtrip.agent.messages import Effect, ToolResult
from roundtrip.agent.tooling import Intent, Refusal, Workspace

SUGGESTED = 5
"""How many names an error about a missing file offers."""

COMPARED = 10_000
"""Names in a folder among which close ones are looked for; to compare more takes seconds."""

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
    """The error for a path that can't be reached, with the closest names there are."""
    folder = path.parent
    while not os.path.isdir(folder):
        path, folder = folder, folder.parent
    if os.path.lexists(path):
        return f"{workspace.shown(path)} is no folder, so there is nothing below it."
    what = f"{workspace.shown(path)} does not exist."
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return what
    if len(names) > COMPARED:
        names = []
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(path.name.casefold(), folded, SUGGESTED)
    if not close:
        return f"{what} Use list_files on {workspace.shown(folder)} to see what there is."
    return f"{what} Did you mean: {', '.join(workspace.shown(folder / folded[name]) for name in close)}?"
