"""The verdict on a whole message: what is text, what is reasoning, which calls run, which can't be read.

Strategy. Nothing here is incremental: the message has ended. Each channel loses its trailing stop tokens, reasoning
is split off the text, quoted markup becomes text (`context`), the rest is itemised (`spans`), and every block of
calls that is left gets one verdict by these rules, in this order:

    a word of a sentence               text: "the model writes <call> and waits"
    no tools offered or allowed        stripped and reported if well-formed, else text
    markers that begin nothing         text: they were mentioned
    beside structured calls            stripped and reported: the structured ones win
    in reasoning                       runs only if it stands last and nothing outside is a call or an answer;
                                       else it is a draft, and stays reasoning
    in what may be a quotation         unresolved if it is complete and stands last, else text
    anything else                      its calls are judged one by one (`judge`)

Spans are lossless: the raw text of all spans of a channel, joined, is the channel's input.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks.bare import bare_calls
from roundtrip.agent.leaks.context import in_sentence, literal, quoted
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role
from roundtrip.agent.leaks.judge import Judge, Repair, Source, StructuredCall, Verdict
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.scanner import Kind, Piece, cut_at, joined
from roundtrip.agent.leaks.spans import CallSpan, Item, itemise

Now = Literal["text", "reasoning", "call", "nothing"]

_THINK = (Role.THINK_BEGIN, Role.THINK_END)
_NO_CALL = (*_THINK, Role.STOP)
_DOUBTFUL = "the call stands in what may be a quotation or an example; repeat it outside of any code or quotation"
_TALKED_ON = "the call stands in the middle of a sentence, and its tool changes things; repeat it on its own"
_UNMARKED = "the call arrived as plain text, without its markers, and this tool changes things, so it was not run"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of a channel's input, and what it turned out to be."""

    raw: str
    now: Now


@dataclass(frozen=True, slots=True)
class Decision:
    """The message as it is meant."""

    calls: tuple[Verdict, ...]
    repairs: tuple[Repair, ...]
    text_spans: tuple[Span, ...]
    reasoning_spans: tuple[Span, ...]

    @property
    def content(self) -> str:
        return _kept(self.text_spans, "text")

    @property
    def reasoning(self) -> str:
        return _kept((*self.reasoning_spans, *self.text_spans), "reasoning")


def _kept(spans: Iterable[Span], now: Now) -> str:
    text = "".join(span.raw for span in spans if span.now == now)
    return text if text.strip(WHITE) else ""


def decide(
    text: Iterable[Piece],
    reasoning: Iterable[Piece],
    structured: tuple[StructuredCall, ...],
    offers: tuple[Offer, ...],
    dialect: Dialect,
    *,
    allowed: bool = True,
) -> Decision:
    """Judges a message that has ended. `allowed`: the request permits calls. Never raises."""
    message = _Message(Judge(offers if allowed else (), dialect), bool(structured))
    for call in structured:
        message.judge.structured(call)
    return message.decision(joined(text), joined(reasoning))


class _Message:
    """One message under judgement."""

    def __init__(self, judge: Judge, structured: bool) -> None:
        self.judge = judge
        self._structured = structured

    def decision(self, text: list[Piece], reasoning: list[Piece]) -> Decision:
        has_field = any(piece.raw.strip(WHITE) for piece in reasoning)
        text, stops = self._without_ends(text)
        reasoning, field_stops = self._without_ends(reasoning)
        thought, said = self._split(text, has_field)
        said_spans = self._said(said, sum(len(piece.raw) for piece in thought))
        outside = self._structured or bool(self.judge.calls) or bool(_kept(said_spans, "text"))
        thought_spans = self._thoughts(thought, outside, "text")
        spoken = outside or any(span.raw.strip(WHITE) for span in thought_spans)
        field_spans = self._thoughts(reasoning, spoken, "reasoning")
        return Decision(
            tuple(self.judge.calls),
            tuple(self.judge.repairs),
            (*thought_spans, *said_spans, *stops),
            (*field_spans, *field_stops),
        )

    def _without_ends(self, pieces: list[Piece]) -> tuple[list[Piece], list[Span]]:
        """Stop tokens mean something at the very end only. So does half a marker: the message was cut in the middle
        of a call, if it stands behind a part of one."""
        end = len(pieces)
        if self.judge.offers and end > 1 and pieces[-2].kind is not Kind.TEXT and pieces[-2].role not in _NO_CALL:
            half = pieces[-1].raw.strip(WHITE) if pieces[-1].kind is Kind.TEXT else ""
            if half and any(marker.startswith(half) for marker in self.judge.dialect.markers):
                self.judge.note("stray_marker", half)
                return pieces[:-1], [Span(pieces[-1].raw, "nothing")]
        while end and (pieces[end - 1].role is Role.STOP or not pieces[end - 1].raw.strip(WHITE)):
            end -= 1
        tail = pieces[end:]
        raw = "".join(piece.raw for piece in tail if piece.role is Role.STOP)
        if not raw:
            return pieces, []
        self.judge.note("stop_token", raw)
        return pieces[:end], [Span(piece.raw, "nothing") for piece in tail]

    def _split(self, pieces: list[Piece], has_field: bool) -> tuple[list[Piece], list[Piece]]:
        """(reasoning, the rest); the think markers go with the reasoning."""
        marks = [(n, role) for n, role in _unquoted_roles(pieces) if role in _THINK]
        first = next((n for n, piece in enumerate(pieces) if piece.raw.strip(WHITE)), len(pieces))
        opened = first < len(pieces) and pieces[first].role is Role.THINK_BEGIN
        end = next((n for n, role in marks if role is Role.THINK_END), -1)
        if opened and end < 0:  # a stray backtick may quote the end, but never the beginning
            end = next((n for n, piece in enumerate(pieces) if piece.role is Role.THINK_END), -1)
        bare = bool(marks) and marks[0][1] is Role.THINK_END and (not has_field or end == first)
        if opened and end < 0:
            thought, said = self._until_call(pieces)
        elif opened or bare:
            thought, said = pieces[: end + 1], pieces[end + 1 :]
        else:
            return [], pieces
        self.judge.note("reasoning_in_text", "".join(piece.raw for piece in thought))
        return thought, said

    def _until_call(self, pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
        """Reasoning without an end ends at the first call (vllm#32216)."""
        before = 0
        for item in itemise(literal(pieces)[0], self.judge.names):
            if item.calls and self._means_something(item):
                return cut_at(pieces, before)
            before += len(item.raw)
        return pieces, []

    def _said(self, pieces: list[Piece], at: int) -> list[Span]:
        """The text outside the reasoning; `at` is where it begins in its channel."""
        pieces, doubtful = literal(pieces)
        items = itemise(pieces, self.judge.names, at)
        last = max((n for n, item in enumerate(items) if item.raw.strip(WHITE)), default=-1)
        thoughts = _later_thoughts(items)
        spans: list[Span] = []
        here = 0
        for number, item in enumerate(items):
            doubted = doubtful.meet(here, here + len(item.raw))
            example = doubted and not (number == last and item.complete)
            here += len(item.raw)
            if number in thoughts:
                spans.append(Span(item.raw, "nothing" if item.role in _THINK else "reasoning"))
            elif item.kind != "block" or example or _in_sentence(items, number) == "mentioned":
                spans.append(Span(item.raw, "text"))
            else:
                changes = _TALKED_ON if _in_sentence(items, number) else ""
                spans.append(Span(item.raw, self._block(item, _DOUBTFUL if doubted else "", changes)))
        if self._structured or any(span.now in ("call", "nothing") for span in spans):
            return self._without_strays(items, spans)
        return self._bare(items, spans, at)

    def _block(self, item: Item, unless: str, changes: str) -> Now:
        if not item.calls:
            self.judge.note("empty_section", item.raw)
            return "nothing"
        if not self.judge.offers:
            if not all(self.judge.well_formed(call) for call in item.calls):
                return "text"
            self.judge.note("not_allowed", item.raw)
            return "nothing"
        if not self._means_something(item):
            return "text"
        if self._structured:
            self.judge.note("duplicate_of_structured", item.raw)
            return "nothing"
        self._calls(item, "text", unless, changes)
        return "call"

    def _means_something(self, item: Item) -> bool:
        return any(self.judge.meant(call) for call in item.calls)

    def _calls(self, item: Item, source: Source, unless: str = "", changes: str = "") -> None:
        self.judge.note("leaked_call", item.raw)
        if not item.regular:
            self.judge.note("section", item.raw)
        if item.noise:
            self.judge.note("section_noise", item.noise)
        for call in item.calls:
            self.judge.leaked(call, source, unless, changes)

    def _without_strays(self, items: list[Item], spans: list[Span]) -> list[Span]:
        """Beside real calls, a call marker that is left over belongs to them."""
        strays = [_is_call_mark(item) for item in items]
        for item, stray in zip(items, strays, strict=True):
            if stray:
                self.judge.note("stray_marker", item.raw)
        return [Span(span.raw, "nothing") if stray else span for span, stray in zip(spans, strays, strict=True)]

    def _bare(self, items: list[Item], spans: list[Span], at: int) -> list[Span]:
        """Calls without markers: they merely read, or they are refused (headers) or text (no headers)."""
        text = "".join(span.raw for span in spans)
        plain = "".join(" " * len(item.raw) if _is_call_mark(item) else item.raw for item in items)
        found = bare_calls(plain, self.judge.offers, self.judge.dialect)
        if not found or any(ranges.hold(found[0].at) for ranges in quoted(text)):
            return spans
        offers = [called(self.judge.offers, call.name) for call in found]
        readers = all(offer is not None and offer.merely_reads for offer in offers)
        if not readers and found[0].header == found[0].name:
            return spans
        for call in found:
            self.judge.note("bare_call", call.header + call.arguments)
            span = CallSpan(call.header, call.arguments, at + call.at, False, True)
            self.judge.leaked(span, "text", changes=_UNMARKED)
        start = len(plain[: found[0].at].rstrip(WHITE))
        return [Span(text[:start], "text"), Span(text[start:], "call")]

    def _thoughts(self, pieces: list[Piece], outside: bool, channel: Source) -> list[Span]:
        """Reasoning: blocks that end it may run if nothing outside speaks; all others are drafts."""
        pieces, doubtful = literal(pieces)
        items = itemise(pieces, self.judge.names)
        drafts = (n for n, i in enumerate(items, 1) if not (i.calls or i.role in _THINK) and i.raw.strip(WHITE))
        start = max(drafts, default=0)
        may_run = bool(self.judge.offers) and not outside
        spans: list[Span] = []
        spoken = False
        here = 0
        for number, item in enumerate(items):
            doubted = doubtful.meet(here, here + len(item.raw))
            here += len(item.raw)
            if item.role in _THINK and (number >= start or not spoken):
                spans.append(Span(item.raw, "nothing"))
            elif may_run and number >= start and not doubted and item.calls and self._means_something(item):
                self.judge.note("call_in_reasoning", item.raw)
                self._calls(item, channel)
                spans.append(Span(item.raw, "call"))
            else:
                spans.append(Span(item.raw, "reasoning"))
                spoken = spoken or bool(item.raw.strip(WHITE))
        return spans


def _unquoted_roles(pieces: list[Piece]) -> list[tuple[int, Role]]:
    """The marks that stand outside of code and quotations, with their numbers in `pieces`."""
    numbers = {}
    at = 0
    for number, piece in enumerate(pieces):
        numbers[at] = number
        at += len(piece.raw)
    found: list[tuple[int, Role]] = []
    at = 0
    for piece in literal(pieces)[0]:
        if piece.role:
            found.append((numbers[at], piece.role))
        at += len(piece.raw)
    return found


def _is_call_mark(item: Item) -> bool:
    return item.kind == "mark" and item.role not in _NO_CALL


def _in_sentence(items: list[Item], number: int) -> Literal["", "mentioned", "followed"]:
    """Whether a block is a word in the middle of a sentence. Whole sections may be followed by more talk."""
    near = [items[n] if 0 <= n < len(items) else None for n in (number - 1, number + 1)]
    place = in_sentence(*(item.raw if item and item.kind == "text" else "" for item in near))
    return "mentioned" if place and not (items[number].calls and items[number].regular) else place


def _later_thoughts(items: list[Item]) -> set[int]:
    """Reasoning that goes on behind a call: numbers of the items from <think> directly behind a block to </think>."""
    ends = [number for number, item in enumerate(items) if item.role is Role.THINK_END]
    found: set[int] = set()
    behind_call = False
    for number, item in enumerate(items):
        next_end = bisect_left(ends, number)
        if behind_call and item.role is Role.THINK_BEGIN and next_end < len(ends):
            found.update(range(number, ends[next_end] + 1))
        if item.raw.strip(WHITE) and number not in found:
            behind_call = bool(item.calls)
    return found
