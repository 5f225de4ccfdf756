"""The patterns of one ignore file, as git reads them. Pure. Source: gitignore(5), and git's wildmatch.c.

A path is judged by itself, not by the folders it is in: whoever asks goes down from folder to folder (`ignore`). That
makes patterns like `*` followed by `!*/` come out right, which hide all files, but no folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

TOKEN: Final = re.compile(r"\[[!^]?+\]?+(?:\[:\w+:\]|\\.|[^\]\\])*\]|\\.|\*+|.", re.DOTALL)

CLASSES: Final = {
    "alnum": r"a-zA-Z0-9",
    "alpha": r"a-zA-Z",
    "blank": r" \t",
    "digit": r"0-9",
    "lower": r"a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": r"A-Z",
    "xdigit": r"0-9a-fA-F",
}
MEMBER: Final = re.compile(r"\[:(\w+):\]|\\(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Rule:
    """hides: else it is an exception. folders: only folders are meant. regex: of the path."""

    hides: bool
    folders: bool
    regex: str


class Patterns:
    """The patterns of an ignore file; the last one that matches decides."""

    def __init__(self, text: str) -> None:
        rules = [rule for line in text.removeprefix("\ufeff").split("\n") if (rule := _rule(line.removesuffix("\r")))]
        self._of_folders = _merged(rules)
        self._of_files = _merged(rule for rule in rules if not rule.folders)

    def __bool__(self) -> bool:
        return bool(self._of_folders)

    def hide(self, path: str, *, folder: bool) -> bool | None:
        """path: relative to the ignore file's folder. None where no pattern says anything."""
        for hides, regex in self._of_folders if folder else self._of_files:
            if regex.fullmatch(path):
                return hides
        return None


def _merged(rules: Iterable[_Rule]) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    """One regex for each run of patterns with the same meaning, the last one first."""
    runs = [(hides, [rule.regex for rule in run]) for hides, run in groupby(rules, key=lambda rule: rule.hides)]
    return tuple((hides, re.compile("|".join(run), re.DOTALL)) for hides, run in reversed(runs))


def _rule(line: str) -> _Rule | None:
    """None for a comment, an empty line and a pattern that makes no sense."""
    if line.startswith("#"):
        return None
    hides = not line.startswith("!")
    pattern = re.sub(r"((?:\\.|[^\\])*?) +$", r"\1", line if hides else line[1:])
    folders = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    if not pattern or pattern == "/":
        return None
    anywhere = "/" not in pattern
    try:
        regex = _joined(_translated(pattern.removeprefix("/")))
        if "[" in pattern:  # nothing else can go wrong, and it takes long
            re.compile(regex)
    except (ValueError, re.error):
        return None
    return _Rule(hides, folders, f"(?:.*/)?{regex}" if anywhere else regex)


def _joined(groups: Iterable[str]) -> str:
    """Groups of parts of a path, in between which any number of other parts may stand. As in `_component`, the first
    place that fits will do for all but the last one."""
    first, *others = groups
    inner = "".join(f"(?>(?:[^/]*/)*?{group})" for group in others[:-1] if group)
    return first + inner + (f"(?:.*/)?{others[-1]}" if others else "")


def _translated(pattern: str) -> Iterator[str]:
    """The groups that `**/` stands between. Raises ValueError for what can't match anything."""
    tokens = TOKEN.findall(pattern)
    before, literal, skip = "", True, False
    group, segments = "", [""]
    for token, after in zip(tokens, (*tokens[1:], ""), strict=True):
        starts = before in ("", "/") or literal  # git strips the plain beginning, and then these stars come first
        literal = literal and token[0] not in "*?[\\"
        if skip:  # the slash of `**/`, which may stand for no folder at all
            skip = False
        elif token.startswith("**") and starts and after == "/":
            yield group + _component(segments)
            group, segments, skip = "", [""], True
        elif token.startswith("**") and before == "/" and not after:
            segments[-1] += ".+"
        elif token.startswith("*"):
            segments.append("")
        elif token == "/":
            group, segments = f"{group}{_component(segments)}/", [""]
        else:
            segments[-1] += _character(token)
        before = token
    yield group + _component(segments)


def _component(segments: list[str]) -> str:
    """A part of a path, in segments that stars stand between. For all stars but the last one the first place that
    fits will do, so the regex tries no other: a hostile ignore file must not hold us up."""
    first, *others = segments
    inner = "".join(f"(?>[^/]*?{segment})" for segment in others[:-1] if segment)
    return first + inner + (f"[^/]*{others[-1]}" if others else "")


def _character(token: str) -> str:
    if token == "\\":
        raise ValueError(token)
    if token.startswith("["):
        return _characters(token)
    return "[^/]" if token == "?" else re.escape(token[-1])


def _characters(token: str) -> str:
    """A set of characters, none of which is a slash. Raises ValueError where it does not end."""
    if len(token) == 1:
        raise ValueError(token)
    inside = token[1:-1]
    negated = inside[0] in "!^"
    members = "".join(_member(*found.groups()) for found in MEMBER.finditer(inside[negated:]))
    return f"(?!/)[{'^' * negated}{members}]"


def _member(name: str | None, escaped: str | None, plain: str | None) -> str:
    if name is not None:
        if name not in CLASSES:
            raise ValueError(name)
        return CLASSES[name]
    if escaped is not None:
        return re.escape(escaped)
    return "-" if plain == "-" else re.escape(plain or "")
