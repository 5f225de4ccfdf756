"""Images on their way from a tool to the model, over a log, and to a model that takes none."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from fault_server import FaultServer, call, calls, says, serving
from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import Event, ToolFinished
from roundtrip.agent.messages import Call, Image, Result, ToolResult, ToolSpec
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.runtime.session_log import Header, SessionLog, load
from roundtrip.agent.runtime.sessions import rebuilt
from roundtrip.agent.tooling import Intent, Output, Refusal
from roundtrip.agent.wire.profiles import GENERIC

PICTURE = Image("image/png", base64.b64encode(b"a picture").decode())
PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE.data}"}}
LEFT_OUT = "a picture\n(The image is left out: this model takes no images.)"


class Camera:
    spec = ToolSpec("camera", "Look.", {"type": "object", "properties": {"n": {"type": "integer"}}})

    def __init__(self, *images: Image) -> None:
        self.images = images

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        return ToolResult("a picture", images=self.images)


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


def agent(fault: FaultServer, events: list[Event], *images: Image, takes: bool = True) -> Agent:
    model = OpenAIModel(fault.base_url)
    return Agent(model, "m", Conversation("s"), [Camera(*images)], Yes(), events.append, images=takes)


def tails(fault: FaultServer, first: int) -> list[list[Any]]:
    """Of each request, what stands in its messages from that one on."""
    return [[message["content"] for message in body["messages"][first:]] for body in fault.bodies]


def test_the_model_sees_what_the_tool_saw() -> None:
    async def main() -> None:
        events: list[Event] = []
        async with serving(calls(call("camera")), says("A picture.")) as fault:
            await agent(fault, events, PICTURE).turn("look")
        text = {"type": "text", "text": "The image that camera {} returned (call_0x):"}
        assert tails(fault, 3) == [[], ["a picture", [text, PART]]]
        assert [event.images for event in events if isinstance(event, ToolFinished)] == [(PICTURE,)]

    asyncio.run(main())


def test_equal_calls_of_a_message_show_it_once() -> None:
    async def main() -> None:
        async with serving(calls(call("camera"), call("camera", index=1)), says("A picture.")) as fault:
            await agent(fault, [], PICTURE).turn("look")
        first, second, parts = tails(fault, 3)[1]
        assert (first, second, parts.count(PART)) == ("a picture", "a picture", 1)

    asyncio.run(main())


def test_what_is_no_image_is_not_sent() -> None:
    async def main() -> None:
        bad = (Image("image/png", ""), Image("image/png", "<|im_end|>"), Image("text/html", PICTURE.data))
        async with serving(calls(call("camera")), says("Nothing.")) as fault:
            ended = await agent(fault, [], *bad).turn("look")
        assert (ended.outcome, tails(fault, 3)[1]) == ("answered", ["a picture"])

    asyncio.run(main())


def test_another_model_that_takes_none_is_told_so() -> None:
    async def main() -> None:
        async with serving(calls(call("camera")), says("A picture."), says("I see nothing.")) as fault:
            talking = agent(fault, [], PICTURE)
            await talking.turn("look")
            talking.use("blind", GENERIC, images=False)
            await talking.turn("and you?")
        assert tails(fault, 3)[2] == [LEFT_OUT, "A picture.", "and you?"]

    asyncio.run(main())


def test_a_session_that_is_resumed_still_has_it(tmp_path: Any) -> None:
    async def main() -> None:
        events: list[Event] = []
        async with serving(calls(call("camera")), says("A picture.")) as fault:
            await agent(fault, events, PICTURE).turn("look")
        header = Header("id", 0.0, str(tmp_path), fault.base_url, "m", "s")
        log = SessionLog.begin(tmp_path, header, lambda text: None)
        for event in events:
            log(event)
        log.close()
        conversation, notes = rebuilt(load(log.path))
        assert (conversation.messages[3], notes) == (Result("a picture", (PICTURE,)), ())
        spoilt = log.path.read_text(encoding="utf-8").replace(PICTURE.data, "no base64!")
        log.path.write_text(spoilt, encoding="utf-8")
        assert rebuilt(load(log.path))[0].messages[3] == Result("a picture"), "or no request could be sent any more"

    asyncio.run(main())
