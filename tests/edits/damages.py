"""How models damage a call that means the right thing, and the bytes the file must hold if it is understood.

Strategy. A builder takes an undamaged change, damages its texts and knows the intended bytes before it does so.
- Lines that nobody changed keep the file's bytes; changed lines are what the new text says, without the damage that is
  the same on all lines: line numbers, a fence, escapes, a shift of the indentation, foreign line endings.
- `sure` is True where the rules leave one reading: the rules before it find nothing, its own finds one place.
  Otherwise a tool may refuse; but if it writes, it writes the intended bytes.
- A builder answers None where the damage does not show in this change; then the dice are thrown again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from edits.calls import NUMBER, NUMBERS, Call, Wrapper, escape, fenced, joined, result, tail
from edits.changes import Edit, Snippet, edit, lead, snippet
from edits.oracle import exact, folded, loose, possible
from edits.sources import Source

# ---- step 2: the search text normalised


def crlf(random: Random, source: Source) -> Call | None:
    """CRLF in the texts. A file that has CRLF too wants no second CR."""
    change = edit(random, source)
    if not change or exact(source, joined(change.old)) != 1:
        return None
    end = tail(random, change)
    old, new = joined(change.old, end), joined(change.texts, end)
    if "\n" not in old + new:
        return None
    in_old, in_new = random.choice(((True, True), (True, True), (True, False), (False, True)))
    texts = (old.replace("\n", "\r\n") if in_old else old, new.replace("\n", "\r\n") if in_new else new)
    return Call(*texts, result(change), lines=True)


def newline(random: Random, source: Source) -> Call | None:
    """One newline too many: before the first line of the file, behind a last one that has none, or inside of a line.

    Inside of a line the text says that a line begins or ends where none does: a tool may distrust it.
    """
    before, behind = random.choice((("\n", ""), ("", "\n"), ("\n", "\n")))
    inside = random.random() < 0.2
    change = snippet(random, source) if inside else _at_an_end(random, source, before, behind)
    if not change:
        return None
    old, new = before + change.old + behind, before + change.new + behind if random.random() < 0.7 else change.new
    if exact(source, change.old) != 1 or exact(source, old):
        return None
    if new == change.new and exact(source, before + change.old) + exact(source, change.old + behind):
        return None  # it is open which of the two newlines is meant to go
    return Call(old, new, source.with_text(change.start, change.end, change.new), sure=not inside)


def _at_an_end(random: Random, source: Source, before: str, behind: str) -> Snippet | None:
    """A change of the first or the last lines, where the file has no such newline."""
    lines, at_end = random.choice((1, 1, 2, 3, 5)), bool(behind) and not source.endings[-1]
    first = len(source.lines) - lines if at_end else 0
    old = source.lines[first : first + lines]
    if first < 0 or not (at_end or before) or not old[0].strip() or not old[-1].strip():
        return None
    if len({*source.endings[first : first + lines], ""}) > 2:
        return None
    start = source.position(first)
    place = random.randrange(lines)
    new = (*old[:place], lead(old[place]) + "changed()", *old[place + random.choice((0, 1)) :])
    return Snippet(source, start, start + len(joined(old)), joined(new))


def _dressed(random: Random, source: Source, wrap: Wrapper, both: bool) -> Call | None:
    change = edit(random, source)
    if not change or exact(source, joined(change.old)) != 1 or "```" in joined(change.old + change.texts):
        return None
    if all(NUMBER.match(line) for line in change.old if line) or all(NUMBER.match(line) for line in change.texts):
        return None
    old = wrap(change.old, change.first + 1)
    new = wrap(change.texts, change.first + 1) if both else joined(change.texts)
    if exact(source, old):
        return None
    if random.random() < 0.2 and source.endings[change.last - 1]:
        old, new = old + "\n", new + "\n"
    return Call(old, new, result(change), lines=True)


def numbers(random: Random, source: Source) -> Call | None:
    return _dressed(random, source, random.choice(NUMBERS), both=True)


def numbers_in_old(random: Random, source: Source) -> Call | None:
    return _dressed(random, source, random.choice(NUMBERS), both=False)


def fence(random: Random, source: Source) -> Call | None:
    language = random.choice(("", "python", "c", "text", source.name.rpartition(".")[2]))
    both = random.random() < 0.7
    call = _dressed(random, source, lambda lines, first: fenced(lines, first, language), both)
    ends = (call.old.endswith(("\n", "\n\n```")), call.new.endswith("\n")) if call else ()
    # an empty line at the end of one text only may as well belong to the fence
    return None if not both and any(ends) else call


def combined(random: Random, source: Source) -> Call | None:
    """Several of step 2 at once, on both texts."""
    number = random.choice(NUMBERS)
    wraps: tuple[Wrapper, ...] = (
        lambda lines, first: fenced(number(lines, first).split("\n")),
        lambda lines, first: number(lines, first).replace("\n", "\r\n"),
        lambda lines, first: "\n" + number(lines, first),
        lambda lines, first: fenced(lines).replace("\n", "\r\n"),
        lambda lines, first: "\n" + fenced(lines),
        lambda lines, first: fenced(number(lines, first).split("\n")).replace("\n", "\r\n"),
    )
    call = _dressed(random, source, random.choice(wraps), both=True)
    return None if call and "\r\n" in call.old and call.old.endswith("\n") else call


# ---- step 3: trailing blanks, typographic characters


def _aligned(change: Edit) -> bool:
    """Whether every line that nobody touched can be told from all others, so that its bytes can be kept."""
    by_look: dict[str, set[str]] = {}
    for line in change.old:
        by_look.setdefault(folded(line).lstrip(), set()).add(line)
    touched = {folded(line.text).lstrip() for line in change.new if line.origin is None}
    return all(len(lines) == 1 for lines in by_look.values()) and not touched & by_look.keys()


def is_plain(source: Source, old: str) -> bool:
    """Whether the first rule, or the second by taking a newline off, finds the text, if only inside of a line."""
    return any(exact(source, text) for text in (old, old.removesuffix("\n"), old.removeprefix("\n"), old.strip("\n")))


def _by_line(change: Edit, old: Sequence[str], new: Sequence[str], end: str) -> Call | None:
    """A call that only the third rule can understand."""
    texts = joined(old, end), joined(new, end)
    source = change.source
    if not old[-1] and change.old[-1]:
        return None  # an empty last line that is none in the file: only a newline at the end, by its looks
    if is_plain(source, texts[0]) or change.first not in (places := loose(source, texts[0])):
        return None
    sure = len(places) == 1 and not old[-1].isspace()  # blanks behind the last newline may be no line
    try:
        intended = result(change, new)
    except UnicodeEncodeError:
        return None
    return None if intended == source.data else Call(*texts, intended, sure=sure, lines=True)


def trailing(random: Random, source: Source) -> Call | None:
    """Trailing blanks that the file does not have, or that the model did not see."""
    change = edit(random, source)
    if not change or not _aligned(change):
        return None
    if any(line != line.rstrip() for line in change.old):
        clean = random.random() < 0.7
        new = [line.text.rstrip() if clean or line.origin is None else line.text for line in change.new]
        return _by_line(change, [line.rstrip() for line in change.old], new, tail(random, change))
    blanks = [random.choice(("", "", " ", "  ", "\t")) for _ in change.old]
    old = [line + blank for line, blank in zip(change.old, blanks, strict=True)]
    same = random.random() < 0.5
    new = [line.text if line.origin is None or not same else old[line.origin] for line in change.new]
    return _by_line(change, old, new, tail(random, change))


ASCII: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})
CURLY: Final = {"'": "’‘", '"': "“”", "-": "–—", " ": "\u00a0"}


def typographic(random: Random, source: Source) -> Call | None:
    """The file's typographic characters typed as plain ones, or the other way round."""
    change = edit(random, source)
    if not change or not _aligned(change):
        return None
    if joined(change.old).translate(ASCII) != joined(change.old):
        both = random.random() < 0.7
        new = [line.text.translate(ASCII) if both or line.origin is None else line.text for line in change.new]
        return _by_line(change, [line.translate(ASCII) for line in change.old], new, tail(random, change))
    old = [_curled(random, line) for line in change.old]
    same = random.random() < 0.5
    new = [line.text if line.origin is None or not same else old[line.origin] for line in change.new]
    return _by_line(change, old, new, tail(random, change))


def _curled(random: Random, line: str) -> str:
    """One of the plain characters inside of a line made typographic, everywhere in it."""
    start = len(lead(line))
    present = [plain for plain in CURLY if plain in line[start:].rstrip()]
    if not present or random.random() < 0.3:
        return line
    plain = random.choice(present)
    return line[:start] + line[start:].rstrip().replace(plain, random.choice(CURLY[plain]))


# ---- step 4: the indentation


def _shifted(change: Edit, old: Sequence[str], new: Sequence[str], end: str) -> Call | None:
    """A call that only the fourth rule can understand."""
    texts = joined(old, end), joined(new, end)
    source = change.source
    if is_plain(source, texts[0]) or loose(source, texts[0]):
        return None
    return Call(*texts, result(change), sure=possible(source, texts[0]) == 1, lines=True)


def _leads(change: Edit) -> list[str]:
    return [lead(line) for line in (*change.old, *change.texts) if line.strip()]


def shift(random: Random, source: Source) -> Call | None:
    """All lines too far in, or not far enough."""
    change = edit(random, source)
    if not change or any(line != line.rstrip() for line in (*change.old, *change.texts)):
        return None
    leads = _leads(change)
    character = "\t" if any("\t" in one for one in leads) else " "
    if set("".join(leads)) - {character}:
        return None
    if random.random() < 0.5:
        size = random.choice((1, 2)) if character == "\t" else random.choice((1, 2, 3, 4, 4, 4, 8))
        pad: Callable[[str], str] = lambda line: character * size + line if line else line  # noqa: E731
    else:
        least = min(map(len, leads))
        if not least:
            return None
        size = random.choice((least, random.randint(1, least)))
        pad = lambda line: line[size:]  # noqa: E731
    return _shifted(
        change, [pad(line) for line in change.old], [pad(line) for line in change.texts], tail(random, change)
    )


def tabs(random: Random, source: Source) -> Call | None:
    """Spaces where the file has tabs, tabs where it has spaces."""
    change = edit(random, source)
    if not change or any(line != line.rstrip() for line in (*change.old, *change.texts)):
        return None
    leads, unit = _leads(change), source.unit
    if not any(lead(line) for line in change.old) or any(one.replace(unit, "") for one in leads):
        return None
    other = " " * random.choice((4, 4, 4, 8, 2)) if unit == "\t" else "\t"

    def turned(line: str) -> str:
        return lead(line).replace(unit, other) + line.lstrip(" \t")

    return _shifted(
        change, [turned(line) for line in change.old], [turned(line) for line in change.texts], tail(random, change)
    )


# ---- step 5: escaped twice


def escaped(random: Random, source: Source) -> Call | None:
    """The texts as they would stand inside of a JSON string; in files where that says one thing only."""
    change = edit(random, source) if random.random() < 0.7 else snippet(random, source)
    if not change:
        return None
    if isinstance(change, Edit):
        end = tail(random, change)
        old, new, intended = joined(change.old, end), joined(change.texts, end), result(change)
    else:
        old, new = change.old, change.new
        intended = source.with_text(change.start, change.end, new)
    said = escape(old)
    if said == old or "\\" in old + new or exact(source, old) != 1 or exact(source, said) or loose(source, said):
        return None
    both = random.random() < 0.85
    return Call(said, escape(new) if both else new, intended, lines=isinstance(change, Edit))


# ---- more than one reading: refuse, or do what was meant


def doubtful(random: Random, source: Source) -> Call | None:
    """Damage that the rules do not name, or name one by one only."""
    change = edit(random, source)
    if not change or not _aligned(change) or "```" in joined(change.old) or exact(source, joined(change.old)) != 1:
        return None
    if any(line != line.rstrip() for line in (*change.old, *change.texts)):
        return None
    if not all((change.old[0], change.old[-1], change.texts[0], change.texts[-1])):
        return None
    damage: Callable[[Sequence[str]], str] = random.choice(DOUBTFUL)
    old, new = damage(change.old), damage(change.texts)
    if exact(source, old) or (
        damage is _escaped_twice and "\\" in joined(change.texts) and "\n" not in joined(change.old)
    ):
        return None
    return Call(old, new, result(change), sure=False, lines=True)


def _escaped_twice(lines: Sequence[str]) -> str:
    return escape(joined(lines))


def _each(change: Callable[[str], str]) -> Callable[[Sequence[str]], str]:
    return lambda lines: joined([change(line) if line.strip() else line for line in lines])


DOUBTFUL: Final[tuple[Callable[[Sequence[str]], str], ...]] = (
    lambda lines: joined([f"{n} | {line}" for n, line in enumerate(lines, 7)]),
    lambda lines: joined([f"{n:>5}: {line}" for n, line in enumerate(lines, 7)]),
    lambda lines: joined([f"{n}|{line}" if line else "" for n, line in enumerate(lines, 7)]),
    lambda lines: "\n\n" + joined(lines) + "\n\n",
    lambda lines: "~~~\n" + joined(lines) + "\n~~~",
    lambda lines: joined([f"    {n}|{line and '    ' + line}" for n, line in enumerate(lines, 7)]),
    _escaped_twice,
)
