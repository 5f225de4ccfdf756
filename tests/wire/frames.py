"""Server-sent events as servers write them, for tests. No code of ours is in play."""

from __future__ import annotations

import json
from typing import Any

DONE = b"data: [DONE]\n\n"


def frame(value: Any) -> bytes:
    """One event; a str goes in as it is."""
    data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"data: {data}\n\n".encode("utf-8", "surrogatepass")


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    """One chunk: chunk(content="a"), chunk("stop"), chunk(tool_calls=[...])."""
    return frame(
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    )


def call(index: int | None = 0, *, id: str | None = None, **function: Any) -> bytes:
    """One chunk with one call delta: call(0, id="x", name="f", arguments="")."""
    delta: dict[str, Any] = {"function": function}
    if index is not None:
        delta["index"] = index
    if id is not None:
        delta |= {"id": id, "type": "function"}
    return chunk(tool_calls=[delta])


def text(content: str) -> bytes:
    """A whole answer in text."""
    return chunk(role="assistant", content="") + chunk(content=content) + chunk("stop") + DONE


def calls(*named: tuple[str, Any], content: str = "") -> bytes:
    """A whole answer of calls, as (name, arguments)."""
    said = chunk(content=content) if content else b""
    parts = [
        call(number, id=f"call_{number}_{name}", name=name, arguments="")
        + call(number, arguments=arguments if isinstance(arguments, str) else json.dumps(arguments))
        for number, (name, arguments) in enumerate(named)
    ]
    return said + b"".join(parts) + chunk("tool_calls") + DONE


def error(message: str, code: int | None = 500) -> bytes:
    """An error frame."""
    return frame({"error": {"message": message, "type": "server_error", "code": code}})


def leak(*headed: tuple[str, Any]) -> str:
    """A section of Kimi K2 markup, as (header, arguments)."""
    inner = "".join(
        f"<|tool_call_begin|>{header}<|tool_call_argument_begin|>"
        f"{arguments if isinstance(arguments, str) else json.dumps(arguments)}<|tool_call_end|>"
        for header, arguments in headed
    )
    return f"<|tool_calls_section_begin|>{inner}<|tool_calls_section_end|>"
