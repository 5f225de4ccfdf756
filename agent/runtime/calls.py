"""Runs the calls of one assistant message: each gets exactly one result.

Calls that merely read and stand side by side run together; all others run alone, in order. Results are reported as
they come; the conversation puts them into call order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from roundtrip.agent.events import AssistantEnded, ClosedEvent, Event, ToolFinished, ToolOutput, ToolStarted
from roundtrip.agent.messages import Call, ToolResult
from roundtrip.agent.rules.dispatch import Dispatched, dispatch, key, with_notes
from roundtrip.agent.rules.repeats import Repeats
from roundtrip.agent.runtime.approved import approved_as, judging
from roundtrip.agent.tooling import Approver, Intent, Output, Recorder, Refusal, Tool
from roundtrip.agent.wire.surrogates import encodable

NOT_STARTED = "Not run: the user interrupted before it started."


@dataclass(slots=True)
class Outcome:
    """What the calls mean for the turn: an `answer` ends it, and so does `stop` (the same thing for ever)."""

    answer: str | None = None
    stop: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    call: Call
    what: Dispatched | Refusal

    @property
    def reads(self) -> bool:
        return isinstance(self.what, Refusal) or self.what.tool.spec.effect == "reads"

    @property
    def key(self) -> str:
        if isinstance(self.what, Refusal):
            return key(self.call.name, {"": self.call.arguments, "why": self.what.reason})
        return key(self.what.tool.spec.name, self.what.arguments)


class CallRunner:
    """Runs calls for one turn. `apply` takes closed events, `emit` all others."""

    def __init__(
        self,
        tools: Sequence[Tool],
        approver: Approver,
        repeats: Repeats,
        apply: Callable[[ClosedEvent], None],
        emit: Callable[[Event], None],
        recorder: Recorder | None = None,
    ) -> None:
        self._tools = tools
        self._approver = approver
        self._repeats = repeats
        self._apply = apply
        self._emit = emit
        self._recorder = recorder

    async def run(self, said: AssistantEnded) -> Outcome:
        """Runs all calls of a message and reports each result. When cancelled, answers what had not begun."""
        outcome = Outcome()
        plan = [_Planned(call, dispatch(call, self._tools)) for call in said.message.calls]
        waiting = {planned.call.index for planned in plan}
        try:
            for reads, group in groupby(plan, key=lambda planned: planned.reads):
                side_by_side = list(group)
                for batch in [side_by_side] if reads else [[planned] for planned in side_by_side]:
                    await self._batch(said.step, batch, waiting, outcome)
        except asyncio.CancelledError:
            for index in sorted(waiting):
                self._apply(ToolFinished(said.step, index, NOT_STARTED, failed=True))
            raise
        return outcome

    async def _batch(self, step: int, batch: list[_Planned], waiting: set[int], outcome: Outcome) -> None:
        """Calls that may run at the same time. Equal ones run once."""

        async def run_and_report(planned: _Planned) -> _Done:
            done = await self._one(step, planned, waiting)
            self._report(step, planned, done, waiting, outcome)
            return done

        running: dict[str, asyncio.Task[_Done]] = {}
        again: list[_Planned] = []
        async with asyncio.TaskGroup() as tasks:
            for planned in batch:
                if planned.key in running:
                    again.append(planned)
                else:
                    running[planned.key] = tasks.create_task(run_and_report(planned))
        for planned in again:
            done = running[planned.key].result()
            once = replace(done, result=replace(done.result, images=()))  # the model has seen them with the first one
            self._report(step, planned, once, waiting, outcome)

    async def _one(self, step: int, planned: _Planned, waiting: set[int]) -> _Done:
        """Runs one call, or finds why not. Whatever a tool does, its call gets a result."""
        if isinstance(planned.what, Refusal):
            return _Done(ToolResult(planned.what.reason, failed=True))
        known = self._repeats.known(planned.key)
        if known is not None:
            return _Done(ToolResult(known, failed=True))
        try:
            return await self._run(step, planned.call, planned.what, waiting)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failure("it was cancelled from inside")
        except Exception as error:
            return _failure(f"{type(error).__name__}: {error}")

    async def _run(self, step: int, call: Call, what: Dispatched, waiting: set[int]) -> _Done:
        """Asks for permission, and runs the tool."""
        with judging():
            intent = what.tool.intent(what.arguments)
            if intent.refusal:
                return _Done(ToolResult(f"Not run: {intent.refusal.reason}", failed=True))
            refusal = await self._approver.approve(call, intent)
        if refusal:
            return _Done(ToolResult(refusal.reason, failed=True), refused=True)
        self._emit(ToolStarted(step, call.index, call.name, call.arguments))
        output = partial(self._output, step, call.index)
        async with self._recorded(call, intent, output):
            waiting.discard(call.index)
            with approved_as(intent.effect, intent.paths):
                result = await what.tool.run(what.arguments, output)
                if not isinstance(result, ToolResult):  # a tool of somebody else's
                    raise TypeError(f"run returned {type(result).__name__}, not ToolResult")
                return _Done(result)

    @asynccontextmanager
    async def _recorded(self, call: Call, intent: Intent, output: Output) -> AsyncIterator[None]:
        """What happens within it can be undone."""
        if self._recorder is None:
            yield
            return
        await self._recorder.before(call, intent, output)
        try:
            yield
        finally:
            await self._recorder.after(call, intent)

    def _output(self, step: int, index: int, text: str) -> None:
        self._emit(ToolOutput(step, index, encodable(text)))

    def _report(self, step: int, planned: _Planned, done: _Done, waiting: set[int], outcome: Outcome) -> None:
        result = done.result
        rung, hint = self._repeats.count(planned.key, result.content)
        notes = planned.what.notes if isinstance(planned.what, Dispatched) else ()
        content = encodable(with_notes(result.content, notes) + (f"\n{hint}" if hint else ""))
        details = encodable(result.details)
        waiting.discard(planned.call.index)
        refused = done.refused or result.refused
        images = tuple(image for image in result.images if image.sound)
        self._apply(ToolFinished(step, planned.call.index, content, details, result.failed, refused, images))
        outcome.stop = outcome.stop or rung == "stop"
        if result.answer is not None:
            outcome.answer = result.answer


@dataclass(frozen=True, slots=True)
class _Done:
    result: ToolResult
    refused: bool = False


def _failure(what: str) -> _Done:
    """A bug of the tool."""
    return _Done(ToolResult(f"The tool failed: {what}", failed=True))
