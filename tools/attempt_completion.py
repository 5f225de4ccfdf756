"""`attempt_completion`: never offered, because plain text ends a turn; but models that learned it may use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output

SPEC = ToolSpec(
    name="attempt_completion",
    description="End the turn with a final answer.",
    parameters={"type": "object", "properties": {"result": {"type": "string"}}, "required": ["result"]},
    aliases=("finish", "task_complete", "complete_task", "task_done", "final_answer", "submit"),
    parameter_aliases={"answer": "result", "message": "result", "summary": "result", "final_answer": "result"},
    offered=False,
    example='{"result": "The tests pass now."}',
)


class AttemptCompletion:
    spec = SPEC

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        return ToolResult("Done.", answer=arguments["result"])
