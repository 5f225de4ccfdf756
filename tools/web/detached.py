"""Runs what can't be stopped, such that nobody waits for it: name look-ups, other people's parsers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def detached(function: Callable[..., T], *arguments: Any) -> T:
    """What the function returns, or raises. When cancelled, it goes on unheard, and does not hold up the program's end,
    as a thread of the loop's own pool would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], value: object) -> None:
        if not future.done():
            how(value)

    def work() -> None:
        how: Callable[[Any], None] = future.set_result
        value: object
        try:
            value = function(*arguments)
        except Exception as error:
            how, value = future.set_exception, error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, how, value)

    threading.Thread(target=work, daemon=True).start()
    return await future
