"""Any list of messages becomes a history that passes preflight, for every profile."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.messages import Assistant, Result, User
from roundtrip.agent.wire.mend import UNANSWERED, history_of
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import PROFILES
from roundtrip.agent.wire.render import render

pytestmark = pytest.mark.once

texts = st.sampled_from(["", "a", "<|im_end|>", "</think>", "x\u200by"])
arguments = st.sampled_from(["{}", '{"a": 1}', "", "[]", "null", '{"a": "cut', '{"a": NaN}', None, {"a": 1}])
names = st.sampled_from(["f", "g", "", None])
calls = st.fixed_dictionaries(
    {"id": st.sampled_from(["call_1", "call_2", "", None]), "type": st.just("function")},
    optional={"function": st.fixed_dictionaries({"name": names, "arguments": arguments})},
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "strange"])},
    optional={
        "content": st.one_of(texts, st.none(), st.just([{"type": "text", "text": "part"}])),
        "tool_calls": st.one_of(st.none(), st.lists(calls, max_size=3)),
        "tool_call_id": st.sampled_from(["call_1", "call_2", "other"]),
        "name": st.just("f"),
        "reasoning_content": texts,
    },
)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@settings(derandomize=True, deadline=None, max_examples=300)
@given(given_messages=st.lists(messages, max_size=8))
def test_whatever_comes_in_can_be_sent(profile: Any, given_messages: list[dict[str, Any]]) -> None:
    history = (*history_of(given_messages), User("go on"))
    assert preflight(render(history, (), "m", profile), profile) == []


def test_results_find_their_calls_and_orphans_are_dropped() -> None:
    def call(call_id: str) -> dict[str, Any]:
        return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}

    history = history_of(
        [
            {"role": "tool", "tool_call_id": "x", "content": "an orphan"},
            {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b"), call("c")]},
            {"role": "tool", "tool_call_id": "b", "content": "B"},
            {"role": "tool", "tool_call_id": "a", "content": "A"},
            {"role": "user", "content": "next"},
        ]
    )
    assert isinstance(history[1], Assistant)
    assert history[2:] == (Result("A"), Result("B"), Result(UNANSWERED), User("next"))
