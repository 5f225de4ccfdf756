"""Why an edit can't be made, and what the file has instead: what a model needs to know to do better. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from roundtrip.tools.editing.closest import Place, closest, visible
from roundtrip.tools.editing.documents import Document
from roundtrip.tools.editing.matching import Span

LISTED: Final = 5
"""Places that an error lists where a text stands several times."""

SHOWN: Final = 12
"""Lines of a place that an error shows."""

COLUMNS: Final = 200
"""Characters of a line that an error shows."""

NUL: Final = "new_string has a NUL character, which would make the file a binary one"
APPLIED: Final = "already applied: the file is as this edit would make it"

TELLING: Final = 4
"""Characters of a new text from which on it says something that it stands there."""

MissKind = Literal["absent", "several", "applied", "wrong"]


@dataclass(frozen=True, slots=True)
class Miss:
    """Why there is no plan. applied: because nothing is left to do. line: where to look, 0 if nowhere."""

    kind: MissKind
    reason: str
    line: int = 0


def absent(document: Document, old: str, new: str, what: str, *, every: bool = False) -> Miss:
    """The old text is not there. Where the new one is, the edit was made before, unless another place resembles the old
    text more: then the model remembers it wrongly, and the new text stands there for another reason."""
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    places = closest(document.text, old)
    there = _lines_of_new(document, old, new, every=every)
    alone = not places or (places[0].first < there.stop and there.start <= places[0].last)
    if there and alone and len(new.strip()) >= TELLING:
        line = there.start
        return Miss("applied", f"already applied: {what} is not there, and the new text is, at line {line}", line)
    hint = f"\nThe new text is there already, at line {there.start}; look whether that is this edit." if there else ""
    if not places:
        return Miss("absent", f"{what} is not there, and nothing in the file resembles it{hint}", 0)
    shown = "\n".join(_shown(document.text, place, what) for place in places)
    return Miss("absent", f"{what} is not there. The closest text in the file:\n{shown}{hint}", places[0].first)


def _lines_of_new(document: Document, old: str, new: str, *, every: bool) -> range:
    """The lines, from 1, in which the new text stands, by itself and once only; none if they don't say it."""
    text = document.text
    at = text.find(new) if new.strip() and new.strip() not in old else -1
    if at < 0 or (not every and text.find(new, at + 1) >= 0) or _in_a_word(text, at, at + len(new)):
        return range(0)
    first = document.line(at)
    return range(first, first + new.rstrip("\n").count("\n") + 1)


def _in_a_word(text: str, start: int, end: int) -> bool:
    """Whether a part of a text begins or ends in the middle of a word."""
    return any(0 < at < len(text) and re.fullmatch(r"\w\w", text[at - 1 : at + 1]) for at in (start, end))


def _shown(text: str, place: Place, what: str) -> str:
    """The lines of a place, and its first difference in a form in which everything can be seen."""
    lines = _numbered(text, place.first, min(place.last, place.first + SHOWN - 1))
    more = [f"… up to line {place.last}"] if place.last >= place.first + SHOWN else []
    differ = f"line {place.line} has {visible(place.own)}, {what} has {visible(place.wanted)}"
    return "\n".join([*lines, *more, f"First difference: {differ}" if place.line else "Only its ends differ."])


def several(document: Document, spans: Sequence[Span], what: str) -> Miss:
    lines = _lines_of(document.text, sorted(span.start for span in spans))
    numbers = lines[:LISTED]
    listed = "\n--\n".join("\n".join(_numbered(document.text, number - 1, number + 1)) for number in numbers)
    more = f"\n… and {len(lines) - LISTED} more" if len(lines) > LISTED else ""
    where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, numbers))}{', …' if more else ''}"
    return Miss("several", f"{what} is there {len(spans)} times, at {where}:\n{listed}{more}", numbers[0])


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
