"""Which places of a file a search text could mean: strictly for what must be applied, generously for what must not.

Written from the rules alone, with no regard to speed or to how a tool does it.
- `exact` and `loose` count the places of the first and the third rule.
- `possible` counts every place that any chain of tolerances could lead to, far beyond what a tool may do. Where it
  finds none, a tool has to refuse; where it finds one, a tool can have no other in mind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from edits.sources import Source

FOLD: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\r", ""),
    }
)
NUMBERED: Final = re.compile(r"[ \t]*\d+ *[|:\t→]")
FENCE: Final = re.compile(r"\A\s*(?:```|~~~)[^\n]*\n(.*?)\n?[ \t]*(?:```|~~~)\s*\Z", re.S)
ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "'": "'", "\\": "\\", "r": "\r"}
TAB_SIZES: Final = (1, 2, 3, 4, 8)


def exact(source: Source, old: str) -> int:
    """Occurrences, overlapping ones too."""
    return len(re.findall(f"(?={re.escape(old)})", source.text)) if old else 0


def folded(line: str) -> str:
    return line.translate(FOLD).rstrip()


def loose(source: Source, old: str) -> list[int]:
    """First lines of the places that are equal but for trailing blanks and typographic characters."""
    return list(_windows(_folded_lines(source), [folded(line) for line in old.removesuffix("\n").split("\n")]))


@lru_cache(maxsize=64)
def _folded_lines(source: Source) -> list[str]:
    return [folded(line) for line in source.lines]


@lru_cache(maxsize=64)
def _bare_lines(source: Source) -> list[str]:
    return [folded(line).lstrip() for line in source.lines]


def _windows(lines: list[str], wanted: list[str]) -> Iterator[int]:
    for start in range(len(lines) - len(wanted) + 1):
        if lines[start] == wanted[0] and lines[start : start + len(wanted)] == wanted:
            yield start


def possible(source: Source, old: str) -> int:
    """The greatest number of places that some reading of the search text could mean."""
    return max((_places(source, reading) for reading in readings(old)), default=0)


def _places(source: Source, text: str) -> int:
    inside = "\n".join(folded(line) for line in _core(text))
    return max(whole(source, text), "\n".join(_folded_lines(source)).count(inside)) if inside else 0


def whole(source: Source, text: str) -> int:
    """Places where whole lines are equal but for trailing blanks, typographic characters and a shift."""
    wanted = _core(text)
    starts = _windows(_bare_lines(source), [folded(line).lstrip() for line in wanted]) if wanted else ()
    return sum(steady(wanted, source.lines[start : start + len(wanted)]) for start in starts)


def _core(text: str) -> list[str]:
    """The lines, without empty ones at the ends."""
    lines = text.split("\n")
    full = [index for index, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1] if full else []


def steady(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether the indentation of two blocks differs by the same amount in all lines, whatever a tab is worth."""
    pairs = [(_lead(a), _lead(b)) for a, b in zip(one, two, strict=True) if a.strip() or b.strip()]
    return any(len({_width(a, size) - _width(b, size) for a, b in pairs}) <= 1 for size in TAB_SIZES)


def _lead(line: str) -> str:
    line = line.translate(FOLD)
    return line[: len(line) - len(line.lstrip(" \t"))]


def _width(lead: str, size: int) -> int:
    return lead.count(" ") + lead.count("\t") * size


def readings(text: str) -> set[str]:
    """What a search text can be taken for: every chain of normalisations, but no more than some."""
    found, fresh = {text}, [text]
    while fresh and len(found) < 60:
        current = fresh.pop(0)
        for reading in _read_on(current):
            if reading not in found and reading.strip():
                found.add(reading)
                fresh.append(reading)
    return found


def _read_on(text: str) -> Iterator[str]:
    yield text.replace("\r\n", "\n").replace("\r", "\n")
    yield text.removeprefix("\n")
    yield text.removesuffix("\n")
    fence = FENCE.match(text)
    if fence:
        yield fence.group(1)
    lines = text.split("\n")
    if all(NUMBERED.match(line) for line in lines if line.strip()):
        bare = [NUMBERED.sub("", line, count=1) for line in lines]
        yield "\n".join(bare)
        yield "\n".join(line.removeprefix(" ") for line in bare)
    yield unescaped(text, ESCAPES)


def unescaped(text: str, escapes: Iterable[str]) -> str:
    replace: Callable[[re.Match[str]], str] = lambda hit: (  # noqa: E731
        ESCAPES[hit.group(1)] if hit.group(1) in escapes else hit.group()
    )
    return re.sub(r"\\(.)", replace, text)
