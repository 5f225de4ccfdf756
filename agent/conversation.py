"""The only writer of history.

Strategy. A state machine over closed events, driven by one table. It makes an unsendable history impossible rather
than repairing one: an assistant message with calls and its results enter the history such that, whenever
`sendable` is true, every call has exactly one result behind it, in call order. What the user says while tools run
waits. Deltas never come here, so a log of closed events rebuilds the same conversation.

    state      event            what happens                                        next
    READY      UserSaid         appended                                            ASKED
    ASKED      UserSaid         appended                                            ASKED
    ASKED      AssistantEnded   text: appended                                      READY
                                calls: appended                                     RUNNING
                                a call nobody can name: text and a note appended    ASKED
                                nothing at all: not stored                          ASKED
    RUNNING    ToolFinished     kept; with the last one, all are appended in order  RUNNING, ASKED
    RUNNING    UserSaid         queued until the results are in                     RUNNING
    RUNNING    Interrupted      open calls are answered: they may have run          READY
    ASKED      Interrupted      -                                                   READY
    READY      Rewound          the messages from a user's one on are gone          READY
    ASKED      Rewound          the same                                            READY
    any        ModelChanged     later requests are rendered for that profile        same

Everything else is a mistake of the caller and raises `ConversationError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from roundtrip.agent.events import (
    AssistantEnded,
    ClosedEvent,
    Interrupted,
    ModelChanged,
    Rewound,
    ToolFinished,
    Unreadable,
    UserSaid,
)
from roundtrip.agent.messages import Assistant, Message, Result, System, User

INTERRUPTED = (
    "Interrupted after it had begun: what it did stays, and it may have run to its end. "
    "Check before you do it again."
)
NO_OUTPUT = "(no output)"
NO_TEXT = "(a tool call that could not be read)"


class ConversationError(Exception):
    """The caller sent an event that can't come now. A bug of ours, never the model's or the server's."""


class State(Enum):
    READY = "ready"
    """It is the user's turn."""
    ASKED = "asked"
    """It is the model's turn."""
    RUNNING = "running"
    """Calls wait for their results."""


class Conversation:
    """`apply` is the only way in, `messages` the only way out."""

    def __init__(self, system: str) -> None:
        self.system: Final = system
        self._messages: list[Message] = [System(system)]
        self._state = State.READY
        self._step = 0
        self._open: dict[int, Result | None] = {}
        self._notes: list[str] = []
        self._profile = ""

    @classmethod
    def replay(cls, system: str, events: Iterable[ClosedEvent]) -> Conversation:
        """The conversation that a log of closed events describes. Raises ConversationError where it does not."""
        conversation = cls(system)
        for event in events:
            conversation.apply(event)
        return conversation

    def __repr__(self) -> str:
        return f"<Conversation {self._state.value}, step {self._step}, {len(self._messages)} messages>"

    @property
    def state(self) -> State:
        return self._state

    @property
    def sendable(self) -> bool:
        """Whether `messages` is a history that a server accepts: somebody asked, and no call is open."""
        return self._state is not State.RUNNING and len(self._messages) > 1

    @property
    def messages(self) -> tuple[Message, ...]:
        """The history; while calls run, it ends with the message that made them."""
        return tuple(self._messages)

    @property
    def step(self) -> int:
        """Number of the next assistant message, or of the one whose calls run."""
        return self._step

    @property
    def open_calls(self) -> tuple[int, ...]:
        """Indices of the calls that have no result yet, in call order."""
        return tuple(index for index, result in self._open.items() if result is None)

    @property
    def profile(self) -> str:
        """Name of the profile that requests are rendered for, "" until one was chosen."""
        return self._profile

    def apply(self, event: ClosedEvent) -> None:
        """Takes the next closed event."""
        handler = _TABLE.get((self._state, type(event)))
        if handler is None:
            raise ConversationError(f"{type(event).__name__} can't come in {self!r}")
        handler(self, event)

    def _say(self, event: UserSaid) -> None:
        self._messages.append(User(event.text))
        self._state = State.ASKED

    def _queue(self, event: UserSaid) -> None:
        self._notes.append(event.text)

    def _answer(self, event: AssistantEnded) -> None:
        if event.step != self._step:
            raise ConversationError(f"step {event.step} can't come in {self!r}")
        message = event.message
        if message.calls:
            self._open = _open_calls(message)
            self._notes = [_note(event.unreadable)] if event.unreadable else []
            self._messages.append(message)
            self._state = State.RUNNING
        elif event.unreadable:
            content = message.content if message.content.strip() else NO_TEXT
            self._messages.append(Assistant(content, message.reasoning, (), message.reasoning_field))
            self._messages.append(User(_note(event.unreadable)))
            self._step += 1
        elif message.content.strip():
            self._messages.append(message)
            self._step += 1
            self._state = State.READY

    def _finish(self, event: ToolFinished) -> None:
        if event.step != self._step or self._open.get(event.index, "") is not None:
            raise ConversationError(f"no call ({event.step}, {event.index}) is open in {self!r}")
        self._open[event.index] = Result(event.content if event.content.strip() else NO_OUTPUT, event.images)
        if not self.open_calls:
            self._close(State.ASKED)

    def _interrupt_calls(self, event: Interrupted) -> None:
        self._open = {index: result or Result(INTERRUPTED) for index, result in self._open.items()}
        self._close(State.READY)

    def _interrupt(self, event: Interrupted) -> None:
        self._state = State.READY

    def _close(self, state: State) -> None:
        """All results are in: they enter the history together, then what had to wait for them."""
        self._messages += [result for result in self._open.values() if result]
        self._messages += [User(text) for text in self._notes]
        self._open, self._notes = {}, []
        self._step += 1
        self._state = state

    def _rewind(self, event: Rewound) -> None:
        """Where the user speaks, no call is open. Steps are numbered on: what was said once keeps its number."""
        gone = self._messages[event.cut :]
        if not 0 < event.cut <= len(self._messages) or (gone and not isinstance(gone[0], User)):
            raise ConversationError(f"message {event.cut} is none of the user's in {self!r}")
        del self._messages[event.cut :]
        self._state = State.READY

    def _change_model(self, event: ModelChanged) -> None:
        self._profile = event.profile


def _open_calls(message: Assistant) -> dict[int, Result | None]:
    """The calls that wait for a result. What one of them holds would be sent with every later request."""
    for call in message.calls:
        if not call.name or not _is_object(call.arguments):
            raise ConversationError(f"call {call.index} has no name, or arguments that are no JSON object")
    if len({call.index for call in message.calls}) < len(message.calls):
        raise ConversationError("two calls of a step have the same index")
    return {call.index: None for call in message.calls}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _note(unreadable: tuple[Unreadable, ...]) -> str:
    """What the model is told about calls that have no id to answer. Without control tokens: it would imitate them."""
    reasons = "; ".join(dict.fromkeys(call.reason for call in unreadable))
    return (
        f"A tool call in your last message could not be read, so nothing was run: {reasons}. "
        "Call the tool again: its exact name as listed in your tools, the next call number, "
        "and one complete JSON object with its arguments."
    )


_TABLE: Mapping[tuple[State, type], Callable[[Conversation, Any], None]] = {
    (State.READY, UserSaid): Conversation._say,
    (State.READY, Interrupted): Conversation._interrupt,
    (State.READY, Rewound): Conversation._rewind,
    (State.READY, ModelChanged): Conversation._change_model,
    (State.ASKED, UserSaid): Conversation._say,
    (State.ASKED, AssistantEnded): Conversation._answer,
    (State.ASKED, Interrupted): Conversation._interrupt,
    (State.ASKED, Rewound): Conversation._rewind,
    (State.ASKED, ModelChanged): Conversation._change_model,
    (State.RUNNING, UserSaid): Conversation._queue,
    (State.RUNNING, ToolFinished): Conversation._finish,
    (State.RUNNING, Interrupted): Conversation._interrupt_calls,
    (State.RUNNING, ModelChanged): Conversation._change_model,
}
