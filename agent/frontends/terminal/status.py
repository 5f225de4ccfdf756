"""What the agent is doing, since when, and what it has cost: two lines, read off the event stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from roundtrip.agent.events import (
    ArgumentDelta,
    AssistantEnded,
    CallBegun,
    Event,
    Interrupted,
    ModelChanged,
    ReasoningDelta,
    Repaired,
    RequestSent,
    Retrying,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UsageReported,
)
from roundtrip.agent.frontends.words import count, duration, printable

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧"
_FRAME: Final = 0.25
"""Seconds for which each sign of the spinner is shown."""

_LONGEST_NAME: Final = 32


class Status:
    """clock: seconds that only go forward. holds: what holds at present beside that, each in a word or two: what may
    be done without asking, what runs in the background."""

    def __init__(self, clock: Callable[[], float], holds: Callable[[], Iterable[str]] = tuple) -> None:
        self._clock = clock
        self._holds = holds
        self.model = ""
        self._doing, self._since, self._stops = "", 0.0, True
        self._prompt_tokens = self._cached_tokens = 0
        self.repairs: Counter[str] = Counter()
        """How often each kind of repair was made."""
        self._running: dict[int, str] = {}
        self._handlers: Mapping[type, Callable[[Any], None]] = {
            RequestSent: lambda event: self.doing("waiting for the model"),
            ReasoningDelta: lambda event: self._go_on("thinking"),
            TextDelta: lambda event: self._go_on("writing"),
            CallBegun: lambda event: self._go_on("writing a call"),
            ArgumentDelta: lambda event: self._go_on("writing a call"),
            AssistantEnded: lambda event: self._calm("working"),
            Interrupted: lambda event: self._calm(""),
            ToolStarted: self._started,
            ToolFinished: self._finished,
            Retrying: lambda event: self.doing("waiting before the next try" if event.seconds >= 1 else "asking again"),
            UsageReported: self._used,
            Repaired: self._repaired,
            ModelChanged: self._changed,
            TurnEnded: lambda event: self._calm(""),
        }

    def __call__(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler:
            handler(event)

    def doing(self, what: str, *, stops: bool = True) -> None:
        """From now on; "" for nothing. stops: whether Esc stops it."""
        self._doing, self._since, self._stops = what, self._clock(), stops

    def forget(self) -> None:
        """Another session: what was counted does not count for it."""
        self._prompt_tokens = self._cached_tokens = 0
        self.repairs.clear()
        self._calm("")

    @property
    def busy(self) -> bool:
        return bool(self._doing)

    def activity(self, *, ascii: bool = False) -> str:
        """What it waits for and since when, "" when it is the user's turn."""
        if not self._doing:
            return ""
        seconds = self._clock() - self._since
        sign = "*" if ascii else SPINNER[int(seconds / _FRAME) % len(SPINNER)]
        since = f" {duration(seconds)}" if seconds >= 1 else ""
        return f"{sign} {self._doing}{since}{' · Esc stops' * self._stops}"

    def line(self, width: int) -> str:
        """Model, mode, tokens, repairs; where that is too wide, the last ones are left out."""
        shown = ""
        for part in self._parts():
            longer = f"{shown} · {part}" if shown else part
            if len(longer) > width:
                break
            shown = longer
        return shown

    def _parts(self) -> Iterator[str]:
        yield _short(printable(self.model)) or "no model yet"
        yield from self._holds()
        if self._prompt_tokens:
            cached = f" ({count(self._cached_tokens)} cached)" if self._cached_tokens else ""
            yield f"{count(self._prompt_tokens)} tokens{cached}"
        if self.repairs:
            yield f"{self.repairs.total()} repair{'' if self.repairs.total() == 1 else 's'}"

    def _calm(self, what: str) -> None:
        """No tool runs any more."""
        self._running = {}
        self.doing(what)

    def _go_on(self, what: str) -> None:
        if self._doing != what:
            self.doing(what)

    def _started(self, event: ToolStarted) -> None:
        self._running[event.index] = event.name
        self.doing(f"running {', '.join(dict.fromkeys(self._running.values()))}")

    def _finished(self, event: ToolFinished) -> None:
        self._running.pop(event.index, None)

    def _used(self, event: UsageReported) -> None:
        self._prompt_tokens = event.prompt_tokens + event.completion_tokens
        self._cached_tokens = event.cached_tokens

    def _repaired(self, event: Repaired) -> None:
        self.repairs[event.kind] += 1

    def _changed(self, event: ModelChanged) -> None:
        self.model = event.model


def _short(model: str) -> str:
    """llama.cpp calls a model by the path of its file."""
    name = model.rstrip("/").rpartition("/")[2]
    return f"{name[: _LONGEST_NAME - 1]}…" if len(name) > _LONGEST_NAME else name
