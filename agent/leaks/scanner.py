"""Text in, pieces out: the one incremental scanner, driven by the dialects' tables.

Strategy. A cursor walks over what has arrived; the text is cut once per `feed`. Four states:

    text       everything outside a call. Only a suffix that may become a marker is held back.
    opening    behind a marker that may begin a call. Held back until one of the marker's forms is complete, or a
               marker follows, or no form is possible any more: then the marker was only mentioned.
    arguments  they stream out as they come; the scanner of their notation tells where they end, so that a marker
               inside a value is data.
    broken     arguments that can't be right end at the next marker.

Rules:
- the raw text of all pieces, joined, is the input;
- how the input was cut into chunks never shows: pieces of one kind that touch are one piece (`joined`);
- no input raises, and every character is looked at a bounded number of times;
- a scanner judges nothing. What the pieces mean is `decide`'s business, when the message has ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from roundtrip.agent.leaks.dialect import WHITE, Dialect, Form, Role
from roundtrip.agent.leaks.marks import Marks
from roundtrip.agent.leaks.notation import BodyScanner, Notation


class Kind(Enum):
    TEXT = "text"
    MARK = "mark"
    HEADER = "header"
    ARGUMENTS = "arguments"


class Piece(NamedTuple):
    """A run of the input. Marks have a role, headers a `word` (what names the tool), arguments a notation, and all
    three the dialect that they were read in."""

    kind: Kind
    raw: str
    role: Role | None = None
    dialect: Dialect | None = None
    word: str = ""
    notation: Notation | None = None


class _Mark(NamedTuple):
    role: Role
    dialect: Dialect
    forms: tuple[tuple[Dialect, Form], ...]
    frame: bool


class _Spelt(NamedTuple):
    """A spelling of a marker in a dialect."""

    spelling: str
    role: Role
    dialect: Dialect
    forms: tuple[Form, ...]


class _Tables:
    """What the scanner needs of the dialects, compiled once. Raises ValueError for a marker with two roles."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        spellings = [
            _Spelt(spelling, role, dialect, dialect.forms.get(key, ()))
            for dialect in dialects
            for key, spelling, role in (
                *((text, re.escape(text), role) for text, role in dialect.markers.items()),
                *((spelling, spelling, role) for spelling, role in dialect.spelt.items()),
            )
        ]
        self.marks = Marks(spelt.spelling for spelt in spellings)
        self._spellings = [(re.compile(spelt.spelling), spelt) for spelt in spellings]
        self._known: dict[str, _Mark] = {}

    def mark(self, text: str) -> _Mark:
        """What a marker is, with the forms of all dialects that have it."""
        if text not in self._known:
            fitting = [spelt for regex, spelt in self._spellings if regex.fullmatch(text)]
            fitting.sort(key=lambda spelt: text not in spelt.dialect.markers)  # who writes it exactly so comes first
            roles = {spelt.role for spelt in fitting}
            if len(roles) > 1:
                raise ValueError(f"{text!r} has several roles: {sorted(role.value for role in roles)}")
            forms = tuple((spelt.dialect, form) for spelt in fitting for form in spelt.forms)
            frame = any(text in spelt.dialect.frames for spelt in fitting)
            self._known[text] = _Mark(fitting[0].role, fitting[0].dialect, forms, frame)
        return self._known[text]


_MOST_SPACE = 64
_tables = lru_cache(maxsize=8)(_Tables)
_CALLS = (Role.SECTION_BEGIN, Role.CALL_BEGIN, Role.ARGUMENTS_BEGIN)


class Scanner:
    """One text channel of one message."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._tables = _tables(dialects)
        self._held = ""
        self._ended = False
        self._body: BodyScanner | None = None
        self._mould = Piece(Kind.ARGUMENTS, "")
        self._forms: tuple[tuple[Dialect, Form], ...] = ()
        self._begun: Role | None = None
        self._said = False
        self._state = self._text

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain now."""
        if self._held:
            text = self._held + text
        pieces: list[Piece] = []
        at, size = 0, len(text)
        while at < size:
            next_at = self._state(text, at, pieces)
            if next_at < 0:
                break
            at = next_at
        self._held = text[at:]
        return pieces

    def finish(self) -> list[Piece]:
        """The rest: what was held back is what it looks like."""
        self._ended = True
        return self.feed("")

    def is_half(self, text: str) -> bool:
        """Whether a text is the beginning of a marker, and no whole one."""
        return self._tables.marks.half_from(text, 0) == 0

    def _text(self, text: str, at: int, pieces: list[Piece]) -> int:
        return self._plain(Kind.TEXT, text, at, pieces)

    def _broken(self, text: str, at: int, pieces: list[Piece]) -> int:
        return self._plain(Kind.ARGUMENTS, text, at, pieces)

    def _plain(self, kind: Kind, text: str, at: int, pieces: list[Piece]) -> int:
        """What stands before the next marker, or that marker."""
        found = self._tables.marks.whole.search(text, at)
        half = len(text) if self._ended else self._tables.marks.half_from(text, at)
        end = min(found.start(), half) if found else half
        if end > at:
            mould = self._mould if kind is Kind.ARGUMENTS else _TEXT
            pieces.append(mould._replace(raw=text[at:end]))
            return end
        return self._mark(found, pieces) if found and half > found.start() else -1

    def _mark(self, found: re.Match[str], pieces: list[Piece]) -> int:
        role, dialect, self._forms, frame = self._tables.mark(found[0])
        if frame:
            behind = found.string[found.end() : found.end() + _MOST_SPACE].lstrip(WHITE)
            if not behind and not self._ended and len(found.string) < found.end() + _MOST_SPACE:
                return -1
            role = role if behind.startswith("{") else Role.FRAME
        if role is Role.END:
            role = _ENDS.get(self._begun, Role.STOP)
        self._begun = None if role in (Role.CALL_END, Role.THINK_END, Role.STOP, Role.FRAME_END) else role
        pieces.append(Piece(Kind.MARK, found[0], role, dialect))
        self._state = self._opening if self._forms else self._text
        return found.end()

    def _opening(self, text: str, at: int, pieces: list[Piece]) -> int:
        for dialect, form in self._forms:  # the first that is possible decides
            found = form.begins.match(text, at)
            if found:
                return self._begin(found, dialect, form, pieces)
            if not self._ended and form.header.fullmatch(text, at):
                return -1
        for dialect, form in self._forms:
            header = form.header.match(text, at)
            end = header.end() if header else -1
            half = end >= 0 and self._tables.marks.half_from(text, end) == end
            if half and not self._ended:
                return -1
            if half or (end >= 0 and self._tables.marks.whole.match(text, end)):
                self._state = self._text
                word = _word(header, text[at:end])
                if end > at:
                    header_or_text = Piece(Kind.HEADER, text[at:end], None, dialect, word, form.notation)
                    pieces.append(header_or_text if word else Piece(Kind.TEXT, text[at:end]))
                return end
        self._state = self._text
        return at

    def _begin(self, found: re.Match[str], dialect: Dialect, form: Form, pieces: list[Piece]) -> int:
        """A form is complete: its header, and then arguments or the end of the call."""
        groups = found.groupdict()
        closes = found.start("closes") if groups.get("closes") else found.end()
        raw = found.string[found.start() : closes]
        self._mould = Piece(Kind.ARGUMENTS, "", None, dialect, "", form.notation)
        if raw.strip(WHITE):
            word = _word(found, "")
            pieces.append(Piece(Kind.HEADER, raw, None, dialect, word, form.notation))
        elif raw:
            pieces.append(self._mould._replace(raw=raw))
        if closes < found.end():
            self._state = self._text
            pieces.append(Piece(Kind.MARK, found.string[closes : found.end()], Role.CALL_END, dialect))
        else:
            self._body, self._state, self._said = form.notation.scanner(), self._arguments, False
        return found.end()

    def _arguments(self, text: str, at: int, pieces: list[Piece]) -> int:
        assert self._body is not None
        end = self._body.feed(text, at, self._ended)
        if self._ended and self._body.state == "open":
            end = len(text)
        if end > at:
            pieces.append(self._mould._replace(raw=text[at:end]))
            self._said = self._said or not text[at:end].isspace()
        if self._body.state == "open":
            return end if end > at else -1
        broken = self._body.state == "broken" and self._said  # what never began is none
        self._state, self._body = self._broken if broken else self._text, None
        return end


def _word(found: re.Match[str] | None, other: str) -> str:
    """What names the tool in a header."""
    groups = found.groupdict() if found else {}
    return (groups["word"] or "" if "word" in groups else other).strip(WHITE)


_TEXT = Piece(Kind.TEXT, "")
_ENDS: dict[Role | None, Role] = {
    Role.THINK_BEGIN: Role.THINK_END,
    Role.FRAME: Role.FRAME_END,
    **dict.fromkeys(_CALLS, Role.CALL_END),
}


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """The same pieces, with neighbours of one kind made one; marks stay apart."""
    result: list[Piece] = []
    run: list[str] = []
    first: Piece | None = None
    for piece in pieces:
        if first is not None and (piece.kind is not first.kind or piece.kind is Kind.MARK):
            result.append(first._replace(raw="".join(run)))
            first = None
        if first is None:
            run, first = [], piece
        run.append(piece.raw)
    if first is not None:
        result.append(first._replace(raw="".join(run)))
    return result


def cut_at(pieces: list[Piece], at: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces before and behind a place in their raw text; the piece that holds it is cut in two."""
    here = 0
    for number, piece in enumerate(pieces):
        inside = at - here
        if inside < len(piece.raw):
            head, tail = piece._replace(raw=piece.raw[:inside]), piece._replace(raw=piece.raw[inside:])
            return [*pieces[:number], *[head] * bool(inside)], [tail, *pieces[number + 1 :]]
        here += len(piece.raw)
    return pieces, []
