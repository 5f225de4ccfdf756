"""`--stream-json`: every event as one line of JSON, as it comes. `events.schema.json` describes the lines."""

from __future__ import annotations

import json
import select
from collections.abc import Callable
from io import RawIOBase
from typing import Final

from roundtrip.agent.events import Event, to_json

_PATIENCE: Final = 1.0
"""Seconds to wait for a reader when the program is to end."""


class JsonStream:
    """Writes events to `out`, which keeps nothing back, and waits for a slow reader, unless the program is `ending`.

    When nobody reads any more, `gone` is called, once.
    """

    def __init__(self, out: RawIOBase, gone: Callable[[], None], ending: Callable[[], bool]) -> None:
        self._out = out
        self._gone = gone
        self._ending = ending
        self._open = True

    def __call__(self, event: Event) -> None:
        if not self._open:
            return
        line = json.dumps(to_json(event), ensure_ascii=False)
        try:
            self._open = self._written(line.encode("utf-8", "replace") + b"\n")
        except OSError:
            self._open = False
            self._gone()

    def _written(self, line: bytes) -> bool:
        """Whether all of it was. It is `select` that waits, never a write: a signal is heard meanwhile."""
        rest = memoryview(line)
        while rest:
            if select.select([], [self._out], [], _PATIENCE)[1]:
                rest = rest[self._out.write(rest[: select.PIPE_BUF]) or 0 :]
            elif self._ending():
                return False
        return True
