"""Joins halves of surrogate pairs that arrive in different chunks.

A server that escapes non-ASCII text may cut an emoji between two JSON chunks; each half is then a character of its
own, and such a string can't be encoded again.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


class Halves:
    """One text channel."""

    def __init__(self) -> None:
        self._high = ""

    def whole(self, text: str) -> str:
        """The text with pairs joined, lone halves replaced; a high half at the end waits for the next chunk."""
        if not self._high and (text.isascii() or not _SURROGATE.search(text)):
            return text
        text = self._high + text
        self._high = ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def rest(self) -> str:
        """What is left at the end."""
        high, self._high = self._high, ""
        return "\ufffd" if high else ""
