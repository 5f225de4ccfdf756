"""`--stream-json`: every event as one line of JSON, as it comes. `events.schema.json` describes the lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import BinaryIO

from roundtrip.agent.events import Event, to_json


class JsonStream:
    """Writes events to `out`. When nobody reads any more, `gone` is called, once."""

    def __init__(self, out: BinaryIO, gone: Callable[[], None]) -> None:
        self._out = out
        self._gone = gone
        self.broken = False

    def __call__(self, event: Event) -> None:
        if self.broken:
            return
        line = json.dumps(to_json(event), ensure_ascii=False)
        try:
            self._out.write(line.encode("utf-8", "replace") + b"\n")
            self._out.flush()
        except OSError:
            self.broken = True
            self._gone()
