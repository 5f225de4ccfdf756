"""Half a surrogate pair is a character to Python and to JSON's grammar, but no text: it can't be encoded.

A server that escapes non-ASCII text may cut an emoji between two JSON chunks; a command line or a file name may hold
bytes that are no UTF-8. Halves that belong together are joined, the others become U+FFFD, wherever text comes in.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """The text with pairs joined and lone halves replaced."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Halves:
    """One channel of text that arrives in chunks."""

    __slots__ = ("_high",)

    def __init__(self) -> None:
        self._high = ""

    def whole(self, text: str) -> str:
        """The text, encodable; a high half at the end waits for the next chunk."""
        if text.isascii() and not self._high:
            return text
        text = self._high + text
        self._high = ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return encodable(text)

    def rest(self) -> str:
        """What is left at the end."""
        high, self._high = self._high, ""
        return "\ufffd" if high else ""
