"""When a request is sent again, and after how long.

Before the first byte an exchange may simply be tried again, if the failure is of a kind that passes. After a read
time-out it is not: a slow prefill is normal on a local server, and asking again doubles its load. A stream that was
cut counts for nothing and is asked for again, a few times. A server that is loading its model is waited for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from roundtrip.agent.tooling import ModelFailure

MOST: Final = 3
"""Tries again, for one request."""

MOST_EMPTY: Final = 1
"""Tries again after an answer without text or calls."""

MOST_UNRESOLVED: Final = 2
"""Steps in a row in which no call could be read; the next one ends the turn."""

_FIRST_SECONDS: Final = 0.5
_MOST_SECONDS: Final = 8.0
_MOST_WAIT: Final = 120.0
_LOADING: Final = re.compile(r"loading model|model is loading", re.IGNORECASE)
_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class _Plan:
    """How often to try again, and after how many seconds: `first`, then twice as long each time, up to `longest`."""

    tries: int
    first: float
    longest: float


_NEVER: Final = _Plan(0, 0.0, 0.0)
_USUAL: Final = _Plan(MOST, _FIRST_SECONDS, _MOST_SECONDS)
_PATIENT: Final = _Plan(300, 2.0, 2.0)

_PLANS: Final[tuple[tuple[Callable[[ModelFailure], bool], _Plan], ...]] = (
    (lambda failure: failure.kind == "silent", _NEVER),
    (lambda failure: failure.status == 503 and bool(_LOADING.search(failure.text)), _PATIENT),  # llama.cpp says so
    (lambda failure: failure.kind == "refused" and failure.status not in _PASSING, _NEVER),
    (lambda failure: True, _USUAL),
)


def delay(failure: ModelFailure, attempt: int) -> float | None:
    """Seconds to wait before try number `attempt` (from 1) again; None to give up."""
    plan = _plan(failure)
    if attempt > plan.tries:
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= _MOST_WAIT else None
    return float(min(plan.longest, plan.first * 2 ** (attempt - 1)))


@dataclass(slots=True)
class Attempts:
    """The tries of one request. Each plan has a count of its own: a server that took a minute to load its model may
    still be overloaded once after that."""

    _made: Counter[_Plan] = field(default_factory=Counter)

    def delay(self, failure: ModelFailure) -> float | None:
        """Seconds to wait before the next try; None to give up."""
        plan = _plan(failure)
        self._made[plan] += 1
        return delay(failure, self._made[plan])


def _plan(failure: ModelFailure) -> _Plan:
    return next(plan for applies, plan in _PLANS if applies(failure))
