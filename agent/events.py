"""The one stream of events that every front end, log and script reads.

One closed union. *Closed* events (`CLOSED`) are final: `Conversation` is rebuilt from them. All others are
provisional or for display: text may be reclassified, a begun call may be dropped, until `AssistantEnded`.
`EVENTS.md` beside this file documents the JSON form; `to_json` and `from_json` are its two ends.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from roundtrip.agent.messages import Assistant, Image

VERSION = 1
"""Version of the JSON form. Fields may be added to a version; none is renamed or removed."""

Outcome = Literal["answered", "failed", "limit", "interrupted"]
Display = Literal["text", "reasoning", "call", "nothing"]


@dataclass(frozen=True, slots=True)
class UserSaid:
    text: str


@dataclass(frozen=True, slots=True)
class RequestSent:
    """step counts the model's messages of this session from 0. why: turn, recovery (after a server's parse
    failure), again (after a cut or an empty answer)."""

    step: int
    messages: int
    bytes: int
    why: str = "turn"


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A call seems to begin. `name` is what stands there so far: a name, a header, or ""."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class ArgumentDelta:
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class CallReady:
    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CallDropped:
    """A begun call is none, or won't run: `reason` says why."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reclassified:
    """Streamed as `was`, the text turned out to be `now`."""

    was: Display
    now: Display
    text: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """Something that the server or the model sent was not taken as it came. `raw` is what stood there."""

    kind: str
    raw: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A call without a usable name. `reason` is said to the model, without control tokens."""

    header: str
    arguments: str
    reason: str


@dataclass(frozen=True, slots=True)
class AssistantEnded:
    step: int
    message: Assistant
    unreadable: tuple[Unreadable, ...] = ()
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    step: int
    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    step: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """content is what the model reads, images what it sees beside that, details what a person is shown.
    refused: for want of permission."""

    step: int
    index: int
    content: str
    details: str = ""
    failed: bool = False
    refused: bool = False
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrying:
    """The request is sent again after `seconds`."""

    attempt: int
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn can't go on. `text` says what happened and what to do."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user stopped the turn; open calls are answered with "it may have run"."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """Messages before number `cut` are replaced by `summary`. Reserved: nothing sends it yet."""

    summary: str
    cut: int


@dataclass(frozen=True, slots=True)
class Rewound:
    """The user took back the messages from number `cut` on, one of theirs; the system message is number 0."""

    cut: int


@dataclass(frozen=True, slots=True)
class ModelChanged:
    """From here on requests are rendered for this profile: ids in the prefix may change."""

    model: str
    profile: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    outcome: Outcome
    answer: str = ""
    steps: int = 0


ClosedEvent = UserSaid | AssistantEnded | ToolFinished | Interrupted | Compacted | Rewound | ModelChanged
Event = (
    ClosedEvent | RequestSent | ReasoningDelta | TextDelta | CallBegun | ArgumentDelta | CallReady | CallDropped
    | Reclassified | Repaired | ToolStarted | ToolOutput | Retrying | Failed | UsageReported | TurnEnded
)  # fmt: skip
CLOSED: tuple[type, ...] = get_args(ClosedEvent)


def type_name(event_class: type) -> str:
    """The `type` of an event in JSON: its class name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


TYPES: dict[str, type] = {type_name(event_class): event_class for event_class in get_args(Event)}


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, `v` and `type` first."""
    return {"v": VERSION, "type": type_name(type(event)), **dataclasses.asdict(event)}


def from_json(value: Mapping[str, Any]) -> Event:
    """The event again; unknown fields, which a newer minor change may add, are passed over.

    Raises ValueError on an unknown version or type, and on fields that are missing or of another type.
    """
    if value.get("v") != VERSION:
        raise ValueError(f"event version {value.get('v')!r}, this program reads {VERSION}")
    event_class = TYPES.get(str(value.get("type")))
    if event_class is None:
        raise ValueError(f"unknown event type {value.get('type')!r}")
    event: Event = _reader(event_class)({key: part for key, part in value.items() if key not in ("v", "type")})
    return event


@cache
def _reader(event_class: type) -> Callable[[Any], Any]:
    from pydantic import TypeAdapter  # costs 0.15 s: only readers of logs pay for it

    return TypeAdapter(event_class).validate_python
