"""Glob patterns as models write them: `*.py`, `src/**/*.{ts,tsx}`, `test_?.py`. Pure.

ripgrep's own `--glob` is no help, because it overrides ignore files: `**/*` would bring `node_modules` back.
"""

from __future__ import annotations

import re
from collections.abc import Callable

TOKEN = re.compile(r"(?:(?<![^/])(?:\*\*/)+)|\*+|\?|\[!?[^\]/]+\]|\{[^{}]*\}|.", re.DOTALL)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Tests relative posix paths. A pattern without a slash is about names, at any depth; an empty one about all."""
    wanted = pattern.strip().removeprefix("./").rstrip("/")
    if not wanted:
        return lambda path: True
    regex = re.compile(_regex(wanted.removeprefix("/")), re.DOTALL)
    if "/" in wanted:
        return lambda path: regex.fullmatch(path) is not None
    return lambda path: regex.fullmatch(path.rpartition("/")[2]) is not None


def _regex(pattern: str) -> str:
    """Groups of segments: `**` stands between groups, `*` between the segments of one. For all but the last group, and
    the last segment in that, the first place that fits will do, so the regex tries no other: a name that nearly fits
    must not hold us up. It is tried only where braces give a choice of how long a segment is."""
    gaps, groups = [""], [[""]]
    for token in TOKEN.findall(pattern):
        if token.startswith("**"):
            gaps.append("(?:[^/]*/)*" if token.endswith("/") else ".*")
            groups.append([""])
        elif token == "*":
            groups[-1].append("")
        else:
            groups[-1][-1] += _translate(token)
    *inner, end = (_segments(group, ends=number == len(groups)) for number, group in enumerate(groups, 1))
    return "".join(map(_first, gaps, inner)) + gaps[-1] + end


def _segments(segments: list[str], *, ends: bool) -> str:
    """ends: nothing follows."""
    first, *others = segments
    last = f"[^/]*{others.pop()}" if ends and others else ""
    return first + "".join(_first("[^/]*", segment) for segment in others) + last


def _first(gap: str, part: str) -> str:
    """The first place behind a gap where this part fits, without another try if its length is fixed."""
    return f"(?>{gap}?{part})" if gap and "|" not in part else gap + part


def _translate(token: str) -> str:
    if token.startswith("[") and len(token) > 1:
        return _characters(token[1:-1])
    if token.startswith("{") and len(token) > 1:
        return f"(?:{'|'.join(_regex(part) for part in token[1:-1].split(','))})"
    return "[^/]" if token == "?" else re.escape(token)


def _characters(inside: str) -> str:
    """A character class; one that makes no sense as such, like `[z-a]`, stands for itself."""
    negated = inside.startswith("!") and len(inside) > 1
    body = re.sub(r"([^\w-]|-(?=-))", r"\\\1", inside[negated:])
    regex = f"[{'^/' if negated else ''}{body}]"
    try:
        re.compile(regex)
    except re.error:
        return re.escape(f"[{inside}]")
    return regex
