"""One answer of the server, from its first byte to its last: bytes in, events out.

Strategy. The body is a stream of server-sent events, or one JSON object from a server that does not stream, or a web
page from something that is no model server; which one, the content type says, and the first bytes where it lies.
An answer ends in one of the ways of `Ending`; only "message" has judged calls, in all others nothing may run.

llama.cpp checks the finished text against its own grammar, and where that fails (`--special` leaves a trailing
`<|im_end|>`) sends an error frame after the complete deltas of all calls: then the deltas are right and are kept.
Other servers put the model's text into the error: if its calls can run, it is the rest of the answer.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from roundtrip.agent.events import Event, Repaired, UsageReported
from roundtrip.agent.leaks import Offer
from roundtrip.agent.wire.assemble import Assembler
from roundtrip.agent.wire.chunks import Delta, Usage, read_chunk
from roundtrip.agent.wire.errors import calls_in, is_parse_failure
from roundtrip.agent.wire.profiles import Profile
from roundtrip.agent.wire.sse import ServerEvent, SseDecoder

Ending = Literal["", "message", "parse failure", "server error", "no chat", "cut"]

_MOST_KEPT = 16 * 1024 * 1024
_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")


class Reply:
    """A state machine over the body's bytes. `end` sets `ending`, `error` and `status` (of an error frame)."""

    def __init__(
        self, step: int, offers: tuple[Offer, ...], profile: Profile, *, allowed: bool = True, content_type: str = ""
    ) -> None:
        self.ending: Ending = ""
        self.error = ""
        self.status = 0
        self._assembler = Assembler(step, offers, profile, allowed=allowed)
        self._decoder = SseDecoder()
        self._plain: bytearray | None = None if "event-stream" in content_type else bytearray()
        self._finish = ""
        self._usage: Usage | None = None
        self._offers = offers if allowed else ()
        self._done = False
        self._read_any = False
        self._torn = False
        """Whether the last event could not be read: then it was not the last."""
        self._other = ""

    @property
    def profile(self) -> Profile:
        """The profile that this answer calls for."""
        return self._assembler.profile

    @classmethod
    def of_error(cls, step: int, offers: tuple[Offer, ...], profile: Profile, message: str) -> Reply | None:
        """The answer in an error that came in place of one; None if there is none in it."""
        if not calls_in(message, offers):
            return None
        reply = cls(step, offers, profile, content_type="application/json")
        reply.feed(json.dumps({"error": {"message": message}}).encode())
        return reply

    @property
    def done(self) -> bool:
        """The server has said its last word; what comes behind it does not count."""
        return self._done

    def feed(self, block: bytes) -> list[Event]:
        """The events of the next bytes."""
        if self._plain is not None:
            self._plain += block[: _MOST_KEPT - len(self._plain)]
            if not _STREAM.match(self._plain):
                return []
            block, self._plain = bytes(self._plain), None  # a stream under the wrong name
        return self._events(self._decoder.feed(block))

    def _events(self, server_events: list[ServerEvent]) -> list[Event]:
        events: list[Event] = []
        for name, data in server_events:
            if self._done:
                break
            delta = read_chunk(data, name)
            if delta is not None:
                events += self._delta(delta)
            elif data.strip() == "[DONE]":
                self._done = True
            elif "\n" in data:  # events that no blank line parts
                events += self._events([ServerEvent(name, line) for line in data.split("\n") if line])
            else:
                self._torn = True
                events.append(Repaired("unreadable_event", data))
        return events

    def _delta(self, delta: Delta) -> list[Event]:
        if delta.error:
            self._done = True
            text = "" if self._assembler.shows_calls else calls_in(delta.message, self._offers)
            if text:
                return [Repaired("error_with_calls", delta.error), *self._assembler.feed(Delta(text=text))]
            self.error, self.status = delta.error, delta.status or 500
            return []
        self._read_any = True
        self._torn = False
        self._finish = delta.finish or self._finish
        self._usage = delta.usage or self._usage  # some send the sum so far with each chunk
        return self._assembler.feed(delta)

    def end(self, *, cut: bool = False) -> list[Event]:
        """The body has ended. `cut`: by the transport, not by the server."""
        events = self._events(self._decoder.finish()) if self._plain is None else self._whole(self._plain)
        if self._usage:
            events.append(UsageReported(*self._usage))
        kept = bool(self.error) and is_parse_failure(self.error) and self._assembler.native.all_complete
        if kept:
            events.append(Repaired("error_after_calls", self.error))
        self._conclude(cut or (self._torn and not self._finish), kept)
        if self.ending == "message":
            unfinished = not (self._finish or self._done)
            events += [Repaired("no_end", "")] * unfinished  # some servers never say it; others were just killed
            return events + self._assembler.end(self._finish, cut=unfinished)
        return events + self._assembler.abandon(self.error)

    def _conclude(self, cut: bool, kept: bool) -> None:
        """Which ending it is."""
        if self.error and not kept:
            self.ending = "parse failure" if is_parse_failure(self.error) else "server error"
        elif self._done:
            self.ending = "message"
        elif self._other and not cut:
            self.ending, self.error = "no chat", self._other
        elif cut or not self._read_any:
            self.ending = "cut"
            self.error = "the connection broke in the middle of the answer" if cut else "the answer was empty"
        else:
            self.ending = "message"

    def _whole(self, body: bytearray) -> list[Event]:
        """A body that is no stream: one JSON object, or something else."""
        text = body.decode("utf-8", "replace").strip()
        delta = read_chunk(text)
        if delta is None or not (delta.error or '"choices"' in text):
            excerpt = " ".join(text.split())[:200]
            self._other = f"the server did not answer as a chat server does: {excerpt!r}"
            return []
        events = self._delta(delta)
        self._done = True
        return events
