"""One chunk of a chat completion, whatever its server calls it.

Tolerates what the vLLM, SGLang, llama.cpp and gateway streams of the incident corpus hold: null choices, null
delta, content as a list of parts, reasoning under two names, the legacy `function_call`, usage in the choice, errors
as objects, as strings, in the choice, or as plain `event: error` data. A whole `message` (a server that does not
stream) reads as one delta.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from roundtrip.agent.wire.surrogates import encodable

REASONING_FIELDS = ("reasoning_content", "reasoning")
_STATUSES = frozenset(map(str, range(400, 600)))
_MOST_OF_ERROR = 2000
"""Characters of an error that are kept: some servers answer with a web page."""


class Usage(NamedTuple):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


class Delta(NamedTuple):
    """What one chunk adds. field: the name under which the reasoning came. calls: raw call deltas. error: in one line.
    message: the same as it came."""

    text: str = ""
    reasoning: str = ""
    field: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()
    finish: str = ""
    usage: Usage | None = None
    error: str = ""
    status: int = 0
    message: str = ""


def read_chunk(data: str, event: str = "") -> Delta | None:
    """The delta of one event's data; None where it can't be read as a chunk at all."""
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        chunk = None
    if event == "error" and not (isinstance(chunk, dict) and chunk):
        return Delta(error=error_text(chunk or data) or "error")
    if not isinstance(chunk, dict):
        return None
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = chunk.get("error") or choice.get("error")
    if error or event == "error" or chunk.get("object") == "error":
        message = error_message(error or chunk)
        return Delta(error=error_text(error or chunk), status=_status(error or chunk), message=message)
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        delta = choice.get("message")
    finish = choice.get("finish_reason")
    usage = chunk.get("usage") or choice.get("usage")  # in the choice: Moonshot
    return read_delta(
        delta if isinstance(delta, dict) else {},
        encodable(finish) if isinstance(finish, str) else "",
        _usage(usage) if isinstance(usage, dict) else None,
    )


def read_delta(delta: Mapping[str, Any], finish: str = "", usage: Usage | None = None) -> Delta:
    """A delta object (or a message object) by its fields."""
    content = delta.get("content")
    text = content if isinstance(content, str) else _string(content)
    reasoning, field = "", ""
    for name in REASONING_FIELDS:
        value = delta.get(name)
        if value and not field:
            reasoning, field = _string(value), name
    calls = delta.get("tool_calls")
    legacy = delta.get("function_call")
    found: tuple[Mapping[str, Any], ...] = ()
    if calls or legacy:
        listed = calls if isinstance(calls, list) else [calls] if calls else [{"index": 0, "function": legacy}]
        found = tuple(call for call in listed if isinstance(call, dict))
    return Delta(text, reasoning, field, found, finish, usage)


def error_message(body: Any) -> str:
    """The human part of an error body, or all of it."""
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str) or not message:
        message = json.dumps(error, ensure_ascii=False)
    return encodable(message)


def error_text(body: Any) -> str:
    """The human part of an error body, or all of it, in one line that is not too long."""
    text = " ".join(error_message(body).split())
    return text if len(text) <= _MOST_OF_ERROR else f"{text[:_MOST_OF_ERROR]}…"


def _status(error: Any) -> int:
    """The HTTP status that an error frame speaks of, 0 for none."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if code in _STATUSES else 0


def _string(value: Any) -> str:
    """Text of a string, or of a list of content parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_string(part.get("text")) if isinstance(part, dict) else _string(part) for part in value)
    return ""


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
