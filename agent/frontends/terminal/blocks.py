"""What the terminal shows, in pieces that are printed once and never touched again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "user", "text", "fence", "code", "reasoning",
    "call", "failed", "running", "command", "output", "diff", "list",
    "note", "error",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of what is shown. follows: directly below the piece before it, with no empty line between."""

    kind: Kind
    text: str
    follows: bool = False
    language: str = ""  # of code
    context: str = ""  # of code: the lines of the fence before these, for the highlighter (bounded)
    number: int | None = None  # of text that is an item of an ordered list: its number there, whatever it says itself


_TOGETHER = ({"call", "failed", "command", "output", "diff", "list"}, {"fence", "code"})
"""Kinds that may stand directly below each other."""


def apart(before: Block, block: Block) -> bool:
    """Whether an empty line parts them."""
    if before.kind == block.kind == "text":
        return not block.follows
    together = before.kind == "note" or any({before.kind, block.kind} <= kinds for kinds in _TOGETHER)
    return not (block.follows and together)
