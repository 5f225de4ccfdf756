"""Calls over a real connection, as models and servers write them: what runs, what the history holds, what is said."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fault_server import Answer, FaultServer, call, calls, deltas, says, serving
from roundtrip.agent.conversation import Conversation
from roundtrip.agent.events import Event, ToolFinished
from roundtrip.agent.messages import Call
from roundtrip.agent.rules.repeats import LADDER
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.loop import Agent
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Intent, Refusal
from roundtrip.tools.toolset import default_tools

NOTES = "1|one\n2|two"
USAGE = "\nUsage: read_file(path: string"
EXAMPLE = "\nExample arguments: {"


class Yes:
    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


class Place:
    """A project, and one turn in it."""

    def __init__(self, root: Path) -> None:
        (root / "notes.txt").write_text("one\ntwo\n")
        self.workspace = LocalWorkspace(root)
        self.events: list[Event] = []

    async def turn(self, fault: FaultServer, model_name: str = "m") -> list[dict[str, Any]]:
        """The messages of the last request."""
        model = OpenAIModel(fault.base_url)
        tools = default_tools(self.workspace)
        agent = Agent(model, model_name, Conversation("s"), tools, Yes(), self.events.append)
        await agent.turn("go")
        await model.close()
        messages = fault.bodies[-1]["messages"]
        assert isinstance(messages, list)
        return messages

    @property
    def results(self) -> list[str]:
        return [event.content for event in self.events if isinstance(event, ToolFinished)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def sent(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Names and arguments of the calls of a request."""
    made = [one for message in messages for one in message.get("tool_calls", ())]
    return [(one["function"]["name"], one["function"]["arguments"]) for one in made]


def test_history_keeps_the_bytes_of_the_model(place: Place) -> None:
    """Names, aliases, spacing, escapes, order of keys: only the execution sees another call."""
    made = [
        ("Read", '{ "file_path" :\t"notes.txt","limit":"1" }'),
        ("Grep", '{"pattern":"o\\u006ee","-i":true, "output_mode":"content"}'),
        ("Bash", '{"command": "echo h\\u00e4", "timeout": 120000, "description": "Says h\\/i"}'),
        ("update_plan", '{"plan": [{"step": "a", "status": "pending"}]}'),
        ("list-files", "{}"),
    ]

    async def main() -> None:
        structured = (call(name, text, index) for index, (name, text) in enumerate(made))
        async with serving(calls(*structured), says("done")) as fault:
            messages = await place.turn(fault)
            assert sent(messages) == made
            results = [message["content"] for message in messages if message["role"] == "tool"]
            wanted = ("1|one", "notes.txt:1", "hä", "is kept", "notes.txt")
            assert [words for words, result in zip(wanted, results, strict=True) if words not in result] == []

    asyncio.run(main())


ARGUMENTS: dict[str, tuple[str, str, str]] = {
    # what the server sends, what the history holds, words of the result
    "as it should be": ('{"path": "notes.txt"}', '{"path": "notes.txt"}', NOTES),
    "spaces": (' {"path":"notes.txt"}\n', '{"path":"notes.txt"}', NOTES),
    "a number as a string": (
        '{"path": "notes.txt", "limit": "1"}',
        '{"path": "notes.txt", "limit": "1"}',
        "1|one\n(note:",
    ),
    "a list for a string": ('{"path": ["notes.txt"]}', '{"path": ["notes.txt"]}', NOTES),
    "extra keys": ('{"path": "notes.txt", "why": 1}', '{"path": "notes.txt", "why": 1}', "'why' was ignored"),
    "null for what is left out": (
        '{"path": "notes.txt", "limit": null}',
        '{"path": "notes.txt", "limit": null}',
        NOTES,
    ),
    "JSON in a string": (json.dumps('{"path": "notes.txt"}'), '{"path": "notes.txt"}', NOTES),
    "a comma too many": ('{"path": "notes.txt",}', '{"path": "notes.txt"}', NOTES),
    "Python": ("{'path': 'notes.txt', 'limit': None}", '{"path": "notes.txt", "limit": null}', NOTES),
    "empty": ("", "{}", f"missing required parameter 'path'.{USAGE}"),
    "null": ("null", "{}", f"missing required parameter 'path'.{USAGE}"),
    "a list": ("[1]", "{}", f"not an object.{USAGE}"),
    "a number": ("7", "{}", f"not an object.{USAGE}"),
    "words": ("notes.txt", "{}", "not valid JSON"),
    "no quotes": ("{path: notes.txt}", '{"path": "notes.txt"}', "not valid JSON"),
    "cut in a string": ('{"path": "notes', '{"path": "notes"}', "cut off"),
    "cut behind a key": ('{"path": ', None, "cut off"),
    "too much": ('{"path": "notes.txt"} and so on', None, "text after the JSON object"),
    "a wrong type": (
        '{"path": "notes.txt", "limit": "some"}',
        '{"path": "notes.txt", "limit": "some"}',
        f"integer.{USAGE}",
    ),
}


@pytest.mark.parametrize(("raw", "kept", "says_"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(place: Place, raw: str, kept: str | None, says_: str) -> None:
    async def main() -> None:
        async with serving(calls(call("read_file", raw)), says("done")) as fault:
            [(name, arguments)] = sent(await place.turn(fault))
            assert name == "read_file"
            assert isinstance(json.loads(arguments), dict)
            assert kept is None or arguments == kept
            [result] = place.results
            assert says_ in result
            assert (EXAMPLE in result) == (NOTES not in result and "(note:" not in result)

    asyncio.run(main())


@pytest.mark.parametrize("finish", ["length", "stop", "tool_calls", None])
@pytest.mark.parametrize("raw", ['{"path": "new.txt", "content": "half', '{"path": "new.txt", "content": "x"'])
def test_a_call_that_is_open_at_the_end_never_runs(place: Place, finish: str | None, raw: str) -> None:
    """Whatever the server says of the end: what was parsed decides."""

    async def main() -> None:
        blocks = deltas(call("write_to_file", raw), finish="@")
        blocks = [block.replace(b'"@"', json.dumps(finish).encode()) for block in blocks]
        async with serving(Answer(blocks), says("sorry")) as fault:
            await place.turn(fault)
            assert not (place.workspace.root / "new.txt").exists()
            [result] = place.results
            for words in (
                "cut off",
                "the first part with write_to_file",
                "\nUsage: write_to_file(path: string, content",
            ):
                assert words in result

    asyncio.run(main())


def test_ids_that_are_the_same_in_every_turn(place: Place) -> None:
    """Kimi's own count starts anew with each request; what is sent counts through the conversation."""

    async def main() -> None:
        read = call("read_file", '{"path": "notes.txt"}', call_id="functions.read_file:0")
        twice = [
            call("list_files", "{}", 0, "functions.list_files:0"),
            call("read_file", '{"path": "notes.txt"}', 1, "functions.list_files:0"),
        ]
        async with serving(calls(read), calls(*twice), says("done")) as fault:
            messages = await place.turn(fault, "kimi-k2")
            ids = [one["id"] for message in messages for one in message.get("tool_calls", ())]
            assert ids == ["functions.read_file:0", "functions.list_files:1", "functions.read_file:2"]
            assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == ids

    asyncio.run(main())


def test_the_ladder_of_repeats_with_a_real_tool(place: Place) -> None:
    """The rungs of the table; and a result that changes begins it anew."""
    hints = {"hint": "Use the result you have", "warn": "it will not change", "refuse": "Not run again"}

    async def main() -> None:
        async with serving(calls(call("Read", '{"file_path": "notes.txt"}'))) as fault:
            await place.turn(fault)
        for number, result in enumerate(place.results, 1):
            rung = next((rung for least, rung in LADDER if number >= least), "")
            assert result.startswith("notes.txt: 2 lines.\n" + NOTES)
            assert [hint in result for hint in hints.values()] == [name == rung for name in hints], number
        assert len(place.results) == LADDER[0][0]

    asyncio.run(main())
    place.events.clear()

    async def changing() -> None:
        made = calls(call("execute_command", '{"command": "echo x >> log; wc -l < log"}'))
        async with serving(*[made] * 12, says("done")) as fault:
            await place.turn(fault)
        assert len(place.results) == 12
        assert not any(hint in result for hint in hints.values() for result in place.results)

    asyncio.run(changing())


def test_two_spellings_of_one_call_are_one(place: Place) -> None:
    """Side by side they run once, one after another they are counted together."""

    async def main() -> None:
        spellings = (call("Read", '{"file_path": "notes.txt"}', 0), call("read_file", '{"path": "notes.txt"}', 1))
        async with serving(calls(*spellings), calls(call("cat", '{"filename":"notes.txt"}')), says("done")) as fault:
            await place.turn(fault)
            assert ["3 times" in result for result in place.results] == [False, False, True]

    asyncio.run(main())


OWN = Path(__file__).parents[1] / "llama" / "own.jinja"
QWEN = (
    "{% for m in messages %}{% if m.role == 'tool' %}<tool_response>\n{{ m.content }}\n</tool_response>{% else %}"
    "{{ m.content if m.content is string else '' }}{% endif %}{% for c in m.tool_calls or [] %}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments }}}\n</tool_call>{% endfor %}{% endfor %}'
)
QWEN_CODER = (
    "{% for m in messages %}{% if m.role == 'tool' %}<tool_response>\n{{ m.content }}\n</tool_response>{% else %}"
    "{{ m.content or '' }}{% endif %}{% for c in m.tool_calls or [] %}<function={{ c.function.name }}>"
    "{% for name, value in c.function.arguments | items %}<parameter={{ name }}>\n{{ value }}\n</parameter>{% endfor %}"
    "</function>{% endfor %}{% endfor %}"
)
DEEPSEEK = (
    "{% for m in messages %}{% if m.role == 'tool' %}<｜tool▁output▁begin｜>{{ m.content }}<｜tool▁output▁end｜>"
    "{% else %}{{ '' if m.content is none else m.content }}{% endif %}{% for c in m.tool_calls or [] %}"
    "<｜tool▁call▁begin｜>{{ c.function.name }}<｜tool▁sep｜>{{ c.function.arguments }}<｜tool▁call▁end｜>"
    "{% endfor %}{% endfor %}"
)
FAMILIES = {
    # how a template of the family reads a history: its text, whether its servers parse the arguments before it, and how
    # a call and its result look
    "kimi-k2": (
        OWN.read_text(encoding="utf-8"),
        False,
        "<|tool_call_begin|>functions.{}:{}<|",
        "## Return of functions.{}:{}\n{}",
    ),
    "qwen3": (QWEN, False, '{{"name": "{}", "arguments": {{', "<tool_response>\n{2}\n</tool_response>"),
    "qwen3-coder": (QWEN_CODER, True, "<function={}><parameter=", "<tool_response>\n{2}\n</tool_response>"),
    "deepseek-v3.1": (
        DEEPSEEK,
        False,
        "<｜tool▁call▁begin｜>{}<｜tool▁sep｜>{{",
        "<｜tool▁output▁begin｜>{2}<｜tool▁output▁end｜>",
    ),
}


@pytest.mark.parametrize("model", FAMILIES)
def test_what_the_prompt_of_a_family_holds(place: Place, model: str) -> None:
    """Each call under its name, each result behind it: else the model makes the call again."""
    jinja2 = pytest.importorskip("jinja2")
    template, parsed, call_, result_ = FAMILIES[model]
    made = [("Read", '{"file_path": "notes.txt"}'), ("Bash", '{"command": "true"}'), ("dance", '{"with": "me"}')]

    async def main() -> None:
        structured = (call(name, text, index) for index, (name, text) in enumerate(made))
        async with serving(calls(*structured), calls(call("Read", '{"file_path": "no"}')), says("done")) as fault:
            messages = await place.turn(fault, model)
        if parsed:
            for one in (one for message in messages for one in message.get("tool_calls", ())):
                one["function"]["arguments"] = json.loads(one["function"]["arguments"])
        prompt = jinja2.Environment().from_string(template).render(messages=messages)
        at = 0
        names = [name for name, _ in made]
        for group, first in ((names, 0), (["Read"], len(names))):
            for number, name in enumerate(group, first):
                at = prompt.index(call_.format(name, number), at) + 1
            for number, name in enumerate(group, first):
                at = prompt.index(result_.format(name, number, place.results[number]), at) + 1

    asyncio.run(main())
