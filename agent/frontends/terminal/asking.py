"""The approver that is a person: one question at a time, answered by one key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.words import call_line, in_folder
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
"""Whole lines; what begins with a no is one, and says why: see `meant`."""

_WHAT: Final = {
    "reads": "Read this?",
    "edits": "Make this change?",
    "runs": "Run this command?",
    "network": "Let it use the network?",
}
_NO_LINE: Final = re.compile(r"(n|no|nope)(?=$|[\s,:;.!])([,:;.!]*)\s*(.*)", re.IGNORECASE | re.DOTALL)
NEARLY: Final = frozenset({"ok", "okay", "k", "sure", "yep", "yeah", "yup", "fine", "go"})
"""Lines that mean an answer, and are none: what runs is not guessed."""

_BACKGROUND: Final = ("background", "run_in_background", "is_background")
"""Parameters that say so, also as other agents' tools name them."""

NO: Final = "Not run: the user said no."
_SAID: Final = f"{NO} They said: "
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
    folder: str = ""  # where a command runs, as seen from the workspace

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
    def waits(self) -> str:
        """What is said of a line that means an answer, and is none."""
        return f"this is no answer: {', '.join(one[0] for one in self.answers[:-1])}, or n and why"

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
        return [Block("command", in_folder(intent.command, question.folder))]
    preview = intent.preview()
    about = f"{call.name}:" if preview else call_line(call.name, call.parsed)
    return [Block("note", about), Block("diff", preview, follows=True)]


def allowed(grant: Grant) -> str:
    """What a grant allows."""
    return f"{_ALLOWED.get(grant.kind, '')}{', '.join(grant.values)}"


def meant(line: str) -> tuple[Answer | None, str]:
    """The answer that a line is, None if it is none; of a no, why."""
    answer, no = ANSWERS.get(line.strip().lower()), _NO_LINE.fullmatch(line.strip())
    if no is None:
        return answer, ""
    word, mark, why = no.groups()
    return "no", why if mark or not why or word.lower() == "n" else line.strip()


def behind_n(line: str) -> str:
    """The reason in what was typed behind the n that was the answer, be that the rest of a “no”."""
    return re.sub(r"^o(?:pe)?(?:$|\W+)", "", line)


def _folder(intent: Intent, root: Path) -> str:
    """Where a command runs."""
    folder = intent.paths[0] if intent.command and intent.paths else root
    return str(folder.relative_to(root) if folder.is_relative_to(root) else folder)


def said(reason: str) -> str:
    """The user's own words in what the model was told of a no; what stands behind them in parentheses is not theirs."""
    words = reason.removeprefix(_SAID)
    return words.partition("\n(")[0].strip() if words != reason else ""


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
            future, root = asyncio.get_running_loop().create_future(), self.permissions.rules.root
            question = Question(call, intent, decision, future, _folder(intent, root))
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
        words = feedback.strip()
        why = f"{_SAID}{words}" if words else f"{NO} Ask what they want instead, or go on without."
        question.answered.set_result(Refusal(why) if answer == "no" else None)
