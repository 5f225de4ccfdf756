"""One turn for scripts: the answer goes to stdout, everything else to stderr, a line each.

A reader of the event stream like any other. It keeps what `--json` prints and what the exit code says.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TextIO

from roundtrip.agent.events import (
    ArgumentDelta,
    AssistantEnded,
    CallBegun,
    Event,
    Failed,
    Interrupted,
    ModelChanged,
    ReasoningDelta,
    Repaired,
    RequestSent,
    Retrying,
    TextDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnEnded,
    UsageReported,
)
from roundtrip.agent.frontends.words import duration, fitted, for_people, printable, shown_command
from roundtrip.agent.messages import Call

ANSWERED, FAILED, MISCONFIGURED, LIMIT, REFUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 4, 130, 143
BROKEN = FAILED  # nobody reads what we print

EXIT_CODES: Final = {
    ANSWERED: "the model answered",
    FAILED: "the model or its server failed",
    MISCONFIGURED: "a flag or the configuration is wrong",
    LIMIT: "a limit was reached before the model answered",
    REFUSED: "the model answered, but calls were refused for want of permission",
    INTERRUPTED: "interrupted",
    TERMINATED: "ended by SIGTERM (129: by SIGHUP)",
}
"""What the program's exit codes mean."""

_WAIT_SECONDS: Final = 30.0
_TICK: Final = 0.25
_MOST_SHOWN: Final = 240
_MOST_ARGUMENTS: Final = 70
_TAIL: Final = 3
"""Lines of a failed command's output that are shown."""


class Headless:
    """Prints events to `log` and keeps what a script wants to know.

    live: `log` is a terminal, where a line can be written over: it tells what is awaited, and since when.
    """

    def __init__(self, log: TextIO, *, live: bool = False) -> None:
        self._log = log
        self._live = live
        self._line_open = False
        self.ended: TurnEnded | None = None
        self.calls: list[dict[str, Any]] = []
        self.repairs: list[dict[str, str]] = []
        self.usage = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}
        self.refused = False
        self.advice: Callable[[], str] = str
        """Gives what would let the refused calls run, "" for nothing."""
        self.error = ""
        self.stopped_by = 0
        """The signal that ended the turn, 0 for none; SIGPIPE stands for a reader of our output who has gone."""
        self._open: dict[int, Call] = {}
        self._shown: set[int] = set()
        """The calls whose command stands in the log."""
        self._waiting_since = self._begun = 0.0
        self._waiting_for = ""
        self._handlers: dict[type, Callable[[Any], None]] = {
            RequestSent: self._sent,
            ReasoningDelta: self._heard,
            TextDelta: self._heard,
            CallBegun: self._heard,
            ArgumentDelta: self._heard,
            Repaired: self._repaired,
            AssistantEnded: self._said,
            ToolStarted: self._started,
            ToolOutput: self._heard,
            ToolFinished: self._finished,
            Interrupted: self._interrupted,
            Retrying: self._retrying,
            Failed: self._failed,
            UsageReported: self._used,
            ModelChanged: self._changed,
            TurnEnded: self._over,
        }

    def __call__(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler:
            handler(event)

    @property
    def exit_code(self) -> int:
        """See `EXIT_CODES`."""
        if self.stopped_by == signal.SIGPIPE:
            return BROKEN
        if self.stopped_by:
            return 128 + self.stopped_by
        outcome = self.ended.outcome if self.ended else "failed"
        code = {"answered": ANSWERED, "failed": FAILED, "limit": LIMIT, "interrupted": INTERRUPTED}[outcome]
        return REFUSED if code == ANSWERED and self.refused else code

    async def watch(self) -> None:
        """Says what is awaited; in a log, when nothing has come for a while. Runs until it is cancelled."""
        said_at = 0.0
        while True:
            await asyncio.sleep(_TICK if self._live else 1.0)
            now = time.monotonic()
            if self._live and self._begun:
                self._write_over(f"waiting for {self._waiting_for} … {duration(now - self._begun)} (Ctrl-C stops)")
            elif self._waiting_since and now - max(self._waiting_since, said_at) >= _WAIT_SECONDS:
                said_at = now
                seconds = now - self._waiting_since
                self.line(f"waiting for {self._waiting_for} ({seconds:.0f} s without a word; Ctrl-C stops)")

    def line(self, text: str) -> None:
        """One line to the log, with nothing in it that a terminal would obey."""
        shown = printable(" ".join(text.split()))
        self._write(fitted(f"agent: {shown[:_MOST_SHOWN]}{'…' if len(shown) > _MOST_SHOWN else ''}", self._log))

    def _write_over(self, text: str) -> None:
        with suppress(OSError):
            self._log.write(f"\r\x1b[K{text}")
            self._log.flush()
        self._line_open = bool(text)

    def _write(self, line: str) -> None:
        if self._line_open:
            self._write_over("")
        with suppress(OSError):  # nobody reads it: no reason to stop
            self._log.write(f"{line}\n")
            self._log.flush()

    def _sent(self, event: RequestSent) -> None:
        self._await("the model")

    def _await(self, what: str) -> None:
        self._waiting_for, self._begun = what, time.monotonic()
        self._waiting_since = self._begun

    def _started(self, event: ToolStarted) -> None:
        arguments = self._open[event.index].parsed
        if isinstance(arguments.get("command"), str):  # before it runs, and all of it: nothing holds it back
            self._write(f"agent: $ {printable(shown_command(arguments))}")
            self._shown.add(event.index)
        self._await(event.name)

    def _heard(self, event: Event) -> None:
        self._waiting_since = time.monotonic()

    def _repaired(self, event: Repaired) -> None:
        self.repairs.append({"kind": event.kind, "raw": event.raw})
        self.line(f"repair: {event.kind}")

    def _said(self, event: AssistantEnded) -> None:
        self._waiting_since = 0.0
        self._open, self._shown = {call.index: call for call in event.message.calls}, set()
        if event.message.calls and event.message.content.strip():
            self.line(event.message.content)
        for call in event.unreadable:
            self.line(f"call without a name, not run: {call.reason}")

    def _finished(self, event: ToolFinished) -> None:
        self._waiting_since = 0.0
        call = self._open.pop(event.index)
        self.refused = self.refused or event.refused
        self.calls.append(
            {"name": call.name, "arguments": call.parsed, "failed": event.failed, "refused": event.refused}
        )
        first, *output = event.content.strip().split("\n")
        outcome = for_people(event.content) if event.refused else first
        if event.index in self._shown:
            for line in [line for line in output if line.strip()][-_TAIL:] if event.failed else ():
                self.line(f"| {line}")
            self.line(f"-> {outcome}")
            return
        shown = call.arguments if len(call.arguments) <= _MOST_ARGUMENTS else f"{call.arguments[:_MOST_ARGUMENTS]}…"
        self.line(f"{call.name} {shown} -> {outcome}")

    def _interrupted(self, event: Interrupted) -> None:
        for call in self._open.values():
            self.calls.append({"name": call.name, "arguments": call.parsed, "failed": True, "refused": False})
            self.line(f"{call.name} was stopped; what it did until then stays")
        self._open = {}

    def _retrying(self, event: Retrying) -> None:
        pause = f" in {event.seconds:.1f} s" if event.seconds else ""
        self.line(f"asking again{pause}: {event.reason}")

    def _failed(self, event: Failed) -> None:
        self._waiting_since = 0.0
        self.error = event.text
        self._write(fitted(f"agent: error: {printable(event.text)}", self._log))

    def _used(self, event: UsageReported) -> None:
        self.usage["prompt_tokens"] += event.prompt_tokens
        self.usage["completion_tokens"] += event.completion_tokens
        self.usage["cached_tokens"] += event.cached_tokens

    def _changed(self, event: ModelChanged) -> None:
        self.line(f"the model speaks as {event.profile}")

    def _over(self, event: TurnEnded) -> None:
        self.ended = event
        self._waiting_since = self._begun = 0.0
        if self._line_open:
            self._write_over("")
        if event.outcome == "interrupted":
            self.line("interrupted")
        elif self.refused:
            advice = self.advice()
            self.line(f"calls were refused{f'; {advice}' if advice else ''}")

    def report(self, messages: list[dict[str, Any]], defused: Callable[[str], str]) -> dict[str, Any]:
        """The object that `--json` prints. `messages` as they were sent; raw markup is defused as it is there."""
        ended = self.ended or TurnEnded("interrupted" if self.stopped_by else "failed")
        return {
            "answer": ended.answer,
            "outcome": ended.outcome,
            "error": self.error,
            "exit_code": self.exit_code,
            "calls": self.calls,
            "repairs": [{"kind": repair["kind"], "raw": defused(repair["raw"])} for repair in self.repairs],
            "usage": self.usage,
            "messages": messages,
        }

    def failure(self, error: str, code: int) -> dict[str, Any]:
        """What `--json` prints where no turn was begun."""
        return self.report([], str) | {"error": error, "exit_code": code, "session": ""}
