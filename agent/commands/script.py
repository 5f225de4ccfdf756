"""A conversation as a script has it, and whether a request continues it.

Strategy. A turn of the script is read here by three regular expressions, which is enough because scripts are ours,
whole and well-formed, and has nothing in common with the code that reads a real server. A request is held against
that reading by a table of rules: each takes what came (`Request`) and the last good request with the turn that was
said to it (`Said`), and yields what is wrong, in words.

A turn is plain data:

    chunks or deltas   the pieces of its content, or delta objects as they are; one event each
    finish_reason      "stop" if it is absent; what servers say here is often wrong, and may be wrong here
    expect             what the client has to make of it, where that can't be read off:
                       calls      [{"name", "arguments", "result"}], each of them optional; result: text of the result
                       content, reasoning
                       note       true if a user message follows
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import Profile

_SECTION: Final = re.compile(r"<\|tool_calls_section_begin\|>.*?<\|tool_calls_section_end\|>", re.S)
_CALL: Final = re.compile(r"<\|tool_call_begin\|>(.*?)<\|tool_call_argument_begin\|>(.*?)<\|tool_call_end\|>", re.S)
_NAME: Final = re.compile(r"functions\.(.+):\d+")
_MESSAGES: Final = re.compile(r'"messages"\s*:\s*')


@dataclass(frozen=True, slots=True)
class Turn:
    """One assistant turn. calls: what is known of each, as in `expect`."""

    deltas: tuple[Mapping[str, Any], ...]
    finish_reason: str
    content: str
    reasoning: str
    calls: tuple[Mapping[str, Any], ...]
    note: bool


@dataclass(frozen=True, slots=True)
class Request:
    """The body of a request. text: its `messages`, as they were written."""

    body: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What went before: the last good request, and the turn that answered it."""

    request: Request
    turn: Turn


def read_turn(data: Mapping[str, Any]) -> Turn:
    """A turn of a script."""
    deltas = data["deltas"] if "deltas" in data else [{"content": chunk} for chunk in data["chunks"]]
    text, reasoning = _joined(deltas, "content"), _joined(deltas, "reasoning_content")
    if "</think>" in text:
        reasoning, _, text = text.partition("</think>")
    expect = data.get("expect", {})
    calls = _leaked(text) or _structured(deltas)
    if "calls" in expect:
        read = [*calls, *({} for _ in expect["calls"])]
        calls = [{**found, **given} for found, given in zip(read, expect["calls"], strict=False)]
    return Turn(
        tuple(deltas),
        data.get("finish_reason", "stop"),
        expect.get("content", _SECTION.sub("", text).replace("<|im_end|>", "")).strip(),
        expect.get("reasoning", reasoning.removeprefix("<think>")).strip(),
        tuple(calls),
        expect.get("note", False),
    )


def _joined(deltas: Sequence[Mapping[str, Any]], field: str) -> str:
    return "".join(delta.get(field) or "" for delta in deltas)


def _leaked(text: str) -> list[dict[str, Any]]:
    return [_call(header, arguments) for header, arguments in _CALL.findall(text)]


def _structured(deltas: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for delta in deltas:
        for part in delta.get("tool_calls", ()):
            parts.setdefault(part["index"], []).append(part["function"])
    return [_call(f"functions.{_joined(part, 'name')}:0", _joined(part, "arguments")) for part in parts.values()]


def _call(header: str, arguments: str) -> dict[str, Any]:
    name = _NAME.fullmatch(header)
    return {"arguments": json.loads(arguments), **({"name": name[1]} if name else {})}


def read_request(raw: str) -> Request | None:
    """The request in a body; None if it is none."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return None
    return Request(body, messages, _text_of_messages(raw, messages))


def _text_of_messages(raw: str, messages: list[Any]) -> str:
    """The bytes are what a server's prompt cache sees, so they are kept beside what they mean."""
    for key in _MESSAGES.finditer(raw):
        value, end = json.JSONDecoder().raw_decode(raw, key.end())
        if value == messages:
            return raw[key.end() : end]
    return json.dumps(messages)


def violations(request: Request, said: Said | None, profile: Profile) -> list[str]:
    """What is wrong with a request, empty if it continues what was said. None was: it is the first."""
    found = preflight(request.body, profile)
    found += [] if request.body.get("stream") is True else ["stream is not true"]
    if said is None:
        return found + [violation for rule in _FIRST for violation in rule(request)]
    return found + [violation for rule in _LATER for violation in rule(request, said)]


def _opening(request: Request) -> Iterator[str]:
    """The first request holds the system prompt and what the user said."""
    roles = _roles(request.messages)
    if roles != ["system", "user"]:
        yield f"the first request holds {_listed(roles)}, not system, user"


def _model_and_tools(request: Request, said: Said) -> Iterator[str]:
    """They stand in front of the history, in the prompt and in its cache."""
    for field in ("model", "tools"):
        if request.body.get(field) != said.request.body.get(field):
            yield f"{field} changed since the last request"


def _prefix(request: Request, said: Said) -> Iterator[str]:
    """What was sent before is sent again, byte for byte."""
    before = said.request.text.removesuffix("]").rstrip()
    if not request.text.startswith(before + ","):
        old = enumerate(said.request.messages)
        changed = next((number for number, message in old if request.messages[number : number + 1] != [message]), None)
        where = "their bytes changed" if changed is None else f"message {changed} is another or gone"
        yield f"the request does not begin with the messages of the last one: {where}"


def _addition(request: Request, said: Said) -> Iterator[str]:
    """The assistant's message, one result a call, and what the user said next; they must, where the turn was an
    answer. If the user stopped the turn, only what they said."""
    roles = _roles(_new(request, said))
    wanted = ["assistant", *("tool" for _ in said.turn.calls)]
    wanted += ["user"] if said.turn.note or not said.turn.calls else []
    if _stopped(request, said) or (roles[: len(wanted)] == wanted and set(roles[len(wanted) :]) <= {"user"}):
        return
    yield f"the last request is followed by {_listed(roles)}, not {_listed(wanted)}"


def _stopped(request: Request, said: Said) -> bool:
    """Whether the message of the model is not there because it was not heard to its end."""
    return set(_roles(_new(request, said))) == {"user"}


def _assistant(request: Request, said: Said) -> Iterator[str]:
    """What the model said comes back as it was meant."""
    if _stopped(request, said):
        return
    message = next(iter(_new(request, said)), {})
    if _text(message, "content") != said.turn.content:
        yield "the assistant's content is not what the script's turn said"
    if _text(message, "reasoning_content", "reasoning") != said.turn.reasoning:
        yield "the assistant's reasoning is not what the script's turn thought"


def _calls(request: Request, said: Said) -> Iterator[str]:
    """The calls come back with the names and arguments that the turn gave them."""
    if _stopped(request, said):
        return
    message = next(iter(_new(request, said)), {})
    functions = [call.get("function", {}) for call in message.get("tool_calls") or ()]
    if len(functions) != len(said.turn.calls):
        yield f"the assistant has {len(functions)} calls, and the script's turn made {len(said.turn.calls)}"
        return
    for number, (function, call) in enumerate(zip(functions, said.turn.calls, strict=True)):
        if function.get("name") != call.get("name", function.get("name")):
            yield f"call {number} of the assistant is {function.get('name')!r}, not {call['name']!r}"
        if "arguments" in call and _value(function.get("arguments")) != call["arguments"]:
            yield f"call {number} of the assistant has other arguments than the script's turn gave it"


def _results(request: Request, said: Said) -> Iterator[str]:
    """Each result holds what the call was made for."""
    results = [message for message in _new(request, said) if message.get("role") == "tool"]
    for number, (result, call) in enumerate(zip(results, said.turn.calls, strict=False)):
        if call.get("result", "") not in str(result.get("content")):
            yield f"result {number} does not hold {call['result']!r}"


_FIRST: Final[tuple[Callable[[Request], Iterator[str]], ...]] = (_opening,)
_LATER: Final[tuple[Callable[[Request, Said], Iterator[str]], ...]] = (
    _model_and_tools,
    _prefix,
    _addition,
    _assistant,
    _calls,
    _results,
)


def _new(request: Request, said: Said) -> Sequence[Mapping[str, Any]]:
    """The messages that the last request did not have."""
    return request.messages[len(said.request.messages) :]


def _text(message: Mapping[str, Any], *fields: str) -> str:
    """The first of the fields that holds something."""
    return str(next(filter(None, map(message.get, fields)), "")).strip()


def _roles(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(message.get("role")) for message in messages]


def _listed(roles: list[str]) -> str:
    return ", ".join(roles) or "nothing"


def _value(arguments: Any) -> Any:
    try:
        return json.loads(arguments)
    except (TypeError, ValueError, RecursionError):
        return None
