"""Where in a message markup is being talked about: in a code fence, in backticks, in a quotation.

Strategy. One pass over the visible text, in which the inside of each call is a single opaque character, by the block
structure of CommonMark (https://spec.commonmark.org/0.31.2/, §4.5 and §6.1) as far as it matters here: a fence runs to
its closing fence, a code span to the next run of as many backticks in its paragraph. A quotation is a line that
begins with `>`, or a pair of double quotes in one line. Only pairs count: a stray quote hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from roundtrip.agent.leaks.scanner import Kind, Piece, joined

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_TICKS = re.compile(r"`+")
_QUOTES = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»")
_BLOCKQUOTE = re.compile(r" {0,3}>")


@dataclass(frozen=True, slots=True)
class Quoted:
    """Ranges of quoted text, sorted; `open_fence` is where a fence begins that is never closed, -1 for none."""

    ranges: tuple[tuple[int, int], ...]
    open_fence: int

    def holds(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.ranges)


def quoted(text: str) -> Quoted:
    """The quoted ranges of a text. An unclosed fence quotes nothing; what that means the caller decides."""
    ranges: list[tuple[int, int]] = []
    paragraph: list[tuple[int, str]] = []
    fence, fence_at = "", -1
    for at, line in _lines(text):
        found = _FENCE.match(line)
        if fence:
            if found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip():
                ranges.append((fence_at, at + len(line)))
                fence, fence_at = "", -1
        elif found:
            ranges += _inline(paragraph)
            paragraph, fence, fence_at = [], found[1], at
        elif line.strip():
            paragraph.append((at, line))
        else:
            ranges += _inline(paragraph)
            paragraph = []
    return Quoted(tuple(sorted(ranges + list(_inline(paragraph)))), fence_at)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1


def _inline(paragraph: list[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    """Code spans and quotations of one paragraph."""
    for at, line in paragraph:
        if _BLOCKQUOTE.match(line):
            yield at, at + len(line)
        for found in _QUOTES.finditer(line):
            yield at + found.start(), at + found.end()
    if not paragraph:
        return
    start = paragraph[0][0]
    runs = [(start + m.start(), len(m[0])) for m in _TICKS.finditer("\n".join(line for _, line in paragraph))]
    later: dict[int, list[int]] = {}
    for at, size in reversed(runs):
        later.setdefault(size, []).append(at)
    behind = -1
    for at, size in runs:
        same = later[size]
        while same and same[-1] <= at:
            same.pop()
        if at > behind and same:
            behind = same[-1]
            yield at, behind + size


def literal(pieces: list[Piece]) -> tuple[list[Piece], int]:
    """The pieces with quoted markup turned into text, and where in their raw text a fence begins that is never
    closed (-1 for none). A quoted marker takes the header or arguments behind it along."""
    inside = (Kind.HEADER, Kind.ARGUMENTS)
    visible = ["\ufffc" if piece.kind in inside else piece.raw for piece in pieces]
    context = quoted("".join(visible))
    result: list[Piece] = []
    at, raw_at, open_fence = 0, 0, -1
    quoting = False
    for piece, shown in zip(pieces, visible, strict=True):
        if 0 <= context.open_fence < at + len(shown) and open_fence < 0:
            open_fence = raw_at + context.open_fence - at
        if piece.kind not in inside:
            quoting = piece.kind is Kind.MARK and context.holds(at)
        result.append(Piece(Kind.TEXT, piece.raw) if quoting else piece)
        at, raw_at = at + len(shown), raw_at + len(piece.raw)
    return joined(result), open_fence

