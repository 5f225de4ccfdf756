"""The words of a command line: what they say before the shell has expanded anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Word:
    """text: what it is; if it is open, what it certainly begins with. single: whatever it becomes, it stays one."""

    text: str
    open: bool = False
    single: bool = True


def text_of(node: Node) -> str:
    """What stands in the source."""
    return (node.text or b"").decode("utf-8", "replace")


def word_of(node: Node) -> Word:
    """What a node says when it is a word."""
    pieces = node.children if node.type == "concatenation" else [node]
    text, single = "", True
    for piece in pieces:
        word = _piece(piece)
        text += word.text
        single = single and word.single
        if word.open:
            return Word(text, True, single and all(_piece(other).single for other in pieces))
    raw = text_of(node)
    bare = any(piece.type == "word" and "{" in text_of(piece) for piece in pieces)
    if bare and "{" in raw and ("," in raw or ".." in raw):  # bash expands braces, dash does not
        return Word(text[: text.find("{")], True, False)
    return Word(text)


def _piece(node: Node) -> Word:
    """What a part of a word says."""
    text = text_of(node)
    if node.type == "word":
        return _unescaped(text)
    if node.type == "raw_string":
        return Word(text[1:-1])
    if node.type == "string":
        if all(child.type in ('"', "string_content") for child in node.children):
            return Word(re.sub(r'\\([$`"\\\n])', lambda match: match[1].strip("\n"), text[1:-1]))
        return Word("", True)
    if node.type == "number" or not node.is_named:
        return Word(text)
    return Word("", True, False)


def _unescaped(text: str) -> Word:
    """The text of an unquoted word, up to a glob if there is one in it."""
    said = []
    for match in re.finditer(r"\\([\s\S])|[\s\S]", text):
        if match[1] is not None:
            said.append(match[1].strip("\n"))
        elif match[0] in "*?[":
            return Word("".join(said), True, False)
        else:
            said.append(match[0])
    return Word("".join(said))
