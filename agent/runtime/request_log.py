"""A model whose requests are written to a file, one JSON body a line, before they are sent."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, TextIO

from roundtrip.agent.tooling import Model, ModelFailure, Opened


class LoggedModel:
    """Wraps a model; see `tooling.Model`."""

    def __init__(self, model: Model, log: TextIO) -> None:
        self._model = model
        self._log = log

    async def exchange(self, body: Mapping[str, Any]) -> AsyncGenerator[Opened | bytes | ModelFailure, None]:
        """See `tooling.Model`."""
        self._log.write(json.dumps(body, ensure_ascii=False) + "\n")
        self._log.flush()
        async with aclosing(self._model.exchange(body)) as items:
            async for item in items:
                yield item
