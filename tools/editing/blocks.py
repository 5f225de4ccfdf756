"""SEARCH/REPLACE blocks, as Roo Code, Cline and aider have taught them to models. Pure.

<<<<<<< SEARCH        a line of the text that looks like a marker has a `\\` before it
:start_line:12        optional
-------               after start_line
old
=======
new
>>>>>>> REPLACE
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from roundtrip.tools.editing.hunks import FENCE, Change, Hunk, Patch

START: Final = re.compile(r"(?:<{5,9}|-{5,9}) ?SEARCH>?:?[ \t]*")
MIDDLE: Final = re.compile(r"={5,9}[ \t]*")
END: Final = re.compile(r"(?:>{5,9}|\+{5,9}) ?REPLACE[ \t]*")
ESCAPED: Final = re.compile(r"\\(?=<{5,9}|={5,9}|>{5,9}|-{5,9}|\+{5,9}|:start_line:|:end_line:)")
HINT: Final = re.compile(r":(start|end)_line:[ \t]*(\d*)[ \t]*")
RULE: Final = re.compile(r"-{5,9}[ \t]*")
NAMED: Final = re.compile(r"(?:[\w.@+~-]+/)*[\w.@+~-]*\.?[\w@+~-]+")
"""A line before a block that can be the name of a file, as aider has it."""


def blocks(lines: Sequence[str]) -> Patch:
    """The blocks among the lines of a text, a change each, or what is wrong with one. What is around them says at most
    which file it is about."""
    changes: list[Change] = []
    before = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        if not START.fullmatch(line):
            before = line if line.strip() and not FENCE.fullmatch(line) else before
            number += 1
            continue
        end = next((n for n in range(number + 1, len(lines)) if END.fullmatch(lines[n])), None)
        hunk = _block(lines[number + 1 : end]) if end is not None else CUT
        if isinstance(hunk, str):
            return Patch(problem=f"block {len(changes) + 1} {hunk}")
        changes.append(Change(_name(before), hunks=(hunk,)))
        before, number = "", (end or number) + 1
    return Patch(tuple(changes))


def _block(lines: Sequence[str]) -> Hunk | str:
    """The inside of a block; a str says what is wrong with it."""
    if any(START.fullmatch(line) for line in lines):
        return "has a second <<<<<<< SEARCH before its >>>>>>> REPLACE; " + ESCAPE
    middles = [number for number, line in enumerate(lines) if MIDDLE.fullmatch(line)]
    exact = [number for number in middles if lines[number].rstrip() == "======="]
    if len(middles) != 1 and len(exact) != 1:
        return "has no ======= line" if not middles else "has more than one ======= line; " + ESCAPE
    middle = (exact if len(exact) == 1 else middles)[0]
    first, line = 0, 0
    while first < middle and (hint := HINT.fullmatch(lines[first])):
        line = int(hint[2]) if hint[1] == "start" and hint[2] else line
        first += 1
    if 0 < first < middle and RULE.fullmatch(lines[first]):  # without a hint before it, it is a line of the text
        first += 1
    return Hunk(_joined(lines[first:middle]), _joined(lines[middle + 1 :]), line)


CUT: Final = "has no >>>>>>> REPLACE line; it may have been cut"
ESCAPE: Final = "put a \\ before a line of the text that looks like a marker"


def _joined(lines: Sequence[str]) -> str:
    return "".join(ESCAPED.sub("", line, count=1) + "\n" if ESCAPED.match(line) else line + "\n" for line in lines)


def _name(line: str) -> str:
    """The name of a file that a line before a block may hold, "" if it holds something else."""
    bare = line.strip().strip("`*#: ").removeprefix("File:").strip()
    return bare if NAMED.fullmatch(bare) and ("/" in bare or "." in bare.strip(".")) else ""
