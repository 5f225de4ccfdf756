"""What is shown of a long output."""

from __future__ import annotations

from typing import Final

_HEAD: Final = 3
_TAIL: Final = 5
"""Lines that are shown from its beginning and its end."""


def folded(output: str) -> str:
    """The first and the last lines of an output, and how many lie between."""
    lines = output.strip("\n").split("\n")
    if len(lines) <= _HEAD + _TAIL + 1:
        return "\n".join(lines)
    hidden = len(lines) - _HEAD - _TAIL
    return "\n".join([*lines[:_HEAD], f"… {hidden} more lines …", *lines[-_TAIL:]])


def last_lines(text: str) -> str:
    """The end of an output that is still coming."""
    return "\n".join(text.rstrip("\n").split("\n")[-_TAIL:])
