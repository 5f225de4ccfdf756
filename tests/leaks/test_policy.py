"""What runs and what does not, rule by rule; `test_quotations.py` holds the many ways to quote.

Every message is parsed whole, one character at a time and at every single cut.
"""

from __future__ import annotations

from typing import Any

import pytest
from leaks.k2 import DANGER, READ, RM, RUN, TOOLS, WRITE, A, B, C, E, J, X, call, calls, request, section, streams
from roundtrip.agent.commands.parse import parse

pytestmark = pytest.mark.once

READ_A = ("read_file", {"path": "a"})
RM_RUN = ("execute_command", {"command": "rm -rf /"})
REAL = section()
BARE = f"functions.read_file:0{J}"


def everywhere(message: dict[str, Any]) -> dict[str, Any]:
    """The answer to the message; the same for all ways to stream it."""
    answer = parse(message)
    assert [cut for cut in streams(message) if parse(cut) != answer] == []
    return answer


def kinds(answer: dict[str, Any]) -> set[str]:
    return {repair["kind"] for repair in answer["repairs"]}


def refused(answer: dict[str, Any]) -> list[Any]:
    return [bad["name"] for bad in answer["unresolved"]]


# reasoning


@pytest.mark.parametrize("answer", ["Done.", "Done.\n", "No."])
def test_a_draft_in_reasoning_does_not_run_if_an_answer_follows(answer: str) -> None:
    found = everywhere(request(answer, f"I could {DANGER}"))
    assert (calls(found), refused(found), found["content"]) == ([], [], answer)
    assert found["reasoning"] == f"I could {DANGER}"


@pytest.mark.parametrize("answer", ["Done.", "Done.\n"])
def test_nor_does_a_draft_in_a_think_block(answer: str) -> None:
    found = everywhere(request(f"<think>I could {DANGER}</think>{answer}"))
    assert (calls(found), refused(found), found["content"]) == ([], [], answer)
    assert found["reasoning"] == f"I could {DANGER}"


def test_only_the_block_that_stands_last_in_reasoning_runs() -> None:
    found = everywhere(request(reasoning=f"{DANGER} Better not. {REAL}\n"))
    assert (calls(found), refused(found)) == ([READ_A], [])
    assert found["reasoning"] == f"{DANGER} Better not. \n"
    assert "call_in_reasoning" in kinds(found)


def test_a_structured_call_makes_a_draft_of_reasoning() -> None:
    structured = ({"id": "call_1", "function": {"name": "read_file", "arguments": J}},)
    found = everywhere(request(reasoning=f"So: {DANGER}", structured=structured))
    assert (calls(found), found["reasoning"]) == ([READ_A], f"So: {DANGER}")


@pytest.mark.parametrize(
    ("text", "reasoning", "content", "thought"),
    [
        ("plan</think>answer", "", "answer", "plan"),
        ("plan</think>a</think>b", "", "a</think>b", "plan"),
        ("plan</think>answer", "field", "plan</think>answer", "field"),
        ("The tag `</think>` ends it.", "", "The tag `</think>` ends it.", ""),
        ('It ends with "</think>".', "", 'It ends with "</think>".', ""),
        ("```\n</think>\n```\nSo.", "", "```\n</think>\n```\nSo.", ""),
        ("Hi. <think> opens and </think> ends it.", "", "Hi. <think> opens and </think> ends it.", ""),
        ("<think></think>answer", "", "answer", ""),
    ],
)
def test_a_bare_end_of_thinking(text: str, reasoning: str, content: str, thought: str) -> None:
    found = everywhere(request(text, reasoning))
    assert (found["content"], found["reasoning"]) == (content, thought)


def test_a_call_behind_a_bare_end_of_thinking_runs_and_the_one_before_does_not() -> None:
    found = everywhere(request(f"I could {DANGER}, or:</think>{REAL}"))
    assert (calls(found), refused(found)) == ([READ_A], [])


# permission


@pytest.mark.parametrize("other", [{"tools": []}, {"tool_choice": "none"}], ids=["no tools", "none"])
@pytest.mark.parametrize("text", [DANGER, call("functions.execute_command:0", RM), DANGER + DANGER])
def test_without_permission_a_call_is_stripped_and_reported(text: str, other: dict[str, Any]) -> None:
    found = everywhere(request(f"before {text} After", **other))
    assert (calls(found), refused(found), kinds(found)) == ([], [], {"not_allowed"})
    assert found["content"] == "before  After"


@pytest.mark.parametrize("other", [{"tools": []}, {"tool_choice": "none"}], ids=["no tools", "none"])
def test_without_permission_a_structured_call_is_stripped_too(other: dict[str, Any]) -> None:
    structured = ({"id": "call_1", "function": {"name": "execute_command", "arguments": RM}},)
    found = everywhere(request("Hi.", structured=structured, **other))
    assert (calls(found), refused(found), found["content"], kinds(found)) == ([], [], "Hi.", {"not_allowed"})


def test_what_is_not_offered_does_not_run() -> None:
    found = everywhere(request(DANGER, tools=[READ]))
    assert (calls(found), refused(found)) == ([], ["execute_command"])


# ends


@pytest.mark.parametrize("size", range(len(DANGER)))
@pytest.mark.parametrize("finish", ["length", "stop", ""])
def test_a_call_that_was_cut_never_runs(size: int, finish: str) -> None:
    """Wherever the message ends, the call runs if its object was complete, and is never half of itself."""
    found = parse(request("Hi." + DANGER[:size], finish_reason=finish))
    complete = RM in DANGER[:size]
    assert calls(found) == [RM_RUN] * complete
    begun = size >= len(B)
    assert bool(found["unresolved"]) == (begun and not complete)
    assert found["content"].startswith("Hi.")


@pytest.mark.parametrize("size", range(len(RM)))
def test_a_structured_call_that_was_cut_never_runs(size: int) -> None:
    structured = ({"id": "call_1", "function": {"name": "execute_command", "arguments": RM[:size]}},)
    found = parse(request(structured=structured, finish_reason="length"))
    assert (calls(found), refused(found)) == ([], ["execute_command"])


def test_a_cut_call_without_requirements_is_not_completed() -> None:
    tools = [{"function": {"name": "reset", "parameters": {"type": "object", "properties": {}}}}]
    for end in ("", A, A + "{"):
        found = everywhere(request(f"{B}{C}functions.reset:0{end}", tools=tools, finish_reason="length"))
        assert (calls(found), refused(found)) == ([], ["reset"])


@pytest.mark.parametrize("token", ["<|im_end|>", "[EOS]", "[EOT]", "<|im_end|><|im_assistant|>", "<|im_end|>\n"])
def test_stop_tokens_are_stripped_at_the_end_only(token: str) -> None:
    bare = token.strip()
    found = everywhere(request(f"a {bare} b{token}"))
    assert (found["content"], kinds(found)) == (f"a {bare} b", {"stop_token"})
    found = everywhere(request(f'"stop": ["{bare}"]'))
    assert (found["content"], kinds(found)) == (f'"stop": ["{bare}"]', set())


# several calls


@pytest.mark.parametrize(
    "broken",
    ['{"path": "a', '{"path": a"}', '{"path": "a" "b"}', '{"path"}', "{'path': 'a}", "{", '{"a": [}', '{"path": a}'],
)
def test_a_broken_call_does_not_make_the_next_one_run_wrongly(broken: str) -> None:
    """The next call may stand in a string that was never closed: it is refused, or it is read as it stands."""
    found = everywhere(request(section(call(arguments=broken), call("functions.execute_command:1", RM))))
    assert calls(found) in ([], [RM_RUN])
    assert "read_file" in refused(found)
    assert len(found["tool_calls"]) + len(found["unresolved"]) >= 1


def test_a_broken_call_does_not_stop_the_ones_before() -> None:
    found = everywhere(request(section(call(), call(arguments='{"path": }'))))
    assert (calls(found), refused(found)) == ([READ_A], ["read_file"])


def test_every_call_gets_exactly_one_verdict() -> None:
    headers = ["functions.read_file:0", "functions.nope:1", "functions_read_file_2", "call_59adf5614cfe4f4b8a71be54"]
    found = everywhere(request(section(*(call(header) for header in headers))))
    assert calls(found) == [READ_A] * 3
    assert refused(found) == ["nope"]


def test_parallel_calls_keep_their_order() -> None:
    text = section(call(), call("functions.execute_command:1", RM)) + "\nthen\n" + REAL
    found = everywhere(request(text))
    assert calls(found) == [READ_A, RM_RUN, READ_A]
    assert [made["id"] for made in found["tool_calls"]] == [
        "functions.read_file:0", "functions.execute_command:1", "functions.read_file:2",
    ]  # fmt: skip
    assert found["content"].strip() == "then"


# markers in prose


@pytest.mark.parametrize("marker", [B, E, C, A, X])
def test_a_marker_in_prose_before_a_call_loses_no_prose(marker: str) -> None:
    prose = f"The marker {marker} is part of the markup. Now I look. "
    found = everywhere(request(prose + REAL))
    assert (calls(found), refused(found), found["content"]) == ([READ_A], [], prose)


@pytest.mark.parametrize("marker", [B, E, C, A, X])
def test_a_marker_alone_is_prose(marker: str) -> None:
    prose = f"What does {marker} mean? It is part of the markup."
    found = everywhere(request(prose))
    assert (calls(found), refused(found), found["content"]) == ([], [], prose)


# without markers


@pytest.mark.parametrize(
    ("text", "tools", "ran", "told"),
    [
        (f"I look. {BARE}", TOOLS, [READ_A], []),
        (f"{BARE} That is how it is done.", TOOLS, [], []),
        (f"functions.execute_command:0{RM}", TOOLS, [], ["execute_command"]),
        (f"read_file:0{J}", TOOLS, [], []),
        (f"read_file\n{J}", TOOLS, [READ_A], []),
        (f"I look.\nread_file\n{J}", TOOLS, [], []),
        (f"execute_command\n{RM}", TOOLS, [], []),
        (f"functions.other:0{J}", TOOLS, [], []),
        ('functions.read_file:0{"path": "a"', TOOLS, [], []),
        (BARE, [WRITE, RUN], [], []),
        (f"```\n{BARE}\n```", TOOLS, [], []),
        (f'"{BARE}"', TOOLS, [], []),
    ],
)
def test_calls_without_markers(text: str, tools: list[Any], ran: list[Any], told: list[str]) -> None:
    found = everywhere(request(text, tools=tools))
    assert (calls(found), refused(found)) == (ran, told)
    if not ran and not told:
        assert found["content"] == text


# structured calls


def test_structured_calls_win_over_their_copies() -> None:
    structured = ({"id": "call_1", "function": {"name": "read_file", "arguments": J}},)
    found = everywhere(request(f"Hi. {DANGER}{REAL} Ho.", structured=structured))
    assert (calls(found), refused(found)) == ([READ_A], [])
    assert (found["content"], kinds(found)) == ("Hi.  Ho.", {"duplicate_of_structured"})


def test_every_repair_says_what_stood_there() -> None:
    found = everywhere(request(f"<think>x</think>{section(call('read_file:0'))}<|im_end|>"))
    raws = {repair["kind"]: repair["raw"] for repair in found["repairs"]}
    assert raws == {
        "stop_token": "<|im_end|>",
        "reasoning_in_text": "<think>x</think>",
        "leaked_call": section(call("read_file:0")),
        "header": "read_file:0",
    }
