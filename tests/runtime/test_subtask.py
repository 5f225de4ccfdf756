"""`new_task` in a real session with a real server: the child's conversation, and what comes of it."""

import asyncio
import json
import os
import select
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from fault_server import Answer, FaultServer, Reply, call, calls, deltas, event, props, says, serving
from roundtrip.agent.conversation import INTERRUPTED
from roundtrip.agent.events import AssistantEnded, Event, Repaired, ToolFinished, ToolOutput, ToolStarted, UsageReported
from roundtrip.agent.messages import Call, Result
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.runtime.subtask import MOST_STEPS
from roundtrip.agent.tooling import Intent, Refusal
from roundtrip.tools.caps import DEFAULT
from roundtrip.tools.toolset import default_tools

WANTED = frozenset({"new_task"})
TASK = call("new_task", '{"message": "Count the apples."}')
READ = call("read_file", '{"path": "apples"}')
WRITE = call("write_to_file", '{"path": "pears", "content": "1\\n"}')


class Approving:
    """Keeps what it is asked; what edits is refused where that is wanted."""

    def __init__(self, refuses: bool = False) -> None:
        self.asked: list[str] = []
        self._refuses = refuses

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        self.asked.append(call.name)
        return Refusal("Not run: nobody allowed it.") if self._refuses and intent.effect == "edits" else None


class Place:
    """A project, and a chat in it."""

    def __init__(self, path: Path) -> None:
        self.root = path
        (path / "apples").write_text("one\ntwo\n", encoding="utf-8")
        self.approver = Approving()
        self.events: list[Event] = []
        self.warned: list[str] = []

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.events if isinstance(one, kind)]

    @property
    def shown(self) -> str:
        """The live output."""
        return "".join(one.text for one in self.of(ToolOutput))

    def talk(
        self,
        *answers: Reply,
        then: Callable[[Chat, FaultServer], Coroutine[Any, Any, None]] | None = None,
        **told: Any,
    ) -> list[dict[str, Any]]:
        """One turn. Returns the requests."""

        async def main() -> list[dict[str, Any]]:
            async with serving(*answers, props=props(**told)) as fault:
                settings = Settings(fault.base_url, "kimi-k2", "", "config.toml", "config.toml")
                setup = Setup(settings, self.root, default_tools, lambda: "Be good.", wanted=WANTED)
                chat = Chat(setup, self.approver, self.events.append, self.warned.append)
                try:
                    assert await chat.connect() == ""
                    if then:
                        await then(chat, fault)
                    else:
                        await chat.turn("go")
                    self.results = [message.content for message in chat.messages if isinstance(message, Result)]
                    return fault.bodies
                finally:
                    await chat.close()

        return asyncio.run(main())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def names(body: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in body["tools"]]


def test_the_child_has_its_own_history_and_the_parent_gets_its_answer(place: Place) -> None:
    bodies = place.talk(calls(TASK), calls(READ), says("There are two."), says("Two apples."))
    assert place.results == ["There are two."]
    roles = [[message["role"] for message in body["messages"]] for body in bodies]
    assert roles == [
        ["system", "user"], ["system", "user"], ["system", "user", "assistant", "tool"],
        ["system", "user", "assistant", "tool"],
    ]  # fmt: skip
    assert bodies[1]["messages"][0] == bodies[0]["messages"][0], "the same instructions"
    assert bodies[1]["messages"][1]["content"].endswith("\n\nCount the apples.")
    assert "apples: 2 lines." in bodies[2]["messages"][3]["content"]
    assert [one["id"] for one in bodies[2]["messages"][2]["tool_calls"]] == ["functions.read_file:0"]
    assert bodies[3]["messages"][:2] == bodies[0]["messages"], "the parent's history goes on where it was"
    assert bodies[3]["messages"][3]["content"] == "There are two."


def test_a_child_has_no_children_and_asks_nobody(place: Place) -> None:
    parent, child = place.talk(calls(TASK), calls(TASK), says("So I did it myself."), says("Done."))[:2]
    assert "new_task" in names(parent)
    assert "new_task" not in names(child)
    assert set(names(parent)) - set(names(child)) == {"new_task"}
    assert place.results == ["So I did it myself."]


def test_what_the_child_does_is_shown_and_asked_for(place: Place) -> None:
    said = Answer(deltas({"content": "I write the pears down."}, WRITE, finish="tool_calls"))
    place.talk(calls(TASK), calls(READ), said, says("Written."), says("Done."))
    assert place.shown == "read_file apples\nI write the pears down.\nwrite_to_file pears\nWritten.\n"
    assert place.approver.asked == ["new_task", "read_file", "write_to_file"]
    assert (place.root / "pears").read_text(encoding="utf-8") == "1\n"


def test_the_parents_stream_holds_the_parents_calls_only(place: Place) -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 7}})
    leaked = "<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0<|tool_call_argument_begin|>"
    leaked += '{"path": "apples"}<|tool_call_end|><|tool_calls_section_end|>'
    counted = Answer([*deltas({"content": leaked}, done=False), usage, b"data: [DONE]\n\n"])
    place.talk(calls(TASK), counted, says("Two."), says("Done."))
    assert [one.name for one in place.of(ToolStarted)] == ["new_task"]
    assert [one.content for one in place.of(ToolFinished)] == ["Two."]
    assert [one.message.content for one in place.of(AssistantEnded)] == ["", "Done."]
    assert place.of(UsageReported) == [UsageReported(70, 7)], "what it cost is counted"
    assert [one.kind for one in place.of(Repaired)] == ["leaked_call"], "and what had to be repaired"
    assert place.of(ToolFinished)[0].details == "answered after 2 steps\n✓ read_file apples"


def test_the_parent_has_not_seen_what_the_child_has(place: Place) -> None:
    over = call("write_to_file", '{"path": "apples", "content": "x\\n"}')
    place.talk(calls(TASK), calls(READ), says("Two."), calls(over), says("Done."))
    assert "apples" in place.results[1]
    assert (place.root / "apples").read_text(encoding="utf-8") == "one\ntwo\n", "it would be overwritten unread"


def test_refused_calls_are_told_to_both(place: Place) -> None:
    place.approver = Approving(refuses=True)
    place.talk(calls(TASK), calls(WRITE), says("I could not."), says("Done."))
    assert place.results == ["I could not.\n(1 of its calls were refused for want of permission.)"]
    [finished] = place.of(ToolFinished)
    assert (finished.refused, finished.failed) == (True, False)
    assert "write_to_file: Not run: nobody allowed it.\n" in place.shown


def test_a_child_that_does_not_come_to_an_end_is_stopped(place: Place) -> None:
    def goes_on(body: dict[str, Any]) -> Answer:
        return calls(call("read_file", json.dumps({"path": "apples", "offset": len(body["messages"])})))

    def ends(body: dict[str, Any]) -> Answer:
        return says("Done.")

    bodies = place.talk(calls(TASK), *[goes_on] * MOST_STEPS, ends)
    assert len(bodies) == MOST_STEPS + 2
    assert place.results[0].startswith(f"The task was not finished: it was stopped after {MOST_STEPS} steps.")
    assert place.of(ToolFinished)[0].failed


def test_a_server_that_fails_is_a_result(place: Place) -> None:
    refused = Answer([b'{"error": {"message": "the context is full"}}'], status=400, kind="application/json")
    said = Answer(deltas({"content": "I begin."}, READ, finish="tool_calls"))
    place.talk(calls(TASK), said, refused, says("Then I do it."))
    assert place.results[0].startswith("The task was not finished: the server answered HTTP 400: the context is full")
    assert place.results[0].endswith("\nWhat it said last: I begin.")
    assert place.of(ToolFinished)[0].failed


def test_a_long_answer_is_cut(place: Place) -> None:
    text = "".join(f"line {number}\n" for number in range(10_000))
    place.talk(calls(TASK), says(text), says("Done."))
    assert len(place.results[0]) < DEFAULT.output + 100
    assert " bytes omitted …" in place.results[0]


def test_an_empty_task_is_none(place: Place) -> None:
    bodies = place.talk(calls(call("Task", '{"description": "d", "prompt": " "}')), says("Done."))
    assert place.results[0].startswith("The message is empty.")
    assert len(bodies) == 2


def test_two_tasks_run_one_after_the_other(place: Place) -> None:
    both = calls(TASK, call("new_task", '{"message": "Count the pears."}', 1))
    bodies = place.talk(both, says("Two."), says("None."), says("Done."))
    assert place.results == ["Two.", "None."]
    assert [body["messages"][1]["content"].rpartition("\n")[2] for body in bodies[1:3]] == [
        "Count the apples.", "Count the pears.",
    ]  # fmt: skip


def test_an_interrupt_ends_the_child_and_what_it_runs(place: Place) -> None:
    os.mkfifo(place.root / "alive")
    alive = os.open(place.root / "alive", os.O_RDONLY | os.O_NONBLOCK)
    run = call("execute_command", json.dumps({"command": "exec 3>alive; echo begun >&3; sleep 300"}))

    async def interrupted(chat: Chat, fault: FaultServer) -> None:
        task = asyncio.create_task(chat.turn("go"))
        while not select.select([alive], [], [], 0)[0]:
            assert not task.done(), task.result()
            await asyncio.sleep(0.02)
        assert os.read(alive, 100) == b"begun\n"
        task.cancel()
        ended = await task
        assert ended.outcome == "interrupted"
        assert (await chat.turn("go on")).outcome == "answered"

    bodies = place.talk(calls(TASK), calls(run), says("Well."), then=interrupted)
    assert place.results == [INTERRUPTED]
    assert [message["role"] for message in bodies[-1]["messages"]] == ["system", "user", "assistant", "tool", "user"]
    os.set_blocking(alive, True)
    assert os.read(alive, 100) == b"", "nobody holds the other end any more"
    os.close(alive)


def test_a_single_slot_has_no_room_for_a_child(place: Place) -> None:
    [body] = place.talk(says("Hello."), total_slots=1)
    assert "new_task" not in names(body)
    [warning] = place.warned
    assert warning.startswith("new_task is not offered: the server works on one request at a time")


def test_it_is_offered_only_to_those_who_want_it(place: Place) -> None:
    [body] = place.talk(says("Hello."))
    assert "new_task" in names(body)
    assert "web_fetch" not in names(body)
    assert place.warned == []
