"""Lines with which a model leaves out what it takes to be unchanged: "# ... rest of the code ...". Pure.

Nobody puts back what such a line stands for, so a text with one in place of what the file has must not be written. It
is one only if the file has no such line there, and has more lines than would be written: else it is meant as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_COMMENT: Final = r"(?:\#+|//+|/\*+|<!--|--|;+|%|\{/\*|\*)"
_WHAT: Final = (
    r"\b(?:rest|remaining|remainder|existing|previous|unchanged|omitted|same|original)\b"
    r"|\bas (?:before|above|is)\b|\bstays?\b|\bremains?\b"
)
_PHRASE: Final = (
    r"\b(?:rest|remainder) of (?:the |this )?(?:\w+ )?(?:file|code|function|class|method|module|implementation|content)"
    r"\b.*\b(?:unchanged|same|here|omitted|remains?|stays?|as before)\b"
)
_LEFT_OUT: Final = re.compile(
    rf"[ \t]*(?:{_COMMENT}[ \t]*)?[\[(]?[ \t]*(?:the[ \t]+)?"
    rf"(?:(?:\.{{3}}|…).*(?:{_WHAT})|(?:{_WHAT}).*(?:\.{{3}}|…)|{_PHRASE}).*",
    re.IGNORECASE,
)
_LONGEST: Final = 200
"""Characters of a line that may be one."""

_SHOWN: Final = 80


def left_out(old: str, new: str) -> str:
    """Why a text must not stand in the place of another one, "" if it may."""
    before, lines = old.split("\n"), new.split("\n")
    missing = len(before) - len(lines)
    if missing <= 0:
        return ""
    known = {line.strip() for line in before}
    found = _first(line for line in lines if line.strip() not in known)
    if not found:
        return ""
    return (
        f'the new text has the line "{found[:_SHOWN]}" and {missing} lines less than are there, which would be lost; '
        "write all of them, or change only those that are to be others, with edit_file"
    )


def placeholder(lines: Iterable[str]) -> str:
    """The first of these lines that is a comment and stands for others, "" if none is."""
    return _first(line for line in lines if re.match(rf"[ \t]*{_COMMENT}", line))


def _first(lines: Iterable[str]) -> str:
    return next((line for line in lines if len(line) <= _LONGEST and _LEFT_OUT.fullmatch(line)), "").strip()
