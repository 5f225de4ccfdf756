"""The files that the commands of a line mean: what they write, read and show, and where they run.

Words are taken for paths as far as they can be; what a variable holds is not known. So this finds what a line says it
does, and no more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final, Literal

from roundtrip.agent.rules import protected
from roundtrip.agent.rules.shell.launchers import Command
from roundtrip.agent.rules.shell.programs import NAMES_OUTPUT, READERS, SEARCHERS, WRITERS, wrapped
from roundtrip.agent.rules.shell.script import Script
from roundtrip.agent.rules.shell.words import Word

_DEVICES: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"})
_MOVES: Final = frozenset({"cd", "pushd"})
_MOST_FOLDERS: Final = 100
_IN_PLACE: Final = re.compile(r"-[A-Za-z]*i|--in-place")


@dataclass(frozen=True, slots=True)
class Places:
    """Folders, absolute and with links resolved: those of `approvals.Rules`.

    readable: besides the root. everywhere: the outside of the workspace may be read and written. real: resolves links.
    """

    root: Path
    home: Path | None
    readable: tuple[Path, ...]
    temporary: tuple[Path, ...]
    private: tuple[Path, ...]
    everywhere: bool
    real: Callable[[Path], Path]

    def path(self, base: Path, text: str) -> Path:
        """What a word means in a folder."""
        if text.startswith("~"):  # the home of another user lies somewhere outside
            text = str(self.home / text[2:]) if self.home and text[1:2] in ("", "/") else f"/{text}"
        return Path(os.path.normpath(base / text)) if "\0" not in text else base

    def is_inside(self, path: Path) -> bool:
        """Whether it is in the workspace."""
        return path.is_relative_to(self.root)

    def is_spare(self, path: Path) -> bool:
        """Whether it may be read and written though it lies outside."""
        return str(path) in _DEVICES or any(path.is_relative_to(folder) for folder in self.temporary)

    def is_readable(self, path: Path) -> bool:
        """Whether it may be read without being asked."""
        return self.everywhere or any(path.is_relative_to(folder) for folder in (self.root, *self.readable))

    def within(self, path: Path) -> Path:
        """A path as seen from the workspace."""
        return path.relative_to(self.root) if self.is_inside(path) else path

    def own(self, path: Path) -> str:
        """The agent's own files: the key of the server is among them, and what is allowed."""
        return "belongs to the agent itself" if any(path.is_relative_to(one) for one in self.private) else ""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a command line. cwd: where it starts."""

    places: Places
    cwd: Path
    scripts: Sequence[Script]
    commands: Sequence[Command]
    bases: tuple[Path, ...] = field(init=False)
    """The folders in which the commands may run, none if they are too many."""

    def __post_init__(self) -> None:
        bases = {self.cwd: None}
        for command in self.commands:
            if command.name in _MOVES and command.words[1:] and len(bases) <= _MOST_FOLDERS:
                bases |= dict.fromkeys(self.places.path(base, command.words[-1].stem) for base in tuple(bases))
        object.__setattr__(self, "bases", tuple(bases) if len(bases) <= _MOST_FOLDERS else ())

    def risks(self) -> Iterator[tuple[Literal["protected", "outside", "command"], str]]:
        """Why the line is asked in every mode."""
        if not self.bases:
            yield "command", "It changes the folder too often to be followed."
        writes = [word for script in self.scripts for word in script.writes]
        if any(word.open and re.search(r"[*?\[]|(?<!\$)\{", word.path) for word in writes):
            yield "command", "It writes a file whose name is a pattern."
        writes += [word for command in self.commands for word in written(command)]
        for path in (path for word in writes for path in self._meant(word)):
            within = self.places.within(path)
            why = protected.watched(within) or protected.key(path) or self.places.own(path)
            if why:
                yield "protected", f"{within} {why}."
            elif not (self.places.is_inside(path) or self.places.is_spare(path) or self.places.everywhere):
                yield "outside", f"It writes {path}, outside the workspace."
        for word in (word for script in self.scripts for word in script.reads):
            yield from self._keys(word)
        for word in (word for command in self.commands for word in command.words[1:]):
            yield from self._keys(word)

    def _keys(self, word: Word) -> Iterator[tuple[Literal["protected"], str]]:
        """The keys that a word names, or may name."""
        said = {word.path or word.text, word.stem}
        for text in {part for one in said for part in (one, one.partition("=")[2], one.rpartition(":")[2])} - {""}:
            path = self.places.path(self.cwd, text.lstrip("@"))
            why = protected.key(path) or (self.places.own(path) if "/" in text else "")
            if why:
                yield "protected", f"{text} {why}."
        why = protected.key_beginning(word.stem) if word.more is not None else ""
        if why:
            yield "protected", f"{word.path} may be a file that {why}."

    def are_kept(self, edits: bool) -> bool:
        """Whether commands that rules allow keep to what they may read, and write (inside, if edits are allowed)."""
        moves = [command.words for command in self.commands if command.name in _MOVES]
        if not all(len(words) == 2 and not words[1].open and not words[1].text.startswith("-") for words in moves):
            return False
        if moves and not all(self._may_stay(self.places.real(base)) for base in self.bases):
            return False
        writes = [word for script in self.scripts for word in script.writes]
        reads = [word for script in self.scripts for word in script.reads]
        if any(word.open for word in (*writes, *reads)) or not all(self._may_write(word, edits) for word in writes):
            return False
        return all(self._may_read(word) for word in reads) and not any(map(self._leaves, self.commands))

    def _may_stay(self, folder: Path) -> bool:
        return self.places.is_inside(folder) and not protected.watched(self.places.within(folder))

    def _may_write(self, word: Word, edits: bool) -> bool:
        paths = self._meant(word)
        if all(str(path) in _DEVICES for path in paths):
            return True
        return edits and all(self.places.is_inside(path) or self.places.is_spare(path) for path in paths)

    def _may_read(self, word: Word) -> bool:
        return all(self.places.is_spare(path) or self.places.is_readable(path) for path in self._meant(word))

    def _leaves(self, command: Command) -> bool:
        """Whether a tool that shows files is told to show what the tools for reading would ask for."""
        depth = wrapped(command.texts)
        tool = command.texts[depth] if depth else command.name
        if tool not in READERS:
            return False
        words = [word for word in command.words[depth + 1 :] if not word.text.startswith("-")][tool in SEARCHERS :]
        outward = [word for word in words if re.match(r"[/~]|(?:.*/)?\.\.(?:/|$)", word.stem)]
        return not all(map(self._may_read, outward))

    def _meant(self, word: Word) -> list[Path]:
        """The paths that may be meant, none if nothing is known of them."""
        bases = self.bases if word.stem or not word.open else ()
        return [self.places.real(self.places.path(base, word.stem)) for base in bases]


def written(command: Command) -> Iterator[Word]:
    """The files that a command's words say it writes, makes or removes, as far as its program is known."""
    words = command.words[1:]
    files = [word for word in words if not word.text.startswith("-")]
    how = WRITERS.get(command.name)
    if how == "all" or (how == "in place" and any(_IN_PLACE.match(word.text) for word in words)):
        yield from files
    elif how == "last" and len(files) > 1:
        yield files[-1]
        if len(files) > 2 or not PurePath(files[-1].stem).suffix:  # it may be a folder
            named = (word.text.rstrip("/").rpartition("/")[2] for word in files[:-1] if not word.open)
            yield from (_in(files[-1], name) for name in named)
    options = NAMES_OUTPUT.get(command.name, ())
    for number, word in enumerate(words):
        option, is_joined, value = word.text.partition("=")
        if option in options and is_joined:
            yield Word(value, word.open, path=word.path.partition("=")[2])
        elif option in options:
            yield from words[number + 1 : number + 2]


def _in(folder: Word, name: str) -> Word:
    """What a name means in a folder."""
    return replace(folder, text=folder.text if folder.open else f"{folder.text}/{name}", path=f"{folder.path}/{name}")
