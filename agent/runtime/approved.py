"""What the call that is running was let through as.

An edit that can't be made is let through as a call that merely reads: nobody need be asked. The file may change before
it runs, and then it could be made after all; so whoever writes looks here, and writes only for what was judged as that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from roundtrip.agent.messages import Effect

_APPROVED: ContextVar[Effect | None] = ContextVar("_APPROVED", default=None)


@contextmanager
def approved_as(effect: Effect) -> Iterator[None]:
    """A call runs within it that was judged by this effect, with all the tasks and threads that it starts."""
    token = _APPROVED.set(effect)
    try:
        yield
    finally:
        _APPROVED.reset(token)


def may_write() -> bool:
    """Whether files may be written: the running call was judged as one that does, or there is none."""
    return _APPROVED.get() in ("edits", None)
