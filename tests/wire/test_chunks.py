"""One chunk, in all the shapes in which servers send it."""

import json
from typing import Any

import pytest
from roundtrip.agent.wire.chunks import Delta, Usage, error_text, read_chunk

CALL = {"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}}


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **fields}]}


def delta(**fields: Any) -> dict[str, Any]:
    return choice(delta=fields)


SHAPES: dict[str, tuple[Any, Delta]] = {
    "text": (delta(content="a"), Delta("a")),
    "null everything": (delta(role=None, content=None, tool_calls=None, reasoning=None, function_call=None), Delta()),
    "no choices": ({"id": "c1"}, Delta()),
    "null choices": ({"choices": None}, Delta()),
    "empty choices": ({"choices": []}, Delta()),
    "choices of nothing": ({"choices": [None]}, Delta()),
    "choices as an object": ({"choices": {"delta": {"content": "a"}}}, Delta()),
    "null delta": (choice(delta=None, finish_reason="stop"), Delta(finish="stop")),
    "delta as a string": (choice(delta="a"), Delta()),
    "parts": (delta(content=[{"type": "text", "text": "a"}, "b", {"type": "image"}, None, 5]), Delta("ab")),
    "content as a number": (delta(content=5), Delta()),
    "reasoning": (delta(reasoning="r"), Delta("", "r", "reasoning")),
    "reasoning_content": (delta(reasoning_content="r"), Delta("", "r", "reasoning_content")),
    "reasoning twice": (delta(reasoning_content="r", reasoning="r"), Delta("", "r", "reasoning_content")),
    "reasoning empty under one name": (delta(reasoning_content="", reasoning="r"), Delta("", "r", "reasoning")),
    "reasoning in parts": (delta(reasoning=[{"text": "r"}]), Delta("", "r", "reasoning")),
    "a call": (delta(tool_calls=[CALL]), Delta(calls=(CALL,))),
    "a call that is no list": (delta(tool_calls=CALL), Delta(calls=(CALL,))),
    "calls of nothing": (delta(tool_calls=[None, "x", CALL]), Delta(calls=(CALL,))),
    "function_call": (
        delta(function_call={"name": "f", "arguments": ""}),
        Delta(calls=({"index": 0, "function": {"name": "f", "arguments": ""}},)),
    ),
    "both": (delta(tool_calls=[CALL], function_call={"name": "f"}), Delta(calls=(CALL,))),
    "unknown finish": (choice(delta={}, finish_reason="weird"), Delta(finish="weird")),
    "finish that is no text": (choice(delta={}, finish_reason=5), Delta()),
    "a whole message": (choice(message={"role": "assistant", "content": "a"}), Delta("a")),
    "the message again beside the last delta": (choice(delta={}, message={"content": "all"}), Delta()),
    "null delta beside a message": (choice(delta=None, message={"content": "a"}), Delta("a")),
    "usage": (
        {
            "choices": [],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}},
        },
        Delta(usage=Usage(5, 7, 3)),
    ),
    "usage without details": ({"usage": {"prompt_tokens": 5, "completion_tokens": None}}, Delta(usage=Usage(5, 0, 0))),
    "usage in the choice": (choice(delta={}, usage={"prompt_tokens": 5}), Delta(usage=Usage(5, 0, 0))),
    "usage that is none": ({"usage": [1]}, Delta()),
    "unknown fields": (choice(delta={"content": "a", "x": {}}, logprobs=None) | {"timings": {}}, Delta("a")),
    "error object": ({"error": {"message": "boom", "code": 503}}, Delta(error="boom", status=503)),
    "error with a code in words": ({"error": {"message": "boom", "code": "context_length"}}, Delta(error="boom")),
    "error with digits": ({"error": {"message": "boom", "code": "429"}}, Delta(error="boom", status=429)),
    "error string": ({"error": "boom"}, Delta(error="boom")),
    "error without words": ({"error": {"code": 500}}, Delta(error='{"code": 500}', status=500)),
    "error in the choice": (choice(error={"message": "boom", "code": 502}), Delta(error="boom", status=502)),
    "error beside choices": (delta(content="a") | {"error": {"message": "boom"}}, Delta(error="boom")),
    "error by its object": ({"object": "error", "message": "boom", "code": 400}, Delta(error="boom", status=400)),
    "no error": (delta(content="a") | {"error": None}, Delta("a")),
}


@pytest.mark.parametrize(("chunk", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_shape(chunk: Any, expected: Delta) -> None:
    found = read_chunk(json.dumps(chunk))
    assert found is not None
    assert found._replace(message="") == expected
    assert found.message == expected.error


@pytest.mark.parametrize("data", ["", "{not json}", "[DONE]", "[1, 2]", "42", "null", '"text"', '{"a":', "[" * 100_000])
def test_what_is_no_chunk(data: str) -> None:
    assert read_chunk(data) is None


@pytest.mark.parametrize(
    ("data", "text", "status"),
    [
        ('{"message": "oops", "code": 500}', "oops", 500),
        ('{"error": {"message": "oops"}}', "oops", 0),
        ("something broke", "something broke", 0),
        ('"a string"', "a string", 0),
        ("{}", "{}", 0),
        ("null", "null", 0),
    ],
)
def test_an_error_event_is_an_error_whatever_it_holds(data: str, text: str, status: int) -> None:
    delta = read_chunk(data, "error")
    assert delta is not None
    assert (delta.error, delta.status) == (text, status)


def test_error_texts_are_short_and_of_one_line() -> None:
    assert error_text({"error": {"message": "a\n  b"}}) == "a b"
    assert error_text({"detail": "Not Found"}) == '{"detail": "Not Found"}'
    assert error_text("half \ud83d") == "half \ufffd"
    assert len(error_text("<p>" * 10_000)) < 2_100
