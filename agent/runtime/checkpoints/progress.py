"""How far a long look at the workspace is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from roundtrip.agent.tooling import Output

Progress = Callable[[int, int], None]
"""Files done, and all."""


def silent(done: int, of: int) -> None:
    """Tells nobody."""


def told(output: Output) -> Progress:
    """Tells it as a call's output, twice a second; for a thread, made in the loop that it belongs to."""
    loop, last = asyncio.get_running_loop(), time.monotonic()

    def progress(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 0.5:
            last = now
            loop.call_soon_threadsafe(partial(output, f"checkpoint: {done} of {of} files\n"))

    return progress
