"""What a console shows, and whom it tells of keys: the session, as a console sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from roundtrip.agent.frontends.terminal.asking import Answer, Asker, Question
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.inquiry import Inquiry
from roundtrip.agent.frontends.terminal.status import Status

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.buffer import Buffer


class View(Protocol):
    """See `repl.Repl`."""

    asker: Asker

    @property
    def status(self) -> Status: ...

    @property
    def live(self) -> tuple[Block, ...]:
        """What may still change."""

    @property
    def question(self) -> Question | None:
        """What waits for an answer."""

    @property
    def inquiry(self) -> Inquiry | None:
        """What the model asked, and waits for an answer."""

    @property
    def queued(self) -> tuple[str, ...]:
        """What was submitted, and the model was not told."""

    def submit(self, text: str) -> None:
        """Enter was pressed."""

    def reply(self, text: str) -> None:
        """Enter was pressed, and the line answers what the model asked, unless it is a command."""

    def interrupt(self) -> bool:
        """Esc or Ctrl-C: stops what runs. False if nothing ran."""

    def leave(self) -> None:
        """Ctrl-D: stops what runs, and ends."""

    def answer(self, answer: Answer, feedback: str = "") -> None:
        """The answer to the open question."""


class Surface(Protocol):
    """The screen, as its layout and its keys see it; see `screen.Screen`."""

    view: View
    buffer: Buffer
    color: bool
    ascii: bool
    why: bool

    @property
    def answering(self) -> bool: ...

    @property
    def app(self) -> Application[None]: ...

    @property
    def armed(self) -> bool: ...

    @property
    def columns(self) -> int: ...

    @property
    def live(self) -> str: ...

    def compose(self) -> str: ...

    def enter(self) -> None: ...

    def take_completion(self) -> None: ...

    def weigh(self, letter: str) -> None: ...

    def ask_why(self) -> None: ...

    def escape(self) -> None: ...

    def control_c(self) -> None: ...


class Console(Protocol):
    """Where a session is shown: `screen`, or `lines` on a dumb terminal."""

    def commit(self, blocks: Sequence[Block]) -> None:
        """Prints the blocks, for good."""

    def refresh(self) -> None:
        """What is live has changed."""

    def put_back(self, text: str) -> None:
        """Puts text into the input, before what is there."""

    def close(self) -> None:
        """Ends the console."""
