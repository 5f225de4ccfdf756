"""The scripted server: what it streams, and that it refuses every history that is wrong."""

import copy
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import pytest
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.wire.profiles import GENERIC

MODEL = "Kimi-K2-Thinking"
ARGUMENTS = '{"path":"a.txt"}'
LEAK = (
    "I read it.</think>Reading.<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0"
    f"<|tool_call_argument_begin|>{ARGUMENTS}<|tool_call_end|><|tool_calls_section_end|><|im_end|>"
)
TURNS: list[dict[str, Any]] = [
    {"chunks": [LEAK], "expect": {"calls": [{"name": "read_file", "result": "apple"}]}},
    {"chunks": ["It holds ", "apple."]},
]
FIRST = [{"role": "system", "content": "You are an agent."}, {"role": "user", "content": "read a.txt"}]
CALL = {"id": "functions.read_file:0", "type": "function", "function": {"name": "read_file", "arguments": ARGUMENTS}}
SAID = {"role": "assistant", "content": "Reading.", "reasoning_content": "I read it.", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "functions.read_file:0", "content": "1|apple"}
TOOLS = [{"type": "function", "function": {"name": "read_file"}}]
Body = dict[str, Any]


def request(*messages: Body) -> Body:
    body = {"model": MODEL, "messages": list(messages), "tools": TOOLS, "stream": True}
    return copy.deepcopy(body)


def post(server: ScriptedServer, body: Body | str, path: str = "/chat/completions") -> tuple[int, str]:
    data = body if isinstance(body, str) else json.dumps(body)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(server.base_url + path, data.encode()) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["error"]["message"]


def events(text: str) -> list[Any]:
    blocks = [block.removeprefix("data: ") for block in text.split("\n\n") if block]
    return [block if block == "[DONE]" else json.loads(block) for block in blocks]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(TURNS, MODEL) as server:
        yield server


@pytest.fixture
def asked(server: ScriptedServer) -> ScriptedServer:
    """A server that has said its first turn."""
    assert post(server, request(*FIRST))[0] == 200
    return server


def test_streams_chunk_for_chunk_as_llama_cpp_does(asked: ScriptedServer) -> None:
    status, text = post(asked, request(*FIRST, SAID, RESULT))
    *chunks, usage, done = events(text)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert status == 200
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": None}, {"content": "It holds "}, {"content": "apple."}, {}
    ]  # fmt: skip
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 2
    assert 0 < usage["usage"]["prompt_tokens_details"]["cached_tokens"] < usage["usage"]["prompt_tokens"]
    assert done == "[DONE]"
    assert asked.over
    assert asked.refusals == []


def test_lists_its_model(server: ScriptedServer) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(server.base_url + "/models") as answer:
        assert [model["id"] for model in json.load(answer)["data"]] == [MODEL]


def test_there_is_nothing_else(server: ScriptedServer) -> None:
    assert post(server, request(*FIRST), "/completions")[0] == 404


def message(body: Body, number: int) -> Body:
    found: Body = body["messages"][number]
    return found


def function(body: Body) -> Body:
    found: Body = message(body, 2)["tool_calls"][0]["function"]
    return found


def raw_in_place_of_the_call(body: Body) -> None:
    body["messages"][2:] = [{"role": "assistant", "content": LEAK}, {"role": "user", "content": "1|apple"}]


WRONG: dict[str, tuple[Callable[[Body], Any], str]] = {
    "missing result": (lambda body: body["messages"].pop(), "1 calls have no result"),
    "double result": (lambda body: body["messages"].append(RESULT), "assistant, tool, tool"),
    "wrong id": (lambda body: message(body, 2)["tool_calls"][0].update(id="call_1"), "is not functions.read_file:0"),
    "wrong id of the result": (lambda body: message(body, 3).update(tool_call_id="functions.read_file:1"), "order"),
    "raw markup": (lambda body: message(body, 2).update(content="Reading.<|im_end|>"), "live markup"),
    "raw markup instead of a call": (raw_in_place_of_the_call, "has 0 calls, and the script's turn made 1"),
    "changed prefix": (lambda body: message(body, 1).update(content="read b.txt"), "message 1 is another or gone"),
    "shortened prefix": (lambda body: body["messages"].pop(1), "message 1 is another or gone"),
    "name on a tool message": (lambda body: message(body, 3).update(name="read_file"), "a name on a tool message"),
    "arguments that are no JSON": (lambda body: function(body).update(arguments='{"path":'), "not the text of a JSON"),
    "other arguments": (lambda body: function(body).update(arguments="{}"), "other arguments"),
    "another tool": (lambda body: function(body).update(name="list_files"), "is 'list_files', not 'read_file'"),
    "no reasoning": (lambda body: message(body, 2).pop("reasoning_content"), "reasoning is not what"),
    "no text beside the call": (lambda body: message(body, 2).update(content=None), "content is not what"),
    "an empty result": (lambda body: message(body, 3).update(content="(no output)"), "does not hold 'apple'"),
    "a note before the result": (lambda body: body["messages"].insert(3, FIRST[1]), "assistant, user, tool, not"),
    "stopped, and no word": (lambda body: body["messages"].__setitem__(slice(2, None), [RESULT]), "followed by tool"),
    "no assistant message": (lambda body: body["messages"].pop(2), "followed by tool"),
    "nothing new": (lambda body: body["messages"].__delitem__(slice(2, None)), "followed by nothing"),
    "other tools": (lambda body: body["tools"].clear(), "tools changed"),
    "another model": (lambda body: body.update(model="kimi"), "model changed"),
    "no stream": (lambda body: body.pop("stream"), "stream is not true"),
}


@pytest.mark.parametrize(
    "said", [(SAID, RESULT, FIRST[1]), (SAID, RESULT, FIRST[1], FIRST[1]), (FIRST[1],)], ids=["one", "two", "stopped"]
)
def test_the_user_may_say_more_or_stop_the_turn(asked: ScriptedServer, said: tuple[Body, ...]) -> None:
    assert post(asked, request(*FIRST, *said))[0] == 200


@pytest.mark.parametrize("kind", WRONG)
def test_refuses_a_wrong_history_and_then_takes_the_right_one(asked: ScriptedServer, kind: str) -> None:
    change, words = WRONG[kind]
    wrong = request(*FIRST, SAID, RESULT)
    change(wrong)
    status, text = post(asked, wrong)
    assert (status, words in text) == (400, True), text
    assert asked.refusals == [text]
    assert "<|" not in text
    assert post(asked, request(*FIRST, SAID, RESULT))[0] == 200
    assert [json.loads(body) for body in asked.bodies[1:]] == [wrong, request(*FIRST, SAID, RESULT)]


def test_refuses_a_prefix_of_other_bytes_that_means_the_same(asked: ScriptedServer) -> None:
    spaced = json.dumps(request(*FIRST, SAID, RESULT)).replace('"You are', r'"\u0059ou are')
    assert json.loads(spaced) == request(*FIRST, SAID, RESULT)
    status, text = post(asked, spaced)
    assert (status, "their bytes changed" in text) == (400, True), text


@pytest.mark.parametrize("roles", ["user", "system user user", "system"])
def test_the_first_request_holds_system_and_user(server: ScriptedServer, roles: str) -> None:
    status, text = post(server, request(*({"role": role, "content": "x"} for role in roles.split())))
    assert (status, "not system, user" in text) == (400, True), text


@pytest.mark.parametrize("body", ["", "[]", "{", '{"messages": "x"}', '{"messages": [1]}'])
def test_refuses_what_is_no_request(server: ScriptedServer, body: str) -> None:
    assert post(server, body) == (400, "the body is no JSON object with a list of messages")


def test_refuses_everything_after_the_end(asked: ScriptedServer) -> None:
    assert post(asked, request(*FIRST, SAID, RESULT))[0] == 200
    said = {"role": "assistant", "content": "It holds apple."}
    assert post(asked, request(*FIRST, SAID, RESULT, said, FIRST[1])) == (400, "the script is over")


def test_structured_calls() -> None:
    """Deltas go out as they are, and their calls are joined to know what has to come back."""
    parts = [{"name": "read_file", "arguments": '{"path"'}, {"arguments": ':"a.txt"}'}]
    deltas: list[dict[str, Any]] = [{"reasoning_content": "I read it."}, {"content": "Reading."}]
    deltas += [{"tool_calls": [{"index": 0, "id": "x", "function": part}]} for part in parts]
    with ScriptedServer([{"deltas": deltas, "finish_reason": "tool_calls"}, *TURNS[1:]], MODEL) as server:
        _, text = post(server, request(*FIRST))
        choices = [event["choices"][0] for event in events(text)[:-2]]
        assert [choice["delta"] for choice in choices[1:-1]] == deltas
        assert choices[-1]["finish_reason"] == "tool_calls"
        wrong = {**SAID, "tool_calls": [{**CALL, "function": {"name": "read_file", "arguments": '{"path":"b"}'}}]}
        assert post(server, request(*FIRST, wrong, RESULT))[0] == 400
        assert post(server, request(*FIRST, SAID, RESULT))[0] == 200


def test_a_note_where_the_script_says_so() -> None:
    turns: list[dict[str, Any]] = [{"chunks": ["Hm."], "expect": {"note": True}}, {"chunks": ["Yes."]}]
    with ScriptedServer(turns, MODEL) as server:
        assert post(server, request(*FIRST))[0] == 200
        said = {"role": "assistant", "content": "Hm."}
        assert post(server, request(*FIRST, said))[0] == 400
        assert post(server, request(*FIRST, said, {"role": "user", "content": "Well?"}))[0] == 200


def test_other_families_have_other_ids() -> None:
    with ScriptedServer(TURNS, "qwen", GENERIC) as server:
        assert post(server, {**request(*FIRST), "model": "qwen"})[0] == 200
        said = {**SAID, "tool_calls": [{**CALL, "id": "call_0"}]}
        body = request(*FIRST, said, {**RESULT, "tool_call_id": "call_0"})
        assert post(server, {**body, "model": "qwen"})[0] == 200


def test_it_can_be_closed_in_the_middle_of_an_answer() -> None:
    def ask() -> None:
        with pytest.raises((OSError, HTTPException)):
            post(slow, request(*FIRST))

    with ScriptedServer(TURNS, MODEL, pause=60) as slow:
        client = threading.Thread(target=ask)
        client.start()
        deadline = time.monotonic() + 10
        while not slow.played and time.monotonic() < deadline:
            time.sleep(0.01)
    client.join(10)
    assert not client.is_alive()


@pytest.mark.parametrize("sent", ["", '{"messages": ['])
def test_a_request_that_was_broken_off_is_none(server: ScriptedServer, sent: str) -> None:
    """The client was killed between its headers and the end of its body."""
    host, port = server.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(f"{head}{sent}".encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000) == b""
    assert (server.bodies, server.refusals, server.played) == ([], [], 0)
    assert post(server, request(*FIRST))[0] == 200
