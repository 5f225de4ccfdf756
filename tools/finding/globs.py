"""Glob patterns as models write them: `*.py`, `src/**/*.{ts,tsx}`, `test_?.py`. Pure.

ripgrep's own `--glob` is no help, because it overrides ignore files: `**/*` would bring `node_modules` back.
"""

from __future__ import annotations

import re
from collections.abc import Callable

TOKEN = re.compile(r"(?:\*\*/)+|\*+|\?|\[!?[^\]/]+\]|\{[^{}]*\}|.", re.DOTALL)
WILD = {"*": "[^/]*", "?": "[^/]"}


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
    return "".join(_translate(token) for token in TOKEN.findall(pattern))


def _translate(token: str) -> str:
    if token.startswith("**"):
        return "(?:.*/)?" if token.endswith("/") else ".*"
    if token.startswith("[") and len(token) > 1:
        return _characters(token[1:-1])
    if token.startswith("{") and len(token) > 1:
        return f"(?:{'|'.join(_regex(part) for part in token[1:-1].split(','))})"
    return WILD.get(token, re.escape(token))


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
