"""The loop against a real server: every call gets one result, whatever the server does and whenever it is stopped."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import pytest
from fault_server import Answer, FaultServer, call, calls, deltas, event, says, serving
from roundtrip.agent.conversation import INTERRUPTED, Conversation
from roundtrip.agent.events import Event, Failed, ModelChanged, Repaired, Retrying, ToolFinished, TurnEnded
from roundtrip.agent.messages import Call, Effect, Result, ToolResult, ToolSpec, User
from roundtrip.agent.runtime.calls import NOT_STARTED
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.tooling import Intent, Output, Refusal
from roundtrip.agent.wire.preflight import preflight
from roundtrip.agent.wire.profiles import PROFILES
from roundtrip.agent.wire.render import render

Work = Callable[[Mapping[str, Any]], Awaitable[str]]
SECTION = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>"
    '{"path": "a"}<|tool_call_end|><|tool_calls_section_end|>'
)
PEG = "The model produced output that does not match the expected peg-native format"


class Doing:
    """A tool that does what a test wants."""

    def __init__(self, name: str, work: Work, effect: Effect = "reads") -> None:
        schema = {"type": "object", "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}}
        self.spec = ToolSpec(name, "Does it.", schema, effect)
        self.work = work
        self.ran: list[dict[str, Any]] = []

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent(self.spec.effect)

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        self.ran.append(dict(arguments))
        return ToolResult(await self.work(arguments))


class Completion(Doing):
    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        return ToolResult("Done.", answer=str(arguments["path"]))


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Waits:
    """An approver that never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


async def echo(arguments: Mapping[str, Any]) -> str:
    return f"saw {arguments.get('path')}"


class Session:
    """An agent, what it said, and the tools it has."""

    def __init__(
        self, fault: FaultServer, *tools: Doing, approver: Any = None, steps: int = 20, name: str = "m"
    ) -> None:
        self.events: list[Event] = []
        self.tools = tools or (Doing("look", echo),)
        self.model = OpenAIModel(fault.base_url)
        self.conversation = Conversation("system")
        self.agent = Agent(
            self.model, name, self.conversation, self.tools, approver or Yes(), self.events.append, steps
        )

    async def turn(self, text: str = "go") -> TurnEnded:
        ended = await self.agent.turn(text)
        profile = PROFILES[self.agent.profile]
        assert self.conversation.sendable
        assert preflight(render(self.conversation.messages, (), "m", profile), profile) == []
        return ended

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def results(self) -> list[str]:
        return [message.content for message in self.conversation.messages if isinstance(message, Result)]


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_half_an_answer_is_not_taken_for_a_whole_one() -> None:
    async def main() -> None:
        async with serving(Answer(deltas({"content": "The first step is"}, finish="length"))) as fault:
            session = Session(fault)
            assert await session.turn() == TurnEnded("limit", "The first step is", 1)
            (failed,) = session.of(Failed)
            assert (failed.kind, "stops in the middle" in failed.text) == ("length", True)
            await session.model.close()

    run(main())


def test_a_name_belongs_to_one_tool() -> None:
    async def main() -> None:
        async with serving() as fault:
            with pytest.raises(ValueError, match="two tools called look"):
                Session(fault, Doing("look", echo), Doing("look", echo))

    run(main())


def test_a_tool_that_returns_something_else() -> None:
    class Wrong(Doing):
        async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
            return "text"  # type: ignore[return-value]

    async def main() -> None:
        async with serving(calls(call("look", "{}")), says("I see.")) as fault:
            session = Session(fault, Wrong("look", echo))
            assert (await session.turn()).outcome == "answered"
            assert session.results == ["The tool failed: TypeError: run returned str, not ToolResult"]
            await session.model.close()

    run(main())


def test_text_is_the_answer() -> None:
    async def main() -> None:
        async with serving(says("hello")) as fault:
            session = Session(fault)
            assert await session.turn() == TurnEnded("answered", "hello", 1)
            await session.model.close()

    run(main())


def test_two_calls_and_their_results_in_order() -> None:
    async def slow_first(arguments: Mapping[str, Any]) -> str:
        await asyncio.sleep(0.05 if arguments["path"] == "a" else 0)
        return f"saw {arguments['path']}"

    async def main() -> None:
        made = (call("look", '{"path": "a"}', 0), call("look", '{"path": "b"}', 1))
        async with serving(calls(*made), says("done")) as fault:
            session = Session(fault, Doing("look", slow_first))
            assert (await session.turn()).answer == "done"
            finished = [event.index for event in session.of(ToolFinished)]
            assert finished == [1, 0], "the quick one is reported first"
            sent = fault.bodies[1]["messages"]
            assert sent[: len(fault.bodies[0]["messages"])] == fault.bodies[0]["messages"]
            assert [m["content"] for m in sent if m["role"] == "tool"] == ["saw a", "saw b"]
            assert [m["tool_call_id"] for m in sent if m["role"] == "tool"] == ["call_0x", "call_1x"]
            await session.model.close()

    run(main())


def test_reading_calls_run_together_and_others_in_order() -> None:
    async def main() -> None:
        both = asyncio.Barrier(2)
        order: list[str] = []

        async def meet(arguments: Mapping[str, Any]) -> str:
            await both.wait()  # ends only if both run at the same time
            return "met"

        async def note(arguments: Mapping[str, Any]) -> str:
            order.append(f"begin {arguments['n']}")
            await asyncio.sleep(0)
            order.append(f"end {arguments['n']}")
            return "noted"

        made = [call("meet", f'{{"n": {n}}}', n) for n in (0, 1)] + [call("note", f'{{"n": {n}}}', n) for n in (2, 3)]
        async with serving(calls(*made), says("done")) as fault:
            session = Session(fault, Doing("meet", meet), Doing("note", note, "edits"))
            assert (await session.turn()).outcome == "answered"
            assert order == ["begin 2", "end 2", "begin 3", "end 3"]
            assert session.results == ["met", "met", "noted", "noted"]
            await session.model.close()

    run(main())


def test_equal_reading_calls_of_a_message_run_once() -> None:
    async def main() -> None:
        made = [call("look", '{"path": "a"}', n) for n in range(3)]
        async with serving(calls(*made), says("done")) as fault:
            session = Session(fault)
            await session.turn()
            assert len(session.tools[0].ran) == 1
            assert [result.split("\n")[0] for result in session.results] == ["saw a"] * 3
            await session.model.close()

    run(main())


def test_the_step_limit() -> None:
    async def main() -> None:
        answers = [calls(call("look", f'{{"n": {n}}}')) for n in range(5)]
        async with serving(*answers) as fault:
            session = Session(fault, steps=3)
            assert (await session.turn()).outcome == "limit"
            assert len(fault.bodies) == 3
            await session.model.close()

    run(main())


def test_the_same_call_with_the_same_result_ends_the_turn() -> None:
    async def main() -> None:
        async with serving(calls(call("look", '{"path": "a"}'))) as fault:
            session = Session(fault)
            assert (await session.turn()).outcome == "limit"
            assert len(session.results) == 12
            assert len(session.tools[0].ran) == 7, "the eighth is refused"
            assert "3 times" in session.results[2]
            assert "5 times" in session.results[4]
            assert "Not run again" in session.results[7]
            await session.model.close()

    run(main())


def test_attempt_completion_is_an_answer() -> None:
    async def main() -> None:
        async with serving(calls(call("finish", '{"path": "all done"}')), says("next")) as fault:
            session = Session(fault, Completion("finish", echo))
            assert (await session.turn()).answer == "all done"
            assert (await session.turn("and now?")).answer == "next"
            await session.model.close()

    run(main())


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (call("dance", "{}"), "no tool called 'dance'"),
        (call("look", '{"n": "many"}'), "Usage: look("),
        (call("look", '{"n": 1'), "cut off"),
        (call("look", "[1]"), "not an object"),
    ],
    ids=["unknown tool", "wrong type", "cut", "no object"],
)
def test_what_can_not_run_gets_an_error_that_helps(made: dict[str, Any], said: str) -> None:
    async def main() -> None:
        async with serving(calls(made), says("sorry")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "sorry"
            assert said in session.results[0]
            assert session.tools[0].ran == []
            await session.model.close()

    run(main())


def test_each_bad_call_gets_its_own_error() -> None:
    async def main() -> None:
        async with serving(calls(call("look", "[1,2]"), call("look", "{bad json", 1)), says("sorry")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "sorry"
            assert "not an object" in session.results[0]
            assert "not an object" not in session.results[1]
            await session.model.close()

    run(main())


def test_a_call_without_a_name_is_asked_for_again_but_not_for_ever() -> None:
    async def main() -> None:
        nameless = SECTION.replace("functions.look:0", "call_59adf5614cfe4f4b8a71be54").replace("path", "other")
        async with serving(says(f"Let me see.{nameless}")) as fault:
            session = Session(fault)
            assert (await session.turn()).outcome == "failed"
            assert session.of(Failed)[0].kind == "unresolved"
            assert len(fault.bodies) == 3
            note = session.conversation.messages[3]
            assert isinstance(note, User)
            assert "could not be read" in note.content
            assert "<|" not in note.content
            await session.model.close()

    run(main())


def test_a_server_that_can_not_parse_its_model_is_asked_without_its_parser() -> None:
    async def main() -> None:
        error = Answer([json.dumps({"error": {"code": 500, "message": PEG}}).encode()], 500, "application/json")
        async with serving(error, says(f"Hm.{SECTION}<|im_end|>"), says("read")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "read"
            assert fault.bodies[1] == {**fault.bodies[0], "tool_choice": "none"}
            assert fault.bodies[2]["tool_choice"] == "none", "it would only fail again"
            assert session.results == ["saw a"]
            assert "server_parse_failure" in [repair.kind for repair in session.of(Repaired)]
            assert session.of(ModelChanged) == [ModelChanged("m", "kimi_k2")]
            assert fault.bodies[2]["messages"][2]["tool_calls"][0]["id"] == "functions.look:0"
            await session.model.close()

    run(main())


def test_calls_in_an_error_run() -> None:
    async def main() -> None:
        message = f"Failed to parse input at pos 0: {SECTION}"
        error = Answer([json.dumps({"error": {"code": 500, "message": message}}).encode()], 500, "application/json")
        async with serving(error, says("read")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "read"
            assert session.results == ["saw a"]
            assert len(fault.bodies) == 2, "nobody asked again"
            assert "tool_choice" not in fault.bodies[1]
            assert "error_with_calls" in [repair.kind for repair in session.of(Repaired)]
            await session.model.close()

    run(main())


def test_complete_calls_before_that_error_are_kept() -> None:
    async def main() -> None:
        blocks = [
            *deltas(call("look", '{"path": "a"}'), done=False)[:-1],
            event({"error": {"code": 500, "message": PEG}}),
        ]
        async with serving(Answer(blocks), says("read")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "read"
            assert session.results == ["saw a"]
            assert "tool_choice" not in fault.bodies[1]
            await session.model.close()

    run(main())


def test_a_cut_runs_nothing_and_is_asked_again() -> None:
    async def main() -> None:
        cut = Answer(deltas(call("look", '{"path": "a"}'), done=False)[:1], cut=True)
        async with serving(cut, says("whole")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "whole"
            assert session.tools[0].ran == []
            assert fault.bodies[0] == fault.bodies[1]
            assert len(session.of(Retrying)) == 1
            await session.model.close()

    run(main())


@pytest.mark.parametrize(("status", "requests"), [(503, 2), (429, 2), (500, 2), (400, 1), (401, 1), (404, 1)], ids=str)
def test_statuses_that_pass_are_tried_again(status: int, requests: int) -> None:
    async def main() -> None:
        busy = Answer([b'{"error": {"message": "not now"}}'], status, "application/json", {"retry-after": "0.01"})
        async with serving(busy, says("ok")) as fault:
            session = Session(fault)
            ended = await session.turn()
            assert len(fault.bodies) == requests
            assert ended.outcome == ("answered" if requests == 2 else "failed")
            if requests == 1:
                assert "not now" in session.of(Failed)[0].text
            await session.model.close()

    run(main())


@pytest.mark.parametrize(
    "blocks",
    [[b"<html>welcome</html>"], [b'{"hello": "world"}'], [b"<html>", b"</html>"]],
    ids=["html", "json", "html in two"],
)
def test_what_is_no_model_server_is_said_so(blocks: list[bytes]) -> None:
    async def main() -> None:
        async with serving(Answer(blocks, kind="text/html")) as fault:
            session = Session(fault)
            assert (await session.turn()).outcome == "failed"
            assert "base URL" in session.of(Failed)[0].text
            await session.model.close()

    run(main())


def test_an_empty_answer_is_asked_for_once_more() -> None:
    async def main() -> None:
        async with serving(says(""), says("now")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "now"
            assert [type(message).__name__ for message in session.conversation.messages] == [
                "System",
                "User",
                "Assistant",
            ]
            await session.model.close()
        async with serving(says("")) as fault:
            session = Session(fault)
            assert (await session.turn()).outcome == "failed"
            assert len(fault.bodies) == 2
            await session.model.close()

    run(main())


def test_a_server_may_drip_bytes() -> None:
    async def main() -> None:
        whole = b"".join(calls(call("look", '{"path": "ä🎉"}')).blocks)
        async with serving(Answer([bytes([byte]) for byte in whole]), says("ok")) as fault:
            session = Session(fault)
            assert (await session.turn()).answer == "ok"
            assert session.results == ["saw ä🎉"]
            await session.model.close()

    run(main())


def test_a_tool_that_breaks_has_a_result() -> None:
    async def breaks(arguments: Mapping[str, Any]) -> str:
        raise ZeroDivisionError("oh")

    async def main() -> None:
        async with serving(calls(call("look")), says("ok")) as fault:
            session = Session(fault, Doing("look", breaks))
            assert (await session.turn()).answer == "ok"
            assert "ZeroDivisionError: oh" in session.results[0]
            await session.model.close()

    run(main())


async def interrupt(session: Session, when: Awaitable[Any]) -> TurnEnded:
    """Runs a turn and cancels it when `when` has come."""
    task = asyncio.ensure_future(session.turn())
    await when
    await asyncio.sleep(0.02)
    task.cancel()
    return await task


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("silent", [True, False], ids=["before the first byte", "in the stream"])
def test_interrupted_while_the_server_speaks(silent: bool) -> None:
    async def main() -> None:
        stuck = Answer(deltas({"content": "well"}, {"content": "…"}), wait=asyncio.Event(), silent=silent)
        async with serving(stuck, says("again")) as fault:
            session = Session(fault)
            ended = await interrupt(session, until(lambda: bool(fault.bodies)))
            assert ended.outcome == "interrupted"
            assert (await session.turn("go on")).answer == "again"
            assert [m["role"] for m in fault.bodies[1]["messages"]] == ["system", "user", "user"]
            await session.model.close()

    run(main())


def test_interrupted_in_the_pause_before_a_retry() -> None:
    async def main() -> None:
        busy = Answer([b"{}"], 503, "application/json", {"retry-after": "60"})
        async with serving(busy, says("again")) as fault:
            session = Session(fault)
            assert (await interrupt(session, until(lambda: bool(session.of(Retrying))))).outcome == "interrupted"
            assert (await session.turn("go on")).answer == "again"
            await session.model.close()

    run(main())


def test_interrupted_while_a_person_is_asked() -> None:
    async def main() -> None:
        approver = Waits()
        async with serving(calls(call("look"), call("look", '{"n": 1}', 1)), says("again")) as fault:
            session = Session(fault, Doing("look", echo, "edits"), approver=approver)
            assert (await interrupt(session, approver.asked.wait())).outcome == "interrupted"
            assert session.results == [NOT_STARTED, NOT_STARTED]
            assert (await session.turn("go on")).answer == "again"
            await session.model.close()

    run(main())


def test_interrupted_while_tools_run_keeps_what_was_finished() -> None:
    async def main() -> None:
        started = asyncio.Event()

        async def work(arguments: Mapping[str, Any]) -> str:
            if arguments["n"] == 0:
                return "finished"
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        made = [call("work", f'{{"n": {n}}}', n) for n in (0, 1)] + [call("edit", "{}", 2)]
        async with serving(calls(*made), says("again")) as fault:
            session = Session(fault, Doing("work", work), Doing("edit", echo, "edits"))
            assert (await interrupt(session, started.wait())).outcome == "interrupted"
            assert session.results == ["finished", INTERRUPTED, NOT_STARTED]
            assert session.tools[1].ran == []
            assert (await session.turn("go on")).answer == "again"
            roles = [message["role"] for message in fault.bodies[1]["messages"]]
            assert roles == ["system", "user", "assistant", "tool", "tool", "tool", "user"]
            await session.model.close()

    run(main())
