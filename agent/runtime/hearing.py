"""What a program says, as long as it is listened to: decoded as it comes, and its head and its tail kept."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections import deque
from typing import Final

from roundtrip.agent.tooling import Output

KEPT: Final = 64 * 1024
"""Characters of the output's head, and of its tail, that `Finished.output` holds."""


class HeadAndTail:
    """Keeps the first and the last `kept` characters of a text that comes in pieces, and counts the rest."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._head = ""
        self._tail: deque[str] = deque()
        self._length = 0
        """Characters of the tail."""
        self._omitted = 0

    def add(self, text: str) -> None:
        room = self._kept - len(self._head)
        self._head += text[:room]
        if len(text) > room:
            self._tail.append(text[room:])
            self._length += len(text) - room
        while self._tail and self._length - len(self._tail[0]) > self._kept:
            self._length -= len(self._tail[0])
            self._omitted += len(self._tail.popleft().encode())

    def text(self) -> str:
        """Head and tail; where something is missing between them, a line says how many bytes."""
        tail = "".join(self._tail)
        surplus = tail[: max(len(tail) - self._kept, 0)]
        omitted = self._omitted + len(surplus.encode())
        gap = f"\n… {omitted} bytes omitted …\n" if omitted else ""
        return f"{self._head}{gap}{tail[len(surplus) :]}"


class Hearing:
    """Empties a pipe by the event loop, from now on until `stop` or the pipe's end, which sets `ended`."""

    def __init__(self, descriptor: int, output: Output, ended: asyncio.Event) -> None:
        self._descriptor = descriptor
        self._output = output
        self._ended = ended
        self._kept = HeadAndTail()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._readable)

    def stop(self) -> str:
        """Listens no more; the pipe stays open. Returns what was heard, cut in the middle where it was long."""
        self._loop.remove_reader(self._descriptor)
        self._take(self._decoder.decode(b"", final=True))
        return self._kept.text()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, KEPT)
        except BlockingIOError:
            return
        if data:
            self._take(self._decoder.decode(data))
        else:
            self._loop.remove_reader(self._descriptor)
            self._ended.set()

    def _take(self, text: str) -> None:
        if text:
            self._kept.add(text)
            self._output(text)
