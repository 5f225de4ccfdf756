"""What is shown of a long output."""

from __future__ import annotations

import re
from typing import Final

_LINE: Final = 400
"""Characters of a line of output."""

_DIFF: Final = 60
"""Lines of a change that nobody is asked about."""

_PAINTED: Final = 4000
"""Characters of a live block that are painted."""

_OMITTED: Final = re.compile(r"… (\d+) bytes omitted …")
"""What stands in a result where the middle of an output was cut out for the model."""

_HEAD: Final = 3
_TAIL: Final = 5
"""Lines that are shown from its beginning and its end."""


def folded(output: str) -> str:
    """The first and the last lines of an output, and how many lie between; of a long line, its beginning."""
    lines = [line if len(line) <= _LINE else f"{line[:_LINE]}…" for line in output.strip("\n").split("\n")]
    if len(lines) <= _HEAD + _TAIL + 1:
        return "\n".join(lines)
    hidden = lines[_HEAD:-_TAIL]
    omitted = next((int(found[1]) for line in hidden if (found := _OMITTED.fullmatch(line))), 0)
    cut = omitted and omitted + len("\n".join(hidden).encode("utf-8", "replace"))
    more = size(cut) if cut else f"{len(hidden)} more lines"
    return "\n".join([*lines[:_HEAD], f"… {more}: /output …", *lines[-_TAIL:]])


def size(count: int) -> str:
    """Bytes, for people."""
    return f"{count / 1_000_000:.1f} MB more" if count >= 1_000_000 else f"{max(count // 1000, 1)} kB more"


def first_lines(diff: str) -> str:
    """The beginning of a change that nobody is asked about."""
    lines = diff.split("\n")
    more = len(lines) - _DIFF
    return "\n".join([*lines[:_DIFF], f"… {more} more lines; /diff shows what the turn changed"]) if more > 1 else diff


def last_lines(text: str) -> str:
    """The end of an output that is still coming."""
    return "\n".join(text.rstrip("\n").split("\n")[-_TAIL:])


def end_of(text: str) -> str:
    """What of a long text can be seen, and a bit more; to paint all of it with each redraw would take too long."""
    if len(text) <= _PAINTED:
        return text
    cut = text.find("\n", len(text) - _PAINTED)
    return text[cut + 1 if cut >= 0 else len(text) - _PAINTED :]
