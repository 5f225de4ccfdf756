"""How arguments are written: what each notation (JSON, tags, ...) has to be able to do, and what it yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

CUT = "the call was cut off before its arguments were complete"

State = Literal["open", "done", "broken"]


class Untyped(str):
    """A value whose type the wire does not tell; the tool's schema does."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call's argument text says.

    value: the object, None where it is none. text: the JSON text of that object, byte for byte where it was valid; ""
        where the arguments are not written in JSON.
    problem: why `value` is None, in words for the model. cut: the text ended too early. repairs: kinds.
    bounded: it is certain that the arguments end where they were thought to end. Where a string may still be open,
        what follows may be part of it.
    guessed: parameters that only a missing end tag of the one before made parameters.
    mentioned: parameters whose opening tag stands in a value, without its end.
    """

    value: dict[str, Any] | None
    text: str
    problem: str = ""
    cut: bool = False
    repairs: tuple[str, ...] = ()
    bounded: bool = True
    guessed: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """One call as it was written. raw: its part of the argument text. offset: tells the calls of one body apart, in
    their order; where JSON holds them, it is where `raw` begins."""

    header: str
    arguments: Arguments
    raw: str
    offset: int = 0


class BodyScanner(Protocol):
    """Finds the end of arguments that are fed in pieces.

    `state` is "open" until they are "done", or "broken" by something that can't stand there.
    """

    state: State

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """Takes characters from index `at`; returns the index behind the last one taken.

        Less than all is taken when the arguments are done or broken, or when what the text ends in can't be told yet:
        that must come again with the next piece. `final`: there is no next piece.
        """


class Notation(Protocol):
    """A way to write arguments. Calls that are written without a header hold their names in it."""

    def scanner(self) -> BodyScanner:
        """A scanner for one body."""

    def read(self, header: str, raw: str, *, ended: bool, closed: bool) -> tuple[Written, ...]:
        """The calls of a whole body; at least one. `ended`: a marker stands behind it, be it the next call's. `closed`:
        its own end does, or its section's. Never raises."""
