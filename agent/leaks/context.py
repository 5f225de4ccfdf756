"""Where in a message markup is being talked about: in a code fence, in backticks, in a quotation, in a sentence.

Strategy. One pass over the visible text, in which every call marker and the inside of every call is a single
character, by the block structure of CommonMark (https://spec.commonmark.org/0.31.2/, §4.4, §4.5, §5.1 and §6.1) as far
as it matters here: a fence runs to its closing fence, a code span to the next run of as many backticks in its
paragraph. Only pairs count: a stray quote hides nothing. What the standard leaves open is decided by what models do:

    ```<marker>           the model ends its text with a fence and calls: Kimi writes no line break before a section
    > note<marker>        the same with a block quotation, or somebody's words; that is *doubtful*
    a fence, never closed    the example was cut off, or the fence was forgotten: doubtful
    four spaces           an indented code block, or an item of a list: doubtful
    ```\\n<markers>\\n```   between a closing and an opening fence: fences of one length were nested

Doubtful calls never run. The caller makes them text, or tells the model.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roundtrip.agent.leaks.dialect import Role
from roundtrip.agent.leaks.scanner import Kind, Piece, joined

_MARK, _INSIDE = "\ufdd0", "\ufdd1"  # noncharacters: no text means anything by them
_ITEM = r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
_FENCE = re.compile(rf"{_ITEM}(`{{3,}}(?=[^`]*$)|~{{3,}})(.*)")
_FENCE_END = re.compile(rf"[ \t]*(`{{3,}}|~{{3,}})[ \t\r]*(?:$|(?={_MARK}))")
_BLOCKQUOTE = re.compile(rf"{_ITEM}>[ \t>]*")
_TICKS = re.compile(r"`+")
_LISTED = re.compile(
    rf"(?:(?P<patch>[+ -])|[ \t]*\d{{1,6}}(?:[\t:|]|[ ]{{2}}|[ ]\|)[ \t]*|[^\s:]{{1,200}}[:-]\d{{1,6}}[:-][ \t]*"
    rf"|[ \t]*(?:#|//|--)[ \t]+|[ ]\*[ ]){_MARK}"
)
"""A line of a patch, of a numbered listing, of a search's hits, or a comment."""

_PATCH = re.compile(r"^(?:@@ |diff --git |--- |\*\*\* )", re.MULTILINE)
_TAG = re.compile(r"<(/?)(pre|code|blockquote)\b[^<>\n]{0,200}>", re.IGNORECASE)
_QUOTES = re.compile(
    "|".join(
        rf"(?<!\w)[{begin}](?=\S)(?:[^{begin}{end}]|(?<=\w)[{end}](?=\w))*+(?<=\S)[{end}](?!\w)"
        for begin, end in ('""', "''", "‘’", "»«", ("‚", "‘’"))
    )
    + "|«[^«»]*+»|“[^“”]*+”|„[^„“”]*+[“”]|‹[^‹›]*+›|「[^「」]*+」|『[^『』]*+』"  # French sets blanks inside them
)
"""As typographers set quotes: so inch marks and apostrophes are none."""

_HAN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without blanks
_BEFORE = re.compile(rf"(?:[\w,;:|–—-][ \t]|[(\[*_]|[{_HAN}，、：；])[ \t]*\Z")
_AFTER = re.compile(rf"[ \t]*[,;:.!?)|\]*–—，。、；：]|[{_HAN}]|[ \t]+(?P<letter>[^\W\d_])")
_SUBJECT = re.compile(r"[ \t]+(?:is|are|was|were|means|opens|begins|stands|would)\b")
"""A sentence that begins with what it speaks of."""


def in_sentence(before: str, after: str) -> bool:
    """Whether what stands between these texts is a word of their sentence: it goes on on both sides, behind it with
    punctuation or in lower case."""
    if _SUBJECT.match(after) and (not before or before.endswith("\n")):
        return True
    found = _AFTER.match(after)
    if not found or not _BEFORE.search(before, max(0, len(before) - 64)):
        return False
    return not found["letter"] or found["letter"].islower()


@dataclass(frozen=True, slots=True)
class Ranges:
    """Parts of a text, in order; none overlaps another."""

    parts: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[int, int]]) -> Ranges:
        merged: list[tuple[int, int]] = []
        for start, end in sorted(parts):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return cls(tuple(merged))

    def meet(self, start: int, end: int) -> bool:
        """Whether one of them holds something of that range."""
        number = bisect_left(self.parts, end, key=lambda part: part[0])
        return number > 0 and self.parts[number - 1][1] > start

    def hold(self, at: int) -> bool:
        return self.meet(at, at + 1)


class _Reader:
    """Finds the quoted and the doubtful ranges of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._patch = _PATCH.search(text) is not None
        self.quoted: list[tuple[int, int]] = []
        self.doubtful: list[tuple[int, int]] = []
        self._fence, self._fence_at, self._fence_ended = "", -1, -1
        self._paragraph: list[tuple[int, str]] = []
        self._indented, self._spoken = False, False

    def read(self) -> None:
        at = 0
        for line in self._text.split("\n"):
            self._line(at, line)
            at += len(line) + 1
        self._end_paragraph()
        if self._fence:
            self.doubtful.append((self._fence_at, len(self._text)))
        self.quoted += _tags(self._text)

    def _line(self, at: int, line: str) -> None:
        found = _FENCE.match(line)
        ended = _FENCE_END.match(line)
        if self._fence:
            if ended and ended[1][0] == self._fence[0] and len(ended[1]) >= len(self._fence):
                self.quoted.append((self._fence_at, at + ended.end()))
                self._fence, self._fence_ended = "", at + ended.end()
                if ended.end() < len(line):
                    self._paragraph.append((at + ended.end(), line[ended.end() :]))
        elif found:
            self._end_paragraph()
            self._fence, self._fence_at = found[1], at
            if not found[2].strip() and self._only_markup(self._fence_ended, at):
                self.quoted.append((self._fence_ended, at))
        elif line.strip():
            self._words(at, line)
        else:
            self._end_paragraph()

    def _only_markup(self, start: int, end: int) -> bool:
        between = self._text[start:end] if start >= 0 else ""
        return _MARK in between and not between.strip(_MARK + _INSIDE + " \t\r\n")

    def _words(self, at: int, line: str) -> None:
        deep = line.startswith(("    ", "\t"))
        self._indented = deep and (self._indented or (not self._paragraph and self._spoken))
        if self._indented:
            self.doubtful.append((at, at + len(line)))
        self._spoken = True
        self._paragraph.append((at, line))

    def _end_paragraph(self) -> None:
        """Code spans and quotations of the paragraph that is over."""
        for at, line in self._paragraph:
            if quote := _BLOCKQUOTE.match(line):
                direct = line[quote.end() : quote.end() + 1] == _MARK
                (self.quoted if direct else self.doubtful).append((at, at + len(line)))
            listed = _LISTED.match(line)
            if listed and (not listed["patch"] or self._patch):
                self.quoted.append((at, at + len(line)))
            self.quoted += ((at + found.start(), at + found.end()) for found in _QUOTES.finditer(line))
        if self._paragraph:
            start = self._paragraph[0][0]
            self.quoted += _code_spans(start, "\n".join(line for _, line in self._paragraph))
        self._paragraph = []


def _code_spans(start: int, text: str) -> Iterator[tuple[int, int]]:
    runs = [(start + found.start(), len(found[0])) for found in _TICKS.finditer(text)]
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


def _tags(text: str) -> Iterator[tuple[int, int]]:
    """HTML's own code and quotations, from an opening tag to the next closing one; and its comments."""
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (at := text.find("-->", start)) >= 0:
        yield start, at
    begun: dict[str, int] = {}
    for found in _TAG.finditer(text):
        name = found[2].lower()
        if not found[1]:
            begun.setdefault(name, found.start())
        elif name in begun:
            yield begun.pop(name), found.end()


def quoted(text: str) -> tuple[Ranges, Ranges]:
    """The quoted and the doubtful ranges of a text."""
    reader = _Reader(text)
    reader.read()
    return Ranges.of(reader.quoted), Ranges.of(reader.doubtful)


_THINK = (Role.THINK_BEGIN, Role.THINK_END, Role.STOP)
_MENTION = re.compile(rf"[\w,;:(][ \t]{_MARK}(?=[ \t]*[,;:.!?)]|[ \t]+[^\W\d_A-Z])")


def _is_open(piece: Piece) -> bool:
    """Whether arguments are not ended."""
    if piece.notation is None:
        return False
    scanner = piece.notation.scanner()
    scanner.feed(piece.raw, 0, True)
    return scanner.state != "done"


def literal(pieces: list[Piece]) -> tuple[list[Piece], Ranges]:
    """The pieces with quoted markup turned into text, and the doubtful ranges of their raw text. A quoted marker
    takes the header or arguments behind it along."""
    if not any(piece.role for piece in pieces):
        return joined(pieces), Ranges()
    inside = (Kind.HEADER, Kind.ARGUMENTS)
    visible = [_INSIDE if p.kind in inside else _MARK if p.role and p.role not in _THINK else p.raw for p in pieces]
    for number in range(1, len(pieces) - 1):  # white space between the parts of a call is a part of it
        around = (visible[number - 1], visible[number + 1])
        if pieces[number].kind is Kind.TEXT and visible[number].isspace() and set(around) <= {_MARK, _INSIDE}:
            visible[number] = _INSIDE
    if pieces[-1].kind is Kind.ARGUMENTS and _is_open(pieces[-1]):  # it may have taken the end of a quotation along
        visible[-1] = pieces[-1].raw
    text = "".join(visible)
    sure, doubtful = quoted(text)
    mentions = {found.end() - 1 for found in _MENTION.finditer(text)}
    result: list[Piece] = []
    raw_ranges: list[tuple[int, int]] = []
    at, raw_at = 0, 0
    quoting = doubting = False
    for piece, shown in zip(pieces, visible, strict=True):
        if piece.kind not in inside:
            quoting = piece.kind is Kind.MARK and (at in mentions or sure.hold(at))
            doubting = piece.kind is Kind.MARK and doubtful.hold(at)
        if doubting:
            raw_ranges.append((raw_at, raw_at + len(piece.raw)))
        result.append(Piece(Kind.TEXT, piece.raw) if quoting else piece)
        at, raw_at = at + len(shown), raw_at + len(piece.raw)
    return joined(result), Ranges.of(raw_ranges)
