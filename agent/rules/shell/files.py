"""The files that the commands of a line mean: what they write, read and show, and where they run.

Words are taken for paths as far as they can be; what a variable holds is not known. So this finds what a line says it
does, and no more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

from roundtrip.agent.rules import protected
from roundtrip.agent.rules.shell.launchers import Command
from roundtrip.agent.rules.shell.programs import READERS, wrapped
from roundtrip.agent.rules.shell.script import Script
from roundtrip.agent.rules.shell.steps import MOVES
from roundtrip.agent.rules.shell.words import Word
from roundtrip.agent.rules.shell.written import may_be_files, removed, values, written

_DEVICES: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"})
_MOST_FOLDERS: Final = 32
_MOST_PATHS: Final = 4000
"""Folders in which commands may run, and words in each of them."""

_STILL: Final = frozenset({"cd", "set", "echo", "pwd"})
"""Commands after which a folder is still there."""


@dataclass(frozen=True, slots=True)
class Places:
    """Folders, absolute and with links resolved: those of `approvals.Rules`.

    readable: besides the root. everywhere: the outside of the workspace may be read and written. real: resolves links,
    `..` behind them too. is_folder: whether one is there now.
    """

    root: Path
    home: Path | None
    readable: tuple[Path, ...]
    temporary: tuple[Path, ...]
    private: tuple[Path, ...]
    everywhere: bool
    real: Callable[[Path], Path]
    is_folder: Callable[[Path], bool]

    def path(self, base: Path, text: str) -> Path:
        """What a word means in a folder, as `cd` takes it: `link/..` is the folder of the link."""
        return Path(os.path.normpath(self._path(base, text)))

    def file(self, base: Path, text: str) -> Path:
        """The file that a word means in a folder, links resolved."""
        return self.real(self._path(self.real(base), text))

    def _path(self, base: Path, text: str) -> Path:
        if text.startswith("~"):  # the home of another user lies somewhere outside
            text = str(self.home / text[2:]) if self.home and text[1:2] in ("", "/") else f"/{text}"
        return base / text if "\0" not in text else base

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
    """The files of a command line. cwd: where it starts. scripts: the line, and those that shells in it are told."""

    places: Places
    cwd: Path
    scripts: Sequence[Script]
    commands: Sequence[Command]
    bases: tuple[Path, ...] = field(init=False)
    """The folders in which the commands may run, none if they are too many."""
    stages: tuple[tuple[Path, ...], ...] = field(init=False)
    """Those in which words may be meant, by their stage; none if that is not known."""

    def __post_init__(self) -> None:
        stages = tuple(map(tuple, self._followed()))
        bases = dict.fromkeys((self.cwd, *(base for stage in stages for base in stage)))
        for command in self.commands if not stages else ():
            if command.name in MOVES and len(bases) <= _MOST_FOLDERS:
                where = command.words[-1].stem if command.words[1:] else "~"
                bases |= dict.fromkeys(self.places.path(base, where) for base in tuple(bases))
        words = sum(len(command.words) for command in self.commands)
        few = len(bases) == 1 or (len(bases) <= _MOST_FOLDERS and len(bases) * words <= _MOST_PATHS)
        object.__setattr__(self, "stages", stages if few else ())
        object.__setattr__(self, "bases", tuple(bases) if few else ())

    def _followed(self) -> list[dict[Path, None]]:
        """The folders at each stage. A `cd` that fails leaves what stands behind the next `;` where it was; it does not
        if it comes first in the line, and its folder is there."""
        parts, steps = self.scripts[0].parts, self.scripts[0].steps
        moves = sum(command.name in MOVES for command in self.commands)
        sets = any(name.startswith(("CDPATH=", "HOME=")) for command in self.commands for name in command.sets)
        if steps is None or sets or moves != sum(step is not None for step in steps):
            return []
        first = sum(part.name == "cd" for part in takewhile(lambda part: part.name in _STILL, parts))
        now, stayed = dict.fromkeys([self.cwd]), dict[Path, None]()
        stages, moved = [now], 0
        for step in steps:
            if step is None:
                now, stayed = now | stayed, {}
            else:
                then = dict.fromkeys(self.places.path(base, step.text) for base in now)
                moved += 1
                if moved > first or not all(map(self.places.is_folder, then)):
                    stayed |= now
                now = then
            stages.append(now)
            if len(now) > _MOST_FOLDERS:
                return []
        return stages

    def risks(self) -> Iterator[tuple[Literal["protected", "outside", "command"], str]]:
        """Why the line is asked in every mode."""
        if not self.bases:
            yield "command", "It changes the folder too often to be followed."
        writes = [word for script in self.scripts for word in script.writes]
        if any(word.open and re.search(r"[*?\[]|(?<!\$)\{", word.path) for word in writes):
            yield "command", "It writes a file whose name is a pattern."
        said = [word for command in self.commands for word in written(command)]
        for word in said:
            yield from self._patterns(word)
        for path in (path for word in (*writes, *said) for path in self._meant(word)):
            within = self.places.within(path)
            why = protected.watched(within) or protected.key(path) or self.places.own(path)
            if why:
                yield "protected", f"{within} {why}."
            elif not (self.places.is_inside(path) or self.places.is_spare(path) or self.places.everywhere):
                yield "outside", f"It writes {path}, outside the workspace."
        gone = (word for command in self.commands for word in removed(command) if word.stem == (word.path or word.text))
        if any(self.places.root in self._meant(word) for word in gone):
            yield "protected", "It removes the whole workspace."
        for word in (word for script in self.scripts for word in script.reads):
            yield from self._keys(word)
        for word in (word for command in self.commands for word in may_be_files(command)):
            yield from self._keys(word)

    def _patterns(self, word: Word) -> Iterator[tuple[Literal["protected"], str]]:
        """What a pattern may stand for that is obeyed."""
        if word.open and not re.search(r"[$`]", word.path):
            pattern = re.sub(r"\{[^{}]*\}", "*", word.path)
            why = protected.may_be_watched(self.places.path(self.cwd, pattern))
            if why:
                yield "protected", f"{word.path} may be a file that {why}."

    def _keys(self, word: Word) -> Iterator[tuple[Literal["protected"], str]]:
        """The keys that a word names, or may name."""
        said = {word.path or word.text, word.stem}
        for text in {part for one in said for part in (one, one.partition("=")[2], one.rpartition(":")[2])} - {""}:
            path = self.places.path(self.cwd, text.lstrip("@"))
            why = protected.key(path) or (self.places.own(path) if "/" in text else "")
            if why:
                yield "protected", f"{text} {why}."
        for path in self._meant(word) if not word.open else ():
            if protected.key(path) or self.places.own(path):
                yield "protected", f"{word.text} leads to {path}, which {protected.key(path) or self.places.own(path)}."
        why = protected.key_beginning(word.stem) if word.more is not None else ""
        if why:
            yield "protected", f"{word.path} may be a file that {why}."

    def beyond_rules(self, edits: bool) -> str:
        """Why rules can't allow the commands: they read or write (inside, if edits are allowed) what they may not
        without a question, or it can't be told. "" if they can."""
        moves = [command.words for command in self.commands if command.name in MOVES]
        if not all(len(words) == 2 and not words[1].open and not words[1].text.startswith("-") for words in moves):
            return "it goes to a folder that can't be told"
        if moves and not all(self._may_stay(self.places.real(base)) for base in self.bases):
            return "it goes where rules don't count"
        for word in (word for script in self.scripts for word in script.writes):
            if word.open or not self._may_write(word, edits):
                return f"it writes {word.path or word.text}"
        held = [Word(said.partition("=")[2].rstrip("*")) for command in self.commands for said in command.sets]
        for word in (*(word for script in self.scripts for word in script.reads), *held):
            if word.open or not self._may_read(word):
                return f"it reads {word.path or word.text}"
        leaving = next(filter(self._leaves, self.commands), None)
        return f"{leaving.name} may show what is outside the workspace" if leaving else ""

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
        return not all(map(self._may_read, values(replace(command, words=command.words[depth:]))))

    def _meant(self, word: Word) -> list[Path]:
        """The paths that may be meant, none if nothing is known of them."""
        return [self.places.file(base, word.stem) for base in self._folders(word) if word.stem or not word.open]

    def _folders(self, word: Word) -> tuple[Path, ...]:
        """Those in which it may be meant."""
        return self.stages[word.stage] if self.stages and word.stage >= 0 else self.bases
