"""Kimi K2's tool calls as the model writes them, and the tool that the tests offer."""

import json
from typing import Any


def section(*calls: tuple[str, dict[str, Any]]) -> str:
    """A tool-call section of (id, arguments) pairs."""
    inside = (
        f"<|tool_call_begin|>{id}<|tool_call_argument_begin|>{json.dumps(arguments)}<|tool_call_end|>"
        for id, arguments in calls
    )
    return "<|tool_calls_section_begin|>" + "".join(inside) + "<|tool_calls_section_end|>"


READ_FILE = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Reads a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}
