"""Why an edit can't be made, and what the file has instead: what a model needs to know to do better. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from roundtrip.tools.cut import first_difference
from roundtrip.tools.editing.closest import Place, closest, resemble, visible
from roundtrip.tools.editing.documents import Document
from roundtrip.tools.editing.matching import MOST, Span

LISTED: Final = 5
"""Places that an error lists where a text stands several times."""

SHOWN: Final = 12
"""Lines of a place that an error shows."""

COLUMNS: Final = 200
"""Characters of a line that an error shows."""

NUL: Final = "new_string has a NUL character, which would make the file a binary one"
APPLIED: Final = "the file is as this edit would make it"
MADE: Final = "this very edit was made before, and old_string is not there any more"

PLACES: Final = 2
"""Places that an error shows where a text is not there."""

CANDIDATES: Final = 4
"""Places that are looked at, to see if the text may have stood there."""

TELLING: Final = 4
"""Characters of a new text from which on it says something that it stands there."""

LENGTHY: Final = 40
"""Characters, blanks apart, of a text that hardly stands in a file for another reason."""

MissKind = Literal["absent", "several", "number", "applied", "wrong"]


@dataclass(frozen=True, slots=True)
class Miss:
    """Why there is no plan. applied: because nothing is left to do; presumed: that follows from the new text, which is
    there, and takes a model that knows the file. line: where to look, 0 if nowhere."""

    kind: MissKind
    reason: str
    line: int = 0

    @property
    def presumed(self) -> bool:
        return self.kind == "applied" and self.reason != APPLIED

    @property
    def said(self) -> str:
        return f"already applied: {self.reason}" if self.kind == "applied" else self.reason


def absent(document: Document, old: str, new: str, what: str, *, every: bool = False) -> Miss:
    """The old text is not there. That the edit was made before is said only where nothing else explains it: the new
    text stands by itself, is clearly that of this edit, and no other place resembles the old one. A success that is
    none would be the end of the matter; a failure says where to look."""
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    places = closest(document.text, old, CANDIDATES)
    there = _lines_of_new(document, old, new, every=every)
    if there and _tells(old, new) and all(_meets(place, there) for place in places):
        line = there[0].start
        return Miss("applied", f"{what} is not there, and the new text is, at line {line}", line)
    hint = f"\nThe new text is there already, at line {there[0].start}; look if that is this edit." if there else ""
    if not places:
        return Miss("absent", f"{what} is not there, and nothing in the file resembles it{hint}", 0)
    shown = "\n".join(_shown(document.text, place, what) for place in places[:PLACES])
    return Miss("absent", f"{what} is not there. The closest text in the file:\n{shown}{hint}", places[0].first)


def _lines_of_new(document: Document, old: str, new: str, *, every: bool) -> list[range]:
    """The lines, from 1, in which the new text stands by itself: once only, unless all places are meant."""
    text, height = document.text, new.rstrip("\n").count("\n") + 1
    if len(new.strip()) < TELLING or new.strip() in old:
        return []
    found = list(islice(_occurrences(text, new), MOST if every else 2))
    apart = [at for at in found if not _in_a_word(text, at, at + len(new))]
    return [range(line, line + height) for line in _lines_of(text, apart)] if every or len(found) == 1 else []


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def _tells(old: str, new: str) -> bool:
    """Whether a text that stands there can only be that of this edit: a long one, or one that has much of the old."""
    return len("".join(new.split())) >= LENGTHY or resemble(old, new)


def _meets(place: Place, there: Sequence[range]) -> bool:
    return any(place.first < lines.stop and lines.start <= place.last for lines in there)


def _in_a_word(text: str, start: int, end: int) -> bool:
    """Whether a part of a text begins or ends in the middle of a word."""
    return any(0 < at < len(text) and re.fullmatch(r"\w\w", text[at - 1 : at + 1]) for at in (start, end))


def _shown(text: str, place: Place, what: str) -> str:
    """The lines of a place, and its first difference in a form in which everything can be seen."""
    lines = _numbered(text, place.first, min(place.last, place.first + SHOWN - 1))
    more = [f"… up to line {place.last}"] if place.last >= place.first + SHOWN else []
    if not place.line:
        return "\n".join([*lines, *more, "Only its ends differ."])
    column = first_difference(place.own, place.wanted)
    at = f" at column {column + 1}" if column > COLUMNS else ""
    differ = f"line {place.line} has{at} {visible(place.own, column)}, {what} has {visible(place.wanted, column)}"
    return "\n".join([*lines, *more, f"First difference: {differ}"])


def several(document: Document, spans: Sequence[Span], what: str, expected: int = 0) -> Miss:
    """The old text is there more than once, or not as often as was expected."""
    lines = _lines_of(document.text, sorted(span.start for span in spans))
    numbers = lines[:LISTED]
    listed = "\n--\n".join("\n".join(_numbered(document.text, number - 1, number + 1)) for number in numbers)
    more = f"\n… and {len(lines) - LISTED} more" if len(lines) > LISTED else ""
    where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, numbers))}{', …' if more else ''}"
    times = "once" if len(spans) == 1 else f"{len(spans)} times"
    others = f", not {expected} times as expected" if expected else ""
    reason = f"{what} is there {times}{others}, at {where}:\n{listed}{more}"
    return Miss("number" if expected else "several", reason, numbers[0])


def _lines_of(text: str, offsets: Sequence[int]) -> list[int]:
    """The numbers of the lines that rising offsets lie in, each once."""
    found, line, at = dict[int, None](), 1, 0
    for offset in offsets:
        line, at = line + text.count("\n", at, offset), offset
        found[line] = None
    return list(found)


def _numbered(text: str, first: int, last: int) -> list[str]:
    """Lines as `read_file` shows them."""
    lines = text.split("\n")
    lines = lines[:-1] if not lines[-1] else lines
    numbers = range(max(first, 1), min(last, len(lines)) + 1)
    return [f"{n}|{lines[n - 1][:COLUMNS]}{'…' if len(lines[n - 1]) > COLUMNS else ''}" for n in numbers]
