"""Which git data belongs to a workspace, and what in it makes git run programs.

Strategy. A repository's own folder must be writable, or no command could commit; but hooks and configuration are
programs that git runs later, outside any sandbox, and so are the files that say where the configuration stands.
Rules:
1. The repository is the one that git finds from the root: `.git` there or in the nearest folder above.
2. Where `.git` is a file (a worktree, a submodule), what it names counts only if that names this workspace in turn:
   a file in a project could name any folder.
3. Folders directly below the root may be repositories too, and so are submodules. Deeper ones are not looked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST_NESTED: Final = 64
_LONGEST: Final = 64 * 1024
_PROGRAMS: Final = ("hooks", "config", "config.worktree")
"""What makes git run programs; in every folder of git data."""

_REDIRECTS: Final = ("commondir", "gitdir", "config.worktree")
"""What says, in the folder of a worktree, where git data stands."""


@dataclass(frozen=True, slots=True)
class GitData:
    """writable: folders of git data outside the root. readonly: what exists in git data and must not be changed.

    redirects: files that must not come into being, because git would take its configuration from where they point.
    top: the worktree around the root, if there is one: git takes what it can't see of it for removed.
    """

    writable: tuple[Path, ...] = ()
    readonly: tuple[Path, ...] = ()
    redirects: tuple[Path, ...] = ()
    top: tuple[Path, ...] = ()


def git_data(root: Path) -> GitData:
    """Reads it from the disk. root: absolute, links resolved. Never raises."""
    writable: list[Path] = []
    readonly: list[Path] = []
    own = [found] if (found := _enclosing(root)) else []
    for marker in (*own, *_nested(root)):
        real = Path(os.path.realpath(marker))
        folder = real if real.is_dir() and (real == marker or real.is_relative_to(root)) else _linked(marker)
        if marker.is_file():
            readonly.append(marker)
        if folder is None:
            continue
        common = _common(folder)
        if not common.is_relative_to(root) and common not in writable:
            writable.append(common)
        readonly += _guarded(common)
    redirects = {path.parent / "commondir" for path in readonly if path.name == "config"}
    top = tuple(marker.parent for marker in own if marker.parent != root)
    return GitData(tuple(writable), tuple(dict.fromkeys(readonly)), tuple(sorted(redirects - set(readonly))), top)


def _enclosing(root: Path) -> Path | None:
    return next((path / ".git" for path in (root, *root.parents) if os.path.lexists(path / ".git")), None)


def _nested(root: Path) -> list[Path]:
    with suppress(OSError), os.scandir(root) as entries:
        folders = sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
        return [one / ".git" for one in folders if one.name != ".git" and os.path.lexists(one / ".git")][:_MOST_NESTED]
    return []


def _linked(marker: Path) -> Path | None:
    """The git data that a `.git` file names, if that names the file's folder in turn."""
    named = re.match(r"gitdir:\s*(.+)", _text(marker)) if marker.is_file() else None
    if named is None:
        return None
    folder = Path(os.path.realpath(marker.parent / named[1].strip()))
    back = _text(folder / "gitdir").strip()
    worktree = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", _text(folder / "config"), re.MULTILINE)
    claims = [folder / back] if back else [folder / worktree[1] / ".git"] if worktree else []
    return folder if any(os.path.realpath(claim) == os.path.realpath(marker) for claim in claims) else None


def _common(folder: Path) -> Path:
    """Where the data stands that a worktree shares with its repository; the folder itself if it is no worktree's."""
    named = _text(folder / "commondir").strip()
    common = Path(os.path.realpath(folder / named)) if named else folder
    return common if folder.is_relative_to(common / "worktrees") else folder


def _guarded(folder: Path) -> Iterator[Path]:
    """What must not be changed in a folder of git data, its submodules and its worktrees."""
    with suppress(OSError):
        (folder / "hooks").mkdir(exist_ok=True)  # as git makes it; what is not there could not be made read-only
    yield from (folder / name for name in _PROGRAMS if (folder / name).exists())
    for worktree in _folders(folder / "worktrees"):
        yield from (worktree / name for name in _REDIRECTS if (worktree / name).exists())
    for module in _modules(folder / "modules"):
        yield from _guarded(module)


def _modules(folder: Path) -> Iterator[Path]:
    """The names of submodules may have slashes in them."""
    for one in _folders(folder):
        if (one / "HEAD").exists():
            yield one
        else:
            yield from _modules(one)


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def _text(path: Path) -> str:
    """What a small file says, "" if it can't be read."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(_LONGEST).decode("utf-8", "surrogateescape")
    return ""
