"""Kimi K2's markup, a few tools, and one message through the whole parser, cut into chunks in every way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from roundtrip.agent.commands.parse import parse

B, E = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
C, A, X = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
J = '{"path": "a"}'
RM = '{"command": "rm -rf /"}'


def tool(name: str, required: dict[str, Any], optional: dict[str, Any] | None = None, *, reads: bool = False) -> Any:
    parameters = {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}
    return {"function": {"name": name, "parameters": parameters}, "annotations": {"readOnlyHint": reads}}


STRING = {"type": "string"}
READ = tool("read_file", {"path": STRING}, reads=True)
WRITE = tool("write_to_file", {"path": STRING, "content": STRING})
RUN = tool("execute_command", {"command": STRING}, {"timeout": {"type": "integer"}})
TOOLS = [READ, WRITE, RUN]


def call(header: str = "functions.read_file:0", arguments: str = J) -> str:
    return f"{C}{header}{A}{arguments}{X}"


def section(*calls: str) -> str:
    return B + "".join(calls or [call()]) + E


DANGER = section(call("functions.execute_command:0", RM))


def request(
    text: str = "", reasoning: str = "", tools: list[Any] | None = None, structured: tuple[Any, ...] = (), **other: Any
) -> dict[str, Any]:
    tools = TOOLS if tools is None else tools
    return {"content": text, "reasoning": reasoning, "tools": tools, "tool_calls": list(structured), **other}


def cut(message: dict[str, Any], text: list[str], reasoning: list[str]) -> dict[str, Any]:
    """The same message, streamed in these chunks."""
    return {**message, "content": None, "reasoning": None, "chunks": text, "reasoning_chunks": reasoning}


def streams(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message one character at a time, and at every single cut."""
    text, reasoning = message["content"], message["reasoning"]
    yield cut(message, list(text), list(reasoning))
    for at in range(1, max(len(text), len(reasoning))):
        yield cut(message, [text[:at], text[at:]], [reasoning[:at], reasoning[at:]])


def chunked(text: str, sizes: Iterator[int]) -> list[str]:
    chunks = []
    for size in itertools.chain(sizes, itertools.repeat(len(text) or 1)):
        chunks.append(text[:size])
        text = text[size:]
        if not text:
            return chunks
    return chunks


def calls(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(made["name"], made["arguments"]) for made in answer["tool_calls"]]


def ran(message: dict[str, Any]) -> list[tuple[str, Any]]:
    return calls(parse(message))
