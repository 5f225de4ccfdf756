"""The JSON form of the events, and that its documentation is the code's."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent import events
from roundtrip.agent.leaks import REPAIRS
from roundtrip.agent.messages import Assistant, Call, Image

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "agent" / "EVENTS.md").read_text(encoding="utf-8")
CALL = Call(1, "read_file", '{"path": "ä"}', '{"path": "ä"}', "call_1", "", "functions.read_file:0")
EXAMPLES: list[events.Event] = [
    events.UserSaid("hi"),
    events.RequestSent(0, 2, 4000, "again"),
    events.ReasoningDelta("hm"),
    events.TextDelta("🎉"),
    events.CallBegun(0, "read_file"),
    events.ArgumentDelta(0, '{"'),
    events.CallReady(0, "read_file", "{}"),
    events.CallDropped(0, "quoted"),
    events.Reclassified("text", "reasoning", "hm"),
    events.Repaired("section", "<|tool_call_begin|>"),
    events.AssistantEnded(3, Assistant("a", "b", (CALL,), "reasoning"), (events.Unreadable("3", "{", "cut"),), "stop"),
    events.ToolStarted(0, 1, "read_file", "{}"),
    events.ToolOutput(0, 1, "line\n"),
    events.ToolFinished(0, 1, "content", "details", True, True, (Image("image/png", "aGk="),)),
    events.Retrying(1, 0.5, "busy"),
    events.Failed("refused", "no"),
    events.UsageReported(10, 5, 3),
    events.Interrupted(),
    events.Compacted("all", 3),
    events.Rewound(2),
    events.ModelChanged("m", "kimi_k2"),
    events.TurnEnded("limit", "", 50),
]


def test_every_event_has_an_example() -> None:
    assert {type(event) for event in EXAMPLES} == set(events.TYPES.values())


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_there_and_back(event: events.Event) -> None:
    assert events.from_json(json.loads(json.dumps(events.to_json(event)))) == event


def test_a_newer_field_is_passed_over() -> None:
    assert events.from_json({"v": 1, "type": "user_said", "text": "hi", "mood": "good"}) == events.UserSaid("hi")


@pytest.mark.parametrize(
    "value",
    [
        {"v": 2, "type": "user_said", "text": "hi"},
        {"type": "user_said", "text": "hi"},
        {"v": 1, "type": "user_sang", "text": "hi"},
        {"v": 1, "type": "user_said"},
        {"v": 1, "type": "tool_finished", "step": "soon", "index": 0, "content": ""},
    ],
)
def test_what_is_no_event_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        events.from_json(value)


def documented(heading: str) -> dict[str, list[str]]:
    """The rows of a section's table: first column -> words in backticks of the second."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows: dict[str, list[str]] = {}
    name = ""
    for first, second in re.findall(r"^\| ([^|]*)\| ([^|]*)\|", section, re.MULTILINE):
        found = re.findall(r"`(\w+)`", first)
        name = found[0] if found else name
        if name:
            rows.setdefault(name, []).extend(re.findall(r"`(\w+)`", second))
    return rows


def test_the_document_names_each_event_with_its_fields() -> None:
    rows = documented("Closed") | documented("Provisional, or for display")
    code = {name: [f.name for f in dataclasses.fields(event)] for name, event in events.TYPES.items()}
    assert rows == code


def test_the_document_says_what_is_closed() -> None:
    assert set(documented("Closed")) == {events.type_name(event) for event in events.CLOSED}


def test_the_document_names_each_kind_of_repair() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "agent").rglob("*.py")))
    emitted = set(re.findall(r"Repaired\(\"(\w+)\"", source)) | {"glued_calls", "repeated_arguments", "repeated_call"}
    assert all(f'"{kind}"' in source for kind in emitted)
    assert set(documented("Repairs")) == emitted | set(REPAIRS)
