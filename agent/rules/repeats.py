"""What happens when the same call brings the same result again and again.

The thresholds are a ladder: a hint, a stronger hint, no more running, the end of the turn. Any other result of the
call, such as a changed file's, starts it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Rung = Literal["", "hint", "warn", "refuse", "stop"]

LADDER: Final[tuple[tuple[int, Rung], ...]] = ((12, "stop"), (8, "refuse"), (5, "warn"), (3, "hint"))
"""Number of the same call with the same result -> what is done."""

HINTS: Final[dict[Rung, str]] = {
    "hint": "(You have made this call {times} times with the same result. Use the result you have.)",
    "warn": "(You have made this call {times} times and it will not change. Do something else, or answer the user.)",
    "refuse": "(Not run again: this was call number {times} with the same result. Answer the user with what you know.)",
}


@dataclass(slots=True)
class Repeats:
    """The calls of one turn."""

    _seen: dict[str, tuple[str, int]] = field(default_factory=dict)

    def known(self, call: str) -> str | None:
        """The result to give without running the call, None if it is to run."""
        content, times = self._seen.get(call, ("", 0))
        return content if _rung(times + 1) in ("refuse", "stop") else None

    def count(self, call: str, content: str) -> tuple[Rung, str]:
        """Counts a result; (what is done, the text that is added to it)."""
        before, times = self._seen.get(call, ("", 0))
        times = times + 1 if before == content else 1
        self._seen[call] = (content, times)
        rung = _rung(times)
        return rung, HINTS.get(rung, "").format(times=times)


def _rung(times: int) -> Rung:
    return next((rung for least, rung in LADDER if times >= least), "")
