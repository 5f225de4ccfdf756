"""Search texts that look right and are not: a tool that changes a byte for one of them guesses.

Each builder spoils a good call. That nothing in the file can be meant is proved by `oracle.possible`, which reads far
more into a text than a tool may; `two_places`, `cut_short` and `beyond` are wrong by construction instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from edits.calls import NUMBER, NUMBERS, escape, fenced, joined, result
from edits.changes import WORD, Edit, edit, lead
from edits.oracle import exact, possible, steady, whole
from edits.sources import Source, parsed


@dataclass(frozen=True, slots=True)
class Miss:
    """The arguments of a call that must fail. source: the file as it is then.

    quiet: the new text may already stand in the file, so that "nothing to do" is an answer too.
    """

    source: Source
    old: str
    new: str
    quiet: bool = False
    lines: bool = True


Spoil = Callable[[Random, Edit], Sequence[str] | None]
"""Other lines to search for."""

SYNONYMS: Final = {"get": "fetch", "self": "this", "name": "names", "value": "val", "True": "False", "None": "Null"}


DAMAGES: Final[tuple[Callable[[Sequence[str]], str], ...]] = (
    joined,
    joined,
    joined,
    lambda lines: joined(lines).replace("\n", "\r\n"),
    fenced,
    lambda lines: NUMBERS[0](lines, 5),
    lambda lines: joined([line + "  " if line.strip() else line for line in lines]),
    lambda lines: joined(["    " + line if line.strip() else line for line in lines]),
    lambda lines: escape(joined(lines)),
)


def missed(spoil: Spoil, heights: Sequence[int]) -> Callable[[Random, Source], Miss | None]:
    """Spoiled lines, and now and then damaged ones on top: no tolerance may make a wrong text fit."""

    def build(random: Random, source: Source) -> Miss | None:
        change = edit(random, source, heights)
        lines = spoil(random, change) if change else None
        if not change or not lines or not joined(lines).strip():
            return None
        damage = random.choice(DAMAGES)
        end = "\n" if damage is joined and random.random() < 0.2 else ""
        old, new = damage(lines) + end, damage(change.texts) + end
        if old == new or not new.strip() or possible(source, old) or "```" in joined(lines):
            return None
        return Miss(source, old, new, quiet=possible(source, new) > 0)

    return build


def _with(lines: Sequence[str], index: int, text: str) -> list[str]:
    return [*lines[:index], text, *lines[index + 1 :]]


def _other_word(random: Random, change: Edit) -> Sequence[str] | None:
    index = random.randrange(len(change.old))
    hits = list(WORD.finditer(change.old[index]))
    if not hits:
        return None
    hit = random.choice(hits)
    word = hit.group()
    middle = len(word) // 2
    others = (word + "s", "_" + word, word[:middle] + word[middle + 1 :], word[:middle] + word[middle:] + "x", "other")
    other = SYNONYMS.get(word, random.choice(others))
    return _with(change.old, index, change.old[index][: hit.start()] + other + change.old[index][hit.end() :])


def _missing_line(random: Random, change: Edit) -> Sequence[str] | None:
    index = random.randrange(1, len(change.old) - 1)
    return [*change.old[:index], *change.old[index + 1 :]]


def _extra_line(random: Random, change: Edit) -> Sequence[str] | None:
    index = random.randrange(1, len(change.old))
    extra = random.choice((lead(change.old[index]) + "pass", "", lead(change.old[index]) + change.old[0].strip()))
    return [*change.old[:index], extra, *change.old[index:]]


def _uneven(random: Random, change: Edit) -> Sequence[str] | None:
    """Some lines further in or out than others, or each step of another width."""
    if random.random() < 0.3:
        half = [lead(line)[: len(lead(line)) // 2] + line.lstrip(" \t") for line in change.old]
        return None if steady(half, change.old) else half
    lines = list(change.old)
    for index in random.sample(range(len(lines)), random.randint(1, len(lines) - 1)):
        line, by = lines[index], random.randint(1, 4)
        if line.strip():
            lines[index] = " " * by + line if random.random() < 0.5 else line[min(by, len(lead(line))) :]
    return None if steady(lines, change.old) else lines


def _spacing(random: Random, change: Edit) -> Sequence[str] | None:
    """Blanks inside of a line: one more, one less, none around an operator."""
    index = random.randrange(len(change.old))
    start = len(lead(change.old[index]))
    text = change.old[index][start:].rstrip()
    spots = [hit.start() for hit in re.finditer(r"(?<=\S) (?=\S)", text)]
    if not spots:
        return None
    spot = random.choice(spots)
    filling = random.choice(("", "  "))
    return _with(change.old, index, change.old[index][:start] + text[:spot] + filling + text[spot + 1 :])


def _order(random: Random, change: Edit) -> Sequence[str] | None:
    lines = list(change.old)
    one, two = random.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]
    return lines


def _lookalike(random: Random, change: Edit) -> Sequence[str] | None:
    """The first and the last line are right, what is between them stands elsewhere in the file."""
    inner, source = len(change.old) - 2, change.source
    start = random.randrange(max(1, len(source.lines) - inner))
    between = source.lines[start : start + inner]
    if len(change.old) > 4 and random.random() < 0.5:
        between = (*change.old[1:-2], between[-1])
    return [change.old[0], *between, change.old[-1]]


def _case(random: Random, change: Edit) -> Sequence[str] | None:
    index = random.randrange(len(change.old))
    line = change.old[index]
    spots = [hit.start() for hit in re.finditer("[A-Za-z]", line)]
    if not spots:
        return None
    spot = random.choice(spots)
    return _with(change.old, index, line[:spot] + line[spot].swapcase() + line[spot + 1 :])


def _digit(random: Random, change: Edit) -> Sequence[str] | None:
    spots = [(i, hit.start()) for i, line in enumerate(change.old) for hit in re.finditer("[0-9]", line)]
    if not spots:
        return None
    index, spot = random.choice(spots)
    line = change.old[index]
    digit = random.choice([digit for digit in "0123456789" if digit != line[spot]])
    return _with(change.old, index, line[:spot] + digit + line[spot + 1 :])


def _sign(random: Random, change: Edit) -> Sequence[str] | None:
    """Another operator or bracket, a lost comma."""
    others = {"==": "!=", "<": "<=", ">": ">=", "+": "-", "(": "[", ",": "", ";": "", ":": "", "=": "=="}
    spots = [(i, sign) for i, line in enumerate(change.old) for sign in others if sign in line]
    if not spots:
        return None
    index, sign = random.choice(spots)
    return _with(change.old, index, change.old[index].replace(sign, others[sign], 1))


def stale(random: Random, source: Source) -> Miss | None:
    """The text as it was before somebody changed the file."""
    first, second = edit(random, source), edit(random, source)
    if not first or first.last - first.first < 2 or not second:
        return None
    now = parsed(source.name, "changed", result(first))
    if not now or now.encoding != source.encoding or possible(now, joined(first.old)):
        return None
    new = joined((*first.old[:-1], *second.texts))
    return Miss(now, joined(first.old), new, quiet=possible(now, new) > 0)


def two_places(random: Random, source: Source) -> Miss | None:
    """A block that stands in the file twice, word for word; searched for as it is, or damaged."""
    change = edit(random, source)
    if not change:
        return None
    old, new, now = change.old, change.texts, source
    if exact(source, joined(old)) < 2:
        again = joined(("", *old, "")) if random.random() < 0.5 else joined((*old, "separator", ""))
        at = source.position(random.choice((0, random.randrange(len(source.lines)))))
        if change.source.position(change.first) < at < change.source.position(change.last):
            return None
        doubled = parsed(source.name, "doubled", source.with_text(at, at, again))
        if not doubled or exact(doubled, joined(old)) < 2 or not all(lines_twice(doubled, old)):
            return None
        now = doubled
    elif not all(lines_twice(source, old)):
        return None
    damage = random.choice(DAMAGES)
    if not joined(old).strip() or "```" in joined(old) or exact(now, damage(old)) == 1:
        return None
    return Miss(now, damage(old), damage(new))


def lines_twice(source: Source, old: Sequence[str]) -> tuple[bool]:
    """Whether the lines stand there twice as whole lines, not as a part of longer ones only."""
    return (("\n" + source.text + "\n").count("\n" + joined(old) + "\n") >= 2,)


def cut_short(random: Random, source: Source) -> Miss | None:
    """The last word of the last line has lost its end, and the text says that the line ends there.

    Taking the newline, the numbers or the fence off must not make `count = 1` fit into `count = 10`.
    """
    change = edit(random, source, SOME)
    ending = re.search(r"\w{2,}$", change.old[-1]) if change else None
    if not change or not ending or "```" in joined(change.old):
        return None
    lines = [*change.old[:-1], change.old[-1][: -random.randint(1, len(ending.group()) - 1)]]
    wrap = random.choice((lambda lines, first: joined(lines, "\n"), NUMBERS[0], NUMBERS[2], fenced))
    old, new = wrap(lines, change.first + 1), wrap(change.texts, change.first + 1)
    if exact(source, old) or whole(source, joined(lines)) or all(NUMBER.match(line) for line in lines if line):
        return None
    return Miss(source, old, new, quiet=possible(source, new) > 0)


def beyond(random: Random, source: Source) -> Miss | None:
    """Damage of unlike kinds at once, or of one kind that a rule excludes by name."""
    change = edit(random, source, (2, 3, 4, 5, 6, 8))
    if not change or "\\" in joined(change.old + change.texts) or sum(bool(line.strip()) for line in change.old) < 2:
        return None
    spoil = random.choice(BEYOND)
    old, new = spoil(change.old), spoil(change.texts)
    plain = old.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t")
    if exact(source, old) or exact(source, plain) or old == new or "```" in joined(change.old):
        return None
    if "\\" not in old and possible(source, old):
        return None
    return Miss(source, old, new, quiet=possible(source, new) > 0)


def _half_escaped(lines: Sequence[str]) -> str:
    """A real newline first, then written ones: more than one line, so nothing may be unescaped."""
    return lines[0] + "\n" + escape(joined(lines[1:])) + "\\n"


def _half_numbered(lines: Sequence[str]) -> str:
    return joined((f"7|{lines[0]}", *lines[1:]))


BEYOND: Final[tuple[Callable[[Sequence[str]], str], ...]] = (
    _half_escaped,
    _half_numbered,
    lambda lines: escape(joined(["   " + line if line.strip() else line for line in lines])),
    lambda lines: escape(joined([line + " " for line in lines])),
    lambda lines: escape(joined(lines)).replace(" ", "\u00a0"),
    lambda lines: "```python\n" + joined(lines),
    lambda lines: joined([" " * index + line for index, line in enumerate(lines)]),
    lambda lines: joined([line.strip() + " " * index for index, line in enumerate(lines)]).replace(" ", "  "),
    lambda lines: joined(lines) + "\n...",
    lambda lines: joined((lines[0], "...", lines[-1])),
)

SEVERAL: Final = (3, 3, 4, 5, 6, 8, 10)
SOME: Final = (1, 2, 3, 4, 6, 8, 12)
MISSES: Final[dict[str, Callable[[Random, Source], Miss | None]]] = {
    "another word": missed(_other_word, SOME),
    "a line is missing": missed(_missing_line, SEVERAL),
    "a line too many": missed(_extra_line, SEVERAL),
    "uneven indentation": missed(_uneven, SEVERAL),
    "blanks inside": missed(_spacing, SOME),
    "another order": missed(_order, SEVERAL),
    "similar block": missed(_lookalike, (4, 5, 6, 8, 10)),
    "another case": missed(_case, SOME),
    "another digit": missed(_digit, SOME),
    "another sign": missed(_sign, SOME),
    "an earlier version": stale,
    "two places": two_places,
    "cut in a word": cut_short,
    "beyond the rules": beyond,
}
