"""What really goes out, read off the socket, and what becomes of what comes back."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from fault_server import Answer, FaultServer, says, serving
from roundtrip.agent import __version__
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.tooling import ModelFailure, Opened
from roundtrip.agent.wire.facts import Facts
from roundtrip.agent.wire.profiles import GENERIC, KIMI, profile_of_template

BODY = {"model": "m", "messages": [{"role": "user", "content": "ü"}], "stream": True}
BEGIN = "{{ '<|tool_call_begin|>' + call.id }}"


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def page(value: Any) -> Answer:
    return Answer([json.dumps(value).encode()], kind="application/json")


async def exchanged(model: OpenAIModel) -> list[Opened | bytes | ModelFailure]:
    items = [item async for item in model.exchange(BODY)]
    await model.close()
    return items


def headers(fault: FaultServer) -> dict[str, str]:
    pairs = [line.partition(": ") for line in fault.heads[0].strip().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in pairs}


@pytest.mark.parametrize("key", ["", "secret"])
def test_nothing_goes_out_but_what_must(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would add the machine, and what OPENAI_* variables say."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "private")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-mine: private")

    async def main() -> None:
        async with serving(says("hello")) as fault:
            items = await exchanged(OpenAIModel(fault.base_url, key))
            assert items[0] == Opened("text/event-stream")
            assert b"hello" in b"".join(item for item in items if isinstance(item, bytes))
            sent = headers(fault)
            assert sent.pop("authorization", "") == (f"Bearer {key}" if key else "")
            assert sent["user-agent"] == f"roundtrip/{__version__}"
            assert "private" not in fault.heads[0]
            allowed = {"host", "accept", "accept-encoding", "connection", "content-length", "content-type"}
            assert sent.keys() - allowed <= {"user-agent", "x-stainless-raw-response"}
            assert fault.heads[0].startswith("POST /v1/chat/completions HTTP/1.1\r\n")
            assert fault.bodies == [BODY]

    run(main())


def test_this_machine_is_reached_without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def main() -> None:
        async with serving(says("hello")) as fault:
            for host in ("127.0.0.1", "localhost"):
                items = await exchanged(OpenAIModel(fault.base_url.replace("127.0.0.1", host)))
                assert items[0] == Opened("text/event-stream"), items

    run(main())


def test_other_machines_are_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serving(says("hello")) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            items = await exchanged(OpenAIModel("http://models.example/v1"))
            assert items[0] == Opened("text/event-stream"), items
            assert proxy.heads[0].startswith("POST http://models.example/v1/chat/completions")

    run(main())


@pytest.mark.parametrize(
    ("body", "headers", "failure"),
    [
        (b'{"error": {"message": "Loading model", "code": 503}}', {}, ModelFailure("refused", "Loading model", 503)),
        (b'{"error": "busy"}', {"retry-after": "7"}, ModelFailure("refused", "busy", 503, 7.0)),
        (b'{"error": "busy"}', {"retry-after": "-7"}, ModelFailure("refused", "busy", 503, 0.0)),
        (b'{"detail": "x"}', {"retry-after": "Mon, 1 Jan"}, ModelFailure("refused", '{"detail": "x"}', 503)),
        (b"<html>", {}, ModelFailure("refused", "<html>", 503)),
        (b"", {}, ModelFailure("refused", "X", 503)),
    ],
)  # fmt: skip
def test_a_status_is_a_value(body: bytes, headers: dict[str, str], failure: ModelFailure) -> None:
    async def main() -> None:
        async with serving(Answer([body] if body else [], 503, "application/json", headers)) as fault:
            [found] = await exchanged(OpenAIModel(fault.base_url))
            assert isinstance(found, ModelFailure)
            assert replace(found, message="") == failure
            assert found.message == (failure.text if body else '""'), "as the server said it"
            assert len(fault.bodies) == 1, "the SDK does not try again on its own"

    run(main())


def test_a_cut_is_the_last_item() -> None:
    async def main() -> None:
        async with serving(Answer([b"data: 1\n\n"], cut=True)) as fault:
            opened, block, failure = await exchanged(OpenAIModel(fault.base_url))
            assert (opened, block) == (Opened("text/event-stream"), b"data: 1\n\n")
            assert isinstance(failure, ModelFailure)
            assert failure.kind == "cut"

    run(main())


def test_nobody_listens() -> None:
    async def main() -> None:
        async with serving(says("")) as fault:
            gone = fault.base_url
        (failure,) = await exchanged(OpenAIModel(gone))
        assert isinstance(failure, ModelFailure)
        assert failure.kind == "unreachable"

    run(main())


@pytest.mark.parametrize("silent", [True, False], ids=["before the first byte", "in the stream"])
def test_a_silence_longer_than_the_user_wants(silent: bool) -> None:
    async def main() -> None:
        stuck = Answer([b"data: 1\n\n", b"data: 2\n\n"], wait=asyncio.Event(), silent=silent)
        async with serving(stuck) as fault:
            *_, failure = await exchanged(OpenAIModel(fault.base_url, read_seconds=0.05))
            assert isinstance(failure, ModelFailure)
            assert failure.kind == "silent"

    run(main())


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ({"data": [{"id": ""}, 3, {}]}, []),
        ({"data": None}, []),
        ([], []),
        ("x", []),
    ],
    ids=str,
)
def test_the_models_that_are_listed(value: Any, names: list[str]) -> None:
    async def main() -> None:
        async with serving(page(value)) as fault:
            model = OpenAIModel(fault.base_url)
            assert await model.models() == names
            assert fault.heads[0].startswith("GET /v1/models ")
            await model.close()

    run(main())


@pytest.mark.parametrize(
    ("answer", "template"),
    [
        (page({"chat_template": BEGIN}), BEGIN),
        (page({"chat_template": 3}), ""),
        (page({}), ""),
        (page([]), ""),
        (Answer([b"<html>"], kind="text/html"), ""),
        (Answer([b"{"], kind="application/json"), ""),
        (Answer([b"{}"], 404, "application/json"), ""),
        (Answer([b'{"chat'], kind="application/json", cut=True), ""),
    ],
    ids=["template", "number", "none", "list", "html", "torn", "status", "cut"],
)
def test_the_template_of_a_server(answer: Answer, template: str) -> None:
    async def main() -> None:
        async with serving(Answer([b"{}"], 404), props=answer) as fault:
            model = OpenAIModel(fault.base_url)
            assert (await model.facts("m")).template == template
            await model.close()

    run(main())


def test_a_server_behind_tls_is_asked_for_nothing() -> None:
    """Nobody listens there, and nobody waits for that."""

    async def main() -> None:
        model = OpenAIModel("https://127.0.0.1:9/v1")
        assert await model.facts("m") == Facts()
        await model.close()

    run(main())


def test_what_the_list_said_is_remembered() -> None:
    async def main() -> None:
        answer = page({"data": [{"id": "m", "max_model_len": 4096}]})
        async with serving(answer, props=Answer([b"{}"], 404)) as fault:
            model = OpenAIModel(fault.base_url)
            assert await model.facts("m") == Facts(context=4096)
            assert await model.facts("m") == Facts(context=4096)
            assert await model.facts("another") == Facts()
            assert len(fault.heads) == 1
            await model.close()

    run(main())


def test_a_server_that_keeps_its_facts_is_not_waited_for() -> None:
    """Neither one that says nothing, nor one that drips: the limit is for all of it."""

    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")
        try:
            while not gone.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()
            gone.set()

    async def main() -> None:
        async with serving(props=Answer([b"{}"], wait=asyncio.Event(), silent=True)) as fault:
            model = OpenAIModel(fault.base_url)
            assert await model.facts("m") == Facts()
            await model.close()
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        model = OpenAIModel(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        assert await model.facts("m") == Facts()
        await model.close()
        await gone.wait()  # it is hung up on
        server.close()
        await server.wait_closed()

    run(main())


def test_what_a_template_says_of_the_family() -> None:
    assert profile_of_template(BEGIN) is KIMI
    for other in ("", "<|im_end|>", "{{ bos_token }}<tool_call>", "<|tool_calls_section_end|>"):
        assert profile_of_template(other) is GENERIC
