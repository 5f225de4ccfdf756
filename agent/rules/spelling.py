"""Paths as models write them: which are none, and which nobody means as they are spelt. Pure.

Two tables, for what is certain and for what is not. Decoration is taken off without a question, for a path in quotes
means the path. What only looks like another path is refused, with what it may mean; `./` in front of it says that it
is meant as it is. Neither is for a name that is really there, which the caller knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

ADVICE: Final = "Give a path relative to the workspace, for example src/main.py."

FOREIGN: Final = (
    (re.compile(r"[A-Za-z]:"), "is on a Windows drive"),
    (re.compile(r"[\\/]{2}"), "is on a network share"),
    (re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://"), "is a URL"),
)
"""Beginnings of paths that are outside on every system, and what they are."""

LONGEST: Final = 4096
"""Characters of a path that is looked at; no system has longer ones."""

_DECORATIONS: Final = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<!\[CDATA\[(?P<path>.*)\]\]>",
        r"<(?P<tag>[A-Za-z_][\w.-]*)>(?P<path>.*)</(?P=tag)>",
        r"(?P<path>.*)</[A-Za-z_][\w.-]*>",
        r"(?P<quote>[\"'`])(?P<path>((?!(?P=quote)).)*)(?P=quote)",
    )
)
"""What may stand around a path, white space apart; in any order, and one within another."""

_Meant = Callable[[re.Match[str]], str]


def _rest(match: re.Match[str]) -> str:
    return match["path"]


def _slashes(match: re.Match[str]) -> str:
    return match.string.replace("\\", "/")


_DOUBTFUL: Final[tuple[tuple[re.Pattern[str], str, _Meant], ...]] = (
    (re.compile(r"@/*(?P<path>.+)", re.DOTALL), "begins with @", _rest),
    (re.compile(r"\$(?:\{\w+\}|[A-Z_]\w*)/+(?P<path>.+)", re.DOTALL), "begins with a variable", _rest),
    (re.compile(r"(?P<path>.+?)(?:\\[nrt])+", re.DOTALL), "ends with an escape", _rest),
    (re.compile(r".*\\.*", re.DOTALL), "has backslashes", _slashes),
    (re.compile(r"(?P<path>.+\.\w+):\d+(?:[:-]\d+)*", re.DOTALL), "ends with the number of a line", _rest),
)
"""How a path looks that is probably meant otherwise, in words, and what is meant."""


def unusable(path: str) -> str:
    """Why nothing on this machine can be meant, "" if something can."""
    if not path.strip():
        return f"The path is empty. {ADVICE}"
    if "\0" in path:
        return f"The path contains a NUL character. {ADVICE}"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return f"The path contains characters that no file name can have. {ADVICE}"
    kinds = (kind for pattern, kind in FOREIGN if pattern.match(path))
    return next((f"{quoted(path)} {kind}, which is outside the workspace. {ADVICE}" for kind in kinds), "")


def undecorated(path: str) -> str:
    """The path without what certainly does not belong to it."""
    found, before = path, ""
    while found != before and len(path) <= LONGEST:
        before, found = found, found.strip()
        match = next(filter(None, (pattern.fullmatch(found) for pattern in _DECORATIONS)), None)
        found = match["path"] if match else found
    return found


def doubt(path: str) -> tuple[str, str]:
    """The path that is probably meant, and the reason, for the model; the same path, and "", where nothing is odd."""
    if path.startswith("./") or len(path) > LONGEST:
        return path, ""
    matches = ((pattern.fullmatch(path), what, meant) for pattern, what, meant in _DOUBTFUL)
    match, what, meant = next((found for found in matches if found[0]), (None, "", _rest))
    if match is None:
        return path, ""
    other = meant(match)
    advice = f"If {quoted(other)} is meant, give that; if it is really so called, put ./ in front of it."
    return other, f"{quoted(path)} {what}, and there is nothing of that name. {advice}"


def quoted(path: str) -> str:
    """The path as a reason may repeat it: only where it can't hold the markup of a model or a terminal."""
    return path if re.fullmatch(r"[\w ./\\:~@+,=-]{1,200}", path) else "This path"
