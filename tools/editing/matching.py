"""Finds the text that a model wants to change. Pure.

Strategy: a ladder. Each rung forgives one more thing, and the first on which the text is found at all is the last that
is tried. Nothing is ever replaced because it is merely similar.

    1. the text as it stands
    2. without what belongs to no file: CR, a newline at its edge, line numbers, a code fence (readings.py)
    3. whole lines, apart from blanks at their ends and from typographic quotes, dashes and spaces
    4. whole lines with a constant error in their indentation, which is undone in the replacement too (indentation.py)
    5. with escapes undone that were written once too often

A hit on a rung counts only if it is the only one there, unless all are wanted; that is for the caller to judge,
who can tell the model where they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, islice

from roundtrip.tools.editing.indentation import moved
from roundtrip.tools.editing.readings import Reading, readings, unescaped

TYPOGRAPHIC = {
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u205f\u3000", " "),
}
"""What editors and models write for characters on a keyboard. Zero-width characters are none of these."""

MOST = 10_000
"""Places that are looked at; to change so many takes a fraction of a second, in which nobody else can do anything."""

FANCY = re.compile(f"[{''.join(TYPOGRAPHIC)}]")


@dataclass(frozen=True, slots=True)
class Span:
    """A hit: text[start:end], and what becomes of it. `old` has the lines of the span, as `new` has taken them over.

    problem: why it must not be changed, although it was found; "" if it may be.
    """

    start: int
    end: int
    old: str
    new: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one rung, in order. how: what was forgiven, "" for nothing. own: the one whose line is named."""

    spans: tuple[Span, ...] = ()
    how: str = ""
    own: Span | None = None


@dataclass(frozen=True, slots=True)
class _Lines:
    """A text by lines. keys: as they are compared, known: how often each is there, starts: where they begin."""

    text: str
    lines: list[str]
    keys: list[str]
    known: Counter[str]
    starts: list[int]


ByLines = Callable[[str, Callable[[str], str]], _Lines]
"""Takes a text apart; the second argument makes the keys."""


def find(
    text: str, old: str, new: str, *, every: bool = False, whole: bool = False, by_lines: ByLines | None = None
) -> Found:
    """Looks for `old`, which is not empty, in a text with plain newlines, rung by rung. every: all hits are wanted.
    whole: only whole lines are. by_lines: `cached_lines()`, for several searches in one text."""
    known = tuple(readings(old, new, whole=whole))
    for rung in RUNGS:
        found = rung(text, known, by_lines or _by_lines)
        if found.spans:
            one = found.spans if found.own is None else (found.own,)
            return Found(_apart(found.spans) if every else one, found.how)
    return Found()


def folded(text: str) -> str:
    """With the characters of a keyboard. As long as the text."""
    return text if text.isascii() else FANCY.sub(lambda found: TYPOGRAPHIC[found[0]], text)


def _exact(text: str, known: tuple[Reading, ...], by_lines: ByLines) -> Found:
    return _first(text, known[:1], lambda reading: _literal(text, reading))


def _read(text: str, known: tuple[Reading, ...], by_lines: ByLines) -> Found:
    return _first(text, known[1:], lambda reading: _literal(text, reading))


def _typographic(text: str, known: tuple[Reading, ...], by_lines: ByLines) -> Found:
    plain = folded(text)
    possible = [reading for reading in known if _anchor(_wanted(reading), folded) in plain]
    lines = by_lines(plain if possible else "", _without_end)

    def hits(reading: Reading) -> Iterator[Span]:
        wanted = [folded(line).rstrip(" \t") for line in _wanted(reading)]
        return (_span(span, reading) for _, span in _places(lines, wanted, reading.old.endswith("\n")))

    return _first(text, possible, hits, "apart from blanks at line ends or typographic characters")


def _indented(text: str, known: tuple[Reading, ...], by_lines: ByLines) -> Found:
    possible = [reading for reading in known if _anchor(_wanted(reading)) in text]
    lines = by_lines(text if possible else "", _without_ends)

    def hits(reading: Reading) -> Iterator[Span]:
        wanted = _wanted(reading)
        keys = [line.strip(" \t") for line in wanted]
        for first, (start, end) in _places(lines, keys, reading.old.endswith("\n")):
            own = lines.lines[first : first + len(wanted)]
            old, new = moved(wanted, own, reading.old), moved(wanted, own, reading.new)
            if old is not None:
                yield Span(start, end, old, new or "", reading.problem or ("" if new is not None else TOO_FAR))

    return _first(text, possible, hits, "at another indentation, to which new_string was moved too")


def _escaped(text: str, known: tuple[Reading, ...], by_lines: ByLines) -> Found:
    return _first(text, unescaped(known[0]), lambda reading: _literal(text, reading))


RUNGS = (_exact, _read, _typographic, _indented, _escaped)
TOO_MANY = f"it is there more than {MOST} times; add lines around it, or use execute_command, for example with sed -i"
TOO_FAR = "old_string has another indentation than the file, and the lines of new_string can't be moved like it"


def _first(text: str, known: Iterable[Reading], hits: Callable[[Reading], Iterator[Span]], how: str = "") -> Found:
    """The hits of the first reading that has any; where they are too many, one that must not be changed."""
    for reading in known:
        spans = tuple(islice(hits(reading), MOST + 1))
        own = _own(text, spans, reading)
        if reading.line and own is None:
            continue
        if len(spans) > MOST:
            return Found((replace(spans[0], problem=TOO_MANY),), own=own)
        if spans:
            return Found(spans, ", ".join(part for part in (reading.how, how) if part), own)
    return Found()


def _own(text: str, spans: Sequence[Span], reading: Reading) -> Span | None:
    """The hit in the line whose number the search text gives, if it gives one: no other line is meant, and that there
    is a hit proves that it is a number."""
    if not (spans and reading.line):
        return None
    start = sum(len(line) + 1 for line in text.split("\n")[: reading.line - 1])
    return next((span for span in spans if span.start == start), None)


def _literal(text: str, reading: Reading) -> Iterator[Span]:
    """Where the text of a reading stands, overlaps included."""
    old = reading.old
    at = text.find(old)
    while at >= 0:
        end = at + len(old)
        begins = not reading.at_start or at == 0 or text[at - 1] == "\n"
        ends = not reading.at_end or text[end : end + 1] in ("", "\n") or old.endswith("\n")
        if begins and ends:
            yield _span((at, end), reading)
        at = text.find(old, at + 1)


def _span(place: tuple[int, int], reading: Reading) -> Span:
    return Span(*place, reading.old, reading.new, reading.problem)


def _apart(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Without those that overlap an earlier one, as `str.replace` takes them."""
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def cached_lines() -> ByLines:
    """To take a text apart takes long, and a patch has many blocks."""
    return cache(_by_lines)


def _without_end(line: str) -> str:
    return line.rstrip(" \t")


def _without_ends(line: str) -> str:
    return line.strip(" \t")


def _by_lines(text: str, key: Callable[[str], str]) -> _Lines:
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    keys = [key(line) for line in lines]
    return _Lines(text, lines, keys, Counter(keys), starts)


def _wanted(reading: Reading) -> list[str]:
    """The lines of a search text; that the last of them ends with a newline is looked at apart."""
    return reading.old.removesuffix("\n").split("\n")


def _anchor(wanted: list[str], fold: Callable[[str], str] = str) -> str:
    """What must be in a text in which these lines are: a quick look before all of it is taken apart."""
    return fold(max((line.strip(" \t") for line in wanted), key=len))


def _places(lines: _Lines, wanted: list[str], newline: bool) -> Iterator[tuple[int, tuple[int, int]]]:
    """Where whole lines stand: the number of the first, from 0, and the span. newline: the last of them has one."""
    if not any(wanted) or not all(line in lines.known for line in wanted):
        return  # blank lines alone say nothing of a place
    anchor = min((n for n, line in enumerate(wanted) if line), key=lambda n: lines.known[wanted[n]])
    at = -1
    with suppress(ValueError):  # index() found no more
        while True:
            at = lines.keys.index(wanted[anchor], at + 1)
            first, last = at - anchor, at - anchor + len(wanted) - 1
            if first < 0 or lines.keys[first : last + 1] != wanted:
                continue
            end = lines.starts[last] + len(lines.lines[last])
            if not newline or end < len(lines.text):
                yield first, (lines.starts[first], end + newline)
