"""What people ask a model to change: on whole lines (`edit`) or inside of them (`snippet`).

A change of lines says of each new line which old line it is, if it is one that nobody touched. The oracle needs this:
such a line keeps its bytes even where the model could not spell it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from edits.sources import Source

WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]{2,}")
LITERAL: Final = re.compile(r"\b\d+\b|\"[^\"\\\n]{1,40}\"|'[^'\\\n]{1,40}'")
COMMENTED: Final = re.compile(r"(#|//|/\*|\"\"\"|<!--)\s*\w+")
SIGNATURE: Final = re.compile(r"(\bdef \w+\(|\bfunction \w*\(|^\w[\w *]*\w\()")
STATEMENTS: Final = {
    ".py": ("logger.debug('step %s', value)", "result = None", "assert value is not None", "return default", "# note"),
    ".c": ("count += 1;", "if (value == NULL) return -1;", "/* checked above */", 'log_debug("here");'),
    ".json": ('"added": true,', '"count": 3,', '"name": "value",'),
    ".toml": ("added = true", 'name = "value"', "# a note", "[added.table]"),
    ".html": ("<p>Added</p>", '<div class="added"></div>', "<!-- added -->"),
}
LIKE: Final = {".pyi": ".py", ".pyx": ".py", ".h": ".c", ".js": ".c", ".css": ".c", ".xml": ".html", ".cfg": ".toml"}
PROSE: Final = ("One more sentence about it.", "* another item", "Note that this is optional.", "See also below.")


class New(NamedTuple):
    """A line of the replacement. origin: which line of the span it is, None if it is changed or new."""

    text: str
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines [first, last) of a file, and what shall stand there."""

    source: Source
    first: int
    last: int
    new: tuple[New, ...]

    @property
    def old(self) -> tuple[str, ...]:
        return self.source.lines[self.first : self.last]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(line.text for line in self.new)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text [start, end) of a file, and what shall stand there; not whole lines."""

    source: Source
    start: int
    end: int
    new: str

    @property
    def old(self) -> str:
        return self.source.text[self.start : self.end]


Lines = list[New]
Change = Callable[[Random, Source, Lines], Lines | None]


def statement(random: Random, source: Source) -> str:
    suffix = source.name[source.name.rfind(".") :]
    return random.choice(STATEMENTS.get(LIKE.get(suffix, suffix), PROSE))


def lead(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _at(lines: Lines, index: int, text: str) -> Lines | None:
    """The lines with another text in one of them; None if that is no change."""
    if text.split() == lines[index].text.split():
        return None
    return [*lines[:index], New(text), *lines[index + 1 :]]


def _some_line(random: Random, lines: Lines, pattern: re.Pattern[str]) -> int | None:
    fit = [index for index, line in enumerate(lines) if pattern.search(line.text)]
    return random.choice(fit) if fit else None


def _rename(random: Random, source: Source, lines: Lines) -> Lines | None:
    names = sorted({name for line in lines for name in WORD.findall(line.text)})
    if not names:
        return None
    name = random.choice(names)
    other = random.choice((name + "_new", "new_" + name, name + "2", name[:-1], "_" + name))
    texts = [re.sub(rf"\b{name}\b", other, line.text) for line in lines]
    return [line if text == line.text else New(text) for line, text in zip(lines, texts, strict=True)]


def _literal(random: Random, source: Source, lines: Lines) -> Lines | None:
    index = _some_line(random, lines, LITERAL)
    if index is None:
        return None
    hit = random.choice(list(LITERAL.finditer(lines[index].text)))
    old = hit.group()
    new = str(int(old) + random.choice((1, 7, 100))) if old.isdigit() else f"{old[0]}other {len(old)}{old[0]}"
    return _at(lines, index, lines[index].text[: hit.start()] + new + lines[index].text[hit.end() :])


def _insert(random: Random, source: Source, lines: Lines) -> Lines | None:
    index = random.randrange(len(lines))
    added = [New(lead(lines[index].text) + statement(random, source)) for _ in range(random.randint(1, 3))]
    if random.random() < 0.2:
        added.append(New(""))
    return lines[: index + 1] + added + lines[index + 1 :]


def _delete(random: Random, source: Source, lines: Lines) -> Lines | None:
    if len(lines) < 2:
        return None
    start = random.randrange(len(lines))
    end = min(len(lines), start + random.randint(1, 3))
    return lines[:start] + lines[end:] if end - start < len(lines) else None


def _wrap(random: Random, source: Source, lines: Lines) -> Lines | None:
    """An `if` around it all."""
    inner = [New(source.unit + line.text) if line.text.strip() else line for line in lines]
    head = lead(next((line.text for line in lines if line.text.strip()), ""))
    if statement(random, source).endswith((";", "*/")):
        return [New(head + "if (enabled) {"), *inner, New(head + "}")]
    return [New(head + "if enabled:"), *inner]


def _signature(random: Random, source: Source, lines: Lines) -> Lines | None:
    index = _some_line(random, lines, SIGNATURE)
    if index is None:
        return None
    text = lines[index].text
    end = text.index("(", SIGNATURE.search(text).end() - 1) + 1  # type: ignore[union-attr]
    return _at(lines, index, text[:end] + random.choice(("timeout, ", "flags, ", "verbose, ")) + text[end:])


def _comment(random: Random, source: Source, lines: Lines) -> Lines | None:
    index = _some_line(random, lines, COMMENTED)
    if index is None:
        return None
    text = lines[index].text
    end = COMMENTED.search(text).end()  # type: ignore[union-attr]
    return _at(lines, index, f"{text[:end]} (revised){text[end:]}")


def _rewrite(random: Random, source: Source, lines: Lines) -> Lines | None:
    """One line becomes two others."""
    index = random.randrange(len(lines))
    head = lead(lines[index].text)
    added = [New(head + statement(random, source)), New(head + statement(random, source))]
    return lines[:index] + added + lines[index + 1 :]


def _swap(random: Random, source: Source, lines: Lines) -> Lines | None:
    if len(lines) < 2:
        return None
    index = random.randrange(len(lines) - 1)
    one, two = lines[index], lines[index + 1]
    if one.text.strip() == two.text.strip():
        return None
    return [*lines[:index], New(two.text), New(one.text), *lines[index + 2 :]]


CHANGES: Final[tuple[Change, ...]] = (
    _rename,
    _rename,
    _literal,
    _insert,
    _delete,
    _wrap,
    _signature,
    _comment,
    _rewrite,
    _swap,
)
HEIGHTS: Final = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 15)


def edit(random: Random, source: Source, heights: Sequence[int] = HEIGHTS) -> Edit | None:
    """A change of 1 to 15 lines; None where the dice found no change."""
    height = random.choice(heights)
    if height > len(source.lines):
        return None
    first = random.randrange(len(source.lines) - height + 1)
    old = source.lines[first : first + height]
    if not any(WORD.search(line) for line in old) or len({*source.endings[first : first + height], ""}) > 2:
        return None
    new = random.choice(CHANGES)(random, source, [New(text, index) for index, text in enumerate(old)])
    if not new or tuple(line.text for line in new) == old or not any(line.text.strip() for line in new):
        return None
    try:
        source.encoded("\n".join(line.text for line in new))
    except UnicodeEncodeError:
        return None
    return Edit(source, first, first + height, tuple(new))


def snippet(random: Random, source: Source) -> Snippet | None:
    """A change from the middle of a line to the middle of the same or a later one."""
    first = random.randrange(len(source.lines))
    last = min(len(source.lines) - 1, first + random.choice((0, 0, 0, 1, 2)))
    starts = [hit.start() for hit in re.finditer(r"\b\w", source.lines[first])]
    ends = [hit.end() for hit in re.finditer(r"\w\b", source.lines[last])]
    if not starts or not ends or len({*source.endings[first : last + 1], ""}) > 2:
        return None
    start = source.position(first) + random.choice(starts)
    end = source.position(last) + random.choice(ends)
    old = source.text[start:end]
    names = WORD.findall(old)
    if len(old) < 6 or not names:
        return None
    name = random.choice(names)
    new = random.choice(
        (
            re.sub(rf"\b{name}\b", name + "_changed", old),
            old + " + extra",
            f"wrapped({old})",
            old.replace(name, "value", 1),
        )
    )
    return Snippet(source, start, end, new) if new != old else None
