"""Text in, pieces out: the one incremental scanner, driven by the dialects' tables.

Strategy. A cursor walks over what has arrived; the text is cut once per `feed`. Three states:

    text       everything outside a call. Only a suffix that may become a marker is held back.
    header     behind CALL_BEGIN. Held back until it ends or can't be a header: then the marker was only mentioned.
    arguments  where JSON begins. They stream out as they come; `JsonScanner` tells where they end, so that a marker
               inside a string is data. Once broken, they end at the next marker.

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

from roundtrip.agent.leaks.arguments import JsonScanner
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role


class Kind(Enum):
    TEXT = "text"
    MARK = "mark"
    HEADER = "header"
    ARGUMENTS = "arguments"


class Piece(NamedTuple):
    """A run of the input. Marks have a role."""

    kind: Kind
    raw: str
    role: Role | None = None


class _Tables:
    """What the scanner needs of the dialects, compiled once."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self.roles = {text: role for dialect in dialects for text, role in dialect.markers.items()}
        self.headers = {
            text: dialect.header
            for dialect in dialects
            for text, role in dialect.markers.items()
            if role is Role.CALL_BEGIN
        }
        longest_first = sorted(self.roles, key=len, reverse=True)
        self.marker = re.compile("|".join(map(re.escape, longest_first)))
        self.first = re.compile("[" + "".join({re.escape(text[0]) for text in self.roles}) + "]")
        self.prefixes = frozenset(text[:end] for text in self.roles for end in range(1, len(text)))
        self.longest = len(longest_first[0])


_MOST_SPACE = 64
"""White space that may stand before arguments; it is held back, so it is bounded."""

_tables = lru_cache(maxsize=8)(_Tables)


class Scanner:
    """One text channel of one message."""

    def __init__(self, dialects: tuple[Dialect, ...]) -> None:
        self._tables = _tables(dialects)
        self._held = ""
        self._ended = False
        self._json: JsonScanner | None = None
        self._header: re.Pattern[str] | None = None
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

    def _hold_from(self, text: str, at: int) -> int:
        """Index from which the text may be the beginning of a marker."""
        return len(text) if self._ended else self._half_from(text, at)

    def _half_from(self, text: str, at: int) -> int:
        size = len(text)
        for found in self._tables.first.finditer(text, max(at, size - self._tables.longest + 1)):
            if text[found.start() :] in self._tables.prefixes:
                return found.start()
        return size

    def _text(self, text: str, at: int, pieces: list[Piece]) -> int:
        found = self._tables.marker.search(text, at)
        end = found.start() if found else self._hold_from(text, at)
        if end > at:
            pieces.append(Piece(Kind.TEXT, text[at:end]))
            return end
        return self._mark(found, pieces) if found else -1

    def _mark(self, found: re.Match[str], pieces: list[Piece]) -> int:
        role = self._tables.roles[found[0]]
        pieces.append(Piece(Kind.MARK, found[0], role))
        if role is Role.CALL_BEGIN:
            self._header, self._state = self._tables.headers[found[0]], self._in_header
        elif role is Role.ARGUMENTS_BEGIN:
            self._state = self._before_arguments
        else:
            self._state = self._text
        return found.end()

    def _in_header(self, text: str, at: int, pieces: list[Piece]) -> int:
        """A header ends where a marker begins, and be it cut."""
        found = self._tables.marker.search(text, at)
        end = found.start() if found else self._half_from(text, at)
        brace = text.find("{", at, end)
        end = brace if brace >= 0 else end
        assert self._header is not None
        whole = self._header.match(text, at, end)
        if whole is None or whole.end() < end:
            self._state = self._text
            return at
        if brace < 0 and not found and not self._ended:
            return -1
        if end > at:
            pieces.append(Piece(Kind.HEADER, text[at:end]))
        self._state = self._before_arguments if brace >= 0 else self._text
        return end if brace >= 0 or not found else self._mark(found, pieces)

    def _before_arguments(self, text: str, at: int, pieces: list[Piece]) -> int:
        """White space, then JSON; anything else is no argument, and what it is the text state will see."""
        start, limit = at, min(len(text), at + _MOST_SPACE)
        while start < limit and text[start] in WHITE:
            start += 1
        if start == len(text) and start < at + _MOST_SPACE and not self._ended:
            return -1
        if start < limit and text[start] in '{["':
            self._json, self._state = JsonScanner(), self._arguments
            if start > at:
                pieces.append(Piece(Kind.ARGUMENTS, text[at:start]))
            return start
        self._state = self._text
        return at

    def _arguments(self, text: str, at: int, pieces: list[Piece]) -> int:
        assert self._json is not None
        end = self._json.feed(text, at)
        if self._ended and self._json.state == "open":
            end = len(text)
        if end > at:
            pieces.append(Piece(Kind.ARGUMENTS, text[at:end]))
        if self._json.state == "open":
            return end if end > at else -1
        self._state = self._text if self._json.state == "done" else self._broken
        return end

    def _broken(self, text: str, at: int, pieces: list[Piece]) -> int:
        found = self._tables.marker.search(text, at)
        end = found.start() if found else self._hold_from(text, at)
        if end > at:
            pieces.append(Piece(Kind.ARGUMENTS, text[at:end]))
            return end
        return self._mark(found, pieces) if found else -1


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """The same pieces, with neighbours of one kind made one; marks stay apart."""
    result: list[Piece] = []
    run: list[str] = []
    kind: Kind | None = None
    for piece in pieces:
        if piece.kind is not kind or piece.kind is Kind.MARK:
            if run and kind is not None:
                result.append(Piece(kind, "".join(run)))
            run, kind = [], piece.kind
        if piece.kind is Kind.MARK:
            result.append(piece)
        else:
            run.append(piece.raw)
    if run and kind is not None:
        result.append(Piece(kind, "".join(run)))
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
