"""What a message is made of: literal text, marks, and blocks of calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.notation import Arguments

ENDS = (Role.TAG, Role.CALL_END)
"""What ends a value or a call in tags."""


@dataclass(frozen=True, slots=True)
class CallSpan:
    """A call as it stands in the text.

    arguments, read: as they stand, and what they say.
    at: where its arguments begin in its channel, or its header where it has no arguments.
    dialect: the one it was read in, None where only a marker was seen.
    begun: it has CALL_BEGIN. ended: a marker behind it shows that the model had finished it.
    tagged: its values stand in tags, which do not tell for sure where they end.
    """

    header: str
    arguments: str
    read: Arguments
    at: int
    dialect: Dialect | None
    begun: bool
    ended: bool
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A run of the message. noise: what a block would swallow beside calls and markers. opened, closed: how many
    SECTION_BEGIN, SECTION_END it has. torn: between its calls stand text and the end of something."""

    kind: Literal["text", "mark", "block"]
    raw: str
    role: Role | None = None
    calls: tuple[CallSpan, ...] = ()
    noise: str = ""
    opened: int = 0
    closed: int = 0
    torn: bool = False

    @property
    def complete(self) -> bool:
        """Whether the model had finished each of its calls."""
        return bool(self.calls) and all(call.ended for call in self.calls)

    @property
    def regular(self) -> bool:
        """Whether all markers stand that belong to a block of its dialect."""
        return all(self._regular(call) for call in self.calls)

    def _regular(self, call: CallSpan) -> bool:
        if call.dialect is None:
            return False
        needs = {*call.dialect.markers.values(), *call.dialect.spelt.values()}
        return (
            (self.opened == 1 or Role.SECTION_BEGIN not in needs)
            and (self.closed == 1 or Role.SECTION_END not in needs)
            and (call.begun or Role.CALL_BEGIN not in needs)
            and (call.ended or not needs & {Role.CALL_END, Role.SECTION_END})
        )
