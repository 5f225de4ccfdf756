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
    before an end tag of nothing       unresolved, if its values stand in tags: one of them may have gone on up to there
    behind a token that ends the turn  unresolved: the server ran on, and the model went on for everybody
    anything else                      its calls are judged one by one (`judge`)

Spans are lossless: the raw text of all spans of a channel, joined, is the channel's input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks.bare import bare_calls
from roundtrip.agent.leaks.context import literal, quoted
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role
from roundtrip.agent.leaks.items import CallSpan, Item
from roundtrip.agent.leaks.judge import ANY, Judge, Repair, Source, StructuredCall, Verdict
from roundtrip.agent.leaks.offer import Offer
from roundtrip.agent.leaks.places import enclosed_in_thoughts, is_call_mark, is_mentioned, last_torn
from roundtrip.agent.leaks.resolve import resolve
from roundtrip.agent.leaks.scanner import Piece, joined
from roundtrip.agent.leaks.spans import itemise
from roundtrip.agent.leaks.thoughts import (
    FRAMES,
    THINK,
    answer_in_field,
    later_thoughts,
    plain_html,
    split,
    stripped,
    without_ends,
)

Now = Literal["text", "reasoning", "call", "nothing"]

_DOUBTFUL = "the call stands in what may be a quotation or an example; repeat it outside of any code or quotation"
_INVENTED = "the call stands behind the end of the message"
_TORN = "an end tag stands behind it that ends nothing, so a value of it may go on there; send it again, alone"
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
        return _kept((*self.reasoning_spans, *self.text_spans), "text")

    @property
    def reasoning(self) -> str:
        return _kept((*self.reasoning_spans, *self.text_spans), "reasoning")


def _raw(pieces: Iterable[Piece]) -> str:
    return "".join(piece.raw for piece in pieces)


def _kept(spans: Iterable[Span], now: Now) -> str:
    text = "".join(span.raw for span in spans if span.now == now)
    return text if text.strip(WHITE) else ""


def decide(
    text: Iterable[Piece],
    reasoning: Iterable[Piece],
    structured: tuple[StructuredCall, ...],
    offers: tuple[Offer, ...],
    dialects: tuple[Dialect, ...],
    *,
    allowed: bool = True,
) -> Decision:
    """Judges a message that has ended. `allowed`: the request permits calls. Never raises."""
    message = _Message(Judge(offers if allowed else (), dialects), {call.name for call in structured})
    for call in structured:
        message.judge.structured(call)
    return message.decision(plain_html(joined(text)), plain_html(joined(reasoning)))


class _Message:
    """One message under judgement."""

    def __init__(self, judge: Judge, structured: set[str]) -> None:
        self.judge = judge
        self._structured = structured

    def decision(self, text: list[Piece], reasoning: list[Piece]) -> Decision:
        has_field = any(piece.raw.strip(WHITE) for piece in reasoning)
        text, stops = self._without_ends(text)
        reasoning, field_stops = self._without_ends(reasoning)
        thought, said = split(stripped(text, self.judge.dialects), self._first_call, has_field=has_field)
        if thought:
            self.judge.note("reasoning_in_text", _raw(thought))
        field, answer = answer_in_field(reasoning)
        said_spans = self._said(said, len(_raw(thought)), "text")
        answer_spans = self._said(answer, len(_raw(field)), "reasoning")
        told = _kept((*said_spans, *answer_spans), "text")
        outside = bool(self._structured) or bool(self.judge.calls) or bool(told)
        thought_spans = self._thoughts(thought, outside, "text")
        spoken = outside or any(span.raw.strip(WHITE) for span in thought_spans)
        field_spans = self._thoughts(field, spoken, "reasoning")
        return Decision(
            tuple(self.judge.calls),
            tuple(self.judge.repairs),
            (*thought_spans, *said_spans, *stops),
            (*field_spans, *answer_spans, *field_stops),
        )

    def _without_ends(self, pieces: list[Piece]) -> tuple[list[Piece], list[Span]]:
        judge = self.judge
        rest, ends = without_ends(pieces, judge.dialects, judge.note, calls=bool(judge.offers))
        return rest, [Span(raw, "nothing") for raw in ends]

    def _first_call(self, pieces: list[Piece]) -> int:
        """Where the first call begins, -1 for nowhere."""
        at = 0
        for item in itemise(literal(pieces)[0], self.judge.names):
            if item.calls and self._means_something(item):
                return at
            at += len(item.raw)
        return -1

    def _said(self, pieces: list[Piece], at: int, source: Source) -> list[Span]:
        """The text outside the reasoning; `at` is where it begins in its channel."""
        pieces, doubtful = literal(pieces)
        items = itemise(pieces, self.judge.names, at)
        last = max((n for n, item in enumerate(items) if item.raw.strip(WHITE)), default=-1)
        thoughts = later_thoughts(items)
        over = next((n for n, item in enumerate(items) if item.role is Role.STOP and not is_mentioned(items, n)), last)
        torn, enclosed = last_torn(items), enclosed_in_thoughts(items)
        spans: list[Span] = []
        here = 0
        for number, item in enumerate(items):
            doubted = doubtful.meet(here, here + len(item.raw))
            example = doubted and not (number == last and item.complete)
            here += len(item.raw)
            if number in thoughts:
                spans.append(Span(item.raw, "nothing" if item.role in THINK else "reasoning"))
            elif item.role in FRAMES and not is_mentioned(items, number):
                self.judge.note("frame", item.raw)
                spans.append(Span(item.raw, "nothing"))
            elif item.kind != "block" or example or number in enclosed or is_mentioned(items, number):
                spans.append(Span(item.raw, "text"))
            else:
                unless = _DOUBTFUL if doubted else _INVENTED if number > over else _TORN if number <= torn else ""
                spans.append(Span(item.raw, self._block(item, source, unless)))
        blocks = any(item.kind == "block" and span.now != "text" for item, span in zip(items, spans, strict=True))
        if blocks:
            return self._without_strays(items, spans)
        plain = source == "text" and all(span.now == "text" for span in spans)
        return self._bare(items, spans, at) if plain else spans

    def _block(self, item: Item, source: Source, unless: str) -> Now:
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
        self._calls(item, source, unless)
        return "call"

    def _means_something(self, item: Item) -> bool:
        return any(self.judge.meant(call) for call in item.calls)

    def _calls(self, item: Item, source: Source, unless: str = "") -> None:
        self.judge.note("leaked_call", item.raw)
        if not item.regular:
            self.judge.note("section", item.raw)
        if item.noise:
            self.judge.note("section_noise", item.noise)
        for call in item.calls:
            self.judge.leaked(call, source, unless)

    def _without_strays(self, items: list[Item], spans: list[Span]) -> list[Span]:
        """Beside real calls, a call marker that is left over belongs to them."""
        strays = [is_call_mark(item) for item in items]
        for item, stray in zip(items, strays, strict=True):
            if stray:
                self.judge.note("stray_marker", item.raw)
        return [Span(span.raw, "nothing") if stray else span for span, stray in zip(spans, strays, strict=True)]

    def _bare(self, items: list[Item], spans: list[Span], at: int) -> list[Span]:
        """Calls without markers: they merely read, or they are refused (headers) or text (no headers)."""
        text = "".join(span.raw for span in spans)
        plain = "".join(" " * len(item.raw) if is_call_mark(item) else item.raw for item in items)
        found = bare_calls(plain, self.judge.offers, self.judge.dialects)
        if any(call.written.raw not in text for call in found):  # a marker in its arguments is data
            found = bare_calls(text, self.judge.offers, self.judge.dialects)
        offers = [resolve(call.written.header, None, self.judge.offers, ANY).offer for call in found]
        if self._structured and not (found and all(offer and offer.name in self._structured for offer in offers)):
            return self._without_strays(items, spans)
        if not found or any(ranges.hold(found[0].at) for ranges in quoted(text)):
            return spans
        start = len(plain[: found[0].at].rstrip(WHITE))
        if self._structured:
            self.judge.note("duplicate_of_structured", text[start:])
            return [Span(text[:start], "text"), Span(text[start:], "nothing")]
        readers = all(offer is not None and offer.merely_reads for offer in offers)
        if not readers and not found[0].explicit:
            return spans
        for call in found:
            written = call.written
            self.judge.note("bare_call", written.header + written.raw)
            span = CallSpan(written.header, written.raw, written.arguments, at + written.offset, None, False, True)
            self.judge.leaked(span, "text", changes=_UNMARKED)
        return [Span(text[:start], "text"), Span(text[start:], "call")]

    def _thoughts(self, pieces: list[Piece], outside: bool, channel: Source) -> list[Span]:
        """Reasoning: blocks that end it may run if nothing outside speaks; all others are drafts."""
        pieces, doubtful = literal(pieces)
        items = itemise(pieces, self.judge.names)
        drafts = (n for n, i in enumerate(items, 1) if not (i.calls or i.role in THINK) and i.raw.strip(WHITE))
        start = max(drafts, default=0)
        may_run = bool(self.judge.offers) and not outside
        spans: list[Span] = []
        spoken = False
        here = 0
        for number, item in enumerate(items):
            doubted = doubtful.meet(here, here + len(item.raw))
            here += len(item.raw)
            if item.role in THINK and (number >= start or not spoken):
                spans.append(Span(item.raw, "nothing"))
            elif may_run and number >= start and not doubted and item.calls and self._means_something(item):
                self.judge.note("call_in_reasoning", item.raw)
                self._calls(item, channel)
                spans.append(Span(item.raw, "call"))
            else:
                spans.append(Span(item.raw, "reasoning"))
                spoken = spoken or bool(item.raw.strip(WHITE))
        return spans
