"""When a request is sent again, and after how long.

Before the first byte an exchange may simply be tried again, if the failure is of a kind that passes. After a read
time-out it is not: a slow prefill is normal on a local server, and asking again doubles its load. A stream that was
cut counts for nothing and is asked for again, a few times.
"""

from __future__ import annotations

from typing import Final

from roundtrip.agent.tooling import ModelFailure

MOST: Final = 3
"""Tries again, for one request."""

MOST_EMPTY: Final = 1
"""Tries again after an answer without text or calls."""

MOST_UNRESOLVED: Final = 2
"""Steps in a row in which no call could be read; the next one ends the turn."""

_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FIRST_SECONDS: Final = 0.5
_MOST_SECONDS: Final = 8.0
_MOST_WAIT: Final = 120.0


def delay(failure: ModelFailure, attempt: int) -> float | None:
    """Seconds to wait before try number `attempt` (from 1) again; None to give up."""
    if attempt > MOST or failure.kind == "silent":
        return None
    if failure.kind == "refused" and failure.status not in _PASSING:
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= _MOST_WAIT else None
    return float(min(_MOST_SECONDS, _FIRST_SECONDS * 2 ** (attempt - 1)))
