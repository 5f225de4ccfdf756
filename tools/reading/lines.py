"""Reads a window of lines out of a file of any size, in bounded memory.

Strategy: newlines are counted in large chunks, which is as fast as the disk; only the lines of the window
are taken apart. A line that is too long is cut while it is read, so a file of one endless line does no harm.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1024 * 1024
LONGEST = 2000
"""Bytes of a single line that are kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """data: without the line's end. left_out: bytes missing at its end. ending: "\\n", "\\r\\n" or ""."""

    data: bytes
    left_out: int = 0
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """first: number of the first line, from 1. total: lines of the whole file. lines: may be empty."""

    first: int
    total: int
    lines: tuple[Line, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


def read_window(file: BinaryIO, offset: int, limit: int, budget: int) -> Window:
    """At most `limit` lines and about `budget` bytes, but at least one line if there is one.

    offset: number of the first line, 0 counts as 1, a negative one counts from the end. file: at its beginning.
    """
    total = _count(file)
    first = max(total + offset + 1, 1) if offset < 0 else max(offset, 1)
    if first > total:
        return Window(first, total, ())
    file.seek(0)
    _skip(file, first - 1)
    lines: list[Line] = []
    for line in _lines(file):
        budget -= len(line.data) + len(str(first + len(lines))) + 2
        if len(lines) >= limit or (lines and budget < 0):
            break
        lines.append(line)
    return Window(first, total, tuple(lines))


def decode(lines: tuple[Line, ...], encoding: str) -> list[str]:
    """The texts of lines. encoding: as `encodings.narrow` names it."""
    name = "utf-8" if encoding == "damaged" else encoding
    return [_decoded(line, name) for line in lines]


def _decoded(line: Line, name: str) -> str:
    """A character that was cut in two at the end of a cut line is dropped."""
    return codecs.getincrementaldecoder(name)("replace").decode(line.data, final=not line.left_out)


def _count(file: BinaryIO) -> int:
    """The number of lines; a last line without a newline counts."""
    newlines, last = 0, b"\n"
    while chunk := file.read(CHUNK):
        newlines += chunk.count(b"\n")
        last = chunk[-1:]
    return newlines + (last != b"\n")


def _skip(file: BinaryIO, lines: int) -> None:
    """Moves behind so many newlines; there are that many."""
    while lines:
        chunk = file.read(CHUNK)
        found = chunk.count(b"\n")
        if found < lines:
            lines -= found
            continue
        position = 0
        for _ in range(lines):
            position = chunk.index(b"\n", position) + 1
        file.seek(position - len(chunk), io.SEEK_CUR)
        return


def _lines(file: BinaryIO) -> Iterator[Line]:
    while piece := file.readline(LONGEST):
        size = len(piece)
        while not piece.endswith(b"\n") and (rest := file.readline(CHUNK)):
            size += len(rest)
            piece = piece[:LONGEST] + rest[-2:]  # the end tells how the line ends
        ending = "\r\n" if piece.endswith(b"\r\n") else "\n" if piece.endswith(b"\n") else ""
        size -= len(ending)
        data = piece[: min(size, LONGEST)]
        yield Line(data, size - len(data), ending)
