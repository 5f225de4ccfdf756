"""How an answer ends, and that only a whole one counts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.events import (
    ArgumentDelta,
    AssistantEnded,
    CallDropped,
    CallReady,
    Event,
    ReasoningDelta,
    Reclassified,
    Repaired,
    TextDelta,
    UsageReported,
)
from roundtrip.agent.leaks import Offer
from roundtrip.agent.wire.errors import is_parse_failure
from roundtrip.agent.wire.profiles import GENERIC, KIMI
from roundtrip.agent.wire.reply import Reply
from wire.frames import DONE, chunk, frame

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
OFFERS = (Offer("read_file", SCHEMA, merely_reads=True),)
PEG = "The model produced output that does not match the expected peg-native format"
SECTION = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0<|tool_call_argument_begin|>"
    '{"path": "ä.py"}<|tool_call_end|><|tool_calls_section_end|>'
)


def read(*blocks: bytes, kind: str = "text/event-stream", cut: bool = False) -> tuple[Reply, list[Event]]:
    reply = Reply(0, OFFERS, GENERIC, content_type=kind)
    events = [event for block in blocks for event in reply.feed(block)]
    return reply, events + reply.end(cut=cut)


def ended(events: list[Event]) -> AssistantEnded | None:
    return events[-1] if events and isinstance(events[-1], AssistantEnded) else None


def call(arguments: str, name: str | None = "read_file") -> dict[str, Any]:
    return {"index": 0, "id": "call_1", "function": {"name": name, "arguments": arguments}}


WHOLE = [chunk(content="Hel"), chunk(content="lo"), chunk("stop"), DONE]


@pytest.mark.parametrize(
    "blocks",
    [WHOLE, WHOLE[:-1], WHOLE[:-2], [*WHOLE, chunk(content=" more")], [b": ping\n\n", *WHOLE], [b"".join(WHOLE)]],
    ids=["whole", "no [DONE]", "no finish", "bytes behind [DONE]", "ping", "one block"],
)
def test_text(blocks: list[bytes]) -> None:
    reply, events = read(*blocks)
    said = ended(events)
    assert reply.ending == "message"
    assert said is not None
    assert said.message.content == "Hello"


def test_one_unreadable_event_costs_only_itself() -> None:
    _, events = read(WHOLE[0], b"data: {not json}\n\n", WHOLE[1], DONE)
    said = ended(events)
    assert said is not None
    assert said.message.content == "Hello"
    assert Repaired("unreadable_event", "{not json}") in events


def test_a_server_that_does_not_stream() -> None:
    message = {"content": "Hello", "reasoning_content": "hm", "tool_calls": [call('{"path": "a"}')]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 3}})
    _, events = read(body[:20].encode(), body[20:].encode(), kind="application/json")
    said = ended(events)
    assert said is not None
    assert (said.message.content, said.message.reasoning, said.message.calls[0].name) == ("Hello", "hm", "read_file")
    assert UsageReported(3, 0, 0) in events


@pytest.mark.parametrize(
    ("blocks", "kind", "ending"),
    [
        ([b"<html><h1>Welcome</h1></html>"], "text/html", "no chat"),
        ([b'{"detail": "hello"}'], "application/json", "no chat"),
        ([], "text/event-stream", "cut"),
        ([b'{"error": {"message": "no model", "code": 404}}'], "application/json", "server error"),
        ([WHOLE[0], frame({"error": {"message": "out of memory", "code": 500}})], "text/event-stream", "server error"),
        ([WHOLE[0], frame({"error": {"message": PEG, "code": 500}})], "text/event-stream", "parse failure"),
        ([chunk(tool_calls=[call('{"pa')]), frame({"error": PEG})], "text/event-stream", "parse failure"),
    ],
    ids=["html", "json", "nothing", "json error", "error frame", "parse failure", "parse failure in a call"],
)
def test_what_is_no_message(blocks: list[bytes], kind: str, ending: str) -> None:
    reply, events = read(*blocks, kind=kind)
    assert reply.ending == ending
    assert reply.error
    assert ended(events) is None


def test_complete_calls_before_a_parse_failure_are_kept() -> None:
    reply, events = read(chunk(tool_calls=[call('{"path": "a"}')]), frame({"error": {"message": PEG, "code": 500}}))
    said = ended(events)
    assert reply.ending == "message"
    assert said is not None
    assert [made.problem for made in said.message.calls] == [""]
    assert Repaired("error_after_calls", PEG) in events


def test_a_cut_takes_back_all_that_was_shown() -> None:
    reply, events = read(chunk(content="Let me"), chunk(tool_calls=[call('{"path": "a"}')]), cut=True)
    assert reply.ending == "cut"
    assert Reclassified("text", "nothing", "Let me") in events
    assert [event.index for event in events if isinstance(event, CallDropped)] == [0]
    assert not any(isinstance(event, (CallReady, AssistantEnded)) for event in events)


def test_a_call_that_was_cut_by_its_length_never_runs() -> None:
    for deltas in ([chunk(tool_calls=[call('{"path": "a')])], [chunk(content=SECTION.split("ä.py")[0])]):
        _, events = read(*deltas, chunk("length"), DONE)
        said = ended(events)
        assert said is not None
        assert [bool(made.problem) for made in said.message.calls] == [True]
        assert isinstance(said.message.calls[0].parsed, dict)
        assert not any(isinstance(event, CallReady) for event in events)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_under_either_name(name: str) -> None:
    _, events = read(chunk(**{name: "hm"}), chunk(content="ok"), DONE)
    said = ended(events)
    assert said is not None
    assert (said.message.reasoning, said.message.reasoning_field) == ("hm", name)


def test_halves_of_a_character_in_two_chunks() -> None:
    halves = (rb'data: {"choices": [{"delta": {"content": "%s"}}]}' % half for half in (rb"a\ud83c", rb"\udf89b"))
    _, events = read(*(half + b"\n\n" for half in halves), DONE)
    said = ended(events)
    assert said is not None
    assert said.message.content == "a🎉b"


def test_what_a_parse_failure_is() -> None:
    assert is_parse_failure(PEG)
    assert is_parse_failure("Failed to parse input at pos 204: <|im_end|>")
    assert not is_parse_failure("Failed to parse tool call arguments as JSON: parse_error.101")
    assert not is_parse_failure("the request exceeds the available context size")


def test_a_leak_shows_the_family() -> None:
    reply, _ = read(chunk(content=SECTION), DONE)
    assert reply.profile is KIMI
    reply, _ = read(chunk(content="no leak"), DONE)
    assert reply.profile is GENERIC


def as_seen(events: list[Event]) -> tuple[str, str, list[int]]:
    """What a reader of the stream ends up with: text, reasoning, calls that will run."""
    shown = {"text": "", "reasoning": "", "call": "", "nothing": ""}
    ready: list[int] = []
    for event in events:
        if isinstance(event, TextDelta):
            shown["text"] += event.text
        elif isinstance(event, ReasoningDelta):
            shown["reasoning"] += event.text
        elif isinstance(event, ArgumentDelta):
            shown["call"] += event.text
        elif isinstance(event, Reclassified):
            assert event.was in ("call", "nothing") or event.text in shown[event.was]
            shown[event.was] = shown[event.was].replace(event.text, "", 1)
            shown[event.now] += event.text
        elif isinstance(event, CallReady):
            ready.append(event.index)
    return shown["text"], shown["reasoning"], ready


def letters(text: str) -> list[str]:
    """The text in any order: what is reclassified may come back elsewhere."""
    return sorted("".join(text.split()))


PARTS = [
    "Let me see. ",
    SECTION,
    "\n",
    "</think>",
    "<think>",
    "hm ",
    "`code`",
    "```\n",
    "<|im_end|>",
    SECTION[:60],
    "🎉",
]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    text=st.lists(st.sampled_from(PARTS), max_size=6).map("".join),
    thought=st.lists(st.sampled_from(PARTS), max_size=4).map("".join),
    cuts=st.lists(st.integers(0, 2000), max_size=30),
)
def test_chunks_never_show_and_the_stream_ends_up_right(text: str, thought: str, cuts: list[int]) -> None:
    def deltas(places: list[int]) -> list[bytes]:
        found = []
        for field, whole in (("reasoning_content", thought), ("content", text)):
            ends = sorted({min(place, len(whole)) for place in places} | {len(whole)})
            start = 0
            for end in ends:
                found.append(chunk(**{field: whole[start:end]}))
                start = end
        return [*found, DONE]

    _, once = read(*deltas([]))
    _, often = read(*deltas(cuts))
    whole, cut = ended(once), ended(often)
    assert whole == cut
    assert whole is not None
    for events in (once, often):
        seen_text, seen_reasoning, ready = as_seen(events)
        assert letters(seen_text) == letters(whole.message.content)
        assert letters(seen_reasoning) == letters(whole.message.reasoning)
        assert ready == [made.index for made in whole.message.calls if not made.problem]


def test_every_cut_of_the_bytes() -> None:
    body = b"".join([chunk(reasoning_content="hm"), chunk(content=f"ä{SECTION}"), chunk("stop"), DONE])
    _, once = read(body)
    for at in range(len(body) + 1):
        _, events = read(body[:at], body[at:])
        assert ended(events) == ended(once)
    _, drip = read(*(bytes([byte]) for byte in body))
    assert ended(drip) == ended(once)
