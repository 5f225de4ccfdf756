"""A task in a conversation of its own: what `new_task` stands on.

Strategy. The child is an `Agent` like any other, with a history, tools and a workspace of its own (what the child has
read, the parent has not), and with the parent's model and approver. Its events don't enter the parent's stream, where
they would be taken for the parent's own calls: its steps become live output of the call that it answers. Only what it
cost (`UsageReported`) and what had to be repaired (`Repaired`) goes through, so that it is counted. When the parent is
interrupted, the child is first, and has closed its calls and killed its processes when the interrupt goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from roundtrip.agent.events import (
    AssistantEnded,
    Event,
    Failed,
    Repaired,
    Retrying,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UsageReported,
)
from roundtrip.agent.messages import Call, ToolResult
from roundtrip.agent.runtime.loop import Agent, Emit
from roundtrip.agent.tooling import Output

MOST_STEPS: Final = 25
"""Steps of a child: what needs more is no side task."""

_LONGEST: Final = 120
"""Characters of a line about a step."""

_TELLING: Final = ("command", "path", "regex", "url", "message")
"""Parameters that say what a call is about."""

Spawn = Callable[[Emit], Agent]
"""Makes a child that has heard nothing yet; the argument gets its events."""


async def delegate(spawn: Spawn, emit: Emit, message: str, output: Output) -> ToolResult:
    """Has the child do what the message says. See `tooling.Delegate`; emit is the parent's."""
    watcher = _Watcher(emit, output)
    turn = asyncio.create_task(spawn(watcher).turn(message))
    try:
        await asyncio.wait([turn])
    finally:
        if not turn.done():
            turn.cancel()
            await asyncio.wait([turn])
    return watcher.result(turn.result())


class _Watcher:
    """Hears the child's events, and tells what a person and the parent have to know of them."""

    def __init__(self, emit: Emit, output: Output) -> None:
        self._emit = emit
        self._output = output
        self._calls: dict[int, Call] = {}
        self._said = ""
        self._steps: list[str] = []
        """A line for each call that it made."""
        self._failed: Failed | None = None
        self._refused = 0

    def __call__(self, event: Event) -> None:
        match event:
            case UsageReported() | Repaired():
                self._emit(event)
            case AssistantEnded():
                self._calls = {call.index: call for call in event.message.calls}
                self._said = event.message.content.strip() or self._said
                self._line(event.message.content)
            case ToolStarted():
                self._line(_step(self._calls[event.index]))
            case ToolFinished():
                self._refused += event.refused
                call, first = self._calls[event.index], event.content.strip().partition("\n")[0]
                self._steps.append(_cut(f"{'✗' if event.failed else '✓'} {_step(call)}{f': {first}' * event.failed}"))
                if event.failed:
                    self._line(f"{call.name}: {first}")
            case Retrying():
                self._line(f"asking again: {event.reason}")
            case Failed():
                self._failed = event

    def _line(self, text: str) -> None:
        if line := _cut(text):
            self._output(f"{line}\n")

    def result(self, ended: TurnEnded) -> ToolResult:
        """What the parent's call is answered with."""
        steps = f"{ended.steps} step{'' if ended.steps == 1 else 's'}"
        listed = "".join(f"\n{step}" for step in self._steps)
        denied = f"\n({self._refused} of its calls were refused for want of permission.)" if self._refused else ""
        if ended.outcome == "answered":
            answer = ended.answer or "(It ended without an answer.)"
            return ToolResult(f"{answer}{denied}", f"answered after {steps}{listed}", refused=bool(self._refused))
        said = f"\nWhat it said last: {self._said}" if self._said else ""
        content = f"The task was not finished: {self._reason(steps)}{said}{denied}"
        details = f"not finished after {steps}{listed}"
        return ToolResult(content, details, failed=True, refused=bool(self._refused))

    def _reason(self, steps: str) -> str:
        if self._failed is None or self._failed.kind == "steps":
            return f"it was stopped after {steps}. Do the rest yourself, or hand it on in smaller parts."
        return f"{self._failed.text}."


def _step(call: Call) -> str:
    """A call, and what it is about: its first argument, as models write them."""
    told = next((str(value) for name, value in call.parsed.items() if name in _TELLING), "")
    return f"{call.name} {told or next(map(str, call.parsed.values()), '')}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:_LONGEST]}…" if len(line) > _LONGEST else line
