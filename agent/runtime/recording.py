"""The output of one command on disk, bounded: `yes` must fill neither the memory nor the disk.

Strategy. One file. Its first `head` bytes hold the beginning of the output; the `ring` bytes behind them hold its end
and are written round and round. So each byte of the output has one place in the file, and what is kept is always the
first `head` bytes and the last `ring` bytes. A disk that takes no more is no reason to end a command: from there on
nothing is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from roundtrip.agent.tooling import Excerpt

HEAD: Final = 24 * 1024 * 1024
RING: Final = 8 * 1024 * 1024
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_CHUNK: Final = 256 * 1024
_CONTINUED: Final = bytes(range(0x80, 0xC0))
"""The bytes of a character behind its first one."""

_LONGEST_CHARACTER: Final = 4
_LONGEST_LINE: Final = 500
"""Characters of a line that a search shows."""

_BEFORE: Final = 100
"""Of these, those in front of what was found."""


class Recording:
    """The output of a command as it comes, or as it was: then `total` says how long it is."""

    def __init__(self, path: Path, total: int | None = None, *, head: int = HEAD, ring: int = RING) -> None:
        """Makes the file, unless there is a total. Raises OSError."""
        self.path = path
        self.total = total or 0
        self._head, self._ring = head, ring
        self._full = False
        """Whether the disk takes no more."""
        self._kept = head + ring if total is None else path.stat().st_size
        """Bytes of the file that may be used."""
        self._descriptor = os.open(path, _NEW, 0o600) if total is None else -1

    @classmethod
    def shortest(cls, path: Path) -> int:
        """The length of an output of which only the file is left: what stands in order there. Raises OSError."""
        return min(path.stat().st_size, HEAD)

    def add(self, text: str) -> None:
        """The next piece."""
        data = memoryview(text.encode("utf-8", "replace"))
        while data and not self._full:
            place, room = self._place(self.total)
            try:
                written = os.pwrite(self._descriptor, data[:room], place)
            except OSError:
                self._full, self._kept = True, min(self.total, self._head)
                break
            self.total += written
            data = data[written:]
        self.total += len(data)

    def read(self, offset: int, most: int) -> Excerpt:
        """At most `most` bytes from `offset` on, of a long text whole lines; a negative offset counts from the end."""
        start = self._next_kept(max(self.total + offset, 0) if offset < 0 else min(offset, self.total))
        data = self._bytes(start, most)
        middle = len(data) - len(data.lstrip(_CONTINUED)) if len(data) > _LONGEST_CHARACTER else 0
        start, data = start + middle, data[middle:]
        cut = start + len(data) < self.total
        if cut and (line := data.rfind(b"\n") + 1) > len(data) // 2:
            data = data[:line]
        text = data.decode("utf-8", "ignore" if cut else "replace")  # without a character that was cut in two
        return Excerpt(start, text, start + (len(text.encode()) if cut else len(data)), self.total)

    def search(self, words: Sequence[str], most: int) -> tuple[list[tuple[int, str]], int]:
        """The first lines with one of the words, upper and lower case alike, and their offsets, of long lines a part
        around the first word; how many there are."""
        wanted = [word.casefold() for word in words if word]
        found: list[tuple[int, str]] = []
        count = 0
        for offset, line in self._lines():
            folded = line.casefold()
            hits = [at for at in map(folded.find, wanted) if at >= 0]
            if hits:
                count += 1
                if len(found) < most:
                    found.append(_around(offset, line, min(hits)))
        return found, count

    def close(self, *, remove: bool = False) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if remove:
            self.path.unlink(missing_ok=True)

    def _place(self, position: int) -> tuple[int, int]:
        """Where a byte of the output stands in the file, and how many bytes follow it there."""
        if position < self._head:
            return position, self._head - position
        around = (position - self._head) % self._ring
        return self._head + around, self._ring - around

    def _next_kept(self, position: int) -> int:
        """The first byte from here on that is kept."""
        if self._kept <= self._head:  # without the ring
            return position if position < self._kept else self.total
        return position if position < self._head else max(position, self.total - self._ring)

    def _bytes(self, start: int, most: int) -> bytes:
        """Up to the end of what stands in one stretch: not over the gap."""
        end, data = min(start + most, self.total), b""
        if self._kept <= self._head:
            end = min(end, self._kept)
        elif start < self._head < self.total - self._ring:
            end = min(end, self._head)
        with suppress(OSError), self.path.open("rb", buffering=0) as file:
            while start + len(data) < end:
                place, room = self._place(start + len(data))
                piece = os.pread(file.fileno(), min(room, end - start - len(data)), place)
                if not piece:
                    break
                data += piece
        return data

    def _lines(self) -> Iterator[tuple[int, str]]:
        """What is kept, line by line. A line without an end is cut into pieces."""
        position, rest = self._next_kept(0), b""
        while position < self.total:
            data = self._bytes(position, _CHUNK)
            if not data:
                break
            *lines, last = (rest + data).split(b"\n")
            offset = position - len(rest)
            for line in lines:
                yield offset, line.decode("utf-8", "replace")
                offset += len(line) + 1
            position += len(data)
            rest = last
            after = self._next_kept(position)
            if after != position or len(last) >= _CHUNK:  # at the gap, or a line without an end
                if last:
                    yield offset, last.decode("utf-8", "replace")
                rest = b""
            position = after
        if rest:
            yield position - len(rest), rest.decode("utf-8", "replace")


def _around(offset: int, line: str, hit: int) -> tuple[int, str]:
    """A line, or the part of a long one around a hit, and its offset."""
    if len(line) <= _LONGEST_LINE:
        return offset, line
    start = max(min(hit - _BEFORE, len(line) - _LONGEST_LINE), 0)
    end = start + _LONGEST_LINE
    part = f"{'…' * bool(start)}{line[start:end]}{'…' * (end < len(line))}"
    return offset + len(line[:start].encode("utf-8", "replace")), part
