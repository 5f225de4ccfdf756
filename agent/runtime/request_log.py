"""A model whose requests are written to a file, one JSON body a line, before they are sent."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, TextIO

from roundtrip.agent.tooling import Model, ModelFailure, Opened


class LoggedModel:
    """Wraps a model; see `tooling.Model`. When the file can't be written, `warn` is told once, and it is left alone."""

    def __init__(self, model: Model, log: TextIO, warn: Callable[[str], None]) -> None:
        self._model = model
        self._log: TextIO | None = log
        self._warn = warn

    async def exchange(self, body: Mapping[str, Any]) -> AsyncGenerator[Opened | bytes | ModelFailure, None]:
        """See `tooling.Model`."""
        self._write(json.dumps(body, ensure_ascii=False))
        async with aclosing(self._model.exchange(body)) as items:
            async for item in items:
                yield item

    def _write(self, line: str) -> None:
        try:
            if self._log is not None:
                self._log.write(f"{line}\n")
                self._log.flush()
        except OSError as error:
            self._log = None
            self._warn(f"requests are not written to the file of --requests any more: {error.strerror}")
