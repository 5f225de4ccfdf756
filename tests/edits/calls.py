"""Calls that mean what they say: the undamaged ones, and what all others are made of.

A builder takes a change of a file, puts it into the texts of a call, and knows the bytes that the file must hold
afterwards. It answers None where the dice found nothing that serves; then they are thrown again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from edits.changes import Edit, edit, lead, snippet
from edits.oracle import exact
from edits.sources import Source


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of a call. intended: the bytes of the file afterwards. lines: the texts are whole lines."""

    old: str
    new: str
    intended: bytes
    sure: bool = True
    everywhere: bool = False
    lines: bool = False


Builder = Callable[[Random, Source], Call | None]
Wrapper = Callable[[Sequence[str], int], str]
"""Dresses lines up; takes the number of the first line too."""

NUMBERS: Final[tuple[Wrapper, ...]] = (
    lambda lines, first: "\n".join(f"{n}|{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n:>6}→{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n:>4}|{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n}:{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n} |{line}" for n, line in enumerate(lines, first)),
    lambda lines, first: "\n".join(f"{n}\t{line}" for n, line in enumerate(lines, first)),
)
NUMBER: Final = re.compile(r"^\s*\d+\s*[|:\t→]")


def result(change: Edit, texts: Sequence[str] | None = None) -> bytes:
    """The file after the change. texts: the new lines as the call says them, if they differ from the change's."""
    source, last = change.source, change.last - 1
    said = change.texts if texts is None else texts
    new = (
        source.encoded(text) if line.origin is None else source.line_bytes(change.first + line.origin)
        for line, text in zip(change.new, said, strict=True)
    )
    start, end = source.position(change.first), source.position(last) + len(source.lines[last])
    piece = (source.place(start), source.place(end), source.ending(change.first).encode().join(new))
    return source.spliced([piece])


def tail(random: Random, change: Edit) -> str:
    """Models end both texts with a newline, or neither."""
    return "\n" if random.random() < 0.3 and change.source.endings[change.last - 1] else ""


def joined(lines: Sequence[str], end: str = "") -> str:
    return "\n".join(lines) + end


def fenced(lines: Sequence[str], first: int = 1, language: str = "") -> str:
    return f"```{language}\n{joined(lines)}\n```"


def escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"').replace("\t", "\\t")


def plain_lines(random: Random, source: Source) -> Call | None:
    change = edit(random, source)
    if not change or exact(source, joined(change.old)) != 1:
        return None
    end = tail(random, change)
    return Call(joined(change.old, end), joined(change.texts, end), result(change), lines=True)


def plain_snippet(random: Random, source: Source) -> Call | None:
    change = snippet(random, source)
    if not change or exact(source, change.old) != 1:
        return None
    return Call(change.old, change.new, source.with_text(change.start, change.end, change.new))


def plain_without_lead(random: Random, source: Source) -> Call | None:
    """Both texts begin behind the indentation of the first line."""
    change = edit(random, source)
    if not change or not lead(change.old[0]) or lead(change.old[0]) != lead(change.texts[0]):
        return None
    size = len(lead(change.old[0]))
    old, new = joined(change.old)[size:], joined(change.texts)[size:]
    return Call(old, new, result(change)) if exact(source, old) == 1 else None


def plain_deletion(random: Random, source: Source) -> Call | None:
    """Whole lines and the last one's newline go."""
    first = random.randrange(len(source.lines))
    last = min(len(source.lines), first + random.randint(1, 8))
    old = joined(source.lines[first:last], "\n")
    if not source.endings[last - 1] or exact(source, old) != 1:
        return None
    return Call(old, "", source.with_text(source.position(first), source.position(last), ""), lines=True)


def plain(random: Random, source: Source) -> Call | None:
    builders = (plain_lines, plain_lines, plain_snippet, plain_without_lead, plain_deletion)
    return random.choice(builders)(random, source)


def replaced_everywhere(random: Random, source: Source) -> Call | None:
    """A word or a whole line at all its places; now and then with line numbers or in a fence."""
    line = random.randrange(len(source.lines))
    words = re.findall(r"\w{4,}", source.lines[line])
    if not words:
        return None
    whole = random.random() < 0.3
    old = source.lines[line] if whole else random.choice(words)
    new = old + random.choice(("_all", " # all", "2")) if random.random() < 0.7 else lead(old) + "other"
    times = exact(source, old)
    if not 2 <= times <= 200 or times != source.text.count(old) or not source.encoding.startswith("utf"):
        return None
    hits = [(hit.start(), hit.end()) for hit in re.finditer(re.escape(old), source.text)]
    pieces = [(source.place(start), source.place(end), source.encoded(new)) for start, end in hits]
    said_old, said_new = old, new
    if whole and random.random() < 0.5:
        wrap = random.choice((*NUMBERS, fenced))
        said_old, said_new = wrap([old], line + 1), wrap([new], line + 1)
        if exact(source, said_old) or NUMBER.match(old) or "```" in old or source.lines.count(old) != times:
            return None
    return Call(said_old, said_new, source.spliced(pieces), everywhere=True)
