"""Where a file comes closest to a text that is not in it, so that an error can show what is there. Pure.

Strategy: a file may have a megabyte, so lines are never compared with each other pair by pair. Pieces of the search
text are looked up in the file, and rare ones count more; each occurrence votes for the place where the search text
would then begin. Only the few places with most votes are compared line by line. Case does not count, but among equals.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nsmallest
from itertools import accumulate, islice
from typing import Final

from roundtrip.tools.cut import part_of

PIECES: Final = 20
"""Pieces of the search text that are looked up: the longest, for these are rare."""

TRIED: Final = 24
"""Words of the search text that are tried, the longest: of a long one nearly all may be foreign to the file."""

HALVED: Final = 3
"""Lines whose halves are among them."""

COMMON: Final = 200
"""Occurrences from which on a word says nothing."""

PLACES: Final = 8
"""Places that are compared line by line."""

COMPARED: Final = 12
"""Lines of a search text that are compared character by character; of a longer one the first."""

LONG: Final = 400
"""Characters of a line that are compared."""

ALIKE: Final = 0.5
"""Below this share of equal text a place is no help."""

WORD: Final = re.compile(r"\w{3,}")
INVISIBLE: Final = re.compile("[\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060\ufeff\u3000]")


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file that resemble a search text, numbered from 1. line, wanted: the first that differ, and as they
    were written; line is 0 if only the ends of the text do."""

    first: int
    last: int
    line: int
    own: str
    wanted: str


def closest(text: str, old: str, most: int) -> list[Place]:
    """The places of a text that resemble `old` most, the best first; none if nothing does."""
    wanted, folded = (form.strip("\n").split("\n") for form in (old, old.casefold()))
    lines, alike = (form.removesuffix("\n").split("\n") for form in (text, text.casefold()))
    votes = _votes(text.casefold(), folded)
    scored: list[tuple[float, float, int]] = []
    for first, _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))[:PLACES]:
        own, same = (form[first : first + len(wanted)] for form in (lines, alike))
        scored.append((-_likeness(same, folded), -_likeness(own, wanted), first))
    found: list[Place] = []
    for score, _, first in sorted(scored):
        apart = all(abs(first + 1 - place.first) >= len(wanted) for place in found)
        if -score >= ALIKE and apart and len(found) < most:
            found.append(_place(lines[first : first + len(wanted)], wanted, first))
    return found


def resemble(old: str, new: str) -> bool:
    """Whether two texts have much in common: most of what stands in their lines, or one of these."""
    before, after = ([line.strip() for line in text.strip("\n").split("\n")] for text in (old, new))
    common = {line for line in before if WORD.search(line)} & set(after)
    return bool(common) or _likeness(after, before) >= ALIKE


def visible(line: str, column: int = 0) -> str:
    """In quotes, as JSON has it, with what can't be seen as an escape: tabs, CR, no-break and zero-width spaces. Of a
    long line the part around a column."""
    part = json.dumps(part_of(line, column, LONG), ensure_ascii=False)
    return INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", part)


def _votes(text: str, wanted: Sequence[str]) -> Counter[int]:
    """Numbers of lines, from 0, where the search text may begin."""
    votes: Counter[int] = Counter()
    pieces = list(islice(_pieces(text, wanted), PIECES))
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0)) if pieces else []
    for number, piece in pieces:
        places = _occurrences(text, piece)
        for at in places:
            first = max(bisect_right(starts, at) - 1 - number, 0)
            votes[first] += 1000 // len(places)  # whole numbers add up alike in any order
    return votes


def _pieces(text: str, wanted: Sequence[str]) -> Iterator[tuple[int, str]]:
    """What the text has of a search text, with the number of its line: halves of the longest lines, and words, the
    longest first; halves of a word where it is not there itself."""
    lines = nsmallest(HALVED, enumerate(map(str.strip, wanted)), key=lambda line: (-len(line[1]), line[0]))
    yield from ((n, half) for n, line in lines if len(line) >= 8 for half in _halves(line) if half in text)
    words = {word: n for n, line in reversed(list(enumerate(wanted))) for word in WORD.findall(line)}
    for word, n in nsmallest(TRIED, words.items(), key=lambda word: (-len(word[0]), word)):
        if word in text:
            yield n, word
        elif len(word) >= 6:
            yield from ((n, half) for half in _halves(word) if half in text)


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _occurrences(text: str, word: str) -> list[int]:
    found: list[int] = []
    at = text.find(word)
    while at >= 0:
        if len(found) == COMMON:
            return []
        found.append(at)
        at = text.find(word, at + len(word))
    return found


def _likeness(own: Sequence[str], wanted: Sequence[str]) -> float:
    """The share of equal text, from 0 to 1, where blanks don't count."""
    pairs = list(zip((" ".join(line.split()) for line in own), (" ".join(w.split()) for w in wanted), strict=False))
    told = [(a[:LONG], b[:LONG]) for a, b in pairs if a or b][:COMPARED]
    weights = [len(b) or 1 for _, b in told]
    alike = (1.0 if a == b else _ratio(a, b) for a, b in told)
    return sum(w * r for w, r in zip(weights, alike, strict=True)) / (sum(weights) or 1)


def _ratio(own: str, wanted: str) -> float:
    """How much of a wanted line is in a line of the file, from 0 to 1."""
    if wanted and wanted in own:
        return 0.9
    matcher = SequenceMatcher(None, own, wanted, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0


def _place(own: Sequence[str], wanted: Sequence[str], first: int) -> Place:
    last = first + len(own)
    for number, (have, want) in enumerate(zip(own, wanted, strict=False)):
        if have != want:
            return Place(first + 1, last, first + number + 1, have, want)
    return Place(first + 1, last, 0, "", "")
