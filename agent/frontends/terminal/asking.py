"""The approver that is a person: one question at a time, answered by one key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.words import call_line
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.permissions import MODES, Allow, Ask, Deny, Grant, Mode, Permissions
from roundtrip.agent.tooling import Intent, Refusal

Answer = Literal["yes", "always", "project", "no"]

ANSWERS: Final[Mapping[str, Answer]] = {
    "y": "yes",
    "yes": "yes",
    "a": "always",
    "always": "always",
    "p": "project",
    "project": "project",
}
"""Whole lines; what begins with "n" or "no" is a no, and says why."""

_WHAT: Final = {
    "reads": "Read this?",
    "edits": "Make this change?",
    "runs": "Run this command?",
    "network": "Let it use the network?",
}
_BACKGROUND: Final = ("background", "run_in_background", "is_background")
"""Parameters that say so, also as other agents' tools name them."""

_ONCE: Final = "[y]es  [n]o, and why"
_FOR_EVER: Final[Mapping[Answer, str]] = {"always": "[a]lways in this session", "project": "[p] in this project"}
_ALLOWED: Final = {
    "edit": "change files without asking",
    "outside": "read in ",
    "network": "connect to ",
    "protected": "connect to ",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A call that waits for an answer. ask: what the rules say of it."""

    call: Call
    intent: Intent
    ask: Ask
    answered: asyncio.Future[Refusal | None]

    @property
    def open(self) -> bool:
        """Whether it can still be answered."""
        return not self.answered.done()

    @property
    def text(self) -> str:
        what = _WHAT.get(self.intent.effect, "Do this?")
        if self.intent.command and any(self.call.parsed.get(name) for name in _BACKGROUND):
            what = "Run this command in the background?"
        return f"{what} {self.ask.why}".rstrip()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What can be answered."""
        grant = self.ask.grant
        if grant is None:
            return ("yes", "no")
        return ("yes", "always", "no") if grant.kind == "edit" else ("yes", "always", "project", "no")

    @property
    def once(self) -> str:
        """How it is answered for this time."""
        return _ONCE

    @property
    def always(self) -> str:
        """How it is answered for ever, and what that means; or why it can't be."""
        grant = self.ask.grant
        if grant is None:
            return f"(asked each time{f': {self.ask.unruled}' if self.ask.unruled else ''})"
        return f"{', '.join(_FOR_EVER[one] for one in self.answers if one in _FOR_EVER)}: {allowed(grant)}"


def blocks_of(question: Question) -> list[Block]:
    """What the question is about."""
    call, intent = question.call, question.intent
    if intent.command:
        return [Block("command", intent.command)]
    preview = intent.preview()
    about = f"{call.name}:" if preview else call_line(call.name, call.parsed)
    return [Block("note", about), Block("diff", preview, follows=True)]


def allowed(grant: Grant) -> str:
    """What a grant allows."""
    return f"{_ALLOWED.get(grant.kind, '')}{', '.join(grant.values)}"


class Asker:
    """show: shows what a question is about; changed: hears that one is open, or that something else is allowed. Who
    answers it calls `answer`. turn: held while a question is open, so that questions of other kinds wait.
    """

    def __init__(
        self,
        permissions: Permissions,
        show: Callable[[Question], Awaitable[None]],
        changed: Callable[[], None],
        turn: asyncio.Lock | None = None,
    ) -> None:
        self.permissions = permissions
        self._show = show
        self.changed = changed
        self._one_at_a_time = turn or asyncio.Lock()
        self.question: Question | None = None
        self.problem = ""
        """Why what was allowed for the project can't be kept, "" if it can."""

    @property
    def mode(self) -> str:
        """What is allowed, in a word for the status line."""
        return self.permissions.words

    def use(self, mode: Mode) -> None:
        """Another mode."""
        self.permissions.use(mode)
        self.changed()

    def cycle(self) -> None:
        """The next mode."""
        modes = list(MODES)
        self.use(modes[(modes.index(self.permissions.rules.mode) + 1) % len(modes)])

    def forget(self) -> None:
        """Another session: what was always allowed was so in the one before."""
        self.permissions.forget()

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """See `tooling.Approver`."""
        async with self._one_at_a_time:
            decision = self.permissions.decide(intent)
            if isinstance(decision, Allow):
                return None
            if isinstance(decision, Deny):
                return Refusal(decision.reason)
            question = Question(call, intent, decision, asyncio.get_running_loop().create_future())
            await self._show(question)
            self.question = question
            try:
                self.changed()
                return await question.answered
            finally:
                self.question = None
                self.changed()

    def answer(self, answer: Answer, feedback: str = "") -> None:
        """Answers the open question, if there is one. feedback: why not, for the model."""
        question = self.question
        if question is None or not question.open or answer not in question.answers:
            return
        if answer in ("always", "project") and question.ask.grant is not None:
            self.problem = self.permissions.allow(question.ask.grant, project=answer == "project")
        why = f"They said: {feedback.strip()}" if feedback.strip() else "Ask what they want instead, or go on without."
        refusal = Refusal(f"Not run: the user said no. {why}")
        question.answered.set_result(refusal if answer == "no" else None)
