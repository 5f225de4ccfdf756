"""Real files to edit, and variants of them, held as bytes: every place in the text knows its place in the bytes.

Strategy. The files are those that this interpreter and its packages were installed with, so nothing is invented but
what is rare there: a variant changes the line endings, the encoding, the indentation or single characters of a real
file, the same way every time. A text position counts characters of the text as a model knows it: decoded, without the
byte order mark, lines ended by one newline. `Source` turns positions into bytes, and is the only place that does.
"""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

SUFFIXES: Final = {
    ".py": 90,
    ".pyi": 12,
    ".c": 14,
    ".h": 14,
    ".txt": 8,
    ".toml": 8,
    ".md": 8,
    ".json": 6,
    ".rst": 6,
    ".xml": 4,
    ".html": 4,
    ".css": 4,
    ".js": 4,
    ".pyx": 4,
    ".cfg": 3,
    ".f90": 3,
}
"""Kinds of files, and how many of each a corpus takes (as many as there are, where there are fewer)."""

SIZES: Final = (200, 200_000)
LARGE: Final = 24_000
"""Bytes; a few files may be larger."""

LONGEST: Final = 1_000
"""Characters of a line."""

MARKUP: Final = frozenset({".txt", ".md", ".rst", ".html", ".xml"})
COMMENT: Final = re.compile(r"^\s*(#|//|/?\*|\"\"\"|!|--|;)")
SKIPPED: Final = frozenset({"__pycache__", "site-packages", "dist-packages"})

Piece = tuple[int, int, bytes]
"""Bytes [a, b) of a file, and what takes their place."""


@dataclass(frozen=True, eq=False)
class Source:
    """A file. lines: without endings. endings: those of the lines, "" where the last line has none."""

    name: str
    variant: str
    data: bytes
    encoding: str
    lines: tuple[str, ...]
    endings: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        return "".join(line + ("\n" if end else "") for line, end in zip(self.lines, self.endings, strict=True))

    @cached_property
    def _offsets(self) -> tuple[list[int], list[int]]:
        """Where each line begins, in the text and in the bytes; and where both end."""
        chars, places = [0], [3 if self.data.startswith(b"\xef\xbb\xbf") else 0]
        for line, end in zip(self.lines, self.endings, strict=True):
            chars.append(chars[-1] + len(line) + bool(end))
            places.append(places[-1] + len(self.encoded(line)) + len(end))
        return chars, places

    def encoded(self, text: str) -> bytes:
        return text.encode(self.encoding)

    def position(self, line: int) -> int:
        """Where a line begins in the text. One more than the last line: the end."""
        return self._offsets[0][line]

    def place(self, position: int) -> int:
        """The place of a text position in the bytes."""
        chars, places = self._offsets
        low, high = 0, len(chars) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if chars[middle] <= position else (low, middle - 1)
        return places[low] + len(self.encoded(self.text[chars[low] : position]))

    def line_bytes(self, line: int) -> bytes:
        """One line without its ending, as it stands in the file."""
        return self.encoded(self.lines[line])

    def ending(self, line: int) -> str:
        return self.endings[min(line, len(self.endings) - 1)] or (self.endings[0] if self.endings[0] else "\n")

    def written(self, text: str, ending: str) -> bytes:
        """New text as it stands in the file between lines that end so."""
        return self.encoded(text.replace("\n", ending))

    def spliced(self, pieces: Iterable[Piece]) -> bytes:
        data = self.data
        for start, end, new in sorted(pieces, reverse=True):
            data = data[:start] + new + data[end:]
        return data

    def with_text(self, start: int, end: int, new: str) -> bytes:
        """The file with other text at [start, end), everything else as it was."""
        line = self.text.count("\n", 0, start)
        return self.spliced([(self.place(start), self.place(end), self.written(new, self.ending(line)))])

    @cached_property
    def unit(self) -> str:
        """One step of indentation: a tab, or the most frequent width among 2, 3, 4 and 8."""
        leads = [line[: len(line) - len(line.lstrip(" \t"))] for line in self.lines if line.strip()]
        if sum("\t" in lead for lead in leads) > sum(lead.startswith("  ") for lead in leads):
            return "\t"
        steps = [abs(len(b) - len(a)) for a, b in pairwise(leads) if "\t" not in a + b]
        return " " * max((4, 2, 8, 3), key=steps.count)


def parsed(name: str, variant: str, data: bytes) -> Source | None:
    """None for what no tool edits as text, or what no model would be shown."""
    if b"\0" in data:
        return None
    try:
        text, encoding = data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("latin-1"), "latin-1"
    if "\ufeff" in text or max(map(len, text.split("\n"))) > LONGEST:
        return None
    pairs = re.findall(r"(?s)([^\n]*?)(\r?\n|\Z)", text)
    if not pairs[-1][0]:
        pairs.pop()
    if len(pairs) < 5:
        return None
    return Source(name, variant, data, encoding, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))


def _each_line(source: Source, change: Callable[[int, str], str]) -> str:
    changed = (change(number, line) for number, line in enumerate(source.lines))
    return "".join(line + end for line, end in zip(changed, source.endings, strict=True))


def _is_prose(source: Source, line: str) -> bool:
    return bool(COMMENT.match(line)) or Path(source.name).suffix in MARKUP


def _curled(line: str) -> str:
    line = re.sub(r'"([^"]*)"', "“\\1”", line)
    line = re.sub(r"(?<=\w)'(?=\w)", "’", line).replace(" - ", " – ").replace(" -- ", " — ")
    return re.sub(r"\. (?=\w)", ".\u00a0", line)


def _typographic(source: Source) -> bytes | None:
    """Curly quotation marks, dashes and hard spaces in comments and prose."""
    text = _each_line(source, lambda _, line: _curled(line) if _is_prose(source, line) else line)
    return text.encode() if text != source.data.decode(source.encoding) else None


def _accented(source: Source) -> bytes | None:
    """Latin-1, with accents in comments and prose."""
    text = _each_line(
        source, lambda _, line: re.sub("e(?=[a-z ])", "é", line, count=2) if _is_prose(source, line) else line
    )
    data = text.encode("latin-1", "ignore")
    return data if re.search(rb"[\xc0-\xff][ -~]", data) else None


def _trailing(source: Source) -> bytes:
    """Blanks at the end of two lines in five, on empty ones too."""
    blanks = ("", " ", "", "  ", "")
    return _each_line(source, lambda number, line: line + blanks[(number * 7 + len(line)) % 5]).encode(source.encoding)


def _tabbed(source: Source) -> bytes | None:
    """Each step of indentation a tab, in files that have nothing but steps."""
    width = len(source.unit)
    leads = [len(line) - len(line.lstrip(" ")) for line in source.lines]
    if source.unit == "\t" or sum(lead > 0 for lead in leads) < 5 or "\t" in source.text:
        return None

    def tabbed(number: int, line: str) -> str:
        steps, rest = divmod(leads[number], width)
        return "\t" * steps + " " * rest + line.lstrip(" ")

    return _each_line(source, tabbed).encode(source.encoding)


def _mixed(source: Source) -> bytes:
    """CRLF, but for the last quarter of the lines."""
    cut = len(source.lines) * 3 // 4
    parts = (
        line + ("\r\n" if number < cut else "\n") if end else line
        for number, (line, end) in enumerate(zip(source.lines, source.endings, strict=True))
    )
    return "".join(parts).encode(source.encoding)


VARIANTS: Final[dict[str, Callable[[Source], bytes | None]]] = {
    "as it is": lambda source: source.data,
    "crlf": lambda source: re.sub(rb"\r?\n", b"\r\n", source.data),
    "bom": lambda source: b"\xef\xbb\xbf" + source.data if source.encoding == "utf-8" else None,
    "latin-1": _accented,
    "tabs": _tabbed,
    "trailing blanks": _trailing,
    "typographic": _typographic,
    "no final newline": lambda source: source.data.rstrip(b"\r\n"),
    "mixed endings": _mixed,
}
"""What is made of a file that has no byte order mark; None where nothing can be."""


@cache
def installed() -> dict[str, tuple[Path, ...]]:
    """The files of the standard library and of the installed packages, by suffix, in a fixed order."""
    paths = sysconfig.get_paths()
    found: dict[str, list[Path]] = {suffix: [] for suffix in SUFFIXES}
    for root in dict.fromkeys((paths["stdlib"], paths["purelib"], paths["include"])):
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            for name in sorted(files):
                kind = os.path.splitext(name)[1]
                if kind in found:
                    found[kind].append(Path(folder, name))
    return {suffix: tuple(files) for suffix, files in found.items()}


class Corpus:
    """A choice of installed files; the same one for the same seed on the same machine."""

    def __init__(self, seed: int) -> None:
        random = Random(f"corpus {seed}")
        self._plain = [source for suffix in SUFFIXES for source in _chosen(random, suffix)]
        self._made: dict[tuple[int, str], Source | None] = {}

    def pick(self, random: Random, variants: Sequence[str]) -> Source:
        """A file in one of these variants."""
        while True:
            index, variant = random.randrange(len(self._plain)), random.choice(variants)
            if (index, variant) not in self._made:
                self._made[index, variant] = self._make(self._plain[index], variant)
            source = self._made[index, variant]
            if source:
                return source

    @staticmethod
    def _make(source: Source, variant: str) -> Source | None:
        data = VARIANTS[variant](source)
        return parsed(source.name, variant, data) if data else None


def _chosen(random: Random, suffix: str) -> Iterator[Source]:
    files, wanted = list(installed()[suffix]), SUFFIXES[suffix]
    random.shuffle(files)
    for file in files:
        if not wanted:
            return
        size = file.stat().st_size
        if SIZES[0] <= size <= (LARGE if wanted % 12 else SIZES[1]):
            source = parsed(file.name, "as it is", file.read_bytes())
            if source and not source.data.startswith(b"\xef\xbb\xbf"):
                wanted -= 1
                yield source
