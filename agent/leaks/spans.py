"""Pieces become items: literal text, marks, and blocks of calls.

Strategy. The message has ended, so the whole of it can be looked at. A block is the smallest run that can be taken
out as one: a section with the calls in it, or a call that stands alone. Only shape is judged here:

    block = SECTION_BEGIN {noise | call} call {noise | call} [SECTION_END]  |  call [SECTION_END]
          | SECTION_BEGIN SECTION_END
    call  = [CALL_BEGIN] [header] [ARGUMENTS_BEGIN] [arguments] [CALL_END]

Each part in brackets has been seen missing; a call needs a header or arguments, and one of the two begin markers.
Where the begin markers were eaten (typeclaw#344) the header is the last word of the text before. Noise is text
inside a section but outside its calls (vllm#28543).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks.dialect import Role
from roundtrip.agent.leaks.scanner import Kind, Piece


@dataclass(frozen=True, slots=True)
class CallSpan:
    """A call as it stands in the text.

    at: where its arguments begin in its channel, or its header where it has no arguments.
    begun: it has CALL_BEGIN. ended: a marker behind it shows that the model had finished it.
    """

    header: str
    arguments: str
    at: int
    begun: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A run of the message. noise: what a block would swallow beside calls and markers. opened, closed: it has
    SECTION_BEGIN, SECTION_END."""

    kind: Literal["text", "mark", "block"]
    raw: str
    role: Role | None = None
    calls: tuple[CallSpan, ...] = ()
    noise: str = ""
    opened: bool = False
    closed: bool = False

    @property
    def regular(self) -> bool:
        """Whether all markers stand that belong to a block."""
        return self.opened and self.closed and all(call.begun and call.ended for call in self.calls)


def itemise(pieces: list[Piece], names: Iterable[str] = (), at: int = 0) -> list[Item]:
    """The items of a part of a channel that begins at `at`, in order; their raw text, joined, is the input.

    names: of the offered tools, aliases included.
    """
    return _Reader(_with_eaten_begins(pieces, names), at).items()


def _with_eaten_begins(pieces: list[Piece], names: Iterable[str]) -> list[Piece]:
    """Splits a header off the text before an ARGUMENTS_BEGIN that has no CALL_BEGIN."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    tails = [re.compile(r"[^\s<>`\"'(]{1,200}\s{0,16}\Z")]
    if known:  # prose may be glued to the name: "I'll look.read_file:0"
        tails.insert(0, re.compile(rf"(?:functions?[._])?(?:{known})[:._]?\d{{0,9}}\s{{0,16}}\Z"))
    result: list[Piece] = []
    for number, piece in enumerate(pieces):
        result.append(piece)
        following = [after.role or after.kind for after in pieces[number + 1 : number + 3]]
        begun = number > 0 and pieces[number - 1].role is Role.CALL_BEGIN
        if piece.kind is Kind.TEXT and following == [Role.ARGUMENTS_BEGIN, Kind.ARGUMENTS] and not begun:
            start = max(0, len(piece.raw) - 256)
            found = next((hit for tail in tails if (hit := tail.search(piece.raw, start))), None)
            if found:
                head, header = piece.raw[: found.start()], piece.raw[found.start() :]
                result[-1:] = [Piece(Kind.TEXT, head)] * bool(head) + [Piece(Kind.HEADER, header)]
    return result


class _Reader:
    """A cursor over the pieces; each method that finds something moves behind it."""

    def __init__(self, pieces: list[Piece], at: int) -> None:
        self._pieces = pieces
        self._at = 0
        self._offsets = [at]
        for piece in pieces:
            self._offsets.append(self._offsets[-1] + len(piece.raw))

    def items(self) -> list[Item]:
        found: list[Item] = []
        while self._at < len(self._pieces):
            found.append(self._section() or self._lone_call() or self._literal())
        return found

    def _literal(self) -> Item:
        piece = self._pieces[self._at]
        self._at += 1
        return Item("mark" if piece.kind is Kind.MARK else "text", piece.raw, piece.role)

    def _role(self) -> Role | None:
        return self._pieces[self._at].role if self._at < len(self._pieces) else None

    def _kind(self) -> Kind | None:
        return self._pieces[self._at].kind if self._at < len(self._pieces) else None

    def _take(self, role: Role) -> bool:
        taken = self._role() is role
        self._at += taken
        return taken

    def _take_text(self, kind: Kind) -> str:
        if self._kind() is not kind:
            return ""
        self._at += 1
        return self._pieces[self._at - 1].raw

    def _behind_blank(self, *roles: Role) -> bool:
        """Moves over white space if one of `roles` stands behind it (or right here); says whether one does."""
        start = self._at
        if self._kind() is Kind.TEXT and not self._pieces[start].raw.strip():
            self._at += 1
        if self._role() in roles:
            return True
        self._at = start
        return False

    def _raw(self, start: int) -> str:
        return "".join(piece.raw for piece in self._pieces[start : self._at])

    def _block(self, start: int, calls: list[CallSpan], noise: str = "") -> Item:
        closed = self._behind_blank(Role.SECTION_END) and self._take(Role.SECTION_END)
        opened = self._pieces[start].role is Role.SECTION_BEGIN
        return Item("block", self._raw(start), None, tuple(calls), noise.strip(), opened, closed)

    def _lone_call(self) -> Item | None:
        start = self._at
        call = self._call()
        return self._block(start, [call]) if call else None

    def _section(self) -> Item | None:
        start = self._at
        if not self._take(Role.SECTION_BEGIN):
            return None
        if self._behind_blank(Role.SECTION_END):
            return self._block(start, [])
        calls: list[CallSpan] = []
        noise, behind_call, noise_then = "", start, ""
        while self._at < len(self._pieces):
            call = self._call()
            if call:
                calls.append(call)
                behind_call, noise_then = self._at, noise
            elif self._role() in (Role.SECTION_BEGIN, Role.SECTION_END, Role.THINK_BEGIN, Role.THINK_END):
                break
            else:
                noise += self._literal().raw
        if not calls:
            self._at = start
            return None
        if self._role() is not Role.SECTION_END:  # never closed: what is behind the last call is no noise
            self._at, noise = behind_call, noise_then
        return self._block(start, calls, noise)

    def _call(self) -> CallSpan | None:
        start = self._at
        begun = self._take(Role.CALL_BEGIN)
        at = self._offsets[self._at]
        header = self._take_text(Kind.HEADER) if begun or self._eaten() else ""
        separated = self._take(Role.ARGUMENTS_BEGIN)
        if self._kind() is Kind.ARGUMENTS:
            at = self._offsets[self._at]
        arguments = self._arguments(separated) if begun or separated else ""
        if not (begun or separated) or not (header.strip() or arguments):
            self._at = start
            return None
        closed = self._behind_blank(Role.CALL_END) and self._take(Role.CALL_END)
        here = self._at
        ended = closed or self._behind_blank(Role.CALL_BEGIN, Role.SECTION_BEGIN, Role.SECTION_END)
        self._at = here
        return CallSpan(header.strip(), arguments, at, begun, ended)

    def _eaten(self) -> bool:
        """A header without CALL_BEGIN, split off by `_with_eaten_begins`."""
        following = self._pieces[self._at + 1 : self._at + 2]
        return self._kind() is Kind.HEADER and bool(following) and following[0].role is Role.ARGUMENTS_BEGIN

    def _arguments(self, separated: bool) -> str:
        """The argument text, with whatever stands between it and CALL_END: that is part of what is wrong with it."""
        text = self._take_text(Kind.ARGUMENTS)
        following = self._pieces[self._at + 1 : self._at + 2]
        if (separated or text) and self._kind() is Kind.TEXT and following and following[0].role is Role.CALL_END:
            text += self._take_text(Kind.TEXT)
        return text
