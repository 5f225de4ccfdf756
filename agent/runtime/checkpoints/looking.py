"""What may have changed in the workspace: where a look at it has to look closer.

Strategy. Git compares its index with the work tree (`diff-files`), and lists what is new (`ls-files --others`), both at
the same time: in a folder of 50,000 files that takes a tenth of a second. What it does not tell is asked for: the
files of a repository inside the workspace, and of a folder that was a file before. Whether a path can be covered is
judged here, too: see the rules of `shadow`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.runtime.checkpoints.shadow_git import GitError, ShadowGit

LARGEST: Final = 8 * 1024 * 1024
LARGEST_NAMED: Final = 64 * 1024 * 1024

MOST_FILES: Final = 200_000
MOST_BYTES: Final = 2 * 1024 * 1024 * 1024
MOST_IGNORED: Final = 500
"""Files and folders; where git ignores more of them, we don't know which there are."""

_LISTING: Final = 60.0
"""Seconds that git may take to list the files."""

ARGUMENTS: Final = 200
"""Paths that are named on a command line; where there are more, all are listed."""

_MOST_WALKED: Final = 100_000
"""Folders, and what is in them, where empty ones are looked for."""

_ESCAPED: Final = r"\\\1"


class TooMuch(Exception):
    """The folder is too large to be kept. The message says how large."""


@dataclass(slots=True)
class Found:
    """What a look at the workspace brought. present: to be taken as it is now. fresh: not covered until now.
    ignored: what git ignores, a folder as one. straight: whether no link leads to a folder."""

    present: dict[str, os.stat_result] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    ignored: frozenset[str] = frozenset()
    straight: dict[Path, bool] = field(default_factory=dict)


class Looker:
    """Looks at one workspace. All methods are called with the repository locked."""

    def __init__(self, git: ShadowGit, root: Path) -> None:
        self._git, self._root = git, root

    def everything(
        self, kept: Collection[str], named: Collection[str], ignored: Collection[str] | None
    ) -> tuple[Found, list[str]]:
        """What there is, and folders in which no file may be. ignored: what git was known to ignore, where it need not
        be asked again."""
        with ThreadPoolExecutor(2) as pool:
            ignoring = pool.submit(self._ignored, ignored)
            words = ("diff-files", "-z", "--name-status", "--relative", "--ignore-submodules=all")
            compared = pool.submit(self._git.run, *words)
            listed = self._listed("--directory")
            changed = list(pairs(compared.result()))
        folders = [path for path in listed if path.endswith("/")]
        files = self._new_files(listed, [path for _, path in changed])
        if len(files) > MOST_FILES:
            raise TooMuch(f"it holds more than {MOST_FILES} files that git does not ignore")
        found = Found(gone={path for status, path in changed if status == "D"}, ignored=ignoring.result())
        for path in (*(path for status, path in changed if status != "D"), *files):
            self.judge(path, found, LARGEST_NAMED if path in kept else LARGEST)
        found.fresh = set(files)
        found.gone -= found.fresh  # git has never heard of them
        for path in named:
            self.judge(path, found, LARGEST_NAMED)
        total = sum(status.st_size for status in found.present.values())
        if total > MOST_BYTES:
            raise TooMuch(f"its files hold {total >> 20} MB that git does not ignore")
        return found, folders

    def _ignored(self, known: Collection[str] | None) -> frozenset[str]:
        """What git ignores and is there."""
        if known is not None:
            return frozenset(path for path in known if os.path.lexists(self._root / path))
        listed = self._listed("--ignored", "--directory")
        return frozenset(listed if len(listed) <= MOST_IGNORED else ())

    def _new_files(self, listed: Sequence[str], changed: Sequence[str]) -> list[str]:
        """The files that are not covered yet. listed: they, and folders in which none is. changed: what was covered;
        where a file has become a folder, git doesn't list what is in it."""
        files = [path for path in listed if not path.endswith("/")]
        folders = [path for path in listed if path.endswith("/")]
        folders += [f"{path}/" for path in changed if _is_folder(self._root / path)]
        if folders:
            named = folders if len(folders) <= ARGUMENTS and "./" not in folders else []
            for path in self._listed("--", *named):
                files += self._inner(path) if path.endswith("/") else [path]
        return list(dict.fromkeys(files))

    def _listed(self, *more: str, top: Path | None = None) -> list[str]:
        """What git does not know. Within `top` it knows nothing."""
        index = self._git.folder / "no-index" if top else None
        ignored = [f"--exclude-from={path}" for path in _ignore_files(self._git.top)]
        ignored += _own(self._git.folder.parents[1], self._root, self._git.top)
        words = ("ls-files", "-z", "--others", "--exclude-standard", *ignored, *more)
        try:
            return list(split(self._git.run(*words, index=index, top=top, seconds=_LISTING)))
        except GitError as error:
            if "took longer" in str(error):
                raise TooMuch("git takes too long to list its files") from error
            raise

    def _inner(self, folder: str) -> Iterator[str]:
        """The files of a repository inside the workspace."""
        if not os.path.lexists(self._root / folder / ".git"):
            return
        for path in self._listed(top=self._root / folder):
            if path.endswith("/"):
                yield from self._inner(folder + path)
            else:
                yield folder + path

    def judge(self, path: str, found: Found, largest: int) -> None:
        """Whether a path is there and can be taken."""
        where = self._root / path
        found.present.pop(path, None)
        found.left.pop(path, None)
        try:
            status = where.lstat()
        except (OSError, ValueError):
            found.gone.add(path)
            return
        regular = stat.S_ISREG(status.st_mode)
        folder = where.parent
        if folder not in found.straight:
            found.straight[folder] = os.path.realpath(folder) == str(folder)
        if not (regular or stat.S_ISLNK(status.st_mode)) or not found.straight[folder]:
            found.gone.add(path)
        elif regular and status.st_size > largest:
            found.left[path] = f"{status.st_size / 1e6:.0f} MB"
        elif regular and not os.access(where, os.R_OK):
            found.left[path] = "not readable"
        else:
            found.gone.discard(path)
            found.present[path] = status
            return
        found.gone.add(path)

    def folders(self) -> list[str]:
        return [path for path in self._listed("--directory") if path.endswith("/")]


def _ignore_files(top: Path) -> list[Path]:
    """Ignore rules of the user's that git looks for in places that it does not know here."""
    own = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "git" / "ignore"
    return [path for path in (top / ".git" / "info" / "exclude", own) if path.is_file() and os.access(path, os.R_OK)]


def _own(state: Path, root: Path, top: Path) -> list[str]:
    """The folder in which we keep our own things, where it lies in the workspace: a home directory."""
    if state == root or not state.is_relative_to(root):
        return []
    return [f"--exclude=/{re.sub(r'([*?[!# ])', _ESCAPED, state.relative_to(top).as_posix())}/"]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def split(out: bytes) -> Iterator[str]:
    return (os.fsdecode(part) for part in out.split(b"\0") if part)


def pairs(out: bytes) -> Iterator[tuple[str, str]]:
    parts: Any = split(out)
    return zip(parts, parts, strict=False)


def empty_ones(root: Path, folders: Collection[str]) -> frozenset[str]:
    """The empty ones among the folders and in them."""
    found: set[str] = set()
    walked, waiting = 0, [str(root / folder) for folder in folders]
    while waiting and walked <= _MOST_WALKED:  # not os.walk, which goes by recursion before Python 3.12
        where = waiting.pop()
        try:
            with os.scandir(where) as entries:
                inside = list(entries)
        except OSError:
            continue
        walked += 1 + len(inside)
        if not inside:
            found.add(os.path.relpath(where, root))
        elif not any(entry.name == ".git" for entry in inside):
            waiting += (entry.path for entry in inside if entry.is_dir(follow_symlinks=False))
    return frozenset(found - {"."})
