"""What a patch says, in whatever form: files, and hunks of old and new text. And how the lines of a hunk are read,
which Codex' patches and unified diffs have in common. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["update", "add", "delete"]

FENCE: Final = re.compile(r"[ \t]*(?:`{3,}|~{3,}).*")
"""A line around a patch that is none of it."""

HUNK: Final = re.compile(r"@@+ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@+ ?(.*)")
UNCLEAR: Final = re.compile(r"@@[-+\d,. \t]*(?:@@.*)?")
"""A line that begins a hunk and says nothing, or nothing that makes sense."""

NO_NEWLINE: Final = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A place in a file. line: where it may begin, from 1, 0 if unknown. anchors: lines that come before it.

    at_end: it is the last of the file; an empty `old` with that adds something there.
    """

    old: str
    new: str
    line: int = 0
    anchors: tuple[str, ...] = ()
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a file. path: "" where the patch does not say. content: of a file that is added.

    ordered: the hunks stand in the order of the file.
    """

    path: str
    kind: Kind = "update"
    hunks: tuple[Hunk, ...] = ()
    content: str = ""
    move_to: str = ""
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """The changes in order, or what is wrong with the text."""

    changes: tuple[Change, ...] = ()
    problem: str = ""


def hunks_of(lines: Sequence[str]) -> Iterator[Hunk]:
    """Lines with ` `, `-` or `+` before them, in groups that `@@` lines part."""
    anchors: list[str] = []
    body: list[str] = []
    line = 0
    for text in (*lines, "@@"):
        if not text.startswith("@@"):
            body.append(text)
            continue
        if any(map(str.strip, body)):
            yield _hunk(body, line, tuple(anchors))
            anchors, line = [], 0
        body = []
        header = HUNK.fullmatch(text)
        if header:
            line = int(header[1])
        elif not UNCLEAR.fullmatch(text):
            anchors.append(text[2:].removesuffix("@@").strip())


def _hunk(body: Sequence[str], line: int, anchors: tuple[str, ...]) -> Hunk:
    old: list[str] = []
    new: list[str] = []
    at_end = False
    lines = list(body)
    while lines and not lines[-1]:
        lines.pop()  # blank lines between hunks belong to neither
    for number, text in enumerate(lines):
        mark, rest = text[:1], text[1:] + "\n"
        if text.strip() == "*** End of File":
            at_end = True
        elif text.startswith(NO_NEWLINE):
            sides = {"-": (old,), "+": (new,)}.get(lines[number - 1][:1] if number else "", (old, new))
            for side in sides:
                side[-1:] = [side[-1].removesuffix("\n")] if side else []
        elif mark == "-":
            old.append(rest)
        elif mark == "+":
            new.append(rest)
        else:  # a line without its blank, which models forget, is what it is
            same = rest if mark == " " else text + "\n"
            old.append(same)
            new.append(same)
    return Hunk("".join(old), "".join(new), line, anchors, at_end)
