"""Prints what agent/events.schema.json has to hold: the JSON form of the events, as the dataclasses say it.

    python tests/event_schema.py > agent/events.schema.json
"""

import json
from typing import Any

from pydantic import TypeAdapter
from roundtrip.agent.events import TYPES, VERSION

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "One line of `agent --stream-json`"
DESCRIPTION = (
    "One event. EVENTS.md says what the events mean and in which order they come. Fields may be added within a "
    "version, so a reader passes over those that it does not know. Every line of a session file but the first is one, "
    "too, with `at` beside its fields."
)
AT = {"description": "In session files only: seconds since 1970.", "type": "number"}


def schema() -> dict[str, Any]:
    """The schema of one event."""
    events, parts = {}, {}
    for name, event_class in TYPES.items():
        generated = TypeAdapter(event_class).json_schema(mode="serialization")
        parts.update({part: complete(value) for part, value in generated.pop("$defs", {}).items()})
        event = complete(generated)
        own = {"v": {"const": VERSION}, "type": {"const": name}}
        events[name] = {**event, "properties": own | event["properties"], "required": [*own, *event["required"]]}
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "description": DESCRIPTION,
        "properties": {"at": AT},
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in events],
        "$defs": events | dict(sorted(parts.items())),
    }


def complete(generated: dict[str, Any]) -> dict[str, Any]:
    """An object in which no field is missing: what is written has them all, whatever their defaults are."""
    fields = {name: plain(value) for name, value in generated["properties"].items()}
    said = {key: generated[key] for key in ("description",) if key in generated}
    return {**said, "type": "object", "properties": fields, "required": list(fields)}


def plain(generated: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing to a reader of events."""
    return {key: value for key, value in generated.items() if key not in ("title", "default")}


def text() -> str:
    """The file."""
    return f"{json.dumps(schema(), indent=1, ensure_ascii=False)}\n"


if __name__ == "__main__":
    print(text(), end="")
