"""Server-sent events, as model servers really send them.

Strategy. The rules of the HTML standard (§9.2.6), applied leniently: any line ending, also cut between CR and LF; a
byte order mark; comments; an event that ends with the stream instead of a blank line; a bare `{...}` line without
`data:`; bytes that are no UTF-8. Events without data (pings) are no events. Nothing raises, and nothing waits for a
byte that need not come: a CR ends its line at once, the LF behind it is passed over. The usual shape, one whole
`data: ...` event per network block, takes a short cut.
"""

from __future__ import annotations

from typing import NamedTuple

_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its `event:` name ("" for none) and its data, lines joined by line feeds."""

    name: str
    data: str


class SseDecoder:
    """Bytes in, events out."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        """The line that has not ended yet."""
        self._name = ""
        self._data: list[str] = []
        self._begun = False
        self._after_cr = False
        self._between = True
        """Whether what came so far is whole events."""

    def feed(self, block: bytes) -> list[ServerEvent]:
        """The events that this block completes."""
        if self._between and _simple(block):
            self._begun = True
            return [ServerEvent("", block[6:-2].decode("utf-8", "replace"))]
        lines = self._lines(block)
        self._held.append(lines.pop())
        events = [event for line in lines if (event := self._line(line)) is not None]
        self._between = not (self._data or self._name or self._after_cr or any(self._held))
        return events

    def finish(self) -> list[ServerEvent]:
        """The last event, if the stream ended before its blank line."""
        return self.feed(b"\n\n")

    def _lines(self, block: bytes) -> list[bytes]:
        """The lines that end in this block, and the beginning of the next."""
        if self._after_cr and block:
            block = block.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in block:
            self._after_cr = block.endswith(b"\r")
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = block.split(b"\n")
        if len(lines) > 1:
            lines[0] = b"".join((*self._held, lines[0]))
            self._held.clear()
            if not self._begun:
                lines[0] = lines[0].removeprefix(_MARK)
            self._begun = True
        return lines

    def _line(self, line: bytes) -> ServerEvent | None:
        if line.startswith(b"data: "):
            self._data.append(line[6:].decode("utf-8", "replace"))
            return None
        if not line:
            event = ServerEvent(self._name, "\n".join(self._data)) if any(self._data) else None
            self._name, self._data = "", []
            return event
        if line.startswith(b"{"):
            return ServerEvent("", line.decode("utf-8", "replace"))
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.decode("utf-8", "replace"))
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        return None


def _simple(block: bytes) -> bool:
    """One complete event of one data line."""
    return (
        block.startswith(b"data: ") and block.endswith(b"\n\n") and block.find(b"\n") == len(block) - 2
    ) and b"\r" not in block
