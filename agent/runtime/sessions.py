"""Sessions that were: which there are, and how one is taken up again.

What was read from a log always gives a history that can be sent, whatever is missing: see `rebuilt` and `closing`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from roundtrip.agent.conversation import Conversation, ConversationError, State
from roundtrip.agent.events import (
    CLOSED,
    AssistantEnded,
    ClosedEvent,
    Event,
    Interrupted,
    ModelChanged,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserSaid,
)
from roundtrip.agent.runtime.session_log import Header, Loaded, SessionError, read_header, read_json

NOT_STARTED: Final = "Not run: the program ended before it started."
RESULT_LOST: Final = "The result of this call is lost; it may have run. Check before you do it again."
PROMPT_LOST: Final = "(What the user said here is lost.)"

_LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of a line that a listing reads; a longer one is no title, and no header."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a list. title: the first thing the user said. modified: seconds since 1970."""

    header: Header
    path: Path
    title: str
    modified: float


def rebuilt(loaded: Loaded) -> tuple[Conversation, tuple[str, ...]]:
    """The conversation that the events describe, and in words what is wrong with them."""
    replay = _Replay(Conversation(loaded.header.system))
    for event in loaded.events:
        replay(event)
    return replay.conversation, tuple(replay.notes())


class _Replay:
    """Applies the events of a log from which lines may be missing.

    Rules:
    1. Where the model goes on too early, or a turn ends, a line was lost: what must stand there is put there, and
       says so. Otherwise all that follows would not fit, up to the end.
    2. Results belong to the last message of the model, or to none; behind a lost message, steps are numbered on.
    3. What does not fit even so is counted and passed over, as is a message of the model that stands there twice.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._last: AssistantEnded | None = None
        """The last message of the model since the user spoke, as the log has it."""
        self._shift = 0
        """From the steps of the log to those of the conversation."""
        self._filled, self._misfits = 0, 0

    def __call__(self, event: Event) -> None:
        try:
            if isinstance(event, AssistantEnded):
                self._answer(event)
            elif isinstance(event, TurnEnded):
                self._fill(event)
            elif isinstance(event, ToolFinished):
                self.conversation.apply(replace(event, step=event.step + self._shift))
            elif isinstance(event, CLOSED):
                self.conversation.apply(event)  # type: ignore[arg-type]
        except ConversationError:
            self._misfits += 1
        if isinstance(event, UserSaid) and self.conversation.state is not State.RUNNING:
            self._last = None

    def _answer(self, event: AssistantEnded) -> None:
        if event == self._last:
            raise ConversationError("this message is there already")
        self._fill(event)
        step, before = self.conversation.step, len(self.conversation.messages)
        self.conversation.apply(replace(event, step=step))
        if len(self.conversation.messages) > before:  # what says nothing is not stored, and may well come twice
            self._last, self._shift = event, step - event.step

    def _fill(self, event: AssistantEnded | TurnEnded) -> None:
        """Puts in what was lost before this event."""
        for index in self.conversation.open_calls:
            self.conversation.apply(ToolFinished(self.conversation.step, index, RESULT_LOST, failed=True))
            self._filled += 1
        if self.conversation.state is State.READY and isinstance(event, AssistantEnded):
            self.conversation.apply(UserSaid(PROMPT_LOST))
            self._filled += 1

    def notes(self) -> Iterator[str]:
        """What is wrong with the events."""
        if self._filled:
            yield f"in {_count(self._filled, 'place')} of the session something is lost, and the model is told so there"
        if self._misfits:
            yield f"{_count(self._misfits, 'record')} of the session did not fit and could not be used"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def closing(conversation: Conversation, events: Sequence[Event]) -> list[ClosedEvent]:
    """What closes a turn that the log leaves open: calls that had not started are answered as not run, and the
    interruption answers the others, which may have run. Steps are numbered as in the log, which they go into."""
    state = conversation.state
    if state is State.READY or (state is State.ASKED and _ended(events)):
        return []
    step = next((event.step for event in reversed(events) if isinstance(event, AssistantEnded)), 0)
    begun = {event.index for event in events if isinstance(event, ToolStarted) and event.step == step}
    fresh = [index for index in conversation.open_calls if index not in begun]
    return [*(ToolFinished(step, index, NOT_STARTED, failed=True) for index in fresh), Interrupted()]


def _ended(events: Sequence[Event]) -> bool:
    """Whether no turn is open at the end. The model may be changed between turns."""
    last = next((event for event in reversed(events) if not isinstance(event, ModelChanged)), None)
    return last is None or isinstance(last, TurnEnded | Interrupted)


def model_of(loaded: Loaded) -> str:
    """The model that the session talked to last."""
    changes = (event.model for event in reversed(loaded.events) if isinstance(event, ModelChanged))
    return next(changes, loaded.header.model)


def summaries(folder: Path, workspace: str = "") -> list[Summary]:
    """The sessions of a workspace ("" means all), the latest first. Files that are none are passed over."""
    found = (_summary(path) for path in folder.glob("*.jsonl"))
    wanted = [one for one in found if one is not None and workspace in ("", one.header.workspace)]
    return sorted(wanted, key=lambda one: (one.modified, one.header.id), reverse=True)


def _summary(path: Path) -> Summary | None:
    try:
        if not path.is_file():  # to open a pipe would wait for ever
            return None
        with path.open("rb") as file:
            header = read_header(read_json(file.readline(_LONGEST_LINE)))
            title = _title(file) if header else ""
            modified = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    return Summary(header, path, title, modified) if header else None


def _title(file: BinaryIO) -> str:
    """The first line of what the user said first."""
    values = (read_json(line) for line in iter(partial(file.readline, _LONGEST_LINE), b""))
    said: dict[str, Any] = next((value for value in values if value and value.get("type") == "user_said"), {})
    return next(iter(str(said.get("text", "")).strip().splitlines()), "")


def find(folder: Path, name: str, workspace: str = "") -> Path:
    """The session with this id, or the only one whose id begins or ends like this. "" means the latest of the
    workspace. Raises SessionError."""
    known = summaries(folder, workspace if not name else "")
    if not name and known:
        return known[0].path
    if not name:
        raise SessionError(
            "there is no session in this folder yet: begin one with: agent. Others: agent sessions --all"
        )
    matching = [one for one in known if one.header.id.startswith(name) or one.header.id.endswith(name)]
    exact = [one for one in matching if one.header.id == name] or matching
    if len(exact) == 1:
        return exact[0].path
    if exact:
        raise SessionError(f"{len(exact)} sessions are called like {name!r}; give more of the id: agent sessions")
    raise SessionError(f'there is no session {name!r}; see: agent sessions. With a prompt: agent --resume ID "prompt"')
