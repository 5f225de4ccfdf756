"""The loop: ask the model, run its calls, give it the results, until it answers.

Strategy. The loop awaits and decides nothing: `wire` reads the answer, `rules` say who may run and when to try again,
`Conversation` keeps the history. Everything that happens is emitted as an event, in order; closed events go through
`_apply`, which hands them to the conversation first, so that what was emitted is what the history holds.

An interrupt arrives as `asyncio.CancelledError`, anywhere. Whatever was open then is closed: calls that had not
started are answered as not run, the others as maybe run, and the history can be sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing

from roundtrip.agent.conversation import Conversation, State
from roundtrip.agent.events import (
    AssistantEnded,
    ClosedEvent,
    Event,
    Failed,
    Interrupted,
    ModelChanged,
    Outcome,
    Repaired,
    RequestSent,
    Retrying,
    TurnEnded,
    UserSaid,
)
from roundtrip.agent.rules import retries
from roundtrip.agent.rules.dispatch import offers
from roundtrip.agent.rules.repeats import Repeats
from roundtrip.agent.runtime.calls import CallRunner
from roundtrip.agent.tooling import Approver, Model, ModelFailure, Opened, Recorder, Tool
from roundtrip.agent.wire.errors import is_parse_failure
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import PROFILES, Profile, profile_for
from roundtrip.agent.wire.render import render, size_of
from roundtrip.agent.wire.reply import Reply
from roundtrip.agent.wire.surrogates import encodable

Emit = Callable[[Event], None]


class Agent:
    """One session with one model. `turn` runs one turn; turns come one after another.

    Raises ValueError where two tools have the same name.
    """

    def __init__(
        self,
        model: Model,
        model_name: str,
        conversation: Conversation,
        tools: Sequence[Tool],
        approver: Approver,
        emit: Emit,
        max_steps: int = 50,
        *,
        images: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        names = [tool.spec.name for tool in tools]
        if doubled := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"there are two tools called {doubled}: leave one out")
        self._model = model
        self._model_name = model_name
        self.conversation = conversation
        self._tools = tools
        self._approver = approver
        self._emit = emit
        self._max_steps = max_steps
        self._recorder = recorder
        self.images = images
        """Whether the model takes images."""
        self._queue: list[str] = []
        self._profile = PROFILES.get(conversation.profile) or profile_for(model_name)
        self._calls_allowed = True
        """Whether requests may let the server parse calls; not any more once that failed and the leak was read."""

    @property
    def profile(self) -> str:
        """Name of the profile that requests are rendered for."""
        return self._profile.name

    @property
    def queue(self) -> tuple[str, ...]:
        """What the user said while the turn runs, and the model has not been told."""
        return tuple(self._queue)

    def say(self, text: str) -> None:
        """Tells the model during a turn: behind the results of the tools that run, with the next request.

        If the model answers before that, the text stays in the `queue`, for a turn of its own.
        """
        self._queue.append(text)

    def take_back(self) -> list[str]:
        """Empties the queue. Returns what was in it."""
        texts, self._queue = self._queue, []
        return texts

    def use(self, model_name: str, profile: Profile, *, images: bool = False) -> None:
        """From here on, another model. Only between two turns."""
        self._model_name, self._profile, self.images, self._calls_allowed = model_name, profile, images, True
        self._apply(ModelChanged(model_name, profile.name))

    def child(self, tools: Sequence[Tool], emit: Emit, max_steps: int) -> Agent:
        """Another agent with the same model, instructions, approver and recorder, which has heard nothing yet."""
        conversation = Conversation(self.conversation.system)
        conversation.apply(ModelChanged(self._model_name, self._profile.name))
        return Agent(
            self._model, self._model_name, conversation, tools, self._approver, emit, max_steps,
            images=self.images, recorder=self._recorder,
        )  # fmt: skip

    async def turn(self, text: str) -> TurnEnded:
        """From what the user says to the agent's answer. Never raises for anything a model or server does."""
        if self.conversation.state is State.RUNNING:  # a log that ends in the middle of a turn
            self._apply(Interrupted())
        first = self.conversation.step
        self._apply(UserSaid(encodable(text)))
        try:
            ended = await self._steps(first)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            while task is not None and task.uncancel():
                pass  # every request to cancel is answered by this one end
            self._apply(Interrupted())
            ended = TurnEnded("interrupted", "", self.conversation.step - first)
        self._emit(ended)
        return ended

    def _apply(self, event: ClosedEvent) -> None:
        self.conversation.apply(event)
        self._emit(event)

    async def _steps(self, first: int) -> TurnEnded:
        runner = CallRunner(self._tools, self._approver, Repeats(), self._apply, self._emit, self._recorder)
        unresolved = 0
        while (steps := self.conversation.step - first) < self._max_steps:
            for text in self.take_back():
                self._apply(UserSaid(encodable(text)))
            said = await self._ask()
            if isinstance(said, Failed):
                return self._end("failed", said, steps)
            if self.conversation.state is State.READY:
                answer = said.message.content.strip()
                if said.finish_reason == "length":
                    cut = Failed("length", f"the answer stops in the middle: {_LENGTH}")
                    return self._end("limit", cut, steps + 1, answer)
                return TurnEnded("answered", answer, steps + 1)
            runs = [call for call in said.message.calls if not call.problem]
            unresolved = 0 if runs else unresolved + 1
            outcome = await runner.run(said)
            if outcome.answer is not None:
                return TurnEnded("answered", outcome.answer.strip(), steps + 1)
            if outcome.stop:
                text = "the model made the same call with the same result again and again; put it differently"
                return self._end("limit", Failed("repeats", text), steps + 1)
            if unresolved > retries.MOST_UNRESOLVED:
                problems = [call.problem for call in said.message.calls] + [call.reason for call in said.unreadable]
                return self._end("failed", Failed("unresolved", _unresolved(problems)), steps + 1)
        text = f"stopped after {self._max_steps} steps without an answer; allow more with --max-steps"
        return self._end("limit", Failed("steps", text), steps)

    def _end(self, outcome: Outcome, failed: Failed, steps: int, answer: str = "") -> TurnEnded:
        self._emit(failed)
        return TurnEnded(outcome, answer, steps)

    async def _ask(self) -> AssistantEnded | Failed:
        """One answer of the model, over as many requests as it takes; it is in the history then."""
        attempts, number, empty, why = retries.Attempts(), 0, 0, "turn"
        while True:
            reply = await self._request(why)
            if isinstance(reply, Failed):
                return reply
            if isinstance(reply, ModelFailure) and is_parse_failure(reply.text) and self._calls_allowed:
                # The same prompt, but the server leaves the markup alone, and we read it (llama.cpp with --special).
                self._calls_allowed = False
                self._emit(Repaired("server_parse_failure", reply.text))
                why = "recovery"
                continue
            if isinstance(reply, ModelFailure):
                reason, seconds = reply.text, attempts.delay(reply)
                if seconds is None:
                    return Failed(reply.kind, _explained(reply))
            else:
                self._apply(reply)
                if _says_something(reply):
                    return reply
                empty += 1
                reason, seconds = _empty(reply), 0.0
                if empty > retries.MOST_EMPTY:
                    return Failed("empty", reason)
            number += 1
            self._emit(Retrying(number, seconds, reason))
            await asyncio.sleep(seconds)
            why = "again"

    async def _request(self, why: str) -> AssistantEnded | ModelFailure | Failed:
        """Sends the history once."""
        specs = [tool.spec for tool in self._tools]
        messages, profile, images = self.conversation.messages, self._profile, self.images
        body = render(messages, specs, self._model_name, profile, calls_allowed=self._calls_allowed, images=images)
        violations = preflight(body, profile, images=images)
        if violations:
            text = f"the history can't be sent, which is a bug of this program: {'; '.join(violations[:3])}"
            return Failed("internal", text)
        self._emit(RequestSent(self.conversation.step, len(messages), size_of(body), why))
        reply: Reply | None = None
        cut: ModelFailure | None = None
        async with aclosing(self._model.exchange(body)) as items:
            async for item in items:
                if isinstance(item, ModelFailure):
                    cut = item
                elif isinstance(item, Opened):
                    step = self.conversation.step
                    reply = Reply(step, offers(specs), self._profile, content_type=item.content_type)
                elif reply is not None:
                    self._emit_all(reply.feed(item))
                    if reply.done:
                        break
        if reply is None and cut and cut.message and self._calls_allowed:
            reply = Reply.of_error(self.conversation.step, offers(specs), self._profile, cut.message)
            cut = None if reply else cut
        if reply is None:
            return cut or ModelFailure("unreachable", "the server closed the connection without an answer")
        return self._concluded(reply, cut)

    def _concluded(self, reply: Reply, cut: ModelFailure | None) -> AssistantEnded | ModelFailure | Failed:
        events = reply.end(cut=cut is not None)
        ended = [event for event in events if isinstance(event, AssistantEnded)]
        self._emit_all(event for event in events if not isinstance(event, AssistantEnded))
        if reply.profile is not self._profile:
            self._profile = reply.profile
            self._apply(ModelChanged(self._model_name, self._profile.name))
        match reply.ending:
            case "message":
                return ended[0]
            case "cut":
                return ModelFailure("cut", cut.text if cut else reply.error)
            case "no chat":
                return Failed("server", f"{reply.error}; is the base URL right? It usually ends in /v1")
            case _:
                return ModelFailure("refused", reply.error, reply.status)

    def _emit_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._emit(event)


_LENGTH = "it reached the server's token limit; raise the limit or the context size"


def _says_something(ended: AssistantEnded) -> bool:
    return bool(ended.message.content.strip() or ended.message.calls or ended.unreadable)


def _empty(ended: AssistantEnded) -> str:
    thought = "reasoning but neither text nor a call" if ended.message.reasoning else "an empty answer"
    if ended.finish_reason == "length":
        return f"the model sent {thought}: {_LENGTH}"
    return f"the model sent {thought}"


_ADVICE = {
    "unreachable": "is the server running, and is the base URL right?",
    "cut": "the connection broke in the middle of the answer, several times; look at the server's log",
    "silent": "give the server more time",
}
_STATUS_ADVICE = {
    401: "; check the API key",
    403: "; check the API key",
    404: "; check the base URL and the model's name",
}


def _explained(failure: ModelFailure) -> str:
    """What happened, and what to do about it."""
    if failure.kind == "refused":
        return f"the server answered HTTP {failure.status}: {failure.text}{_STATUS_ADVICE.get(failure.status, '')}"
    return f"the server could not be used ({failure.text}); {_ADVICE[failure.kind]}"


def _unresolved(problems: Sequence[str]) -> str:
    what = "; ".join(dict.fromkeys(problem for problem in problems if problem))
    return f"the model's tool calls could not be used, {retries.MOST_UNRESOLVED + 1} times in a row: {what}"
