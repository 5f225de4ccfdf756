"""How far a long look at the workspace, or a restore, is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from roundtrip.agent.tooling import Output

Progress = Callable[[int, int], None]
"""Files done, and all."""

_AT_FIRST: Final = 1.0
_THEN: Final = 0.5
"""Seconds."""


def silent(done: int, of: int) -> None:
    """Tells nobody."""


def unheard(text: str) -> None:
    """An output that nobody sees."""


@contextmanager
def told(output: Output, what: str) -> Iterator[Progress]:
    """Tells it as output: after a second that files are looked at, then how many are done, twice a second at most.
    What it gives may be called in any thread."""
    loop, began = asyncio.get_running_loop(), time.monotonic()
    last = began

    def looking() -> None:
        if last == began:
            output(f"{what}: looking at the files …\n")

    def progress(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > _THEN:
            last = now
            loop.call_soon_threadsafe(output, f"{what}: {done} of {of} files\n")

    first = loop.call_later(_AT_FIRST, looking)
    try:
        yield progress
    finally:
        first.cancel()
