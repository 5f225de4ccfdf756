"""Streamed Markdown in, finished blocks out: what is printed is never rewritten.

Strategy. A cursor walks over lines. A line goes to the open top-level fence, or else to the pending lines: a top-level
block that may still grow. When a line may have begun another one, markdown-it-py parses the pending lines, and all
blocks but the last are finished. So setext headings, tables, lazy continuations, and what lies inside an item or a
quote are what CommonMark says they are. Two things are ours:

    fences  those that markdown-it-py sees at the top level; what is inside them is never parsed, and comes in batches.
    items   of top-level lists are blocks of their own, so that a long list is not held back.

What is pending is bounded, so that any text takes linear time: past `LIMIT` characters it is committed as it stands,
at the end of a line, even if Markdown would join it with what follows (a long table loses its head, a long paragraph
is two). A line longer than that is cut at a space. Of a fence inside an item that was cut so, the rest is code.
Parsing costs lines, and each line that comes pays for `_CREDIT` of them. Where that is used up, blocks are not told
apart until there is credit again, and a fence that opens commits what is before it.

Rules:
- the text of all blocks, joined, is the input (blank lines belong to the block before them, or open the one behind);
- how the input was cut into chunks never shows;
- no input raises, and none takes more than linear time;
- link reference definitions are no Markdown here but text: the blocks that use them are long printed.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from roundtrip.agent.frontends.terminal.blocks import Block

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LIMIT: Final = 8000
"""Most characters that may be pending."""

BATCH: Final = 30
"""Lines of code that are committed together."""

CONTEXT: Final = 200
"""Lines of code that a block of code brings along for the highlighter, in at most `LIMIT` characters."""

_CREDIT: Final = 8
_RESERVE: Final = 2000
"""Lines that may be parsed on top, so that a fence can be told from an item's even where much is pending."""

_NEWLINE: Final = re.compile(r"\r\n?|\n")
_OPENING: Final = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_LANGUAGE: Final = re.compile(r"[\s{.]*(?P<name>[^\s{},:=]*)")


class _Piece(NamedTuple):
    """A block among the pending lines."""

    lines: list[str]
    kind: str
    follows: bool
    number: int | None = None

    @property
    def block(self) -> Block:
        follows = self.follows and not _blank(self.lines[0])
        return Block("text", "".join(self.lines), follows, number=self.number)


class MarkdownStream:
    """One message. `feed` and `finish` give blocks for good; `tail` is what the rest would be if it ended here."""

    def __init__(self) -> None:
        self._partial = ""
        self._inside = False  # of a line that was cut
        self._lines: list[str] = []
        self._size = 0
        self._follows = False  # of the first pending block, like its number
        self._number: int | None = None
        self._fence: _Fence | None = None
        self._credit = 2 * _RESERVE

    @property
    def tail(self) -> tuple[Block, ...]:
        """The unfinished rest as blocks. The text of all blocks and of these is what has been fed."""
        return tuple(copy.deepcopy(self).finish())

    def feed(self, text: str) -> list[Block]:
        """The blocks that are finished now."""
        seen = max(len(self._partial) - 1, 0)
        text = self._partial + text
        blocks: list[Block] = []
        at = 0
        while (end := _line_end(text, at, seen)) > at:
            blocks += self._line(text[at:end], text[end - 1] in "\r\n")
            at = end
        self._partial = text[at:]
        return blocks

    def finish(self) -> list[Block]:
        """The rest. Nothing is fed after it."""
        blocks = self._line(self._partial, True) if self._partial else []
        blocks += self._fence.take() if self._fence else []
        blocks += [piece.block for piece in _split(self._lines, self._follows, self._number)]
        self._partial, self._lines, self._fence = "", [], None
        return blocks

    def _line(self, line: str, ended: bool) -> list[Block]:
        """`ended` is false of a line that goes on: it was cut."""
        inside, self._inside = self._inside, not ended
        if self._fence:
            return self._code(self._fence, line, ended and not inside)
        if inside:
            return [Block("text", line, follows=True)]
        self._lines.append(line)
        self._size += len(line)
        self._credit += _CREDIT
        return self._opened(line) if ended and _OPENING.match(line) else self._grown(line, ended)

    def _code(self, fence: _Fence, line: str, whole: bool) -> list[Block]:
        if whole and fence.left_by(line):
            self._fence, self._follows = None, False
            return fence.take() + self._line(line, True)
        if whole and fence.closed_by(line):
            self._fence, self._follows = None, False
            return [*fence.take(), Block("fence", line, follows=True)]
        return fence.add(line)

    def _opened(self, line: str) -> list[Block]:
        """A line that opens a fence; but in an item, in a quote or in HTML it is a line like others."""
        blocks: list[Block] = []
        if self._credit < len(self._lines) and self._lines[1:]:
            self._lines.pop()
            blocks += self._commit()
            if self._fence:
                return blocks + self._code(self._fence, line, True)
            self._pend([line], self._follows)
        done, last = self._settle()
        blocks += done
        if last.kind != "fence":
            return blocks + self._bounded(True)
        self._pend([])
        self._fence = _Fence.opened(line)
        return [*blocks, replace(last.block, kind="fence")]

    def _grown(self, line: str, ended: bool) -> list[Block]:
        """A line that may begin a block, or go on with one."""
        due = not _blank(line) and self._credit >= _RESERVE + len(self._lines)
        return (self._settle()[0] if due else []) + self._bounded(ended)

    def _bounded(self, ended: bool) -> list[Block]:
        """What is too long to be pending, or was cut, is finished, whatever it is."""
        return [] if ended and self._size <= LIMIT else self._commit()

    def _settle(self) -> tuple[list[Block], _Piece]:
        """All pending blocks but the last, which may still grow."""
        self._credit -= len(self._lines)
        *done, last = _split(self._lines, self._follows, self._number)
        self._pend(last.lines, last.follows, last.number)
        return [piece.block for piece in done], last

    def _commit(self) -> list[Block]:
        """All that is pending, as it stands."""
        block = _Piece(self._lines, "", self._follows, self._number).block
        self._fence = _Fence.left_open(self._lines)
        self._pend([], follows=not _blank(self._lines[-1]))
        return [block]

    def _pend(self, lines: list[str], follows: bool = False, number: int | None = None) -> None:
        self._lines, self._follows, self._number = lines, follows, number
        self._size = sum(map(len, lines))


class _Fence:
    """An open fence. A nested one stood in an item whose beginning had to be committed."""

    def __init__(self, mark: str, info: str, nested: bool = False) -> None:
        named = _LANGUAGE.match(info)
        self._language = named["name"].lower() if named else ""
        self._nested = nested
        indent = r"[ \t]*" if nested else " {0,3}"
        self._closing = re.compile(rf"{indent}{mark[0]}{{{len(mark)},}}[ \t]*")
        self._before: list[str] = []
        self._lines: list[str] = []
        self._size = 0

    @classmethod
    def opened(cls, line: str) -> _Fence:
        found = _OPENING.match(line)
        assert found
        return cls(found["mark"], found["info"])

    @classmethod
    def left_open(cls, lines: list[str]) -> _Fence | None:
        """The fence that these lines leave open. In a quote they all have a mark, and nothing can go wrong."""
        last, quotes, quoted = None, 0, 0
        for token in _parse(lines):
            quotes += token.nesting if token.tag == "blockquote" else 0
            if token.nesting >= 0:
                last, quoted = token, quotes
        if not last or last.type != "fence" or not last.map or quoted:
            return None
        fence = cls(last.markup, last.info, nested=last.level > 0)
        ended = last.map[1] - last.map[0] > 1 and fence.closed_by(lines[last.map[1] - 1])
        return None if ended else fence

    def closed_by(self, line: str) -> bool:
        return self._closing.fullmatch(line.rstrip("\r\n")) is not None

    def left_by(self, line: str) -> bool:
        """A line that is not indented ends the item, and with it what is in it."""
        return self._nested and not _blank(line) and line[0] not in " \t" and not self.closed_by(line)

    def add(self, line: str) -> list[Block]:
        self._lines.append(line)
        self._size += len(line)
        return self.take() if len(self._lines) >= BATCH or self._size > LIMIT else []

    def take(self) -> list[Block]:
        """What has come since the last time."""
        if not self._lines:
            return []
        block = Block("code", "".join(self._lines), True, self._language, "".join(self._before))
        self._before = (self._before + self._lines)[-CONTEXT:]
        size = sum(map(len, self._before))
        while size > LIMIT:
            size -= len(self._before.pop(0))
        self._lines, self._size = [], 0
        return [block]


def _line_end(text: str, at: int, seen: int) -> int:
    """Where the line ends that begins at `at`, or is cut; -1: not yet. No line ends before `seen`."""
    found = _NEWLINE.search(text, max(at, seen), at + LIMIT + 2)
    if found and found.start() <= at + LIMIT:
        return -1 if found[0] == "\r" and found.end() == len(text) else found.end()
    if len(text) - at <= LIMIT:
        return -1
    space = text.rfind(" ", at + LIMIT // 2, at + LIMIT)
    return space + 1 if space > 0 else at + LIMIT


def _blank(line: str) -> bool:
    return not line.strip(" \t\r\n")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return parser.disable(["inline", "text_join", "reference"])


def _parse(lines: list[str]) -> list[Token]:
    return _parser().parse("".join(lines))


def _split(lines: list[str], follows: bool, number: int | None) -> list[_Piece]:
    """The blocks of the lines; what is known of the first one is handed in.

    Items of an ordered list have the numbers that the model gave them, and count on where it wrote 1. before each.
    """
    starts: list[int] = []
    found: list[tuple[str, bool, int | None]] = []
    for token in _parse(lines):
        if token.nesting < 0 or not token.map:
            continue
        start = token.map[0]
        if token.level == 0 and token.tag in ("ul", "ol"):
            first, count = True, -1
        elif token.level == 1 and token.type == "list_item_open":
            count = number if number is not None and not starts else max(int(token.info or 0), count + 1)
            found.append(("item", not first and not _blank(lines[start - 1]), count if token.info else None))
            starts.append(start)
            first = False
        elif token.level == 0:
            found.append((token.type, False, None))
            starts.append(start)
    if not found:
        return [_Piece(lines, "", follows, None)] if lines else []
    found[0] = (found[0][0], follows, found[0][2])
    ends = [*starts[1:], len(lines)]
    return [_Piece(lines[start:end], *rest) for start, end, rest in zip([0, *ends], ends, found, strict=False)]
