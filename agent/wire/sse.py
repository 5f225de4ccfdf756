"""Server-sent events, as model servers really send them.

Strategy. The rules of the HTML standard (§9.2.6), applied leniently: any line ending, also cut between CR and LF; a
byte order mark; comments; an event that ends with the stream instead of a blank line; a bare `{...}` line without
`data:`; bytes that are no UTF-8. Events without data (pings) are no events. Nothing raises. The usual shape, one
whole `data: ...` event per network block, takes a short cut.
"""

from __future__ import annotations

from typing import NamedTuple


class ServerEvent(NamedTuple):
    """One event: its `event:` name ("" for none) and its data, lines joined by line feeds."""

    name: str
    data: str


class SseDecoder:
    """Bytes in, events out."""

    def __init__(self) -> None:
        self._held = b""
        self._name = ""
        self._data: list[str] = []
        self._begun = False

    def feed(self, block: bytes) -> list[ServerEvent]:
        """The events that this block completes."""
        if not self._held and not self._data and not self._name and _simple(block):
            self._begun = True
            return [ServerEvent("", block[6:-2].decode("utf-8", "replace"))]
        if not self._begun and self._held + block:
            held = self._held + block
            if b"\xef\xbb\xbf".startswith(held[:3]) and len(held) < 3:
                self._held = held
                return []
            self._begun, self._held, block = True, b"", held.removeprefix(b"\xef\xbb\xbf")
        text = self._held + block
        tail = b"\r" if text.endswith(b"\r") else b""  # its LF may come with the next block
        lines = text[: len(text) - len(tail)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._held = lines.pop() + tail
        return [event for line in lines if (event := self._line(line)) is not None]

    def finish(self) -> list[ServerEvent]:
        """The last event, if the stream ended before its blank line."""
        line, self._held = self._held, b""
        return [event for last in (line, b"") if (event := self._line(last.rstrip(b"\r"))) is not None]

    def _line(self, line: bytes) -> ServerEvent | None:
        if not line:
            event = ServerEvent(self._name, "\n".join(self._data)) if any(self._data) else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"data":
            self._data.append(text)
        elif field == b"event":
            self._name = text
        elif line.startswith(b"{"):
            return ServerEvent("", line.decode("utf-8", "replace"))
        return None


def _simple(block: bytes) -> bool:
    """One complete event of one data line."""
    return (
        block.startswith(b"data: ") and block.endswith(b"\n\n") and block.find(b"\n") == len(block) - 2
    ) and b"\r" not in block
