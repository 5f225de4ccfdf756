"""What a change to a text amounts to: for the model two numbers, for people a diff. Pure."""

from __future__ import annotations

import difflib
import re

LINES = 20_000
"""Lines of both texts together that are compared; more of them take too long."""

SHOWN = 400
"""Lines of a diff that people are shown."""


def changes(name: str, old: str, new: str, shown: int = SHOWN) -> tuple[str, str]:
    """The count of changed lines, as "+3 -1" ("" where the texts are too long), and a unified diff, bounded."""
    before, after = lines_of(old), lines_of(new)
    if len(before) + len(after) > LINES:
        return "", ""
    diff = [line.rstrip("\n") for line in difflib.unified_diff(before, after, name, name)]
    added = sum(line.startswith("+") for line in diff[2:])
    removed = sum(line.startswith("-") for line in diff[2:])
    more = [f"… {len(diff) - shown} more lines"] if len(diff) > shown else []
    return f"+{added} -{removed}", "\n".join(diff[:shown] + more)


def lines_of(text: str) -> list[str]:
    """Lines with their newline. Unlike `splitlines` it knows one newline only, as read_file does."""
    return [line for line in re.split(r"(?<=\n)", text) if line]
