"""Moves lines as a whole to the depth at which a file has them. Pure.

A text is written with a constant error: some prefix too much or too little before every line, or spaces for the
file's tabs (or the reverse). What that error is must follow from all of the compared lines; then it is undone in
other lines. Where several answers fit and give different lines, or a line can't be moved, there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

UNITS = (2, 3, 4, 8)
"""Columns that a tab may stand for."""

Move = Callable[[str], str | None]
"""Takes the indentation of a line; None if the line can't be moved."""


def moved(written: Sequence[str], own: Sequence[str], text: str) -> str | None:
    """The lines of `text` at the file's depth. written, own: lines of the search text, and as the file has them."""
    pairs = [(indent(a), indent(b)) for a, b in zip(written, own, strict=True) if a.strip(" \t") and b.strip(" \t")]
    if not pairs:
        return None
    known = set("".join(a + b for a, b in pairs))
    for moves in (_prefix(pairs), _columns(pairs)):
        answers = {_apply(move, text, known) for move in moves}
        if answers:
            return answers.pop() if len(answers) == 1 else None
    return None


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _apply(move: Move, text: str, known: set[str]) -> str | None:
    lines: list[str] = []
    for line in text.split("\n"):
        depth = indent(line)
        found = move(depth) if set(depth) <= known else None
        if line == depth:  # a blank line: it may have any depth, and an empty one stays empty
            lines.append(found or line if depth else "")
        elif found is None:
            return None
        else:
            lines.append(found + line[len(depth) :])
    return "\n".join(lines)


def _prefix(pairs: list[tuple[str, str]]) -> Iterator[Move]:
    """Something before every line that is missing, or too much."""
    written, own = pairs[0]
    added, taken = own.removesuffix(written), written.removesuffix(own)
    if own.endswith(written) and all(added + a == b for a, b in pairs):
        yield lambda depth: added + depth
    elif written.endswith(own) and all(a == taken + b for a, b in pairs):
        yield lambda depth: depth.removeprefix(taken) if depth.startswith(taken) else None


def _columns(pairs: list[tuple[str, str]]) -> list[Move]:
    """Tabs for spaces or the reverse: the same number of columns more or less, for some width of a tab."""
    tabs = any("\t" in own for _, own in pairs)
    fitting = []
    for unit in UNITS:
        shifts = {_width(own, unit) - _width(written, unit) for written, own in pairs}
        if len(shifts) == 1 and all(_drawn(_width(own, unit), unit, tabs) == own for _, own in pairs):
            fitting.append((unit, shifts.pop()))
    straight = [(unit, shift) for unit, shift in fitting if not shift]
    return [_by_columns(unit, shift, tabs) for unit, shift in straight or fitting]


def _by_columns(unit: int, shift: int, tabs: bool) -> Move:
    def move(depth: str) -> str | None:
        width = _width(depth, unit) + shift
        return _drawn(width, unit, tabs) if width >= 0 else None

    return move


def _width(depth: str, unit: int) -> int:
    return depth.count("\t") * (unit - 1) + len(depth)


def _drawn(width: int, unit: int, tabs: bool) -> str:
    return "\t" * (width // unit) + " " * (width % unit) if tabs else " " * width
