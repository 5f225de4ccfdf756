"""Which git data belongs to a workspace, and what in it makes git run programs.

Strategy. A repository's own folder must be writable, or no command could commit; but hooks and configuration are
programs that git runs later, outside any sandbox, and so are the files that say where the configuration stands.
All of it may have been made by a command to harm us: nothing here waits, raises, or follows a link out.
Rules:
1. The repository is the one that git finds from the root: `.git` there or in the nearest folder above.
2. Where `.git` is a file (a worktree, a submodule), what it names counts only if that names this workspace in turn:
   a file in a project could name any folder.
3. Folders directly below the root may be repositories too, and so are submodules. Deeper ones are not looked for.
4. What is there is guarded as it is. What is not there, and would lead git to another configuration, is made for as
   long as commands run, so that it leads nowhere: `PINS`. Where git would take that for something else, it is not.
5. Links can't be guarded, nor more than so many places. What is left out is named.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roundtrip.agent.files import content, real

_MOST: Final = 128
"""Places with git data that are guarded: each takes up to twenty words of a command line, which
has its limits, and time."""

_MOST_FOLDERS: Final = 4096
"""Folders in which submodules are looked for."""

_BEYOND: Final = f"what is beyond {_MOST} repositories, submodules and worktrees"
_LONGEST: Final = 64 * 1024
_PROGRAMS: Final = ("hooks", "config", "config.worktree")
"""What makes git run programs; in every folder of git data."""

_REDIRECTS: Final = ("commondir", "gitdir", "config.worktree")
"""What says, in the folder of a worktree, where git data stands."""

PINS: Final = {"commondir": b".\n", "config.worktree": b""}
"""Files of git data, and what must be in them so that they say the same as if they were not there."""


@dataclass(frozen=True, slots=True)
class GitData:
    """writable: folders of git data outside the root. readonly: what exists in git data and must not be changed.

    redirects: files that must not come into being, because git would take its configuration from where they point.
    pinned: files that may be made as `PINS` says, and guarded then; some of the redirects, and others. top: the
    worktree around the root, if there is one: git takes what it can't see of it for removed. unguarded: what should be
    read-only, too, and can't be; a path, or in words.
    """

    writable: tuple[Path, ...] = ()
    readonly: tuple[Path, ...] = ()
    redirects: tuple[Path, ...] = ()
    pinned: tuple[Path, ...] = ()
    top: tuple[Path, ...] = ()
    unguarded: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """What has been found so far. places: folders of git data that have been looked at."""

    readonly: dict[Path, None] = field(default_factory=dict)
    redirects: set[Path] = field(default_factory=set)
    pinned: set[Path] = field(default_factory=set)
    unguarded: dict[str, None] = field(default_factory=dict)
    places: set[Path] = field(default_factory=set)

    def guard(self, path: Path) -> None:
        """A mount needs a plain file or a folder, at the end of a way without links."""
        try:
            mode = path.lstat().st_mode
        except (OSError, ValueError):
            return
        if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and real(path) == path:
            self.readonly[path] = None
        else:
            self.unguarded[str(path)] = None

    def enter(self, folder: Path) -> bool:
        """Whether a folder is still to be looked at."""
        if folder in self.places:
            return False
        if len(self.places) >= _MOST:
            self.unguarded[_BEYOND] = None
            return False
        self.places.add(folder)
        return True


def git_data(root: Path) -> GitData:
    """Reads it from the disk. root: absolute, links resolved. Never raises, never waits for what is no file."""
    writable: list[Path] = []
    found = _Found()
    own = [marker] if (marker := _enclosing(root)) else []
    markers = (*own, *_nested(root))
    if len(markers) > _MOST:
        found.unguarded[_BEYOND] = None
    for marker in markers[:_MOST]:
        leads = real(marker)
        folder = leads if os.path.isdir(leads) and (leads == marker or leads.is_relative_to(root)) else _linked(marker)
        if os.path.isfile(marker):
            found.guard(marker)
        if folder is None:
            continue
        common = _common(folder)
        if not common.is_relative_to(root) and common not in writable:
            writable.append(common)
        _guard(found, common)
    return GitData(
        tuple(writable),
        tuple(found.readonly),
        tuple(sorted(found.redirects - found.readonly.keys())),
        tuple(sorted(found.pinned - found.readonly.keys())),
        tuple(marker.parent for marker in own if marker.parent != root),
        tuple(found.unguarded),
    )


def _enclosing(root: Path) -> Path | None:
    return next((path / ".git" for path in (root, *root.parents) if os.path.lexists(path / ".git")), None)


def _nested(root: Path) -> list[Path]:
    with suppress(OSError), os.scandir(root) as entries:
        folders = sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
        return [one / ".git" for one in folders if one.name != ".git" and os.path.lexists(one / ".git")]
    return []


def _linked(marker: Path) -> Path | None:
    """The git data that a `.git` file names, if that names the file's folder in turn."""
    named = re.match(r"gitdir:\s*(.+)", _text(marker))
    if named is None:
        return None
    folder = real(marker.parent / named[1].strip())
    back = _text(folder / "gitdir").strip()
    worktree = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", _text(folder / "config"), re.MULTILINE)
    claims = [folder / back] if back else [folder / worktree[1] / ".git"] if worktree else []
    return folder if any(real(claim) == real(marker) for claim in claims) else None


def _common(folder: Path) -> Path:
    """Where the data stands that a worktree shares with its repository; the folder itself if it is no worktree's."""
    named = _text(folder / "commondir").strip()
    common = real(folder / named) if named else folder
    return common if folder.is_relative_to(common / "worktrees") else folder


def _guard(found: _Found, folder: Path, *, module: bool = False) -> None:
    """What must not be changed in a folder of git data, its submodules and its worktrees."""
    if not found.enter(folder):
        return
    if os.path.exists(folder / "HEAD"):
        with suppress(OSError):
            (folder / "hooks").mkdir(exist_ok=True)  # as git makes it; what is not there could not be made read-only
    for name in _PROGRAMS:
        found.guard(folder / name)
    config = _text(folder / "config")
    if folder / "config" in found.readonly:
        found.redirects.add(folder / "commondir")
        if not _says(config, "bare", "true|yes|on|1") and (module or not _says(config, "worktree", ".")):
            found.pinned.add(folder / "commondir")  # beside which git does not heed these two
    own_settings = _says(config, "worktreeconfig", "")
    if own_settings:
        found.pinned.add(folder / "config.worktree")
    for worktree in _folders(folder / "worktrees"):
        if found.enter(worktree):
            for name in _REDIRECTS:
                found.guard(worktree / name)
            if own_settings:
                found.pinned.add(worktree / "config.worktree")
    for one in _modules(folder / "modules"):
        _guard(found, one, module=True)


def _says(config: str, name: str, value: str) -> bool:
    """Whether a setting has a value that begins so; without any it is true."""
    pattern = rf"^[^#;\n]*\b{name}\s*(?:=\s*\"?(?:{value})|$)"
    return re.search(pattern, config, re.MULTILINE | re.IGNORECASE) is not None


def _modules(folder: Path) -> Iterator[Path]:
    """The names of submodules may have slashes in them."""
    waiting = [folder]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        for one in _folders(waiting.pop()):
            if os.path.exists(one / "HEAD"):
                yield one
            else:
                waiting.append(one)


def _folders(folder: Path) -> list[Path]:
    """Those in a folder, if no link leads there."""
    with suppress(OSError):
        if not os.path.islink(folder):
            with os.scandir(folder) as entries:
                return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def _text(path: Path) -> str:
    """What a small file says, "" if it can't be read or is none."""
    said = content(path, _LONGEST, links=True) or b""
    return said.decode("utf-8", "surrogateescape").replace("\0", "")
