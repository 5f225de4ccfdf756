"""What the call that is running was let through as.

Between the judgement of a call and its run, files and links may change. What runs is what was judged:
1. An edit that can't be made is let through as a call that merely reads: nobody need be asked. If it could be made
   after all, it still writes nothing: whoever writes looks here.
2. A path leads where it led, or is refused: whoever resolves one looks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from roundtrip.agent.messages import Effect
from roundtrip.agent.tooling import Intent

_APPROVED: ContextVar[Intent | None] = ContextVar("_APPROVED", default=None)


@contextmanager
def approved_as(effect: Effect, paths: tuple[Path, ...] = ()) -> Iterator[None]:
    """A call runs within it that was judged by this effect and these paths, with all the tasks and threads that it
    starts."""
    token = _APPROVED.set(Intent(effect, paths))
    try:
        yield
    finally:
        _APPROVED.reset(token)


@contextmanager
def judging() -> Iterator[None]:
    """A call is judged within it, for which it does not count that it belongs to a task of another one."""
    token = _APPROVED.set(None)
    try:
        yield
    finally:
        _APPROVED.reset(token)


def may_write() -> bool:
    """Whether files may be written: the running call was judged as one that does more than read, or there is none."""
    approved = _APPROVED.get()
    return approved is None or approved.effect != "reads"


def was_judged(path: Path) -> bool:
    """Whether the running call was judged by this path, or by a folder around it; True where it named none."""
    approved = _APPROVED.get()
    return approved is None or not approved.paths or any(path.is_relative_to(one) for one in approved.paths)
