"""Pieces become items: literal text, marks, and blocks of calls.

Strategy. The message has ended, so the whole of it can be looked at. A block is the smallest run that can be taken
out as one: a section with the calls in it, or a call that stands alone. Only shape is judged here:

    block = SECTION_BEGIN {noise | call} call {noise | call} [SECTION_END]  |  call [SECTION_END]
          | SECTION_BEGIN SECTION_END
          | SECTION_BEGIN <end of message>
    call  = [CALL_BEGIN] [header] [ARGUMENTS_BEGIN [header]] [arguments] [CALL_END]
          | CALL_BEGIN <end of message>

Each part in brackets has been seen missing; a call needs a header or arguments, and one of the two begin markers.
Where the begin markers were eaten (typeclaw#344) the header is the last word of the text before: without it, the
arguments alone would choose the tool. Noise is text inside a section but outside its calls (vllm#28543); where the
section is never closed, it is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from roundtrip.agent.leaks.dialect import WHITE, Role
from roundtrip.agent.leaks.items import ENDS, CallSpan, Item
from roundtrip.agent.leaks.json_calls import JSON
from roundtrip.agent.leaks.notation import CUT, Arguments
from roundtrip.agent.leaks.scanner import Kind, Piece
from roundtrip.agent.leaks.tags import Tags


def itemise(pieces: list[Piece], names: Iterable[str] = (), at: int = 0) -> list[Item]:
    """The items of a part of a channel that begins at `at`, in order; their raw text, joined, is the input.

    names: of the offered tools, aliases included.
    """
    return _Reader(_with_eaten_begins(pieces, names), at).items()


def _with_eaten_begins(pieces: list[Piece], names: Iterable[str]) -> list[Piece]:
    """Splits a header off the text before an ARGUMENTS_BEGIN."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    tails = [re.compile(r"[^\s<>`\"'(]{1,200}\Z"), re.compile(r"\S{1,200}\Z")]
    if known:  # prose may be glued to the name: "I'll look.read_file:0"
        tails.insert(0, re.compile(rf"(?<![\w-])(?:to=)?(?:functions?[._])?(?:{known})[:._]?\d{{0,9}}\Z"))
    result: list[Piece] = []
    for number, piece in enumerate(pieces):
        result.append(piece)
        following = pieces[number + 1 : number + 2]
        body = piece.raw.rstrip(WHITE)
        if piece.kind is Kind.TEXT and body and following and following[0].role is Role.ARGUMENTS_BEGIN:
            start = max(0, len(body) - 256)
            found = next(hit for tail in tails if (hit := tail.search(body, start)))
            head, header = piece.raw[: found.start()], piece.raw[found.start() :]
            word = Piece(Kind.HEADER, header, None, following[0].dialect, header.strip(WHITE))
            result[-1:] = [Piece(Kind.TEXT, head)] * bool(head) + [word]
    return result


class _Reader:
    """A cursor over the pieces; each method that finds something moves behind it."""

    def __init__(self, pieces: list[Piece], at: int) -> None:
        self._pieces = pieces
        self._at = 0
        self._hopeless = 0
        """No section that begins before this piece has a call."""
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
        if self._kind() is Kind.TEXT and not self._pieces[start].raw.strip(WHITE):
            self._at += 1
        if self._role() in roles:
            return True
        self._at = start
        return False

    def _raw(self, start: int) -> str:
        return "".join(piece.raw for piece in self._pieces[start : self._at])

    def _block(self, start: int, calls: list[CallSpan], noise: str = "") -> Item:
        closed = self._all(Role.SECTION_END)
        opened = sum(piece.role is Role.SECTION_BEGIN for piece in self._pieces[start : start + 2])
        return Item("block", self._raw(start), None, tuple(calls), noise.strip(WHITE), opened, closed)

    def _all(self, role: Role) -> int:
        """Moves over markers of a role, as many as stand there with white space between; says how many."""
        count = 0
        while self._behind_blank(role) and self._take(role):
            count += 1
        return count

    def _lone_call(self) -> Item | None:
        start = self._at
        calls = self._calls()
        return self._block(start, calls) if calls else None

    def _section(self) -> Item | None:
        start = self._at
        if start < self._hopeless or not self._take(Role.SECTION_BEGIN):
            return None
        self._all(Role.SECTION_BEGIN)
        if self._behind_blank(Role.SECTION_END):
            return self._block(start, [])
        calls = self._cut()
        noise: list[str] = []
        said = torn = False
        behind_call, noise_then = self._at, 0
        while self._at < len(self._pieces):
            found = self._calls()
            if found:
                calls += found
                behind_call, noise_then = self._at, len(noise)
            elif self._role() in (Role.SECTION_BEGIN, Role.SECTION_END, Role.THINK_BEGIN, Role.THINK_END):
                break
            else:
                torn = torn or (said and self._role() in ENDS)
                item = self._literal()
                said = said or (item.kind == "text" and bool(item.raw.strip(WHITE)))
                noise.append(item.raw)
        if self._role() is not Role.SECTION_END:  # never closed: text is no noise
            self._at, noise = behind_call, noise[:noise_then]
            calls = calls if not "".join(noise).strip(WHITE) else []
        if not calls:
            self._at, self._hopeless = start, self._at
            return None
        return replace(self._block(start, calls, "".join(noise)), torn=torn)

    def _cut(self) -> list[CallSpan]:
        """The call that a marker at the end of the message would have begun."""
        behind = self._pieces[self._at : self._at + 2]
        over = not behind or (len(behind) == 1 and behind[0].kind is Kind.TEXT and not behind[0].raw.strip(WHITE))
        cut = Arguments(None, "", CUT, cut=True)
        return [CallSpan("", "", cut, self._offsets[self._at], None, False, False)] if over else []

    def _calls(self, *, inner: bool = False) -> list[CallSpan]:
        """The calls that one body holds; mostly one. inner: behind the markers of another call."""
        start = self._at
        begun = self._take(Role.CALL_BEGIN)
        if begun and (cut := self._cut()):
            return cut
        here = begun or self._directly(start)
        at = self._offsets[self._at]
        header, separated = self._head(here)
        empty = separated and (header is None or header.word == "function")
        if empty and not inner and self._behind_blank(Role.CALL_BEGIN):  # DeepSeek's markers around Step-3's
            found = self._calls(inner=True)
            self._at = self._at if found else start
            return found
        if not (here or separated):
            self._at = start
            return []
        at = self._offsets[self._at] if self._kind() is Kind.ARGUMENTS else at
        body, raw = self._arguments(separated or header is not None)
        word = header.word if header else ""
        self._all(Role.TAG)
        if not (word or raw or (begun and self._role() is Role.CALL_END)):
            self._at = start
            return []
        closed, ended = self._end()
        return _written(body or header or self._pieces[start], word, raw, at, begun, ended, closed)

    def _head(self, here: bool) -> tuple[Piece | None, bool]:
        """The header, and whether a separator stands behind it. here: a call begins here for sure."""
        header = self._take_header() if here or self._eaten() else None
        separated = self._take(Role.ARGUMENTS_BEGIN)
        if (here or separated) and self._behind_blank(Role.ARGUMENTS_BEGIN):  # twice, in a row
            separated = self._take(Role.ARGUMENTS_BEGIN)
        return (self._take_header() if separated else None) or header, separated

    def _end(self) -> tuple[bool, bool]:
        """Whether the call's own end stands here, or its section's; and whether that or another beginning does."""
        closed = self._behind_blank(Role.CALL_END) and self._take(Role.CALL_END)
        behind = self._at
        closed = closed or self._behind_blank(Role.SECTION_END)
        ended = closed or self._behind_blank(Role.CALL_BEGIN, Role.SECTION_BEGIN)
        self._at = behind
        return closed, ended

    def _directly(self, start: int) -> bool:
        """Whether a call begins right behind the beginning of its section."""
        before = self._pieces[start - 1].role if start else None
        return before is Role.SECTION_BEGIN and self._kind() in (Kind.HEADER, Kind.ARGUMENTS)

    def _take_header(self) -> Piece | None:
        if self._kind() is not Kind.HEADER:
            return None
        self._at += 1
        return self._pieces[self._at - 1]

    def _eaten(self) -> bool:
        """A header without CALL_BEGIN, split off by `_with_eaten_begins`."""
        following = self._pieces[self._at + 1 : self._at + 2]
        return self._kind() is Kind.HEADER and bool(following) and following[0].role is Role.ARGUMENTS_BEGIN

    def _arguments(self, separated: bool) -> tuple[Piece | None, str]:
        """The argument piece and its text, with whatever stands between it and CALL_END: that is part of what is wrong
        with it."""
        body = self._pieces[self._at] if self._kind() is Kind.ARGUMENTS else None
        text = self._take_text(Kind.ARGUMENTS)
        following = self._pieces[self._at + 1 : self._at + 2]
        if (separated or text) and self._kind() is Kind.TEXT and following and following[0].role is Role.CALL_END:
            text += self._take_text(Kind.TEXT)
        return body, text


def _written(piece: Piece, word: str, raw: str, at: int, begun: bool, ended: bool, closed: bool) -> list[CallSpan]:
    """The calls of one body, read."""
    if not raw.strip(WHITE) and not ended:
        return [CallSpan(word, raw, Arguments(None, "", CUT, cut=True), at, piece.dialect, begun, ended)]
    calls = (piece.notation or JSON).read(word, raw, ended=ended, closed=closed)
    tagged = isinstance(piece.notation, Tags)
    starts = [at, *(at + call.offset for call in calls[1:])]
    return [
        CallSpan(call.header.strip(WHITE), call.raw, call.arguments, start, piece.dialect, begun, ended, tagged)
        for call, start in zip(calls, starts, strict=True)
    ]
