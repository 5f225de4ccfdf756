"""The schema that is shipped is the one that the code has, and says yes and no where it should."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import event_schema
import fastjsonschema
import pytest
from roundtrip.agent import events
from roundtrip.agent.messages import Assistant
from test_events import EXAMPLES

FILE = Path(__file__).parents[1] / "agent" / "events.schema.json"
check = fastjsonschema.compile(json.loads(FILE.read_text(encoding="utf-8")))


def written(event: events.Event) -> dict[str, Any]:
    """As a reader of the stream has it."""
    value = json.loads(json.dumps(events.to_json(event)))
    assert isinstance(value, dict)
    return value


def paths(value: Any, *above: str | int) -> list[tuple[str | int, ...]]:
    """Where the fields are, those of inner objects included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [(*above, key) for key in value] if isinstance(value, dict) else []
    return [*here, *(path for key, part in inner for path in paths(part, *above, key))]


def accepted(event: events.Event, spoil: Callable[[Any, Any], object]) -> list[tuple[str | int, ...]]:
    """The fields for which the schema does not notice what `spoil` does to an object and its field."""
    found = []
    for path in paths(written(event)):
        value = written(event)
        inner: Any = value
        for key in path[:-1]:
            inner = inner[key]
        spoil(inner, path[-1])
        found += [path] if valid(value) else []
    return found


def valid(value: Any) -> bool:
    try:
        check(value)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


def test_the_file_is_what_the_code_says() -> None:
    renew = "renew it: python tests/event_schema.py > agent/events.schema.json"
    assert FILE.read_text(encoding="utf-8") == event_schema.text(), renew


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_there_and_back(event: events.Event) -> None:
    value = written(event)
    check(value)
    assert events.from_json(value) == event


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_a_missing_field_is_refused(event: events.Event) -> None:
    assert accepted(event, lambda value, key: value.pop(key)) == []


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_a_field_of_another_type_is_refused(event: events.Event) -> None:
    assert accepted(event, lambda value, key: value.update({key: None})) == []


@pytest.mark.parametrize(
    "value",
    [
        written(events.UserSaid("hi")) | {"v": 2},
        written(events.UserSaid("hi")) | {"type": "user_sang"},
        written(events.RequestSent(0, 2, 4000)) | {"step": "0"},
        written(events.TurnEnded("limit")) | {"outcome": "lost"},
        written(events.Reclassified("text", "call", "x")) | {"now": "gone"},
        written(events.UserSaid("hi")) | {"at": "now"},
        [],
    ],
)
def test_what_is_no_event_is_refused(value: Any) -> None:
    assert not valid(value)


@pytest.mark.parametrize("more", [{"mood": "good"}, {"at": 1760000000.123}], ids=["a newer field", "the time"])
def test_further_fields_are_let_through(more: dict[str, Any]) -> None:
    assert [event for event in EXAMPLES if not valid(written(event) | more)] == []


def test_inner_objects_may_have_further_fields_too() -> None:
    value = written(events.AssistantEnded(0, Assistant("hi")))
    value["message"]["mood"] = "good"
    assert valid(value)
