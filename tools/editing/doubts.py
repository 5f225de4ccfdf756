"""What in a text that was written looks as if it were not meant: it is written all the same, and said. Pure.

Only what was not there before counts, and nothing in prose, which may show such things. Rules, in a table:
1. It was wrapped or encoded once too often: a fence, a CDATA section, line numbers of `read_file`, entities that stand
   where code has an operator.
2. It leaves something out that nobody puts back: a comment such as "... existing code ...".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final

from roundtrip.tools.editing.elision import placeholder
from roundtrip.tools.editing.syntax import LARGEST, broken

PROSE: Final = ("", ".md", ".mdx", ".markdown", ".rst", ".adoc", ".txt", ".diff", ".patch")
MARKUP: Final = (".html", ".htm", ".xhtml", ".xml", ".svg", ".vue", ".jsx", ".tsx", ".svelte", ".xaml", ".plist")
"""Files in which entities stand for themselves."""

_OPERATOR: Final = re.compile(r"&amp;&amp;|[-=]&gt;|(?<=\s)&[lg]t;=?(?=\s)")
_NUMBERED: Final = re.compile(r"\s*(\d+)\|")
_SHOWN: Final = 80


def _entity(path: PurePath, added: Sequence[str]) -> str:
    found = None if path.suffix.lower() in MARKUP else next(filter(None, map(_OPERATOR.search, added)), None)
    return found[0] if found else ""


def _fence(path: PurePath, added: Sequence[str]) -> str:
    return added[0] if added[0].startswith(("```", "~~~", "<![CDATA[")) else ""


def _numbers(path: PurePath, added: Sequence[str]) -> str:
    numbers = [int(found[1]) for line in added if (found := _NUMBERED.match(line))]
    rise = numbers == list(range(numbers[0], numbers[0] + len(added))) if numbers else False
    return added[0] if len(added) > 1 and rise else ""


def _gap(path: PurePath, added: Sequence[str]) -> str:
    return placeholder(added)


SIGNS: Final[tuple[tuple[Callable[[PurePath, Sequence[str]], str], str], ...]] = (
    (_fence, "what stands around a text in an answer is no part of a file"),
    (_numbers, "the numbers that read_file shows are no part of a file"),
    (_entity, "what is written is never decoded; in code write < > & themselves"),
    (_gap, "a text is written as it is, so nothing is put in its place"),
)
"""Finds the line, or the part of it -> what is said of it."""


def doubts(path: PurePath, old: str, new: str) -> str:
    """A warning about a text that was written in place of another, "" if it looks well."""
    return "\n".join(filter(None, (broken(path, old, new), _odd(path, old, new))))


def _odd(path: PurePath, old: str, new: str) -> str:
    if path.suffix.lower() in PROSE or max(len(old), len(new)) > LARGEST:
        return ""
    known = set(old.split("\n"))
    added = [line for line in new.split("\n") if line.strip() and line not in known]
    found = ((said, sign(path, added).strip()) for sign, said in SIGNS) if added else ()
    return next((f'Warning: {path.name} has "{what[:_SHOWN]}" now: {said}' for said, what in found if what), "")
