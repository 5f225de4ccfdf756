"""The commands that take back what the agent did: /undo, /redo, /diff, /checkpoints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.status import Status
from roundtrip.agent.frontends.terminal.view import Console
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.frontends.words_undo import outcome_lines, overview_lines
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.checkpoints.restores import Outcome
from roundtrip.agent.tooling import Output, Refusal

if TYPE_CHECKING:
    from roundtrip.agent.runtime.chat import Chat

_YES: Final = ("yes", "y")


class Session(Protocol):
    """What these commands work on; see `repl.Repl`."""

    console: Console
    status: Status

    @property
    def chat(self) -> Chat: ...
    def say(self, text: str) -> None: ...
    def fail(self, text: str) -> None: ...


async def undo(session: Session, rest: str) -> None:
    """/undo [yes]"""
    checkpoints = _checkpoints(session)
    if checkpoints and _understood(session, rest, "/undo, or /undo yes"):
        outcome = await checkpoints.undo(yes=rest in _YES, output=_shown(session))
        _tell(session, outcome, "/undo yes", "/redo brings it back")


async def redo(session: Session, rest: str) -> None:
    """/redo [yes]"""
    checkpoints = _checkpoints(session)
    if checkpoints and _understood(session, rest, "/redo, or /redo yes"):
        outcome = await checkpoints.redo(yes=rest in _YES, output=_shown(session))
        _tell(session, outcome, "/redo yes", "/undo takes it back again")


async def diff(session: Session, rest: str) -> None:
    """/diff [NUMBER]"""
    checkpoints = _checkpoints(session)
    if checkpoints is None:
        return
    if rest and not rest.isdecimal():
        session.fail("/diff shows what the last turn changed, /diff NUMBER what was changed since that checkpoint")
        return
    found = await checkpoints.diff(int(rest) if rest else None, output=_shown(session))
    if isinstance(found, Refusal):
        session.fail(found.reason)
    elif found:
        session.console.commit([Block("diff", printable(found))])
    else:
        session.say("the files are as they were")


async def checkpoints(session: Session, rest: str) -> None:
    """/checkpoints [NUMBER [all] [yes]]"""
    found = _checkpoints(session)
    if found is None:
        return
    overview = await found.overview()
    if isinstance(overview, Refusal):
        session.fail(overview.reason)
        return
    number, *words = rest.split() or [""]
    if not number:
        hint = "/checkpoints NUMBER puts the files back as they were before it; NUMBER all the conversation, too"
        session.say("\n".join(overview_lines(overview, time.time()) + [hint] * bool(overview.changes)))
        return
    if not number.isdecimal() or not set(words) <= {"all", *_YES}:
        session.fail("/checkpoints NUMBER, with “all” for the conversation, too, and “yes” if it asks for it")
        return
    origin = next((one.origin for one in overview.changes if one.number == int(number)), None)
    if "all" in words and origin is not None and session.chat.said_at(origin) is None:
        session.fail(f"the conversation does not hold the turn of checkpoint {number} any more: /checkpoints {number}"
                     " puts the files back alone")  # fmt: skip
        return
    yes = not set(_YES).isdisjoint(words)
    outcome = await found.restore(int(number), turn="all" in words, yes=yes, output=_shown(session))
    back = "/redo brings the files back" if "all" in words else "/redo brings it back"
    _tell(session, outcome, f"/checkpoints {rest} yes", back)
    if outcome.done and origin is not None and "all" in words:
        session.console.put_back(session.chat.rewind(origin))


def _shown(session: Session) -> Output:
    """Shows how far it is, where it takes long."""

    def show(text: str) -> None:
        session.status.doing(text.strip())
        session.console.refresh()

    return show


def _checkpoints(session: Session) -> Checkpoints | None:
    found = session.chat.checkpoints
    if found is None:
        session.fail("there are no checkpoints in this session")
    return found


def _understood(session: Session, rest: str, usage: str) -> bool:
    if rest and rest not in _YES:
        session.fail(usage)
    return not rest or rest in _YES


def _tell(session: Session, outcome: Outcome, again: str, back: str) -> None:
    if outcome.theirs:
        session.console.commit([Block("diff", printable(outcome.theirs))])
    say = session.fail if outcome.problem or outcome.failed else session.say
    say("\n".join(outcome_lines(outcome, again, back)))
