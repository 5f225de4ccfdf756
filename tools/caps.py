"""How much of anything one result may hold: it follows the size of the model's context. Pure.

Rule of the table: a result is at most about a seventh of the context (at 3.5 bytes a token), so that a turn of several
steps has room. What is cut always says how to see the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Caps:
    """What one result holds at most. The defaults hold where the size of the context is not known.

    lines: of a file, where the call names no limit. bytes: of a file's text. entries: of a listing.
    matches: of a search. found: bytes of a search's lines. output: bytes of a command's output.
    """

    lines: int = 2000
    bytes: int = 48 * KIB
    entries: int = 300
    matches: int = 100
    found: int = 24 * KIB
    output: int = 16 * KIB


DEFAULT: Final = Caps()

ROWS: Final = (
    (0, Caps(lines=200, bytes=4 * KIB, entries=60, matches=25, found=3 * KIB, output=3 * KIB)),
    (24_000, Caps(lines=600, bytes=16 * KIB, entries=150, matches=60, found=10 * KIB, output=8 * KIB)),
    (96_000, DEFAULT),
)
"""Smallest context in tokens, and the caps from there on: for 8k, for 32k, for 128k and more."""


def caps_for(context: int) -> Caps:
    """context: tokens that fit into a request, 0 or less for unknown (`Situation.context`)."""
    if context <= 0:
        return DEFAULT
    return next(caps for least, caps in reversed(ROWS) if context >= least)
