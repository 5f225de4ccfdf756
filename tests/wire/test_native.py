"""Structured calls from whatever deltas servers send. Corpus cases carry the thread that showed them."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.wire.native import Grown, NativeCalls

Called = tuple[str, str, str]  # id, name, arguments
NOTHING: Any = object()


def d(index: Any = NOTHING, id: Any = NOTHING, name: Any = NOTHING, arguments: Any = NOTHING) -> dict[str, Any]:
    """One call delta; what is not given is not in it."""
    outer = {key: value for key, value in (("index", index), ("id", id)) if value is not NOTHING}
    inner = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not NOTHING}
    return outer | {"function": inner}


CASES: dict[str, tuple[list[dict[str, Any]], list[Called]]] = {
    "as OpenAI sends it": (
        [d(0, "a", "f", ""), d(0, arguments='{"x"'), d(0, arguments=": 1}"), d(1, "b", "g", "{}")],
        [("a", "f", '{"x": 1}'), ("b", "g", "{}")],
    ),
    "whole at once": ([d(0, "a", "f", '{"x": 1}')], [("a", "f", '{"x": 1}')]),
    "interleaved": (
        [
            d(0, "a", "f", ""),
            d(1, "b", "g", ""),
            d(0, arguments="{"),
            d(1, arguments="{"),
            d(1, arguments="}"),
            d(0, arguments="}"),
        ],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "late name": ([d(0, "a"), d(0, arguments="{"), d(0, name="f"), d(0, arguments="}")], [("a", "f", "{}")]),
    "late id": ([d(0, name="f"), d(0, arguments="{}"), d(0, "a")], [("a", "f", "{}")]),
    "no id": ([d(0, name="f", arguments="{}"), d(1, name="f", arguments="{}")], [("", "f", "{}"), ("", "f", "{}")]),
    "empty id": ([d(0, "", "f", "{"), d(0, "", "", "}")], [("", "f", "{}")]),
    "null id and name": ([d(0, None, "f", "{"), d(0, None, None, "}")], [("", "f", "{}")]),
    "ids and names that are no text": ([d(0, 5, "f", "{"), d(0, {}, 7, "}")], [("", "f", "{}")]),
    "no name at all": ([d(0, "a", arguments='{"x": 1}')], [("a", "", '{"x": 1}')]),
    "an id and nothing else": ([d(0, "a", "f", "{}"), d(1, "b", "", "")], [("a", "f", "{}")]),
    "nothing at all": ([d(0), d(), d(1, arguments="")], []),
    "a name and no arguments": ([d(0, "a", "f")], [("a", "f", "")]),
    "arguments null": ([d(0, "a", "f", None), d(0, arguments='{"x": 1}')], [("a", "f", '{"x": 1}')]),
    "arguments as an object": ([d(0, "a", "f", {"x": "é"})], [("a", "f", '{"x": "é"}')]),
    "arguments as an empty object": ([d(0, "a", "f", {})], [("a", "f", "")]),
    "arguments as a list": ([d(0, "a", "f", [1])], [("a", "f", "[1]")]),
    "an object, repeated": ([d(0, "a", "f", {"x": 1}), d(0, "a", "f", {"x": 1})], [("a", "f", '{"x": 1}')]),
    "the whole call again at the end": (
        [d(0, "a", "f", ""), d(0, arguments='{"x": 1}'), d(0, "a", "f", '{"x": 1}')],
        [("a", "f", '{"x": 1}')],
    ),
    "name repeated in each delta": (
        [
            d(0, "a", "f", ""),
            d(0, name="f", arguments='{"x"'),
            d(0, name="f", arguments=": 1}"),
            d(0, name="f", arguments=""),
        ],
        [("a", "f", '{"x": 1}')],
    ),
    "id and name repeated in each delta": (
        [d(0, "a", "f", '{"x"'), d(0, "a", "f", ": 1}"), d(1, "b", "f", "{"), d(1, "b", "f", "}")],
        [("a", "f", '{"x": 1}'), ("b", "f", "{}")],
    ),
    "index 0 for all, ids": (
        [d(0, "a", "f", ""), d(0, arguments="{}"), d(0, "b", "f", ""), d(0, arguments='{"x": 1}')],
        [("a", "f", "{}"), ("b", "f", '{"x": 1}')],
    ),
    "index 0 for all, no ids": (
        [d(0, name="f", arguments='{"x": 1}'), d(0, name="g", arguments="{}")],
        [("", "f", '{"x": 1}'), ("", "g", "{}")],
    ),
    "index 0 for all, one name, no ids": (
        [d(0, name="f"), d(0, arguments='{"x": 1}'), d(0, name="f"), d(0, arguments='{"x": 2}')],
        [("", "f", '{"x": 1}'), ("", "f", '{"x": 2}')],
    ),
    "index 0 for all, interleaved by id": (
        [d(0, "a", "f", "{"), d(0, "b", "g", "{"), d(0, "a", arguments="}"), d(0, "b", arguments='"x": 1}')],
        [("a", "f", "{}"), ("b", "g", '{"x": 1}')],
    ),
    "index missing": ([d(id="a", name="f", arguments="{"), d(arguments="}")], [("a", "f", "{}")]),
    "index missing, ids": (
        [d(id="a", name="f", arguments="{"), d(id="a", arguments="}"), d(id="b", name="f", arguments="{}")],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "index missing, no ids": (
        [d(name="f", arguments="{"), d(arguments="}"), d(name="g", arguments="{}")],
        [("", "f", "{}"), ("", "g", "{}")],
    ),
    "index missing, name in each delta": ([d(name="f", arguments="{"), d(name="f", arguments="}")], [("", "f", "{}")]),
    "index missing, a new id each time": (
        [d(id="a", name="f"), d(id="b", arguments="{"), d(id="c", arguments="}")],
        [("a", "f", "{}")],
    ),
    "index null": ([d(None, "a", "f", "{"), d(None, None, None, "}")], [("a", "f", "{}")]),
    "index as text": (
        [d("0", "a", "f", "{"), d("0", arguments="}"), d("1", "b", "g", "{}")],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "index as a float": ([d(0.0, "a", "f", "{"), d(0, arguments="}")], [("a", "f", "{}")]),
    "index that is no number": ([d({}, "a", "f", "{"), d(float("nan"), arguments="}")], [("a", "f", "{}")]),
    "indices from 1, with a gap": ([d(1, "a", "f", "{}"), d(7, "b", "g", "{}")], [("a", "f", "{}"), ("b", "g", "{}")]),
    "one id for two calls": ([d(0, "a", "f", "{}"), d(0, "a", "g", "{}")], [("a", "f", "{}"), ("a", "g", "{}")]),
    "another name under the same id": ([d(0, "a", "f", "{"), d(0, "a", "g", "}")], [("a", "f", "{}")]),
    "an emoji cut in two": ([d(0, "a", "f", '{"x": "\ud83d'), d(0, arguments='\ude00"}')], [("a", "f", '{"x": "😀"}')]),
    "half an emoji": ([d(0, "a", "f", '{"x": "'), d(0, arguments="\ud83d")], [("a", "f", '{"x": "\ufffd')]),
    "half an emoji in id and name": ([d(0, "a\ud83d", "f\ude00", "{}")], [("a\ufffd", "f\ufffd", "{}")]),
    "without `function`": ([{"index": 0, "id": "a", "name": "f", "arguments": {"x": 1}}], [("a", "f", '{"x": 1}')]),
    "`function` null": ([{"index": 0, "function": None}, d(0, "a", "f", "{}")], [("a", "f", "{}")]),
    "agno-2640: twice, under one id": (
        [d(0, "a", "f", '{"x": 1}'), d(1, "a", "f", '{"x": 1}'), d(2, "b", "f", '{"x": 1}')],
        [("a", "f", '{"x": 1}'), ("b", "f", '{"x": 1}')],
    ),
    "dynamo-4723: index 0 twice": (
        [
            d(0, "call-9439f831", "add_numbers", '{"b":2,"a":2}'),
            d(0, "call-84eb6907", "get_weather", '{"unit":"celsius"}'),
        ],
        [("call-9439f831", "add_numbers", '{"b":2,"a":2}'), ("call-84eb6907", "get_weather", '{"unit":"celsius"}')],
    ),
    "glm4-194: a new id in each delta": (
        [
            d(0, "call_DfU2", "get_current_weather", ""),
            d(0, "call_LEN0", None, '{"'),
            d(0, "call_6bAg", None, "location"),
            d(0, "call_aQ32", None, '":'),
            d(0, "call_nBSP", None, ' "Saigon"}'),
        ],
        [("call_DfU2", "get_current_weather", '{"location": "Saigon"}')],
    ),
    "litellm-12513: the name null in quotes": (
        [d(0, "chatcmpl-tool-947d", "list_directory", '{"path": ".'), d(0, "", "null", '"}')],
        [("chatcmpl-tool-947d", "list_directory", '{"path": "."}')],
    ),
    "opencode-26412: name null, no id": (
        [
            d(0, name="read_file", arguments=""),
            d(0, name=None, arguments='{"path": "test'),
            d(0, name=None, arguments='.py"}'),
        ],
        [("", "read_file", '{"path": "test.py"}')],
    ),
    "lms-649: name empty": (
        [d(0, "a", "f", '{"'), d(0, name="", arguments="count"), d(0, name="", arguments='": 1}')],
        [("a", "f", '{"count": 1}')],
    ),
    "openinterp-315: two calls glued": (
        [d(0, "a", "execute", '{"language": "python", "code": "print(1)"}{"language": "shell", "code": "ls -la"}')],
        [
            ("a", "execute", '{"language": "python", "code": "print(1)"}'),
            ("", "execute", '{"language": "shell", "code": "ls -la"}'),
        ],
    ),
    "glued, with white space": (
        [d(0, "a", "f", '{"x": 1}\n {"x": 2} ')],
        [("a", "f", '{"x": 1}'), ("", "f", '{"x": 2}')],
    ),
    "glued, the second broken": ([d(0, "a", "f", '{"x": 1}{"x": ')], [("a", "f", '{"x": 1}{"x": ')]),
    "glued, something else behind": ([d(0, "a", "f", '{"x": 1}{"x": 2} and')], [("a", "f", '{"x": 1}{"x": 2} and')]),
    "braces in a string": ([d(0, "a", "f", '{"x": "}{"}')], [("a", "f", '{"x": "}{"}')]),
}


class Watched:
    """Native calls, and what a watcher saw of them."""

    def __init__(self) -> None:
        self.native = NativeCalls()
        self.next = 0
        self.seen: list[Grown] = []

    def feed(self, deltas: Iterable[dict[str, Any]]) -> None:
        for delta in deltas:
            grown = self.native.feed(delta, self.next)
            self.next = max(self.next, grown.number + 1)
            self.seen.append(grown)

    def take(self) -> int:
        self.next += 1
        return self.next - 1

    def called(self) -> list[Called]:
        return [(call.id, call.name, call.arguments) for call in self.native.calls(False, self.take)]


@pytest.mark.parametrize(("deltas", "expected"), CASES.values(), ids=CASES)
def test_a_case(deltas: list[dict[str, Any]], expected: list[Called]) -> None:
    watched = Watched()
    watched.feed(deltas)
    assert watched.called() == expected
    seen = [grown for grown in watched.seen if grown.text or grown.begun]
    begun = [grown.number for grown in seen if grown.begun]
    assert len(set(begun)) == len(begun), "a call begins once"
    for number in begun:
        first = next(grown for grown in seen if grown.number == number)
        assert first.begun, "nothing is seen of a call before it begins"


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    arguments=st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=4) | st.integers(), max_size=3), min_size=1, max_size=3
    ),
    cut=st.integers(1, 7),
    indexed=st.booleans(),
    identified=st.booleans(),
)
def test_pieces_of_any_size(arguments: list[dict[str, Any]], cut: int, indexed: bool, identified: bool) -> None:
    """However small the pieces, and with or without index and ids: the same calls, byte for byte."""
    texts = [json.dumps(value) for value in arguments]
    watched = Watched()
    for number, text in enumerate(texts):
        index = number if indexed else NOTHING
        watched.feed([d(index, f"id{number}" if identified else NOTHING, f"tool_{number}", "")])
        watched.feed(d(index, arguments=text[at : at + cut]) for at in range(0, len(text), cut))
    called = [(f"id{n}" if identified else "", f"tool_{n}", text) for n, text in enumerate(texts)]
    assert watched.called() == called
    assert watched.native.all_complete


@pytest.mark.parametrize(
    ("deltas", "complete"),
    [
        ([], False),
        ([d(0, "a", "f", "")], False),
        ([d(0, "a", "f", '{"x": "')], False),
        ([d(0, "a", "f", '{"x": "\\')], False),
        ([d(0, "a", "f", "{}")], True),
        ([d(0, "a", "f", "{} ")], True),
        ([d(0, "a", "f", "{}"), d(0, arguments=" " * 100 + "x")], False),
        ([d(0, "a", arguments="{}")], False),
        ([d(0, "a", "f", "{}"), d(1, "b", "g", "{")], False),
        ([d(0, "a", "f", "{}"), d(1, "b", "g", "{"), d(1, arguments="}")], True),
        ([d(0, "a", "f", "{]")], False),
    ],
)
def test_complete(deltas: list[dict[str, Any]], complete: bool) -> None:
    watched = Watched()
    for delta in deltas:
        watched.feed([delta])
        assert watched.native.all_complete in (True, False)  # asked in between, too: that must not disturb it
    assert watched.native.all_complete is complete


def test_only_the_last_call_can_be_cut() -> None:
    watched = Watched()
    watched.feed([d(0, "a", "f"), d(1, "b", "f")])
    assert [call.cut for call in watched.native.calls(True, watched.take)] == [False, True]


def test_repairs_are_named() -> None:
    watched = Watched()
    watched.feed([d(0, "a", "f", '{"x": 1}{"x": 2}'), d(1, "b", "f", "{}{}")])
    watched.called()
    assert watched.native.repairs == [("glued_calls", '{"x": 1}{"x": 2}'), ("repeated_arguments", "{}{}")]
