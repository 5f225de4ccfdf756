"""Which of a command's words are files that it writes, and which are no files, as far as its program is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import PurePath
from typing import Final

from roundtrip.agent.rules.shell.launchers import Command
from roundtrip.agent.rules.shell.options import TELLERS, Shape, operands, shaped
from roundtrip.agent.rules.shell.words import Word

_TESTS: Final = re.compile(r"\s-(?!delete|depth|mindepth|maxdepth|xdev|mount|daystart|print|ls)[a-z]")
"""What `find` does not take all files for."""


def written(command: Command) -> Iterator[Word]:
    """The files that a command's words say it writes, makes or removes."""
    shape, found = shaped(command)
    files = [one.value for one in operands(shape, found)]
    options = {one.option for one in found}
    yield from (one.value for one in found if one.option in shape.files.split())
    folder = next((one.value for one in found if one.option in shape.folder.split()), None)
    if command.name == "find":
        yield from _found(command) if "-delete" in command.texts else ()
    elif shape.operands in ("written", "removed") or (shape.operands == "in place" and options & {"i", "in-place"}):
        yield from files
    elif shape.operands == "packed" and options & {"c", "r", "u", "A", "create", "append", "update"}:
        yield from (one.value for one in found if one.option in ("f", "file"))
    elif shape.operands in ("copied", "moved"):
        yield from files if shape.operands == "moved" else ()
        yield from _targets(files, folder)
    elif shape.operands.startswith("fetched"):
        yield from _fetched(shape, options, files, folder)


def removed(command: Command) -> Iterator[Word]:
    """Those that are no longer there then."""
    if command.name == "find" and "-delete" in command.texts and not _TESTS.search(" ".join(command.texts)):
        yield from _found(command)
    shape, found = shaped(command)
    files = [one.value for one in operands(shape, found)]
    if shape.operands == "moved" and not any(one.option in shape.folder.split() for one in found):
        files = files[:-1]
    yield from files if shape.operands in ("removed", "moved") else ()


def may_be_files(command: Command) -> list[Word]:
    """The words behind a command's name, but for those that are certainly texts."""
    if command.name in TELLERS:
        return []
    shape, found = shaped(command)
    texts = {one.at for one in found if one.option in shape.texts.split() or (one.option and one.value.text[:1] == "!")}
    texts |= {one.at for one in found if not one.option} - {one.at for one in operands(shape, found)}
    return [word for number, word in enumerate(command.words) if number and number not in texts]


def values(command: Command) -> list[Word]:
    """The operands, and what stands behind `=` or another mark of a value, but for what is certainly a text."""
    shape, found = shaped(command)
    if command.name in TELLERS:
        return []
    options = [one.value for one in found if one.option and one.option not in shape.texts.split()]
    return [*options, *(one.value for one in operands(shape, found))]


def _found(command: Command) -> Iterator[Word]:
    """Where `find` begins."""
    names = takewhile(lambda word: not re.match(r"[(!]|-[a-z]", word.text), command.words[1:])
    yield from [word for word in names if word.text[:1] != "-"] or [replace(command.words[0], text=".", path="")]


def _targets(files: Sequence[Word], folder: Word | None) -> Iterator[Word]:
    """What copies become: the last word, or in it what the others are called."""
    if not files:
        return
    *sources, last = files if folder is None else (*files, folder)
    if not sources:  # `ln x/y` makes a y here
        yield from _named(Word(""), [last])
        return
    yield last
    if folder or len(sources) > 1 or not PurePath(last.stem).suffix:  # it may be a folder
        yield from _named(last, sources)


def _fetched(shape: Shape, options: set[str], urls: Sequence[Word], folder: Word | None) -> Iterator[Word]:
    """What is called as its address."""
    own_names = {"O", "remote-name", "remote-name-all"} if shape.operands == "fetched -O" else set()
    if bool(own_names & options) if own_names else not {"O", "output-document"} & options:
        said = (re.split(r"[?#]", url.path if url.open else url.text)[0] for url in urls)
        yield from _named(
            folder or Word(""), [Word(text, stage=url.stage) for text, url in zip(said, urls, strict=True)]
        )


def _named(folder: Word, files: Sequence[Word]) -> Iterator[Word]:
    """What files are called in a folder."""
    for file in files:
        name = (file.path if file.open else file.text).rstrip("/").rpartition("/")[2]
        text, path = (f"{one}/{name}" if one else name for one in (folder.text, folder.path or folder.text))
        if not re.search(r"[$`]", name):
            text = folder.text if folder.open or file.open else text
            yield Word(text, folder.open or file.open, path=path, stage=file.stage)
