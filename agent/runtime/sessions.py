"""Sessions that were: which there are, and how one is taken up again.

What was read from a log always gives a history that can be sent, whatever is missing: see `rebuilt` and `closing`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

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
)
from roundtrip.agent.runtime.session_log import Header, Loaded, SessionError, read_header, read_json

NOT_STARTED: Final = "Not run: the program ended before it started."

_LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of a line that a listing reads; a longer one is a session without a title."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a list. title: the first thing the user said. modified: seconds since 1970."""

    header: Header
    path: Path
    title: str
    modified: float


def rebuilt(loaded: Loaded) -> tuple[Conversation, tuple[str, ...]]:
    """The conversation that the events describe, and in words what did not fit: a lost line may leave a gap behind
    which steps are numbered on, and results without a call."""
    conversation = Conversation(loaded.header.system)
    shift, misfits = 0, 0
    for event in loaded.events:
        if not isinstance(event, CLOSED):
            continue
        if isinstance(event, AssistantEnded):
            shift = conversation.step - event.step
        if isinstance(event, AssistantEnded | ToolFinished):
            event = replace(event, step=event.step + shift)
        try:
            conversation.apply(event)  # type: ignore[arg-type]
        except ConversationError:
            misfits += 1
    count = f"{misfits} record{'' if misfits == 1 else 's'} of the session"
    return conversation, (f"{count} did not fit and could not be used",) if misfits else ()


def closing(conversation: Conversation, events: Sequence[Event]) -> list[ClosedEvent]:
    """What closes a turn that the log leaves open: calls that had not started are answered as not run, and the
    interruption answers the others, which may have run."""
    ended = not events or isinstance(events[-1], TurnEnded | Interrupted)
    if conversation.state is not State.RUNNING and (ended or conversation.state is State.READY):
        return []
    begun = {event.index for event in _last_step(events) if isinstance(event, ToolStarted)}
    fresh = [index for index in conversation.open_calls if index not in begun]
    return [*(ToolFinished(conversation.step, index, NOT_STARTED, failed=True) for index in fresh), Interrupted()]


def model_of(loaded: Loaded) -> str:
    """The model that the session talked to last."""
    changes = (event.model for event in reversed(loaded.events) if isinstance(event, ModelChanged))
    return next(changes, loaded.header.model)


def _last_step(events: Sequence[Event]) -> list[Event]:
    """The events behind the last message of the model."""
    last = max((n for n, event in enumerate(events) if isinstance(event, AssistantEnded)), default=-1)
    return list(events[last + 1 :])


def summaries(folder: Path, workspace: str = "") -> list[Summary]:
    """The sessions of a workspace ("" means all), the latest first. Files that are none are passed over."""
    found = (_summary(path) for path in folder.glob("*.jsonl"))
    wanted = [one for one in found if one is not None and workspace in ("", one.header.workspace)]
    return sorted(wanted, key=lambda one: (one.modified, one.header.id), reverse=True)


def _summary(path: Path) -> Summary | None:
    try:
        with path.open("rb") as file:
            header = read_header(read_json(file.readline(_LONGEST_LINE)))
            said = next((value for line in file if (value := read_json(line)) and value.get("type") == "user_said"), {})
            modified = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    title = next(iter(str(said.get("text", "")).strip().splitlines()), "")
    return Summary(header, path, title, modified) if header else None


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
