"""The verdict on a whole message: what is text, what is reasoning, which calls run, which can't be read.

Strategy. Nothing here is incremental: the message has ended. Each channel loses its trailing stop tokens, reasoning
is split off the text, quoted markup becomes text (`context`), the rest is itemised (`spans`), and every block of
calls that is left gets one verdict by these rules, in this order:

    no tools offered or allowed        stripped and reported if well-formed, else text
    beside structured calls            stripped and reported: the structured ones win
    in reasoning                       runs only if it stands last and nothing outside is a call or an answer;
                                       else it is a draft, and stays reasoning
    in a fence that is never closed    unresolved if it is complete and stands last, else text
    anything else                      its calls are judged one by one (`judge`)

Spans are lossless: the raw text of all spans of a channel, joined, is the channel's input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks.arguments import read_arguments
from roundtrip.agent.leaks.bare import bare_calls
from roundtrip.agent.leaks.context import literal, quoted
from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.judge import Judge, Repair, Source, StructuredCall, Verdict
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.scanner import Piece, cut_at, joined
from roundtrip.agent.leaks.spans import CallSpan, Item, itemise

Now = Literal["text", "reasoning", "call", "nothing"]

_THINK = (Role.THINK_BEGIN, Role.THINK_END)
_OPEN_FENCE = "the call stands in a code fence that was never closed; repeat it outside of any code fence"
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
    return text if text.strip() else ""


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
        has_field = any(piece.raw.strip() for piece in reasoning)
        text, stops = self._without_stops(text)
        reasoning, field_stops = self._without_stops(reasoning)
        thought, said = self._split(text, has_field)
        said_spans = self._said(said, sum(len(piece.raw) for piece in thought))
        outside = self._structured or bool(self.judge.calls) or bool(_kept(said_spans, "text"))
        thought_spans = self._thoughts(thought, outside, "text")
        spoken = outside or any(span.raw.strip() for span in thought_spans)
        field_spans = self._thoughts(reasoning, spoken, "reasoning")
        return Decision(
            tuple(self.judge.calls),
            tuple(self.judge.repairs),
            (*thought_spans, *said_spans, *stops),
            (*field_spans, *field_stops),
        )

    def _without_stops(self, pieces: list[Piece]) -> tuple[list[Piece], list[Span]]:
        """Stop tokens mean something at the very end only."""
        end = len(pieces)
        while end and (pieces[end - 1].role is Role.STOP or not pieces[end - 1].raw.strip()):
            end -= 1
        tail = pieces[end:]
        raw = "".join(piece.raw for piece in tail if piece.role is Role.STOP)
        if not raw:
            return pieces, []
        self.judge.note("stop_token", raw)
        return pieces[:end], [Span(piece.raw, "nothing") for piece in tail]

    def _split(self, pieces: list[Piece], has_field: bool) -> tuple[list[Piece], list[Piece]]:
        """(reasoning, the rest); the think markers go with the reasoning."""
        first = next((n for n, piece in enumerate(pieces) if piece.raw.strip()), len(pieces))
        ends = [n for n, piece in enumerate(pieces) if piece.role is Role.THINK_END]
        if first < len(pieces) and pieces[first].role is Role.THINK_BEGIN:
            thought, said = (pieces[: ends[0] + 1], pieces[ends[0] + 1 :]) if ends else self._until_call(pieces)
        elif ends and not has_field and not _quoted(pieces, ends[0]):
            thought, said = pieces[: ends[0] + 1], pieces[ends[0] + 1 :]
        else:
            return [], pieces
        self.judge.note("reasoning_in_text", "".join(piece.raw for piece in thought))
        return thought, said

    def _until_call(self, pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
        """Reasoning without an end ends at the first call (vllm#32216)."""
        before = 0
        for item in itemise(literal(pieces)[0], self.judge.names):
            if item.calls:
                return cut_at(pieces, before)
            before += len(item.raw)
        return pieces, []

    def _said(self, pieces: list[Piece], at: int) -> list[Span]:
        """The text outside the reasoning; `at` is where it begins in its channel."""
        pieces, open_fence = literal(pieces)
        items = itemise(pieces, self.judge.names, at)
        last = max((n for n, item in enumerate(items) if item.raw.strip()), default=-1)
        spans: list[Span] = []
        here = 0
        for number, item in enumerate(items):
            fenced = 0 <= open_fence < here
            here += len(item.raw)
            ends_it = number == last and item.calls and item.closed and self.judge.offers
            if item.kind != "block" or (fenced and not ends_it):
                spans.append(Span(item.raw, "text"))
            else:
                spans.append(Span(item.raw, self._block(item, _OPEN_FENCE if fenced else "")))
        if self._structured or any(span.now != "text" for span in spans):
            return self._without_strays(items, spans)
        return self._bare(spans, at) if open_fence < 0 else spans

    def _block(self, item: Item, unless: str) -> Now:
        if not item.calls:
            self.judge.note("empty_section", item.raw)
            return "nothing"
        if self._structured:
            self.judge.note("duplicate_of_structured", item.raw)
            return "nothing"
        if not self.judge.offers:
            if not all(self._well_formed(call) for call in item.calls):
                return "text"
            self.judge.note("not_allowed", item.raw)
            return "nothing"
        if not _means_something(item):
            return "text"
        self._calls(item, "text", unless)
        return "call"

    def _calls(self, item: Item, source: Source, unless: str = "") -> None:
        self.judge.note("leaked_call", item.raw)
        if not item.regular:
            self.judge.note("section", item.raw)
        if item.noise:
            self.judge.note("section_noise", item.noise)
        for call in item.calls:
            self.judge.leaked(call, source, unless)

    def _well_formed(self, call: CallSpan) -> bool:
        shapes = (self.judge.dialect.canonical, self.judge.dialect.nameless, re.compile(r"[\w.-]+:\d+"))
        named = call.header and any(shape.fullmatch(call.header) for shape in shapes)
        return bool(named and call.arguments.strip() and read_arguments(call.arguments).value is not None)

    def _without_strays(self, items: list[Item], spans: list[Span]) -> list[Span]:
        """Beside real calls, a call marker that is left over belongs to them."""
        strays = [item.kind == "mark" and item.role not in (Role.STOP, *_THINK) for item in items]
        for item, stray in zip(items, strays, strict=True):
            if stray:
                self.judge.note("stray_marker", item.raw)
        return [Span(span.raw, "nothing") if stray else span for span, stray in zip(spans, strays, strict=True)]

    def _bare(self, spans: list[Span], at: int) -> list[Span]:
        """Calls without markers: they merely read, or they are refused (headers) or text (no headers)."""
        text = "".join(span.raw for span in spans)
        found = bare_calls(text, self.judge.offers, self.judge.dialect)
        offers = [called(self.judge.offers, call.name) for call in found]
        readers = all(offer is not None and offer.merely_reads for offer in offers)
        if not found or quoted(text).holds(found[0].at):
            return spans
        if not readers and found[0].header == found[0].name:
            return spans
        for call, offer in zip(found, offers, strict=True):
            self.judge.note("bare_call", call.header + call.arguments)
            unless = "" if offer is not None and offer.merely_reads else _UNMARKED
            self.judge.leaked(CallSpan(call.header, call.arguments, at + call.at, False, True), "text", unless)
        return [Span(text[: found[0].at], "text"), Span(text[found[0].at :], "call")]

    def _thoughts(self, pieces: list[Piece], outside: bool, channel: Source) -> list[Span]:
        """Reasoning: blocks that end it may run if nothing outside speaks; all others are drafts."""
        pieces, open_fence = literal(pieces)
        items = itemise(pieces, self.judge.names)
        start = len(items)
        while start and (items[start - 1].calls or items[start - 1].role in _THINK or not items[start - 1].raw.strip()):
            start -= 1
        may_run = bool(self.judge.offers) and not outside and open_fence < 0
        spans: list[Span] = []
        for number, item in enumerate(items):
            if item.role in _THINK and (number >= start or not _kept(spans, "reasoning")):
                spans.append(Span(item.raw, "nothing"))
            elif may_run and number >= start and item.calls and _means_something(item):
                self.judge.note("call_in_reasoning", item.raw)
                self._calls(item, channel)
                spans.append(Span(item.raw, "call"))
            else:
                spans.append(Span(item.raw, "reasoning"))
        return spans


def _means_something(item: Item) -> bool:
    """A call with neither a name nor readable arguments is none: its markers were merely mentioned."""
    return any(call.header or read_arguments(call.arguments).value is not None for call in item.calls)


def _quoted(pieces: list[Piece], number: int) -> bool:
    """Whether a mark stands in quoted text."""
    at = sum(len(piece.raw) for piece in pieces[:number])
    here = 0
    for piece in literal(pieces)[0]:
        if here == at:
            return piece.role is not pieces[number].role
        here += len(piece.raw)
    return True
