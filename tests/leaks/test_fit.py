"""Arguments against schemas, well-meant and foreign."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.agent.leaks import Offer, fit
from roundtrip.agent.leaks.fit import fits_as_it_stands


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


STRING, INTEGER, BOOLEAN = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
LIST, OBJECT = {"type": "array", "items": STRING}, {"type": "object"}
TREE = {
    "type": "object",
    "properties": {"node": {"$ref": "#/$defs/node"}},
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": INTEGER}}},
}

FITS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # schema, what the model sent, what the tool gets
    "as it is": (schema("a", a=STRING), {"a": "x"}, {"a": "x"}),
    "an extra": (schema("a", a=STRING), {"a": "x", "b": 1}, {"a": "x"}),
    "an extra where extras are forbidden": (
        {**schema("a", a=STRING), "additionalProperties": False}, {"a": "x", "b": 1}, {"a": "x"}
    ),
    "an extra where extras are welcome": (
        {**schema("a", a=STRING), "additionalProperties": INTEGER}, {"a": "x", "b": 1}, {"a": "x", "b": 1}
    ),
    "a parameter that is named elsewhere": (
        {**schema("a", a=STRING), "patternProperties": {"^b": INTEGER}}, {"a": "x", "b": 1}, {"a": "x", "b": 1}
    ),
    "null is absent": (schema(a=STRING), {"a": None}, {}),
    "null is absent, whatever the enum says": (schema(a={"enum": ["null", "x"]}), {"a": None}, {}),
    "null is a value": (schema(a={"type": ["string", "null"]}), {"a": None}, {"a": None}),
    "null is one of several": (schema(a={"enum": ["x", None]}), {"a": None}, {"a": None}),
    "null by choice": (schema(a={"anyOf": [STRING, {"type": "null"}]}), {"a": None}, {"a": None}),
    "a number in words": (schema(a=INTEGER), {"a": "5"}, {"a": 5}),
    "a number in words, or null": (schema(a={"anyOf": [INTEGER, {"type": "null"}]}), {"a": "5"}, {"a": 5}),
    "a float that is whole": (schema(a=INTEGER), {"a": 5.0}, {"a": 5}),
    "a truth in words": (schema(a=BOOLEAN), {"a": "False"}, {"a": False}),
    "a number for a string": (schema(a=STRING), {"a": 5}, {"a": "5"}),
    "a truth for a string": (schema(a=STRING), {"a": True}, {"a": "true"}),
    "a string that looks like a number": (schema(a=STRING), {"a": "123_456"}, {"a": "123_456"}),
    "a list in words": (schema(a=LIST), {"a": '["x"]'}, {"a": ["x"]}),
    "a string for a list": (schema(a=LIST), {"a": "x"}, {"a": ["x"]}),
    "an object for a list": (schema(a={"type": "array"}), {"a": {"b": 1}}, {"a": [{"b": 1}]}),
    "an object in words": (schema(a=OBJECT), {"a": '{"b": 1}'}, {"a": {"b": 1}}),
    "a list of one for a string": (schema(a=STRING), {"a": ["x y"]}, {"a": "x y"}),
    "a command in words": (schema(command=STRING), {"command": ["ls", "a b"]}, {"command": "ls 'a b'"}),
    "a command as a list of one": (schema(command=STRING), {"command": ["ls -l"]}, {"command": "ls -l"}),
    "recursion": (TREE, {"node": {"next": {"next": {"value": 1}}}}, {"node": {"next": {"next": {"value": 1}}}}),
    "no properties": ({"type": "object"}, {"a": 1}, {"a": 1}),
    "true for a schema": (schema(a=True), {"a": None}, {"a": None}),
    "an old schema": ({"properties": {"a": {"required": True}}, "required": True}, {"a": "x"}, {"a": "x"}),
    "a format": (schema(a={"type": "string", "format": "uri"}), {"a": "no uri"}, {"a": "no uri"}),
    "a foreign reference": (schema(a={"$ref": "https://example.com/a.json"}), {"a": 1}, {"a": 1}),
    "a reference to nothing": (schema(a={"$ref": "#/$defs/b"}), {"a": 1}, {"a": 1}),
    "a pattern that is none": (schema(a={"type": "string", "pattern": "("}), {"a": "x"}, {"a": "x"}),
    "nonsense": ({"type": 7, "properties": [1], "required": "abc"}, {"a": 1}, {"a": 1}),
}  # fmt: skip

FAILS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "missing": (schema("a", a=STRING), {}, "'a'"),
    "null for what is required": (schema("a", a=STRING), {"a": None}, "'a'"),
    "several values for one": (schema(path=STRING), {"path": ["a", "b"]}, "string"),
    "a command that is no list of words": (schema(command=STRING), {"command": ["ls", 1]}, "string"),
    "a word for a number": (schema(a=INTEGER), {"a": "five"}, "integer"),
    "a truth for a number": (schema(a=INTEGER), {"a": True}, "integer"),
    "half a number": (schema(a=INTEGER), {"a": 5.5}, "integer"),
    "not in the list": (schema(a={"enum": ["x", "y"]}), {"a": "z"}, "one of"),
    "not the constant": (schema(a={"const": 1}), {"a": 2}, "1"),
    "deep inside": (TREE, {"node": {"next": {"value": "x"}}}, "integer"),
    "false for a schema": (schema(a=False), {"a": 1}, "a"),
}


@pytest.mark.parametrize(("wanted", "sent", "got"), FITS.values(), ids=FITS)
def test_what_fits(wanted: dict[str, Any], sent: dict[str, Any], got: dict[str, Any]) -> None:
    found = fit(Offer("t", wanted), sent)
    assert (found.arguments, found.problems) == (got, ())


@pytest.mark.parametrize(("wanted", "sent", "word"), FAILS.values(), ids=FAILS)
def test_what_does_not_fit_says_why(wanted: dict[str, Any], sent: dict[str, Any], word: str) -> None:
    assert word in " ".join(fit(Offer("t", wanted), sent).problems)


def test_aliases_and_older_shapes() -> None:
    older = schema("files", files=LIST)
    offer = Offer("t", schema("path", path=STRING), parameter_aliases={"file": "path"}, legacy=(older,))
    assert fit(offer, {"file": "x"}).arguments == {"path": "x"}
    assert fit(offer, {"path": "x", "file": "y"}).arguments == {"path": "x"}
    assert fit(offer, {"files": ["x"]}).arguments == {"files": ["x"]}
    assert fit(Offer("t"), {"x": 1}).arguments == {"x": 1}


@pytest.mark.parametrize(
    ("wanted", "sent", "fits"),
    [
        (None, {"a": 1}, True),
        (schema("a", a=INTEGER), {"a": 1}, True),
        (schema("a", a=INTEGER), {"a": "1"}, False),
        (schema("a", a=INTEGER), {"a": 1, "b": 1}, False),
        (schema("a", a=INTEGER), {}, False),
        (schema(), {"a": 1}, False),
        (schema(), {}, True),
        ({"type": "object"}, {"a": 1}, True),
        ({**schema(a=INTEGER), "additionalProperties": False}, {"a": 1}, True),
        (schema(a={"$ref": "https://example.com/a.json"}), {"a": 1}, None),
    ],
)
def test_without_a_name_nothing_is_changed(wanted: Any, sent: dict[str, Any], fits: bool | None) -> None:
    assert fits_as_it_stands(Offer("t", wanted), sent) is fits


def test_without_a_name_two_spellings_of_one_parameter_do_not_fit() -> None:
    offer = Offer("t", schema("path", path=STRING), parameter_aliases={"file": "path"})
    assert fits_as_it_stands(offer, {"file": "x"})
    assert fits_as_it_stands(offer, {"file": "x", "path": "y"}) is False


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from(["5", "5.0", "true", "null", '["a"]', '{"a": 1}', "[", "1e400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
TYPES = st.sampled_from([STRING, INTEGER, {"type": "number"}, BOOLEAN, LIST, {"type": "array"}, OBJECT, {}, True])
NULLABLE = TYPES.map(lambda one: {"anyOf": [one, {"type": "null"}]})


@given(
    st.dictionaries(st.sampled_from(["a", "b", "command"]), TYPES | NULLABLE, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "command", "c"]), VALUES, max_size=4),
)
def test_what_was_fitted_fits(properties: dict[str, Any], sent: dict[str, Any]) -> None:
    """The parser asks before a call runs, the dispatcher again: both must find the same."""
    offer = Offer("t", schema(**properties))
    once = fit(offer, sent)
    again = fit(offer, once.arguments)
    assert repr(again.arguments) == repr(once.arguments)
    assert again.problems == once.problems
