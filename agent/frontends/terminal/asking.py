"""The approver that is a person: one question at a time, answered by one key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from roundtrip.agent.messages import Call, Effect
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.tooling import Intent, Refusal

Answer = Literal["yes", "always", "no"]

_WHAT: Final = {"edits": "Make this change?", "runs": "Run this command?", "network": "Let it use the network?"}
_KINDS: Final = {"edits": "edits", "runs": "commands", "network": "network access"}


@dataclass(frozen=True, slots=True)
class Question:
    """A call that waits for an answer."""

    call: Call
    intent: Intent
    answered: asyncio.Future[Refusal | None]

    @property
    def open(self) -> bool:
        """Whether it can still be answered."""
        return not self.answered.done()

    @property
    def text(self) -> str:
        return _WHAT.get(self.intent.effect, "Do this?")

    @property
    def keys(self) -> str:
        """What can be answered."""
        return f"[y]es  [a]lways allow {_KINDS.get(self.intent.effect, 'this')} in this session  [n]o, and why"


class Asker:
    """show: shows what a question is about; changed: hears that one is open. Who answers it calls `answer`.

    allowed: what needs no question.
    """

    def __init__(
        self,
        allowed: frozenset[Effect],
        show: Callable[[Question], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._at_first = self._allowed = allowed
        self._show = show
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self.question: Question | None = None

    @property
    def mode(self) -> str:
        """What is allowed, in a word for the status line."""
        kinds = [_KINDS[effect] for effect in ("edits", "runs") if effect in self._allowed]
        return f"{' and '.join(kinds)} allowed" if kinds else "asks first"

    def forget(self) -> None:
        """Another session: what was always allowed was so in the one before."""
        self._allowed = self._at_first

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """See `tooling.Approver`."""
        async with self._one_at_a_time:
            if await Permissions(self._allowed).approve(call, intent) is None:
                return None
            question = Question(call, intent, asyncio.get_running_loop().create_future())
            await self._show(question)
            self.question = question
            try:
                self._changed()
                return await question.answered
            finally:
                self.question = None
                self._changed()

    def answer(self, answer: Answer, feedback: str = "") -> None:
        """Answers the open question, if there is one. feedback: why not, for the model."""
        question = self.question
        if question is None or not question.open:
            return
        if answer == "always":
            self._allowed |= {question.intent.effect}
        why = f"They said: {feedback.strip()}" if feedback.strip() else "Ask what they want instead, or go on without."
        refusal = Refusal(f"Not run: the user said no. {why}")
        question.answered.set_result(refusal if answer == "no" else None)
