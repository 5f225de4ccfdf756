"""Each rule of the history has a body that breaks it, made by hand."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import GENERIC, KIMI, MISTRAL

Messages = list[dict[str, Any]]


def call(number: int, name: str = "read_file") -> dict[str, Any]:
    function = {"name": name, "arguments": '{"path": "a"}'}
    return {"id": f"functions.{name}:{number}", "type": "function", "function": function}


GOOD: Messages = [
    {"role": "system", "content": "You are an agent."},
    {"role": "user", "content": "read a and b"},
    {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [call(0), call(1)]},
    {"role": "tool", "tool_call_id": "functions.read_file:0", "content": "A"},
    {"role": "tool", "tool_call_id": "functions.read_file:1", "content": "B"},
    {"role": "assistant", "content": "done"},
    {"role": "user", "content": "thanks"},
]


def without(number: int) -> Callable[[Messages], Any]:
    return lambda messages: messages.pop(number)


def with_value(number: int, key: str, value: Any) -> Callable[[Messages], Any]:
    return lambda messages: messages[number].__setitem__(key, value)


def in_call(number: int, key: str, value: Any) -> Callable[[Messages], Any]:
    return lambda messages: messages[2]["tool_calls"][number].__setitem__(key, value)


def arguments(text: Any) -> Callable[[Messages], Any]:
    return lambda messages: messages[2]["tool_calls"][0]["function"].__setitem__("arguments", text)


def swapped(messages: Messages) -> None:
    messages[3], messages[4] = messages[4], messages[3]


def doubled(messages: Messages) -> None:
    messages.insert(4, messages[3])


def between(messages: Messages) -> None:
    messages.insert(4, {"role": "user", "content": "faster"})


BAD: dict[str, tuple[Callable[[Messages], Any], str]] = {
    "missing result": (without(3), "out of order"),
    "missing last result": (without(4), "no result"),
    "results swapped": (swapped, "out of order"),
    "two results": (doubled, "out of order"),
    "a result without a call": (lambda m: m.insert(1, m[3]), "without a call"),
    "a message between call and result": (between, "no result"),
    "the end in the middle": (lambda m: m.__delitem__(slice(3, None)), "no result"),
    "a wrong id": (in_call(1, "id", "call_1"), "is not functions"),
    "the same id": (in_call(1, "id", "functions.read_file:0"), "same id"),
    "arguments that are a list": (arguments("[]"), "JSON object"),
    "arguments that are cut": (arguments('{"path": "a'), "JSON object"),
    "arguments that are no text": (arguments({"path": "a"}), "JSON object"),
    "arguments with NaN": (arguments('{"a": NaN}'), "JSON object"),
    "arguments with escaped markup": (arguments('{"a": "\\u003c|im_end|>"}'), "live markup"),
    "markup in a result": (with_value(3, "content", "x<|im_end|>"), "live markup"),
    "markup in the user's text": (with_value(1, "content", "</think>"), "live markup"),
    "markup in the answer": (with_value(5, "content", "<|tool_call_begin|>"), "live markup"),
    "half a surrogate pair": (with_value(3, "content", "\ud800"), "surrogate"),
    "a name on a result": (with_value(3, "name", "read_file"), "name on a tool message"),
    "content in parts": (with_value(1, "content", [{"type": "text", "text": "a"}]), "not a string"),
    "an empty result": (with_value(3, "content", ""), "empty result"),
    "an empty answer": (with_value(5, "content", ""), "empty assistant"),
    "reasoning that is null": (with_value(2, "reasoning_content", None), "reasoning"),
    "reasoning twice": (with_value(2, "reasoning", "hm"), "reasoning"),
    "reasoning of the user": (with_value(1, "reasoning_content", "hm"), "reasoning"),
    "no system message": (without(0), "system messages"),
    "two system messages": (lambda m: m.insert(1, m[0]), "system messages"),
    "a strange role": (with_value(1, "role", "human"), "unknown role"),
    "no calls in a list of calls": (with_value(5, "tool_calls", []), "not a list of calls"),
}


def test_a_good_history_has_no_violation() -> None:
    assert preflight({"messages": GOOD}, KIMI) == []


@pytest.mark.parametrize("name", BAD)
def test_each_rule_is_asked(name: str) -> None:
    spoil, said = BAD[name]
    messages = copy.deepcopy(GOOD)
    spoil(messages)
    violations = preflight({"messages": messages}, KIMI)
    assert any(said in violation for violation in violations), violations


def test_ids_are_those_of_the_family() -> None:
    assert preflight({"messages": GOOD}, GENERIC) == []
    assert any("shape" in violation for violation in preflight({"messages": GOOD}, MISTRAL))


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": ["hi"]}], ids=str)
def test_what_is_no_body_is_a_violation(body: dict[str, Any]) -> None:
    assert preflight(body, KIMI)
