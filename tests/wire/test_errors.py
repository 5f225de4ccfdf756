"""Markup in error bodies: what the model wrote, in the server's complaint that it could not parse it."""

import json
from typing import Any

import pytest
from roundtrip.agent.events import AssistantEnded, CallReady, Repaired
from roundtrip.agent.leaks import Offer
from roundtrip.agent.wire.errors import calls_in
from roundtrip.agent.wire.profiles import GENERIC
from roundtrip.agent.wire.reply import Reply
from wire.frames import chunk, frame

OFFERS = (
    Offer("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    Offer("write", {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}),
)
CALL = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions_get_weather_1<|tool_call_argument_begin|>"
    '{"city": "Oslo"}<|tool_call_end|><|tool_calls_section_end|>'
)
CODER = "<tool_call>\n<function=write>\n<parameter=text>\na\n\n  b\n</parameter>\n</function>\n</tool_call>"


def error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "server_error", "code": 500}}


def read(*blocks: bytes) -> tuple[Reply, list[Any]]:
    reply = Reply(0, OFFERS, GENERIC, content_type="text/event-stream")
    events = [event for block in blocks for event in reply.feed(block)]
    return reply, events + reply.end()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (CALL, CALL),
        (f"Failed to parse input at pos 12: {CALL}<|im_end|>", CALL + "<|im_end|>"),
        (f"Failed to parse input at pos 0: I'll look.{CALL}", f"I'll look.{CALL}"),
        (f"could not parse: {CODER}", CODER),
        ("The model produced output that does not match the expected peg-native format", ""),
        ("Failed to parse input at pos 3: <|tool_call_begin|>functions.get_weather:0", ""),
        (CALL.replace("get_weather", "rm"), ""),
        (CALL.replace('"Oslo"}', '"Os'), ""),
        ("", ""),
        ("null", ""),
    ],
)
def test_the_model_s_text_in_an_error(message: str, text: str) -> None:
    assert calls_in(message, OFFERS) == text
    assert calls_in(message, ()) == ""


def test_an_error_frame_that_holds_the_calls_is_the_rest_of_the_answer() -> None:
    reply, events = read(chunk(content="Let me see."), frame(error(CODER)))
    ended = events[-1]
    assert isinstance(ended, AssistantEnded)
    assert (reply.ending, ended.message.content) == ("message", "Let me see.")
    assert [call.parsed for call in ended.message.calls] == [{"text": "a\n\n  b"}], "line breaks are kept"
    assert any(isinstance(event, Repaired) and event.kind == "error_with_calls" for event in events)


def test_calls_that_were_seen_before_the_error_do_not_come_twice() -> None:
    reply, events = read(chunk(content=CALL), frame(error(CALL)))
    assert reply.ending == "parse failure"
    assert not any(isinstance(event, CallReady) for event in events)


def test_an_error_in_place_of_an_answer() -> None:
    reply = Reply.of_error(3, OFFERS, GENERIC, f"Failed to parse input at pos 0: {CALL}")
    assert reply is not None
    ended = reply.end()[-1]
    assert isinstance(ended, AssistantEnded)
    assert (reply.ending, ended.step, ended.message.calls[0].name) == ("message", 3, "get_weather")
    assert Reply.of_error(3, OFFERS, GENERIC, "Loading model") is None


def test_a_plain_json_error_is_read_the_same() -> None:
    reply = Reply(0, OFFERS, GENERIC, content_type="application/json")
    reply.feed(json.dumps(error(CALL)).encode())
    assert isinstance(reply.end()[-1], AssistantEnded)
