"""The entries of a folder, made from paths of files in whatever order they come. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from roundtrip.tools.caps import DEFAULT

SPARE: Final = 8
"""How many times as many entries as are shown a level may hold before it is thinned out."""


class Level:
    """The folders, or the files, of one depth: how many there are, and the first of them by name."""

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._most = SPARE * shown
        self._kept: list[str] = []
        self._dropped = 0
        self._last = ""
        """What comes behind this is not among the first; "" until there are too many."""

    @property
    def count(self) -> int:
        return self._dropped + len(self._kept)

    def add(self, entries: str, prefix: str = "") -> None:
        """Entries with a NUL behind each. prefix: of them all; most folders are passed over by a look at it alone."""
        if self._last and prefix > self._last:
            self._dropped += entries.count("\0")
            return
        self._kept += entries.split("\0")[:-1]
        if len(self._kept) > self._most:
            kept = self.first()
            self._dropped, self._kept, self._last = self.count - len(kept), kept, kept[-1]

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

    def add_files(self, folder: str, paths: str) -> None:
        """Those in one folder, links among them, with a NUL behind each."""
        level = self._folders[folder] if folder in self._folders else self.add_folder(folder)
        if level is None:
            return
        if self._fits:
            fitting = "".join(f"{path}\0" for path in paths.split("\0")[:-1] if self._fits(path))
            self.hidden += paths.count("\0") - fitting.count("\0")
            paths = fitting
        level.add(paths, folder)

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
                self._level(depth, files=False).add(f"{folder}/\0", folder)
            self._folders[folder] = self._level(depth + 1, files=True) if self.recursive else None
        return self._folders[folder]

    def _level(self, depth: int, *, files: bool) -> Level:
        if (depth, files) not in self._levels:
            self._levels[depth, files] = Level(self._shown)
        return self._levels[depth, files]

    def first(self) -> list[str]:
        """What is near comes first: by depth, then folders before files, then by name."""
        found: list[str] = []
        for _, level in sorted(self._levels.items(), key=lambda item: item[0]):
            if len(found) < self._shown:
                found += level.first()
        return found[: self._shown]
