"""History in, request body out, as the profile wants it.

The body is a pure function of the messages and the profile, so that request n+1 begins with the messages of request
n byte for byte, and the server's prompt cache holds. What a string says is never changed, but its markup is defused,
and half a surrogate pair, which no server can be sent, is replaced. A made-up tool name may be anything; as it stands
in the history, it is what servers take for a name.

Content is a string, with one exception: images. A tool message can't hold them (most servers and templates take text
there), so those of all results of one assistant message follow behind these, in one user message of content parts.
For a model that takes no images they are left out, and the result says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roundtrip.agent.messages import Assistant, Call, Image, Message, Result, System, ToolSpec, User
from roundtrip.agent.wire.defuse import defuse, defuse_json
from roundtrip.agent.wire.profiles import Profile
from roundtrip.agent.wire.surrogates import encodable

_NO_NAME = re.compile(r"[^A-Za-z0-9_.:/-]")
_LONGEST_NAME = 64
_LONGEST_LABEL = 200
"""Characters of a call's arguments that name the image it returned."""

_USABLE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")


def render(
    messages: Sequence[Message],
    tools: Iterable[ToolSpec],
    model: str,
    profile: Profile,
    *,
    calls_allowed: bool = True,
    images: bool = True,
) -> dict[str, Any]:
    """The body of a streamed chat-completions request. `calls_allowed=False` asks with `tool_choice: none`.
    images: whether the model takes them."""
    body: dict[str, Any] = {"model": encodable(model), "messages": render_messages(messages, profile, images=images)}
    offered = [render_tool(spec) for spec in tools if spec.offered]
    if offered:
        body["tools"] = offered
        if not calls_allowed:
            body["tool_choice"] = "none"
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    return body


def size_of(body: Mapping[str, Any]) -> int:
    """Bytes of the body on the wire."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def render_tool(spec: ToolSpec) -> dict[str, Any]:
    """A tool as chat completions describe it. `strict` stays off: it makes small models send every parameter."""
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    return {"type": "function", "function": function}


def render_messages(messages: Sequence[Message], profile: Profile, *, images: bool = True) -> list[dict[str, Any]]:
    """The `messages` of a body. Results stand directly behind the assistant message they belong to, and their images
    behind them."""
    ids = call_ids([call for m in messages if isinstance(m, Assistant) for call in m.calls], profile)
    next_id, waiting = iter(ids), iter(())  # type: tuple[Any, Any]
    rendered: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    for message in messages:
        if seen and not isinstance(message, Result):
            rendered.append({"role": "user", "content": seen})
            seen = []
        match message:
            case System(content):
                rendered.append({"role": "system", "content": _text(content, profile)})
            case User(content):
                rendered.append({"role": "user", "content": _text(content, profile)})
            case Assistant():
                own = [next(next_id) for _ in message.calls]
                waiting = zip(own, message.calls, strict=True)
                rendered.append(_assistant(message, own, profile))
            case Result():
                own_id, call = next(waiting)
                rendered.append({"role": "tool", "tool_call_id": own_id, "content": _result(message, profile, images)})
                seen += [part for image in message.images for part in _parts(image, call, own_id, profile) if images]
    return [*rendered, {"role": "user", "content": seen}] if seen else rendered


def _result(message: Result, profile: Profile, images: bool) -> str:
    content = _text(message.content, profile) or "(no output)"
    left_out = message.images and not images
    return f"{content}\n(The image is left out: this model takes no images.)" if left_out else content


def _parts(image: Image, call: Call, call_id: str, profile: Profile) -> list[dict[str, Any]]:
    """An image, and before it the call that returned it."""
    arguments = call.arguments[:_LONGEST_LABEL] + "…" * (len(call.arguments) > _LONGEST_LABEL)
    label = _text(f"The image that {wire_name(call.name)} {arguments} returned ({call_id}):", profile)
    url = f"data:{image.media_type};base64,{image.data}"
    return [{"type": "text", "text": label}, {"type": "image_url", "image_url": {"url": url}}]


def _assistant(message: Assistant, ids: list[str], profile: Profile) -> dict[str, Any]:
    content = _text(message.content, profile)
    rendered: dict[str, Any] = {"role": "assistant", "content": content if content or not ids else None}
    if message.reasoning and profile.reasoning:
        rendered[message.reasoning_field] = _text(message.reasoning, profile)
    if ids:
        rendered["tool_calls"] = [_call(c, i, profile) for c, i in zip(message.calls, ids, strict=True)]
    return rendered


def _text(text: str, profile: Profile) -> str:
    return defuse(encodable(text), profile.markers)


def _call(call: Call, call_id: str, profile: Profile) -> dict[str, Any]:
    arguments = defuse_json(encodable(call.arguments), profile.markers)
    return {"id": call_id, "type": "function", "function": {"name": wire_name(call.name), "arguments": arguments}}


def wire_name(name: str) -> str:
    """A tool's name as it may stand in a request. OpenAI's API refuses a history with a name of other characters for
    ever, and models do make up such names."""
    return _NO_NAME.sub("_", name)[:_LONGEST_NAME]


def call_ids(calls: Sequence[Call], profile: Profile, before: int = 0) -> list[str]:
    """The id of each call of a request, in order. `before`: calls that came earlier in the conversation."""
    if profile.ids == "kimi":
        return [f"functions.{wire_name(call.name)}:{before + n}" for n, call in enumerate(calls)]
    usable = _MISTRAL_ID if profile.ids == "mistral" else _USABLE_ID
    ids: dict[str, None] = {}
    for number, call in enumerate(calls, before):
        fresh = call.id if usable.fullmatch(call.id) else ""
        serial = number
        while not fresh or fresh in ids:
            fresh = f"{serial:09d}" if profile.ids == "mistral" else f"call_{serial}"
            serial += 1_000_000
        ids[fresh] = None
    return list(ids)
