"""What a model may have meant by a search text that is not in the file as it stands. Pure.

Each reading takes away something that is no part of any file: the CR of a line end, a code fence around the text, the
line numbers of `read_file`, an empty first or last line. The replacement is read in the same way, because a model
writes both texts alike; where that would be a guess, the reading carries a problem instead of a replacement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

FENCE = re.compile(r"\n?(`{3,}|~{3,})[^\n`]*\n(.*?)\n?\1\n?", re.DOTALL)
"""A text that stands in a code fence as a whole."""

NUMBER = re.compile(r"[ \t]*(\d+)[ ]*([|:\t→])(.*)", re.DOTALL)
"""A line as `read_file`, `cat -n`, grep and other agents' tools show it."""

PLAIN = "|→"
"""Marks behind a line number that are hardly ever a part of code in that place."""


@dataclass(frozen=True, slots=True)
class Reading:
    """old, new: the texts as they are read. how: what was read into them, "" for nothing.

    at_start, at_end: a match must begin or end where a line does, or the reading is wrong.
    line: the number of the line that a match must begin in, from 1; 0 for any.
    problem: why the replacement can't be read in that way, "" if it can.
    """

    old: str
    new: str
    how: str = ""
    at_start: bool = False
    at_end: bool = False
    line: int = 0
    problem: str = ""


def readings(old: str, new: str, *, whole: bool = False) -> Iterator[Reading]:
    """All readings, the plainest first. No two have the same `old`; an empty one is no reading. whole: the texts are
    whole lines."""
    plain = Reading(old.replace("\r\n", "\n"), new.replace("\r\n", "\n"), at_start=whole, at_end=whole)
    fenced = tuple(_in_fence(plain))
    seen = {""}
    for reading in (plain, *fenced, *(found for form in (plain, *fenced) for found in _numbered(form))):
        for trimmed in _trimmed(reading):
            if trimmed.old not in seen:
                seen.add(trimmed.old)
                yield trimmed


def _in_fence(reading: Reading) -> Iterator[Reading]:
    old, new = FENCE.fullmatch(reading.old), FENCE.fullmatch(reading.new)
    if old:
        end = "\n" if not new and reading.new.endswith("\n") and not old[2].endswith("\n") else ""
        inside = new[2] if new else reading.new
        how = "without the code fence around it"
        yield replace(reading, old=old[2] + end, new=inside, how=how, at_start=True, at_end=True)


def _numbered(reading: Reading) -> Iterator[Reading]:
    """Without line numbers; where a space follows each of them, also without that."""
    for form in _trimmed(reading) if reading.old.startswith("\n") else (reading,):
        yield from _without_numbers(form)


def _without_numbers(reading: Reading) -> Iterator[Reading]:
    tail = "\n" if reading.old.endswith("\n") else ""
    found = [NUMBER.fullmatch(line) for line in reading.old.removesuffix("\n").split("\n")]
    lines = [line for line in found if line]
    if len(lines) < len(found) or len({line[2] for line in lines}) > 1:
        return
    if [int(line[1]) for line in lines] != list(range(int(lines[0][1]), int(lines[0][1]) + len(lines))):
        return
    mark = lines[0][2]
    how = f"{reading.how} and the line numbers in it" if reading.how else "without the line numbers in it"
    for space in ("", " "):
        if space and not all(line[3].startswith(space) or not line[3] for line in lines):
            return
        new, problem = _unnumbered(reading.new, set(reading.old.split("\n")), mark, space)
        old = "\n".join(line[3].removeprefix(space) for line in lines) + tail
        line = 0 if mark in PLAIN else int(lines[0][1])  # `404: x` may be text; the number of its line proves it is not
        yield Reading(old, new, how, at_start=True, at_end=True, line=line, problem=problem)


def _unnumbered(text: str, copied: set[str], mark: str, space: str) -> tuple[str, str]:
    """The replacement without the numbers that stand before its lines, and why that is not possible."""
    lines = text.split("\n")
    found = [NUMBER.fullmatch(line) for line in lines]
    numbered = [bool(match and match[2] == mark) for match in found]
    mixed = any(numbered) and not all(is_one or not line for is_one, line in zip(numbered, lines, strict=True))
    unclear = mixed and mark not in PLAIN
    if unclear and any(is_one and line not in copied for is_one, line in zip(numbered, lines, strict=True)):
        return text, "old_string has line numbers, and of new_string some lines have them; leave them out of both"
    plain = (match[3].removeprefix(space) if match and match[2] == mark else "" for match in found)
    return "\n".join(p if n else line for p, n, line in zip(plain, numbered, lines, strict=True)), ""


def _trimmed(reading: Reading) -> Iterator[Reading]:
    """As it stands, and without a newline at its end, at its beginning, at both. One that the replacement shares goes
    there too, but never the one that ends its last line."""
    yield reading
    how = f"{reading.how} and without an empty line" if reading.how else "without the empty line at its edge"
    cuts: tuple[tuple[bool, bool], ...] = ((False, True), (True, False), (True, True))
    for head, tail in cuts:
        old, new = reading.old, reading.new
        if (head and not old.startswith("\n")) or (tail and not old[head:].endswith("\n")):
            continue
        if tail:
            new = _balanced(old, new, str.rstrip, lambda text, count: text + "\n" * count)
            old = old[:-1]
        if head:
            new = _balanced(old, new, str.lstrip, lambda text, count: "\n" * count + text)
            old = old[1:]
        yield replace(
            reading,
            old=old,
            new=new,
            how=how,
            at_start=reading.at_start or head,
            at_end=reading.at_end or tail,
            line=reading.line + head if reading.line else 0,
        )


def _balanced(old: str, new: str, strip: Callable[[str, str], str], pad: Callable[[str, int], str]) -> str:
    """`new` for an `old` that has one newline less at this edge: one less, but what ends a line stays."""
    bare = strip(new, "\n")
    had, has = len(old) - len(strip(old, "\n")), len(new) - len(bare)
    return pad(bare, max(has - 1, min(has, had - 1))) if bare else new[:-1]


# Escapes


@dataclass(frozen=True, slots=True)
class Escapes:
    """A way in which a text may have been escaped once too often. fits: whether a text may have been; undo it."""

    pattern: re.Pattern[str]
    fits: Callable[[str], bool]

    def undo(self, text: str) -> str:
        return self.pattern.sub(lambda found: MEANT[found[1]], text)


MEANT = {"n": "\n", "r\\n": "\n", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
"""A quotation mark that no backslash escapes."""

WAYS = (
    Escapes(re.compile(r"""\\(r\\n|[nt"'\\])"""), lambda text: not QUOTE.search(text)),
    Escapes(re.compile(r"\\(r\\n|[nt])"), lambda text: bool(QUOTE.search(text)) or '\\"' not in text),
)
"""As the inside of a JSON string; and with newlines and tabs only, in a text whose quotation marks are not escaped."""

UNCLEAR = "old_string is in the file once its escapes are undone, but what those in new_string mean is not clear"


def unescaped(plain: Reading) -> Iterator[Reading]:
    """Readings of a text in which escapes stand for what they mean. One with a real newline in it was not escaped; that
    it ends with one says nothing, for the blocks of a diff always do."""
    old, new = plain.old, plain.new
    end = "\n" if old.endswith("\n") else ""
    inside, wanted = old.removesuffix("\n"), new.removesuffix("\n") if end else new
    if "\n" in inside or "\\" not in inside:
        return
    meanings: dict[str, list[str]] = {}
    for way in WAYS:
        undone = way.undo(inside)
        if way.fits(inside) and undone != inside:
            meanings.setdefault(undone, []).extend(_meant(way, undone, wanted))
    for undone, found in meanings.items():
        meant = list(dict.fromkeys(found))
        text = (meant[0] if meant else wanted) + new[len(wanted) :]
        problem = "" if len(meant) == 1 else UNCLEAR
        how = 'with its escapes (\\n, \\t, \\") undone'
        yield replace(plain, old=undone + end, new=text, how=how, problem=problem)
        if end and undone.endswith("\n"):  # the escaped newline was the text's, the real one only the block's
            text = text.removesuffix("\n") if text.endswith("\n\n") else text
            yield replace(plain, old=undone, new=text, how=how, problem=problem)


def _meant(way: Escapes, old: str, new: str) -> list[str]:
    """What a replacement means if it was escaped in this way; nothing if it was not."""
    if "\\" not in new:
        return [new]
    if "\n" in new or not way.fits(new):
        return []
    plain = way.undo(new)
    return [] if _torn(plain, set(old.split("\n"))) else [plain]


def _torn(text: str, known: set[str]) -> bool:
    """Whether a string literal seems to go over the end of a line: then the escape was meant to stand in it."""
    lines = [re.sub(r"\\.|\"{3}|'{3}", "", line) if line not in known else "" for line in text.split("\n")]
    odd = [{quote for quote in "\"'" if line.count(quote) % 2} for line in lines]
    return any(a & b for a, b in pairwise(odd))
