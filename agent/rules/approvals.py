"""Who may run what without being asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from roundtrip.agent.messages import Effect
from roundtrip.agent.tooling import Intent, Refusal

PERMISSIONS: Final[Mapping[str, Effect]] = {"edit": "edits", "command": "runs"}
"""What `--allow` takes, and the effect it allows."""

_REFUSALS: Final = {
    "edits": "changing files was not allowed in this run",
    "runs": "running commands was not allowed in this run",
    "network": "network access was not allowed in this run",
}


def decide(intent: Intent, allowed: Collection[Effect]) -> Refusal | None:
    """None if the call may run. Reading is always allowed."""
    if intent.effect == "reads" or intent.effect in allowed:
        return None
    return Refusal(
        f"Not run: {_REFUSALS[intent.effect]}, and nobody can be asked. Do what you can without it, "
        "or tell the user what you would have done."
    )
