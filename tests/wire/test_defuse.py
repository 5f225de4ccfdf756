"""Markup that is data does not act, and comes back as it was."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.wire.defuse import BREAKER, defuse, defuse_json, is_live, restore, restore_json
from roundtrip.agent.wire.profiles import MARKERS

pytestmark = pytest.mark.once

fast = settings(derandomize=True, deadline=None, max_examples=250)
bits = st.one_of(
    st.sampled_from(MARKERS),
    st.sampled_from([BREAKER, "<", "<|", "|>", "im_end", "[", "EOS]", "◁", "think", "a", "\\", '"', "\n"]),
)
strings = st.lists(bits | st.text(max_size=3), max_size=12).map("".join)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | strings,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(strings, parts, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(strings, values, max_size=5)


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """JSON texts of objects, some of their characters spelt as escapes."""
    text = json.dumps(draw(objects), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    for char in draw(st.lists(st.sampled_from("<|>[]/◁_eio" + BREAKER), max_size=4, unique=True)):
        if char not in "[]" or '"' not in text:  # brackets are structure, too
            escaped = f"\\u{ord(char):04x}" if draw(st.booleans()) else f"\\u{ord(char):04X}"
            text = text.replace(char, "\\/" if char == "/" and draw(st.booleans()) else escaped)
    try:
        json.loads(text)
    except ValueError:  # a literal such as `true` was hit, or an escape
        return json.dumps({"a": text})
    return text


@fast
@given(text=strings)
def test_there_and_back(text: str) -> None:
    defused = defuse(text, MARKERS)
    assert not is_live(defused, MARKERS)
    assert restore(defused, MARKERS) == text
    assert (defused == text) is not any(m[0] + BREAKER * n + m[1:] in text for m in MARKERS for n in range(len(text)))


@fast
@given(text=spellings())
def test_json_there_and_back(text: str) -> None:
    defused = defuse_json(text, MARKERS)
    assert not any(is_live(string, MARKERS) for string in strings_of(json.loads(defused)))
    assert not is_live(defused, MARKERS)
    assert json.loads(restore_json(defused, MARKERS)) == json.loads(text)


@fast
@given(value=objects)
def test_json_without_markup_keeps_its_bytes(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    if BREAKER not in json.dumps(value, ensure_ascii=False) and not any(is_live(s, MARKERS) for s in strings_of(value)):
        assert defuse_json(text, MARKERS) == text
        assert restore_json(text, MARKERS) == text


def strings_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [string for pair in value.items() for part in pair for string in strings_of(part)]
    if isinstance(value, list):
        return [string for part in value for string in strings_of(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    ("text", "defused"),
    [
        ("<|im_end|>", f"<{BREAKER}|im_end|>"),
        (f"<{BREAKER}|im_end|>", f"<{BREAKER}{BREAKER}|im_end|>"),
        ("</think>", f"<{BREAKER}/think>"),
        ("[EOS]", f"[{BREAKER}EOS]"),
        ("◁/think▷", f"◁{BREAKER}/think▷"),
        ("<|im_end|", "<|im_end|"),
        ("a < b", "a < b"),
    ],
)
def test_where_the_space_stands(text: str, defused: str) -> None:
    assert defuse(text, MARKERS) == defused


@pytest.mark.parametrize(
    ("text", "defused"),
    [
        (r'{"a": "\u003c|im_end|>"}', f'{{"a": "<{BREAKER}|im_end|>"}}'),
        (r'{"a": "<\u007cim_end|>"}', f'{{"a": "<{BREAKER}|im_end|>"}}'),
        (r'{"a": "<\/think>"}', f'{{"a": "<{BREAKER}/think>"}}'),
        (r'{"\u003c|im_end|>": 1.50e2, "b": "\u00e9\/"}', rf'{{"<{BREAKER}|im_end|>": 1.50e2, "b": "\u00e9\/"}}'),
        (r'{"a": "\\u003c|im_end|>"}', r'{"a": "\\u003c|im_end|>"}'),
        (r'{"a": "\n\"<|im_end|>\""}', rf'{{"a": "\n\"<{BREAKER}|im_end|>\""}}'),
        ('{"a": 1, "a": 2,  "b": 1E400}', '{"a": 1, "a": 2,  "b": 1E400}'),
        (r'{"a": "\ud83d\ude00"}', r'{"a": "\ud83d\ude00"}'),
    ],
)
def test_json_is_spelt_anew_only_where_it_must_be(text: str, defused: str) -> None:
    assert defuse_json(text, MARKERS) == defused


def test_a_model_may_spell_the_breaker_out() -> None:
    assert restore_json(r'{"a": "<\u200b|im_end|>\n"}', MARKERS) == r'{"a": "<|im_end|>\n"}'
    assert restore_json(r'{"a": "\u003c\u200B|im_end|>"}', MARKERS) == '{"a": "<|im_end|>"}'
    assert restore_json(r'{"a": "x\u200by"}', MARKERS) == r'{"a": "x\u200by"}'


def test_what_is_no_json_does_not_raise() -> None:
    for text in ["", "{", '{"a": "\\', '{"a": "\\u00"}', '"\\ud83d"', "[" * 100_000 + '"\\u003c"']:
        defuse_json(text, MARKERS)
        restore_json(text + BREAKER, MARKERS)
