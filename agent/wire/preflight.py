"""Verifies an outgoing body, and mends nothing.

Written against the rules, not against `Conversation` or `render`, so that a mistake in those is seen here: the
body's own messages are walked from first to last, and each rule of the history is asked anew. A violation is a bug.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isinf
from typing import Any

from roundtrip.agent.wire.chunks import REASONING_FIELDS
from roundtrip.agent.wire.profiles import Profile

_ROLES = ("system", "user", "assistant", "tool")
_ID_SHAPES: Mapping[str, re.Pattern[str]] = {
    "mistral": re.compile(r"[A-Za-z0-9]{9}"),
    "received": re.compile(r"[A-Za-z0-9_.:-]{1,64}"),
}
_IMAGE = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,(?=[A-Za-z0-9+/])")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def preflight(body: Mapping[str, Any], profile: Profile, *, images: bool = True) -> list[str]:
    """What is wrong with the body, in words; empty if it may be sent. images: whether it may hold some."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        return ["messages is not a list of objects"]
    try:
        found = [violation for rule in _RULES for violation in rule(messages, profile)]
        return found if images else [*found, *_no_images(messages)]
    except RecursionError:
        return ["a value is nested too deeply"]


def _order(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """Each call has exactly one result, in call order, before any other message."""
    open_ids: list[Any] = []
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in _ROLES:
            yield f"message {number}: unknown role {role!r}"
        if role == "tool":
            if not open_ids:
                yield f"message {number}: a result without a call"
            elif message.get("tool_call_id") != open_ids.pop(0):
                yield f"message {number}: result for {message.get('tool_call_id')!r} is out of order"
            continue
        if open_ids:
            yield f"message {number}: {len(open_ids)} calls before it have no result"
        open_ids = [call.get("id") for call in _calls(message)]
        if open_ids and role != "assistant":
            yield f"message {number}: calls in a {role} message"
    if open_ids:
        yield f"the end: {len(open_ids)} calls have no result"


def _ids(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """Ids are unique, and as the family wants them."""
    calls = [call for message in messages for call in _calls(message)]
    ids = [call.get("id") for call in calls]
    if len(set(map(str, ids))) < len(ids):
        yield "two calls have the same id"
    for number, call in enumerate(calls):
        name, call_id = str(_function(call).get("name")), str(call.get("id"))
        if profile.ids == "kimi":
            if call_id != f"functions.{name}:{number}":
                yield f"call {number}: id {call_id!r} is not functions.{name}:{number}"
        elif not _ID_SHAPES[profile.ids].fullmatch(call_id):
            yield f"call {number}: id {call_id!r} has the wrong shape"


def _arguments(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """Each call has a name; its arguments are the text of a JSON object, as the strictest parser reads it."""
    for message in messages:
        for call in _calls(message):
            function = _function(call)
            if not isinstance(function.get("name"), str) or not function["name"]:
                yield f"call {call.get('id')!r} has no name"
            if call.get("type") != "function":
                yield f"call {call.get('id')!r}: its type is {call.get('type')!r}"
            try:
                value = json.loads(function.get("arguments", ""), parse_constant=_refuse, parse_float=_finite)
            except (TypeError, ValueError, RecursionError):
                value = None
            if not isinstance(value, dict):
                yield f"call {call.get('id')!r}: its arguments are not the text of a JSON object"
            elif any(marker in text for text in _strings(value) for marker in profile.markers):
                yield f"call {call.get('id')!r}: live markup in its arguments"


def _encoding(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """Every string can be encoded."""
    for number, message in enumerate(messages):
        try:
            "".join(_strings(message)).encode()
        except UnicodeEncodeError:
            yield f"message {number}: half a surrogate pair"


def _markup(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """No live markup in any string."""
    for number, message in enumerate(messages):
        for text in _strings(message):
            for marker in profile.markers:
                if marker in text:
                    yield f"message {number}: live markup {marker!r}"


def _shape(messages: Sequence[Mapping[str, Any]], profile: Profile) -> Iterator[str]:
    """One system message, first; content is text; tool messages have no name; reasoning under one known name."""
    systems = [number for number, message in enumerate(messages) if message.get("role") == "system"]
    if systems != [0]:
        yield f"system messages at {systems}, not just one at 0"
    if not any(message.get("role") == "user" for message in messages):
        yield "no user message"
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role == "tool" and "name" in message:
            yield f"message {number}: a name on a tool message"
        if isinstance(content, list) and role == "user":
            yield from (f"message {number}: {what}" for what in _no_images_of_results(messages, number))
        elif not isinstance(content, str) and not (role == "assistant" and content is None and _calls(message)):
            yield f"message {number}: content is {content!r}, not a string"
        if role == "assistant" and content == "" and not _calls(message):
            yield f"message {number}: an empty assistant message"
        if role == "tool" and content == "":
            yield f"message {number}: an empty result"
        calls = message.get("tool_calls", [{}])
        if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
            yield f"message {number}: tool_calls is {calls!r}, not a list of calls"
        fields = [field for field in REASONING_FIELDS if field in message]
        if len(fields) > 1 or (fields and (role != "assistant" or not profile.reasoning)):
            yield f"message {number}: reasoning under {fields}"
        if not all(isinstance(message[field], str) and message[field] for field in fields):
            yield f"message {number}: reasoning that is no text"


def _no_images_of_results(messages: Sequence[Mapping[str, Any]], number: int) -> Iterator[str]:
    """What makes a message of content parts another thing than the images of the results right before it: texts and
    images by turns, a text first."""
    if number == 0 or messages[number - 1].get("role") != "tool":
        yield "content in parts, not a string, that stands behind no result"
    parts = [part if isinstance(part, Mapping) else {} for part in messages[number]["content"]]
    if not parts or len(parts) % 2:
        yield f"{len(parts)} content parts, not pairs of a text and an image"
    for place, part in enumerate(parts):
        text, image = part.get("text"), part.get("image_url")
        if place % 2 == 0 and not (part.get("type") == "text" and isinstance(text, str) and text):
            yield f"content part {place} is no text"
        url = image.get("url") if isinstance(image, Mapping) else None
        if place % 2 == 1 and not (part.get("type") == "image_url" and isinstance(url, str) and _is_image(url)):
            yield f"content part {place} is no image"


def _no_images(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """No content parts at all."""
    for number, message in enumerate(messages):
        if isinstance(message.get("content"), list):
            yield f"message {number}: images, which this model does not take"


_Rule = Callable[[Sequence[Mapping[str, Any]], Profile], Iterator[str]]
_RULES: tuple[_Rule, ...] = (_order, _ids, _arguments, _encoding, _markup, _shape)


def _calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield "" if _is_image(value) else value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)


def _is_image(url: str) -> bool:
    """Whether a string is an image and nothing else. Its base64 holds no character that a marker needs, so that
    megabytes of it need not be searched for each of them."""
    found = _IMAGE.match(url)
    if found is None or not url.isascii():
        return False
    return not url[found.end() :].rstrip("=").encode().translate(None, _BASE64)


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        _refuse(digits)
    return number
