"""`new_task`: hands a task to a conversation of its own, of which only the last answer comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Delegate, Intent, Output
from roundtrip.prompts import load
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.cut import cut_middle
from roundtrip.tools.paths import failure

SPEC = ToolSpec(
    name="new_task",
    description="Give a task to a helper that has your tools but knows nothing of this conversation; returns its "
    "answer. For searches and side tasks that would fill your context.",
    parameters={
        "type": "object",
        "properties": {"message": {"type": "string", "description": "all that the helper has to know"}},
        "required": ["message"],
    },
    effect="runs",  # what the helper does may be anything, so it runs alone
    aliases=("task", "agent", "delegate", "delegate_task", "spawn_agent", "subagent"),
    parameter_aliases={"prompt": "message", "task": "message", "instructions": "message"},
    example='{"message": "Find every place that reads the configuration file, and list them with line numbers."}',
)


class NewTask:
    spec = SPEC

    def __init__(self, delegate: Delegate, caps: Caps = DEFAULT) -> None:
        self._delegate = delegate
        self._most = caps.output

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        """To hand on a task changes nothing: what the helper wants to do is asked for call by call."""
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        message = arguments["message"].strip()
        if not message:
            return failure(f"The message is empty. A correct call has, for example, {SPEC.example}")
        result = await self._delegate(f"{load('task').strip()}\n\n{message}", output)
        return replace(result, content=cut_middle(result.content, self._most))
