"""`agent parse`: the leak parser as a filter, for authors of other clients and for bug reports.

One JSON object a line in, one out, flushed. What comes in goes through the same code as a server's answer:

    in   {"content" or "chunks", "reasoning" or "reasoning_chunks", "tool_calls", or for all of these
          "deltas": [chat-completion delta objects], "finish_reason", "tools": [tool objects or bare names; absent:
          none were offered], "tool_choice", "model", "calls_before": 0}
    out  {"content", "reasoning", "tool_calls": [{"id", "name", "arguments"}],
          "unresolved": [{"name", "header", "arguments_raw", "reason"}], "repairs": [{"kind", "raw"}]}

A bare name accepts any object; a tool object merely reads if its `annotations.readOnlyHint` is true. A bad line gets
`{"error": ...}` and the next one is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TextIO

from roundtrip.agent.events import AssistantEnded, Event, Repaired
from roundtrip.agent.leaks import Offer, called
from roundtrip.agent.messages import Call
from roundtrip.agent.wire.assemble import Assembler
from roundtrip.agent.wire.chunks import Delta, read_delta
from roundtrip.agent.wire.profiles import GENERIC, KIMI, profile_for
from roundtrip.agent.wire.render import call_ids


def parse_lines(lines: TextIO, out: TextIO) -> None:
    """Filters until the end of `lines`; blank lines are passed over."""
    for line in lines:
        if line.strip():
            out.write(json.dumps(parse_line(line), ensure_ascii=False) + "\n")
            out.flush()


def parse_line(line: str) -> dict[str, Any]:
    """The output object of one input line; `{"error": ...}` for a line that can't be used."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"error": f"not JSON: {error}"}
    if not isinstance(request, dict):
        return {"error": "not a JSON object"}
    try:
        return parse(request)
    except ParseError as error:
        return {"error": str(error)}


class ParseError(Exception):
    """The request has a field of the wrong type. The message names it."""


def parse(request: Mapping[str, Any]) -> dict[str, Any]:
    """Parses one message. Raises ParseError."""
    before = request.get("calls_before", 0)
    if not isinstance(before, int) or before < 0:
        raise ParseError("calls_before is not a number from 0")
    offers = tuple(_offer(tool) for tool in _list(request, "tools"))
    named = profile_for(_text(request, "model"))
    assembler = Assembler(0, offers, named, allowed=bool(offers) and request.get("tool_choice") != "none")
    events: list[Event] = [event for delta in _deltas(request) for event in assembler.feed(delta)]
    events += assembler.end(_text(request, "finish_reason"))
    ended = events[-1]
    assert isinstance(ended, AssistantEnded)
    profile = KIMI if named is GENERIC and not _text(request, "model") else assembler.profile
    good = [_named(call, offers) for call in ended.message.calls if not call.problem]
    bad = [call for call in ended.message.calls if call.problem]
    return {
        "content": ended.message.content,
        "reasoning": ended.message.reasoning,
        "tool_calls": [
            {"id": call_id, "name": call.name, "arguments": call.parsed}
            for call_id, call in zip(call_ids(good, profile, before), good, strict=True)
        ],
        "unresolved": [
            *(_unresolved(call.name, call.header or call.name, call.raw, call.problem) for call in bad),
            *(_unresolved(None, call.header, call.arguments, call.reason) for call in ended.unreadable),
        ],
        "repairs": [{"kind": event.kind, "raw": event.raw} for event in events if isinstance(event, Repaired)],
    }


def _named(call: Call, offers: tuple[Offer, ...]) -> Call:
    """With the tool's name as it was offered: a history keeps the model's spelling, but a program looks the tool up."""
    offer = called(offers, call.name)
    return replace(call, name=offer.spelt(call.name)) if offer else call


def _unresolved(name: str | None, header: str, raw: str, reason: str) -> dict[str, Any]:
    return {"name": name, "header": header, "arguments_raw": raw, "reason": reason}


def _deltas(request: Mapping[str, Any]) -> Iterator[Delta]:
    """Reasoning first, then content, then structured calls; or the deltas as they are."""
    if request.get("deltas") is not None:
        for delta in _list(request, "deltas"):
            if not isinstance(delta, dict):
                raise ParseError("deltas holds something that is no object")
            yield read_delta(delta)
        return
    for chunk in _chunks(request, "reasoning_chunks", "reasoning" if "reasoning" in request else "reasoning_content"):
        yield Delta(reasoning=chunk, field="reasoning_content")
    for chunk in _chunks(request, "chunks", "content"):
        yield Delta(text=chunk)
    for number, call in enumerate(_list(request, "tool_calls")):
        if not isinstance(call, dict):
            raise ParseError("tool_calls holds something that is no object")
        yield read_delta({"tool_calls": [{"index": number, **call}]})


def _chunks(request: Mapping[str, Any], many: str, one: str) -> list[str]:
    chunks = _list(request, many) if request.get(many) is not None else [_text(request, one)]
    if not all(isinstance(chunk, str) for chunk in chunks):
        raise ParseError(f"{many} holds something that is no string")
    return chunks


def _list(request: Mapping[str, Any], field: str) -> list[Any]:
    value = request.get(field)
    if value is not None and not isinstance(value, list):
        raise ParseError(f"{field} is not a list")
    return value or []


def _text(request: Mapping[str, Any], field: str) -> str:
    value = request.get(field)
    if value is not None and not isinstance(value, str):
        raise ParseError(f"{field} is not a string")
    return value or ""


def _offer(tool: Any) -> Offer:
    if isinstance(tool, str) and tool:
        return Offer(tool)
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(tool, dict) or not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise ParseError("tools holds something that is neither a tool object nor a name")
    schema = function.get("parameters")
    hints = tool.get("annotations") or function.get("annotations")
    reads = isinstance(hints, dict) and hints.get("readOnlyHint") is True
    return Offer(name, schema if isinstance(schema, dict) else None, merely_reads=reads)
