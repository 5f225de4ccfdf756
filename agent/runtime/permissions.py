"""The approver of scripts: what was allowed on the command line, and nobody to ask."""

from __future__ import annotations

from roundtrip.agent.messages import Call, Effect
from roundtrip.agent.rules.approvals import decide
from roundtrip.agent.tooling import Intent, Refusal


class Permissions:
    """Allows a fixed set of effects."""

    def __init__(self, allowed: frozenset[Effect]) -> None:
        self._allowed = allowed

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        """See `tooling.Approver`."""
        return decide(intent, self._allowed)
