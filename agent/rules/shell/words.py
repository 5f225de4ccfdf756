"""The words of a command line: what they say before the shell has expanded anything."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Word:
    """text: what it is; if it is open, what it certainly begins with.

    more: what the further words begin with that it may become, None if it stays one. path: what an open word says, for
    those who look for names of files. stage: how many of the script's `steps` stand before it, -1 if that is not known.
    """

    text: str
    open: bool = False
    more: str | None = None
    path: str = ""
    stage: int = -1

    @property
    def stem(self) -> str:
        """What seems to be the beginning of the file that it means."""
        return re.split(r"[$`*?\[{]", self.path, maxsplit=1)[0] if self.open else self.text

    def behind(self, count: int) -> Word:
        """What is left without its first characters."""
        return replace(self, text=self.text[count:], path=_path(self.path[count:]))


def text_of(node: Node) -> str:
    """What stands in the source."""
    return (node.text or b"").decode("utf-8", "replace")


def word_of(node: Node) -> Word:
    """What a node says when it is a word."""
    pieces = node.children if node.type == "concatenation" else [node]
    said, text = [_piece(piece) for piece in pieces], ""
    for word in said:
        text += word.text
        if word.open:
            break
    more = [word.more for word in said if word.more is not None]
    raw = text_of(node)
    braces = any(piece.type == "word" and "{" in text_of(piece) for piece in pieces) and ("," in raw or ".." in raw)
    if braces:  # bash expands them, dash does not
        text = text.partition("{")[0]
    if not braces and not any(word.open for word in said):
        return Word(text)
    several = braces or bool(more)
    return Word(text, True, ("" if "" in more else text) if several else None, _path(raw))


def _path(raw: str) -> str:
    """A word without quotes, with the folders that variables stand for."""
    raw = re.sub(r"^\W{0,2}\$(?:HOME\b|\{HOME\})", "~", raw)
    raw = re.sub(r"^\W{0,2}\$(?:PWD\b|\{PWD\})", ".", raw)
    return re.sub(r"[\"'\\]", "", raw)


def _piece(node: Node) -> Word:
    """What a part of a word says."""
    text = text_of(node)
    if node.type == "word":
        return _unescaped(text)
    if node.type == "raw_string":
        return Word(text[1:-1])
    if node.type == "string":
        return _in_quotes(node)
    if node.type == "number" or not node.is_named:
        return Word(text)
    return Word("", True, "")


def _in_quotes(node: Node) -> Word:
    """The text in double quotes, up to an expansion if there is one in it."""
    source = node.text or b""
    inner = next((child for child in node.children if child.type not in ('"', "string_content")), None)
    said = source[1:-1] if inner is None else source[1 : inner.start_byte - node.start_byte]
    return Word(re.sub(r'\\([$`"\\])', r"\1", said.decode("utf-8", "replace")), inner is not None)


def _unescaped(text: str) -> Word:
    """The text of an unquoted word, up to a glob if there is one in it."""
    said = ""
    for match in re.finditer(r"\\([\s\S])|[\s\S]", text):
        if match[1] is None and match[0] in "*?[":
            return Word(said, True, said)
        said += match[1] or match[0]
    return Word(said)
