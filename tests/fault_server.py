"""A model server whose answers are data, faults included: raw HTTP over a real socket on 127.0.0.1."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """One answer. blocks: the body, in the pieces in which it is sent. cut: the connection then breaks.
    wait: before the last block, the server waits for this event. silent: before the first byte, too."""

    blocks: Sequence[bytes] = ()
    status: int = 200
    kind: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: asyncio.Event | None = None
    silent: bool = False


Reply = Answer | Callable[[dict[str, Any]], Answer]
"""An answer, or what makes one of a request's body."""


@dataclass
class FaultServer:
    """`bodies` and `heads` are what was received; a request beyond the answers gets the last one again.

    props: the answer to each GET of /props, which is not among those that were received.
    """

    answers: list[Reply]
    base_url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    props: Answer | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
            body = await reader.readexactly(int(length[0].split(":")[1])) if length else b"{}"
            if head.startswith("GET /props "):
                await self.send(self.props or props(), writer)
                return
            self.heads.append(head)
            self.bodies.append(json.loads(body))
            answer = self.answers[min(len(self.bodies), len(self.answers)) - 1]
            await self.send(answer if isinstance(answer, Answer) else answer(self.bodies[-1]), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which some tests want
        finally:
            writer.close()

    async def send(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        if answer.wait and answer.silent:
            await answer.wait.wait()
        extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {answer.status} X\r\ncontent-type: {answer.kind}\r\ntransfer-encoding: chunked\r\n"
        writer.write(f"{head}{extra}connection: close\r\n\r\n".encode())
        for number, block in enumerate(answer.blocks):
            if answer.wait and number == len(answer.blocks) - 1:
                await answer.wait.wait()
            writer.write(b"%x\r\n%s\r\n" % (len(block), block))
            await writer.drain()
        if not answer.cut:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


@asynccontextmanager
async def serving(*answers: Reply, props: Answer | None = None) -> AsyncIterator[FaultServer]:
    """A server with these answers, in order."""
    fault = FaultServer(list(answers), props=props)
    server = await asyncio.start_server(fault.handle, "127.0.0.1", 0)
    fault.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fault
    finally:
        for answer in (*answers, props):
            if isinstance(answer, Answer) and answer.wait:
                answer.wait.set()
        server.close()
        await server.wait_closed()


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def deltas(*values: dict[str, Any], finish: str = "stop", done: bool = True) -> list[bytes]:
    """The blocks of a streamed answer."""
    blocks = [event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) for delta in values]
    blocks.append(event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}))
    return [*blocks, b"data: [DONE]\n\n"] if done else blocks


def call(name: str, arguments: str = "{}", index: int = 0, call_id: str = "") -> dict[str, Any]:
    """A structured call as a delta."""
    function = {"name": name, "arguments": arguments}
    return {
        "tool_calls": [{"index": index, "id": call_id or f"call_{index}x", "type": "function", "function": function}]
    }


def says(text: str) -> Answer:
    return Answer(deltas({"content": text}))


def props(**told: Any) -> Answer:
    """What llama.cpp's /props says."""
    value = {"default_generation_settings": {"n_ctx": 131_072}, "total_slots": 4, **told}
    return Answer([json.dumps(value).encode()], kind="application/json")


def calls(*made: dict[str, Any]) -> Answer:
    return Answer(deltas(*made, finish="tool_calls"))
