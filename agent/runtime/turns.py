"""One turn at a time, which can be ended from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._over = asyncio.Event()

    @property
    def between(self) -> bool:
        """Whether no turn runs."""
        return self._task is None

    @contextmanager
    def one(self) -> Iterator[None]:
        """The task that is in here runs a turn, and takes a cancellation for an interrupt of it."""
        assert self.between, "one turn at a time; `say` tells the model something during it"
        self._task = asyncio.current_task()
        self._over.clear()
        try:
            yield
        finally:
            self._task = None
            self._over.set()

    async def interrupt(self) -> None:
        """Returns when no turn runs any more."""
        if self._task is not None:
            self._task.cancel()
            await self._over.wait()
