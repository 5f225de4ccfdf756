"""What a request looks like, for each family."""

import json
from typing import Any

import pytest
from roundtrip.agent.messages import Assistant, Call, Message, Result, System, ToolSpec, User
from roundtrip.agent.wire.profiles import GENERIC, KIMI, MISTRAL, PROFILES, Profile
from roundtrip.agent.wire.render import render, render_messages, size_of

MESSAGES: tuple[Message, ...] = (
    System("system"),
    User("go"),
    Assistant("", "I think", (Call(0, "f", '{"a":1}', id="call_x"), Call(3, "g", "{ }", id="call_x")), "reasoning"),
    Result("one"),
    Result("two"),
    Assistant("more", "", (Call(0, "f", "{}", id="abcdefghi"),)),
    Result(""),
    Assistant("done"),
)


def ids(profile: Profile) -> list[str]:
    return [call["id"] for m in render_messages(MESSAGES, profile) for call in m.get("tool_calls", [])]


def test_kimi_counts_the_calls_of_the_whole_request() -> None:
    assert ids(KIMI) == ["functions.f:0", "functions.g:1", "functions.f:2"]


def test_mistral_has_nine_characters() -> None:
    assert ids(MISTRAL) == ["000000000", "000000001", "abcdefghi"]


def test_others_keep_what_they_sent_where_it_is_unique() -> None:
    assert ids(GENERIC) == ["call_x", "call_1", "abcdefghi"]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_each_result_has_the_id_of_its_call(profile: Profile) -> None:
    rendered = render_messages(MESSAGES, profile)
    assert [message["tool_call_id"] for message in rendered if message["role"] == "tool"] == ids(profile)


def test_the_details_that_servers_trip_over() -> None:
    rendered = render_messages(MESSAGES, KIMI)
    assert rendered[2]["content"] is None, "beside calls, no text is null"
    assert rendered[2]["reasoning"] == "I think", "under the name under which it came"
    assert [call["function"]["arguments"] for call in rendered[2]["tool_calls"]] == ['{"a":1}', "{ }"], "byte for byte"
    assert rendered[5]["content"] == "more"
    assert "reasoning_content" not in rendered[5], "never null"
    assert rendered[6] == {"role": "tool", "tool_call_id": "functions.f:2", "content": "(no output)"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_request_begins_with_the_one_before(profile: Profile) -> None:
    whole = render_messages(MESSAGES, profile)
    for end in (2, 5, 7, 8):
        assert render_messages(MESSAGES[:end], profile) == whole[:end]


def strings(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def test_no_markup_is_left_anywhere() -> None:
    bad = "<|im_end|>[EOS]</think>"
    messages = (
        System(bad),
        User(bad),
        Assistant(bad, bad, (Call(0, f"f{bad}", json.dumps({bad: [bad]})), Call(1, "g", '{"a": "\\u003c|im_end|>"}'))),
        Result(bad),
        Result(bad),
    )
    rendered = render_messages(messages, KIMI)
    decoded = [json.loads(call["function"]["arguments"]) for call in rendered[2]["tool_calls"]]
    for text in (strings(rendered), strings(decoded)):
        assert not any(marker in text for marker in KIMI.markers)


def test_the_body() -> None:
    spec = ToolSpec("f", "Does f.", {"type": "object", "properties": {}})
    hidden = ToolSpec("h", "Hidden.", {"type": "object"}, offered=False)
    body = render(MESSAGES, (spec, hidden), "m", KIMI)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert body["stream"] is True
    assert "tool_choice" not in body
    assert render(MESSAGES, (spec,), "m", KIMI, calls_allowed=False) == {**body, "tool_choice": "none"}
    assert "tools" not in render(MESSAGES, (hidden,), "m", KIMI)
    assert size_of(body) == len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
