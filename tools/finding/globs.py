"""Glob patterns as models write them: `*.py`, `src/**/*.{ts,tsx}`, `test_?.py`. Pure.

ripgrep's own `--glob` is no help, because it overrides ignore files: `**/*` would bring `node_modules` back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ENDING = re.compile(r"\.\w+")
TOKEN = re.compile(r"(?:(?<![^/])(?:\*\*/)+)|\*+|\?|\[!?[^\]/]+\]|.", re.DOTALL)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Tests relative posix paths. A pattern without a slash is about names, at any depth; an empty one about all."""
    wanted = _as_one(pattern.strip()).removeprefix("./").rstrip("/")
    if not wanted:
        return lambda path: True
    regex = re.compile(_regex(wanted.removeprefix("/")), re.DOTALL)
    if "/" in wanted:
        return lambda path: regex.fullmatch(path) is not None
    return lambda path: regex.fullmatch(path.rpartition("/")[2]) is not None


def _as_one(pattern: str) -> str:
    """Several patterns in a row, and an ending for all files that have it, as one pattern: `*.py,*.md`, `*.c *.h`,
    `.py`. What could be a name stays one, too."""
    parts = [part for part in re.split(r"[,;\s]+", pattern) if part]
    if len(parts) > 1 and "{" not in pattern and all("*" in part or part.startswith(".") for part in parts):
        return f"{{{','.join(map(_as_one, parts))}}}"
    return f"{{{pattern},*{pattern}}}" if ENDING.fullmatch(pattern) else pattern


def _regex(pattern: str) -> str:
    """Groups of segments: `**` stands between groups, `*` between the segments of one. For all but the last group, and
    the last segment in that, the first place that fits will do, so the regex tries no other: a name that nearly fits
    must not hold us up. It is tried only where braces give a choice of how long a segment is."""
    gaps, groups = [""], [[""]]
    for token in _tokens(pattern):
        if token.startswith("**"):
            gaps.append("(?:[^/]*/)*" if token.endswith("/") else ".*")
            groups.append([""])
        elif token == "*":
            groups[-1].append("")
        else:
            groups[-1][-1] += _translate(token)
    *inner, end = (_segments(group, ends=number == len(groups)) for number, group in enumerate(groups, 1))
    return "".join(map(_first, gaps, inner)) + gaps[-1] + end


def _tokens(pattern: str) -> Iterator[str]:
    """A pair of braces, with all that is in it, is one token."""
    at = 0
    while at < len(pattern):
        found = TOKEN.match(pattern, at)
        token = _braces(pattern, at) or (found[0] if found else pattern[at])
        yield token
        at += len(token)


def _braces(pattern: str, start: int) -> str:
    """The pair of braces that begins there, "" if there is none."""
    depth = 0
    for at in range(start, len(pattern)):
        depth += (pattern[at] == "{") - (pattern[at] == "}")
        if depth <= 0:
            return pattern[start : at + 1] if at > start else ""
    return ""


def _choices(inside: str) -> list[str]:
    """What the commas separate, except in braces further in."""
    parts, depth = [""], 0
    for character in inside:
        depth += (character == "{") - (character == "}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


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
        return f"(?:{'|'.join(map(_regex, _choices(token[1:-1])))})"
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
