"""What a change to a text amounts to: two numbers, a diff for people, a shorter one with line numbers for the model.
Pure.

Lines at the beginning and the end that both texts share are set aside first, so a small change to a large file is
compared quickly, wherever it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from roundtrip.tools.cut import first_difference, part_of

LINES = 20_000
"""Lines of both texts that are compared; more of them take too long."""

SHOWN = 400
"""Lines of a diff that people are shown."""

COLUMNS = 300
"""Characters of a line in the model's diff."""

WIDE = 2000
"""Characters of a line in a diff for people."""

Opcode = tuple[str, int, int, int, int]
"""As difflib has them: equal, replace, delete or insert, and the lines [a, b) and [c, d) of the two texts."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts by lines, and how the first becomes the second; `steps` is None where that is too long to find out."""

    before: list[str]
    after: list[str]
    steps: list[Opcode] | None

    @property
    def count(self) -> str:
        """The changed lines, as "+3 -1"; "" where that is not known."""
        if self.steps is None:
            return ""
        changed = [step for step in self.steps if step[0] != "equal"]
        return f"+{sum(d - c for _, _, _, c, d in changed)} -{sum(b - a for _, a, b, _, _ in changed)}"

    def unified(self, name: str, shown: int = SHOWN, to: str = "") -> str:
        """A unified diff, bounded. to: the name of the new text, where it is another."""
        diff = list(_unified(self.before, self.after, self.steps or []))
        return _cut([f"--- {name}", f"+++ {to or name}", *diff] if diff else [], shown)

    def numbered(self, context: int, shown: int) -> str:
        """The changed lines with their numbers as `read_file` shows them, old ones with `-`, new ones with `+`."""
        if self.steps is None:
            return "(too many lines to show the difference)"
        groups = _groups(self.steps, context)
        return _cut([line for group in groups for line in ("", *_numbered(self.before, self.after, group))][1:], shown)


def compare(old: str, new: str) -> Comparison:
    before, after = lines_of(old), lines_of(new)
    head, tail = shared(before, after)
    inner = before[head : len(before) - tail], after[head : len(after) - tail]
    if sum(map(len, inner)) > LINES:
        return Comparison(before, after, None)
    steps = [
        (kind, a + head, b + head, c + head, d + head)
        for kind, a, b, c, d in SequenceMatcher(None, *inner).get_opcodes()
    ]
    first = [("equal", 0, head, 0, head)] if head else []
    last = [("equal", len(before) - tail, len(before), len(after) - tail, len(after))] if tail else []
    return Comparison(before, after, [*first, *steps, *last])


def changes(name: str, old: str, new: str, shown: int = SHOWN, to: str = "") -> tuple[str, str]:
    """The count of changed lines ("" where the texts are too long), and a unified diff."""
    comparison = compare(old, new)
    return comparison.count, comparison.unified(name, shown, to)


def shared(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines two texts share at the beginning, and at the end of what is left."""
    short = min(len(before), len(after))
    head = next((n for n in range(short) if before[n] != after[n]), short)
    return head, next((n for n in range(short - head) if before[-1 - n] != after[-1 - n]), short - head)


def lines_of(text: str) -> list[str]:
    """Lines with their newline. Unlike `splitlines` it knows one newline only, as read_file does."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _cut(lines: list[str], shown: int) -> str:
    more = [f"… {len(lines) - shown} more lines"] if len(lines) > shown else []
    return "\n".join(lines[:shown] + more)


def _groups(compared: list[Opcode], context: int) -> Iterator[list[Opcode]]:
    """The changes, with so many equal lines around them; those that are near each other together."""
    group: list[Opcode] = []
    for number, (kind, a, b, c, d) in enumerate(compared):
        if kind != "equal":
            group.append((kind, a, b, c, d))
            continue
        if group and number + 1 < len(compared) and b - a <= 2 * context:
            group.append((kind, a, b, c, d))
            continue
        if group:
            behind = min(context, b - a)
            yield [*group, (kind, a, a + behind, c, c + behind)]
        ahead = min(context, b - a)
        group = [(kind, b - ahead, b, d - ahead, d)] if number + 1 < len(compared) else []
    if any(kind != "equal" for kind, *_ in group):
        yield group


def _unified(before: list[str], after: list[str], compared: list[Opcode]) -> Iterator[str]:
    for group in _groups(compared, 3):
        yield f"@@ -{_range(group[0][1], group[-1][2])} +{_range(group[0][3], group[-1][4])} @@"
        for kind, a, b, c, d in group:
            if kind == "equal":
                yield from (" " + _short(line, WIDE) for line in before[a:b])
                continue
            yield from ("-" + _short(line, WIDE) for line in before[a:b])
            yield from ("+" + _short(line, WIDE) for line in after[c:d])


def _range(start: int, end: int) -> str:
    """Lines [start, end), from 0, as the head of a hunk counts them."""
    length = end - start
    return str(start + 1) if length == 1 else f"{start + 1 if length else start},{length}"


def _numbered(before: list[str], after: list[str], group: list[Opcode]) -> Iterator[str]:
    for kind, a, b, c, d in group:
        if kind == "equal":
            yield from (f" {n + 1}|{_short(after[n])}" for n in range(c, d))
            continue
        columns = dict(enumerate(map(first_difference, before[a:b], after[c:d])))
        yield from (f"-{n + 1}|{_short(before[n], COLUMNS, columns.get(n - a, 0))}" for n in range(a, b))
        yield from (f"+{n + 1}|{_short(after[n], COLUMNS, columns.get(n - c, 0))}" for n in range(c, d))


def _short(line: str, most: int = COLUMNS, column: int = 0) -> str:
    """Of a long line the part around a column."""
    text = line.rstrip("\n")
    if len(text) <= most:
        return text
    part = part_of(text, column, most)
    return f"{'' if text.startswith(part) else '…'}{part}… [{len(text) - most} more characters]"
