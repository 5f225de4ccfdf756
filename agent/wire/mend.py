"""Histories from elsewhere: chat-completion messages in, a history of ours out, whatever state they are in.

`render(history_of(messages))` passes preflight for every profile. Only for what another program wrote, or an older
version of this one: our own histories can't need it, and preflight never mends.

Rules, each for a client that does it (ids of the incident corpus): a call without a result is answered that it may
have run (crush-862, evo-360); a result without a call is dropped, results are put into call order (omp-11179);
arguments that are no object are repaired (kimi-cli-2165, gents-590); system messages become one; an assistant
message that says nothing is dropped (crush-920).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roundtrip.agent.messages import Assistant, Call, Message, Result, System, User
from roundtrip.agent.wire.arguments import object_text
from roundtrip.agent.wire.chunks import read_delta

_IMAGE_LOST = "\n(There was an image here, which is lost.)"
UNANSWERED = "There is no result: the call was interrupted, and may have run."


def history_of(messages: Iterable[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The messages as a history that can be rendered. Never raises; what is no message is passed over."""
    systems: list[str] = []
    history: list[Message] = []
    open_calls: list[Call] = []
    results: dict[str, str] = {}
    for message in messages:
        role, text = message.get("role"), read_delta(message).text + _IMAGE_LOST * _holds_image(message)
        if role == "tool":
            results.setdefault(str(message.get("tool_call_id")), text)
            continue
        history += _results(open_calls, results)
        open_calls, results = [], {}
        if role in ("system", "developer"):
            systems.append(text)
        elif role == "user":
            history.append(User(text))
        elif role == "assistant":
            said = _assistant(message)
            open_calls = list(said.calls)
            if said.content.strip() or said.calls:
                history.append(said)
    history += _results(open_calls, results)
    return (System("\n\n".join(filter(None, systems))), *history)


def _assistant(message: Mapping[str, Any]) -> Assistant:
    delta = read_delta(message)
    calls: list[Call] = []
    for raw in delta.calls:
        function = raw.get("function")
        function = function if isinstance(function, Mapping) else {}
        name, written = function.get("name"), function.get("arguments")
        text = written if isinstance(written, str) else "{}"
        if isinstance(name, str) and name:
            calls.append(Call(len(calls), name, object_text(text), text, str(raw.get("id") or "")))
    return Assistant(delta.text, delta.reasoning, tuple(calls), delta.field or "reasoning_content")


def _holds_image(message: Mapping[str, Any]) -> bool:
    """Whether one of the content parts is an image."""
    parts = message.get("content")
    return isinstance(parts, list) and any(isinstance(part, dict) and "image_url" in part for part in parts)


def _results(calls: list[Call], results: Mapping[str, str]) -> list[Message]:
    """One result for each call: by its id, or by its place where no id fits."""
    by_place = [text for call_id, text in results.items() if call_id not in {call.id for call in calls}]
    found: list[Message] = []
    for call in calls:
        fallback = by_place.pop(0) if call.id not in results and by_place else UNANSWERED
        found.append(Result(results.get(call.id, fallback)))
    return found
