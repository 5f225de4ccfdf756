"""Finds markers in a stream, also those that are spelt in several ways, and tells what may still become one.

Strategy. A marker is a literal, or a regular expression of a small kind: a sequence of atoms, each one character, one
escaped character or one character class, perhaps with `?` or `{m,n}` behind it. So all markers fit into one trie of
atoms, from which two expressions are made: `whole` finds a marker, the longest that stands there; `half` finds a
suffix of the text that is a beginning of one. Looking for them takes the time of one search, however many there are.

Rules for those who write markers: the first atom is a plain character (the search starts from it), the last one has
no `?` and no `{m,n}` unless a plain one stands before it, and `*` and `+` do not occur: what is held back is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_ATOM = re.compile(r"(?P<one>\\.|\[(?:\\.|[^\]\\])+\]|[^\\\[])(?:\?|\{\d+,(?P<most>\d+)\})?", re.DOTALL)
_END = ""

_Node = dict[str, Any]


def atoms(spelling: str) -> list[str]:
    """The atoms of a small regular expression. Raises ValueError for a larger one."""
    found = list(_ATOM.finditer(spelling))
    one = {hit["one"] for hit in found}
    if "".join(hit[0] for hit in found) != spelling or one & set("*+?(){}|^$."):
        raise ValueError(f"no marker can be spelt {spelling!r}: only characters, classes, ? and {{m,n}}")
    return [hit[0] for hit in found]


def _width(atom: str) -> int:
    found = _ATOM.fullmatch(atom)
    return int(found["most"]) if found and found["most"] else 1


class Marks:
    """A set of markers. spellings: small regular expressions; a literal is one once it is escaped."""

    def __init__(self, spellings: Iterable[str]) -> None:
        root: _Node = {}
        self.longest = 1
        for spelling in spellings:
            node = root
            parts = atoms(spelling)
            for atom in parts:
                node = node.setdefault(atom, {})
            node[_END] = {}
            self.longest = max(self.longest, sum(map(_width, parts)))
        self.whole = re.compile(_whole(root) if root else r"(?!)")
        self._half = re.compile(rf"(?:{_half(root)})\Z" if root else r"(?!)")

    def half_from(self, text: str, at: int) -> int:
        """Index, not before `at`, from which all the rest of the text is a beginning of a longer marker; the length of
        the text where there is none."""
        size = len(text)
        found = self._half.search(text, max(at, size - self.longest))
        return found.start() if found else size


def _whole(node: _Node) -> str:
    ways = [atom + _whole(below) for atom, below in node.items() if atom != _END]
    if _END in node:
        ways.append("")
    if len(ways) == 1:
        return ways[0]
    guard = "" if _END in node else f"(?=[{_first(node)}])"  # one look instead of one for each way
    return f"{guard}(?:{'|'.join(ways)})"


def _first(node: _Node) -> str:
    """The inside of a character class: what a marker may go on with."""
    found = ""
    for atom, below in node.items():
        one = _ATOM.fullmatch(atom)
        if one is None:  # the end of a marker
            continue
        inside = one["one"]
        plain = re.sub(r"-\Z", r"\-", inside[1:-1]) if inside.startswith("[") else inside
        found += re.escape(plain) if len(plain) == 1 else plain
        if atom.endswith("?") or atom[len(inside) :].startswith("{0,"):
            found += _first(below)
    return found


def _half(node: _Node) -> str:
    """All beginnings that are no whole marker, or are one that may go on."""
    ways = []
    for atom, below in node.items():
        if atom != _END and set(below) - {_END}:
            rest = _half(below)
            guard = f"(?=[{_first(below)}])" if len(below) > 1 else ""
            ways.append(f"{atom}(?:{guard}(?:{rest}))?" if rest else atom)
    return "|".join(ways)


def beginnings(*spellings: str) -> str:
    """A regular expression of all beginnings of some small ones, the empty one and the whole included."""
    ways = []
    for spelling in spellings:
        way = ""
        for atom in reversed(atoms(spelling)):
            way = f"(?:{atom}{way})?"
        ways.append(way)
    return f"(?:{'|'.join(ways)})"
