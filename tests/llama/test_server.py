"""What the real server makes of one and the same model output, by its flags. Our own code is not in play here.

These are the facts that the wire and leaks folders are built on; when a newer xllamacpp breaks one of these
tests, the server has changed and the agent's policy needs a look.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from llama.kimi import READ_FILE, section

pytestmark = pytest.mark.llama

REASONING, TEXT = "I should read it.", "I'll read it."
ARGUMENTS = {"path": "a.txt"}
CALLS = section(("functions.read_file:0", ARGUMENTS))
TURN = f"<think>{REASONING}</think>{TEXT}{CALLS}"
STRIPPED = REASONING + TEXT + "functions.read_file:0" + json.dumps(ARGUMENTS)
TOOLS = {"tools": [READ_FILE]}
NONE = TOOLS | {"tool_choice": "none"}


def post(base: str, **body: Any) -> tuple[int, str]:
    body = {"messages": [{"role": "user", "content": "go"}], "max_tokens": 500} | body
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(base + "/v1/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def whole(base: str, **body: Any) -> dict[str, Any]:
    """The answer of a request without `stream`, its message and finish_reason in one dict."""
    status, text = post(base, **body)
    assert status == 200, text
    choice = json.loads(text)["choices"][0]
    return choice["message"] | {"finish_reason": choice["finish_reason"]}


def streamed(base: str, **body: Any) -> tuple[dict[str, Any], list[str]]:
    """The same, put together from a stream; and its frames that are no chunks."""
    status, text = post(base, **body, stream=True)
    assert status == 200, text
    message: dict[str, Any] = {"finish_reason": None}
    others = []
    for frame in (line.removeprefix("data: ") for line in text.splitlines() if line):
        if not frame.startswith('{"choices"'):
            others.append(frame)
            continue
        for choice in json.loads(frame)["choices"]:
            add(message, choice["delta"])
            message["finish_reason"] = choice["finish_reason"]
    return message, others


def add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "reasoning_content"):
        if delta.get(key) is not None:
            message[key] = message.get(key, "") + delta[key]
    for part in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if part["index"] == len(calls):
            calls.append(part | {"function": part["function"] | {"arguments": ""}})
        calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]


def is_native(message: dict[str, Any]) -> bool:
    [call] = message["tool_calls"]
    function = {"name": "read_file", "arguments": json.dumps(ARGUMENTS)}
    return call["id"] == "functions.read_file:0" and call["function"] == function


@pytest.mark.parametrize(
    ("flags", "content", "reasoning"),
    [
        ({}, TEXT, REASONING),
        ({"reasoning_format": "none"}, f"<think>{REASONING}</think>{TEXT}", None),
    ],
    ids=["defaults", "reasoning-none"],
)
def test_native_calls(llama: Callable[..., str], flags: dict[str, Any], content: str, reasoning: str | None) -> None:
    base = llama([TURN], **flags)
    message, others = streamed(base, **TOOLS)
    for answer in (whole(base, **TOOLS), message):
        assert is_native(answer)
        assert (answer["content"], answer.get("reasoning_content")) == (content, reasoning)
        assert answer["finish_reason"] == "tool_calls"
    assert others == ["[DONE]"]


@pytest.mark.parametrize(
    ("flags", "request_has", "content"),
    [
        ({}, NONE, TEXT + CALLS),
        ({}, {}, TEXT + CALLS),
        ({"special": True}, NONE, TEXT + CALLS + "<|im_end|>"),
        ({"reasoning_format": "none"}, NONE, TURN),
        ({"skip_chat_parsing": True, "special": True}, TOOLS, TURN + "<|im_end|>"),
        ({"skip_chat_parsing": True}, TOOLS, STRIPPED),
        ({"no_jinja": True}, {}, STRIPPED),
        ({"no_jinja": True, "special": True}, {}, TURN + "<|im_end|>"),
    ],
    ids=["choice-none", "no-tools", "special", "reasoning-none", "raw", "stripped", "no-jinja", "no-jinja-special"],
)
def test_leaks(llama: Callable[..., str], flags: dict[str, Any], request_has: dict[str, Any], content: str) -> None:
    base = llama([TURN], **flags)
    message, others = streamed(base, **request_has)
    for answer in (whole(base, **request_has), message):
        assert (answer["content"], answer["finish_reason"]) == (content, "stop")
        assert "tool_calls" not in answer
    assert others == ["[DONE]"]


def test_special_tokens_break_a_native_call(llama: Callable[..., str]) -> None:
    """The trailing <|im_end|> does not fit the server's own grammar; a stream breaks after the last delta."""
    base = llama([TURN, "Done."], special=True)
    status, text = post(base, **TOOLS)
    assert status == 500
    assert "does not match the expected" in text
    message, [error] = streamed(base, **TOOLS)
    assert is_native(message)
    assert message["finish_reason"] is None
    assert json.loads(error)["error"]["code"] == 500
    later = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "?"}]
    assert whole(base, messages=later, **TOOLS)["content"] == "Done.<|im_end|>"


def test_tools_need_jinja(llama: Callable[..., str]) -> None:
    status, text = post(llama([TURN], no_jinja=True), **TOOLS)
    assert status == 500
    assert "requires --jinja" in text


def test_turns_are_counted(llama: Callable[..., str]) -> None:
    """The k-th turn of any history; past the script the model says nothing. A long prompt changes nothing."""
    base = llama(["First.", "Second 🎉."])
    messages = [{"role": "system", "content": " ".join(map(str, range(500)))}]
    for turn in ("First.", "Second 🎉.", ""):
        messages.append({"role": "user", "content": "And?"})
        assert whole(base, messages=messages, temperature=1.0)["content"] == turn
        messages.append({"role": "assistant", "content": turn or "x"})


def test_null_is_fine_as_content_but_not_as_reasoning(llama: Callable[..., str]) -> None:
    """And once such a message is in the history, every later request fails."""
    base = llama(["First.", "Second."])
    call = {"id": "functions.read_file:0", "function": {"name": "read_file", "arguments": json.dumps(ARGUMENTS)}}
    said = {"role": "assistant", "content": None, "tool_calls": [call | {"type": "function"}]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "apple"}
    user = {"role": "user", "content": "go"}
    assert whole(base, messages=[user, said, result], **TOOLS)["content"] == "Second."
    status, text = post(base, messages=[user, said | {"reasoning_content": None}, result], **TOOLS)
    assert status == 500
    assert "type must be string, but is null" in text


def test_arguments_that_are_no_json_are_refused(llama: Callable[..., str]) -> None:
    call = {"id": "functions.read_file:0", "type": "function", "function": {"name": "read_file", "arguments": "{'a"}}
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    messages.append({"role": "tool", "tool_call_id": call["id"], "content": "apple"})
    status, text = post(llama(["First.", "Second."]), messages=messages, **TOOLS)
    assert status == 500
    assert "Failed to parse tool call arguments as JSON" in text
