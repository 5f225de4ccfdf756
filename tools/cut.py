"""Cuts texts that are too long for a model, in the middle and so that it can be seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

BEFORE = 60
"""Characters in front of a place that are shown of a long line."""


def cut_middle(text: str, budget: int, total: int = 0) -> str:
    """At most about `budget` bytes of a text, whole lines where possible: a third from its head, the rest from
    its tail, because what a program says last matters most.

    total: bytes of the original, where `text` is itself only its head and tail.
    """
    data = text.encode("utf-8", "replace")
    if len(data) <= budget:
        return text
    head, tail = data[: budget // 3], data[-(budget - budget // 3) :]
    last, first = head.rfind(b"\n") + 1, tail.find(b"\n") + 1
    head = head[:last] if last > len(head) // 2 else head
    tail = tail[first:] if first < len(tail) // 2 else tail
    omitted = max(total, len(data)) - len(head) - len(tail)
    before, after = (end.decode("utf-8", "ignore") for end in (head, tail))  # without characters cut in two
    gap = "" if before.endswith("\n") else "\n"
    return f"{before}{gap}… {omitted} bytes omitted …\n{after}"


def first_lines(lines: Iterable[str], budget: int) -> list[str]:
    """As many lines as are at most `budget` bytes, at least one if there is one."""
    kept: list[str] = []
    for line in lines:
        budget -= len(line.encode("utf-8", "replace")) + 1
        if kept and budget < 0:
            break
        kept.append(line)
    return kept


def part_of(line: str, column: int, most: int) -> str:
    """At most so many characters of a line, around a column where it is longer, and without a word about that."""
    start = max(min(column - BEFORE, len(line) - most), 0)
    return line[start : start + most]


def first_difference(a: str, b: str) -> int:
    """The column from which on two lines differ, 0 if they don't."""
    return next((column for column, (one, other) in enumerate(zip_longest(a, b)) if one != other), 0)
