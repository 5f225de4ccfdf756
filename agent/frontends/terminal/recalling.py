"""A session that is taken up again: what of it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roundtrip.agent.events import Event, UserSaid
from roundtrip.agent.frontends.terminal.blocks import Block
from roundtrip.agent.frontends.terminal.transcript import Transcript
from roundtrip.agent.runtime.session_log import Loaded

_RECALLED: Final = 30
"""About how many events of a resumed session are shown again."""


def recalled(loaded: Loaded, transcript: Transcript) -> list[Block]:
    """A session as it was, as far as it is shown again: its end."""
    first = _first_recalled(loaded.events)
    left_out = f"; its first {first} records are not shown" if first else ""
    blocks = [Block("note", f"session {loaded.header.id}{left_out}"), *(Block("note", note) for note in loaded.notes)]
    for number, event in enumerate(loaded.events):
        shown = transcript(event)
        blocks += shown if number >= first else []
    return blocks


def _first_recalled(events: Sequence[Event]) -> int:
    """Where to begin to show a session again: with something that the user said, not too far back."""
    said = [number for number, event in enumerate(events) if isinstance(event, UserSaid)]
    near = [number for number in said if number >= len(events) - _RECALLED]
    return (near or said[-1:] or [0])[0]
