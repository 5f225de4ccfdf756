"""Deltas in, events out; at the end, the one `AssistantEnded`.

Strategy. Both text channels run through a scanner; what is text so far is shown as text, what looks like a call is
shown as a call that has begun, and all of it is provisional. When the message has ended, `leaks.decide` judges it
whole, and what was shown otherwise is taken back by `Reclassified` and `CallDropped`. Structured and leaked calls of
a step share one numbering, in order of appearance.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

from roundtrip.agent.events import (
    ArgumentDelta,
    AssistantEnded,
    CallBegun,
    CallDropped,
    CallReady,
    Display,
    Event,
    ReasoningDelta,
    Reclassified,
    Repaired,
    TextDelta,
    Unreadable,
)
from roundtrip.agent.leaks import DIALECTS, Decision, Kind, Offer, Piece, Role, Scanner, Span, Verdict, decide
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.wire.arguments import repaired_object, unreadable
from roundtrip.agent.wire.chunks import Delta
from roundtrip.agent.wire.defuse import restore, restore_json
from roundtrip.agent.wire.native import NativeCalls
from roundtrip.agent.wire.profiles import Profile, profile_seen
from roundtrip.agent.wire.surrogates import Halves

_NOT_ALLOWED = "this request allows no calls"
_DROPPED: Mapping[Display, str] = {
    "text": "it is part of the text",
    "reasoning": "it is a draft in the reasoning",
    "call": "it is part of another call",
}


class Numbers:
    """Numbers the calls of a step."""

    def __init__(self) -> None:
        self.next = 0

    def take(self) -> int:
        self.next += 1
        return self.next - 1


class _Channel:
    """One text channel: its pieces so far, and how each was shown."""

    def __init__(self, plain: Display) -> None:
        self.pieces: list[Piece] = []
        self.shown: list[Display] = []
        self.calls: dict[int, int] = {}
        """Where a call's arguments begin (or its header, if it has none) -> the call's number."""
        self.scanner = Scanner(DIALECTS)
        self.halves = Halves()
        self._plain: Display = plain
        self._showing: Display = plain
        self._size = 0
        self._blank = True
        self._header_at = -1
        self._open = -1

    def add(self, pieces: list[Piece], numbers: Numbers) -> list[Event]:
        events: list[Event] = []
        for piece in pieces:
            kind, raw = piece.kind, piece.raw
            shown: Display
            if kind is Kind.ARGUMENTS:
                if self._open < 0:
                    self._begin_arguments(numbers, events)
                shown = "call"
                events.append(ArgumentDelta(self._open, raw))
            else:
                self._open = -1
                shown = self._plain_piece(piece, numbers, events)
            self.pieces.append(piece)
            self.shown.append(shown)
            self._size += len(raw)
        return events

    def _begin_arguments(self, numbers: Numbers, events: list[Event]) -> None:
        if self._header_at >= 0:
            self._open = self.calls.pop(self._header_at)
        else:
            self._open = numbers.take()
            events.append(CallBegun(self._open, ""))
        self.calls[self._size] = self._open
        self._header_at = -1

    def _plain_piece(self, piece: Piece, numbers: Numbers, events: list[Event]) -> Display:
        raw = piece.raw
        if piece.kind is Kind.HEADER:
            number = numbers.take()
            self.calls[self._size] = number
            self._header_at = self._size
            events.append(CallBegun(number, piece.word))
            return "call"
        if piece.kind is Kind.MARK:
            self._mark(piece.role)
            return "nothing"
        self._header_at = -1
        self._blank = self._blank and not raw.strip()
        events.append(ReasoningDelta(raw) if self._showing == "reasoning" else TextDelta(raw))
        return self._showing

    def _mark(self, role: Role | None) -> None:
        if role is not Role.ARGUMENTS_BEGIN:
            self._header_at = -1
        if role is Role.THINK_BEGIN and self._blank:
            self._showing = "reasoning"
        elif role is not Role.STOP:
            self._showing = self._plain


class Assembler:
    """One assistant message of a step. `allowed`: the turn permits calls, whatever `tool_choice` says."""

    def __init__(self, step: int, offers: tuple[Offer, ...], profile: Profile, *, allowed: bool = True) -> None:
        self.profile = profile
        """The profile that was asked with; after `end`, the one that the answer calls for."""
        self.native = NativeCalls()
        self._step, self._offers, self._allowed = step, offers, allowed
        self._numbers = Numbers()
        self._text, self._reasoning = _Channel("text"), _Channel("reasoning")
        self._field = ""
        self._begun: set[int] = set()

    def feed(self, delta: Delta) -> list[Event]:
        """The events of one delta."""
        events: list[Event] = []
        if delta.reasoning:
            self._field = self._field or delta.field
            events = self._scan(self._reasoning, delta.reasoning)
        if delta.text:
            events += self._scan(self._text, delta.text)
        for call in delta.calls:
            number, name, text, begun = self.native.feed(call, self._numbers.next)
            if number == self._numbers.next:
                self._numbers.take()
            if begun:
                self._begun.add(number)
                events.append(CallBegun(number, name))
            if text:
                events.append(ArgumentDelta(number, text))
        return events

    def _scan(self, channel: _Channel, text: str) -> list[Event]:
        return channel.add(channel.scanner.feed(channel.halves.whole(text)), self._numbers)

    def _flush(self) -> list[Event]:
        events: list[Event] = []
        for channel in (self._reasoning, self._text):
            rest = channel.scanner.feed(channel.halves.rest()) + channel.scanner.finish()
            events += channel.add(rest, self._numbers)
        return events

    def end(self, finish: str = "", *, cut: bool = False) -> list[Event]:
        """The message has ended: judges it, takes back what was shown wrongly, and ends with `AssistantEnded`.

        cut: it broke off, so that a call without arguments has lost them.
        """
        events = self._flush()
        structured = self.native.calls(cut or finish == "length", self._numbers.take)
        decision = decide(
            self._text.pieces,
            self._reasoning.pieces,
            structured,
            self._offers,
            DIALECTS,
            allowed=self._allowed,
        )
        events += [Repaired(kind, raw) for kind, raw in self.native.repairs]
        events += [Repaired(repair.kind, repair.raw) for repair in decision.repairs]
        events += _reclassified(self._reasoning, decision.reasoning_spans)
        events += _reclassified(self._text, decision.text_spans)
        verdicts = [_sendable(verdict, self.profile.markers) for verdict in decision.calls]
        numbered = sorted(((self._number(v), v) for v in verdicts), key=lambda pair: pair[0])
        ended = self._ended(decision, numbered, finish)
        reasons = self._reasons(decision) | {number: verdict.problem for number, verdict in numbered}
        events += [CallDropped(number, reason) for number, reason in sorted(reasons.items()) if reason]
        events += [CallReady(call.index, call.name, call.arguments) for call in ended.message.calls if not call.problem]
        leaked = tuple(verdict.dialect for verdict in decision.calls if verdict.source != "structured")
        ids = tuple(call.id for call in ended.message.calls if call.id)
        self.profile = profile_seen(self.profile, ids, leaked)
        return [*events, ended]

    def _reasons(self, decision: Decision) -> dict[int, str]:
        """Why a call that was shown is none; for those that are calls it does not count."""
        stripped = "it repeats a structured call" if self._begun else _NOT_ALLOWED
        reasons = dict.fromkeys(self._begun, "it is empty" if self._offers and self._allowed else _NOT_ALLOWED)
        for channel, spans in ((self._reasoning, decision.reasoning_spans), (self._text, decision.text_spans)):
            starts = list(accumulate((len(span.raw) for span in spans), initial=0))
            for at, number in channel.calls.items():
                inside = bisect_right(starts, at) - 1
                now = spans[inside].now if inside < len(spans) else "nothing"
                reasons[number] = stripped if now == "nothing" else _DROPPED[now]
        return reasons

    def abandon(self, reason: str) -> list[Event]:
        """The message broke off and counts for nothing: takes back all that was shown."""
        events = self._flush()
        for channel in (self._reasoning, self._text):
            events += _reclassified(channel, tuple(Span(piece.raw, "nothing") for piece in channel.pieces))
        return [*events, *(CallDropped(number, reason) for number in sorted(self._shown_calls()))]

    @property
    def shows_calls(self) -> bool:
        """Whether anything that may be a call was seen so far."""
        return bool(self._shown_calls())

    def _shown_calls(self) -> set[int]:
        return self._begun | set(self._text.calls.values()) | set(self._reasoning.calls.values())

    def _number(self, verdict: Verdict) -> int:
        if verdict.source == "structured":
            return verdict.at
        channel = self._text if verdict.source == "text" else self._reasoning
        return channel.calls[verdict.at] if verdict.at in channel.calls else self._numbers.take()

    def _ended(self, decision: Decision, numbered: list[tuple[int, Verdict]], finish: str) -> AssistantEnded:
        markers = self.profile.markers
        message = Assistant(
            restore(decision.content, markers),
            restore(decision.reasoning, markers),
            tuple(_call(number, verdict, markers) for number, verdict in numbered if verdict.name),
            self._field or "reasoning_content",
        )
        unreadable = (Unreadable(v.header, v.raw, v.problem) for _, v in numbered if not v.name)
        return AssistantEnded(self._step, message, tuple(unreadable), finish)


def _sendable(verdict: Verdict, markers: tuple[str, ...]) -> Verdict:
    """The verdict as the history can hold it: with arguments that every server reads again, and with a problem that
    shows the model no control tokens, because it would imitate them."""
    problem = verdict.problem
    for marker in markers:
        problem = problem.replace(marker, "…")
    trouble = unreadable(verdict.arguments) if verdict.readable else ""
    return replace(verdict, problem=problem or trouble, readable=verdict.readable and not trouble)


def _call(number: int, verdict: Verdict, markers: tuple[str, ...]) -> Call:
    arguments = verdict.arguments if verdict.readable else repaired_object(verdict.raw)
    return Call(
        number,
        restore(verdict.name, markers),
        restore_json(arguments, markers),
        restore_json(verdict.raw, markers),
        verdict.id,
        verdict.problem,
        "" if verdict.source == "structured" else verdict.header,
    )


def _reclassified(channel: _Channel, spans: tuple[Span, ...]) -> list[Event]:
    """Compares how each run of a channel was shown with what it is."""
    changes: list[tuple[Display, Display, list[str]]] = []
    pieces = iter(zip(channel.pieces, channel.shown, strict=True))
    left = ""
    was: Display = "nothing"
    for span in spans:
        raw = span.raw
        while raw:
            if not left:
                piece, was = next(pieces)
                left = piece.raw
            size = min(len(left), len(raw))
            run, left, raw = raw[:size], left[size:], raw[size:]
            if was == span.now or {was, span.now} == {"nothing", "call"}:
                continue
            if not changes or changes[-1][:2] != (was, span.now):
                changes.append((was, span.now, []))
            changes[-1][2].append(run)
    return [Reclassified(was, now, "".join(runs)) for was, now, runs in changes]
