"""`update_todo_list`: the model's plan, for itself and for the people who watch. It changes nothing in the workspace.

The answer is one of three sentences, so that a long session's prompt does not grow by copies of the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output
from roundtrip.tools.paths import failure

DONE: Final = "The list is kept. Go on with the next open item."
FINISHED: Final = "The list is kept. All of it is done."
CLEARED: Final = "The list is empty now."

_ITEM: Final = re.compile(r"(?:[-*+]\s+|\d+[.)]\s+)?\[(?P<mark>[^\[\]]?)\]\s*(?P<text>\S.*)")
_PLAIN: Final = re.compile(r"(?:[-*+]|\d+[.)])\s+(?P<text>\S.*)")
_MARKS: Final[Mapping[str, str]] = {"x": "x", "✓": "x", "✔": "x", "-": "-", "~": "-", ">": "-", "/": "-"}
"""What stands in a box -> done or begun; all else is open."""

_STATES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("completed", "complete", "done", "finished"), "x"),
    **dict.fromkeys(("in_progress", "inprogress", "doing", "active", "started"), "-"),
}
_TEXTS: Final = ("content", "step", "title", "text", "task", "description", "name")

SPEC = ToolSpec(
    name="update_todo_list",
    description="Keep a plan of the steps of a longer task. Send the whole list each time.",
    parameters={
        "type": "object",
        "properties": {
            "todos": {"type": "string", "description": "an item a line: [ ] open, [-] in progress, [x] done"},
        },
        "required": ["todos"],
    },
    aliases=(
        "todo_write",
        "set_todo_list",
        "update_plan",
        "write_todos",
        "manage_todo_list",
        "todo_list",
        "update_todos",
    ),
    parameter_aliases={"plan": "todos", "items": "todos", "tasks": "todos", "todo_list": "todos", "list": "todos"},
    legacy=(
        {
            "type": "object",
            "properties": {"todos": {"type": "array", "items": {"type": ["object", "string"]}}},
            "required": ["todos"],
        },
    ),
    example='{"todos": "[x] Find the cause\\n[-] Fix it\\n[ ] Run the tests"}',
)


@dataclass(frozen=True, slots=True)
class Todo:
    """mark: "x" for done, "-" for begun, " " for open."""

    mark: str
    text: str


class UpdateTodoList:
    spec = SPEC

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        given = arguments["todos"]
        items = list(todos_of(given))
        if not items:
            empty = not given or (isinstance(given, str) and given.strip() in ("", "[]"))
            return (
                ToolResult(CLEARED, CLEARED)
                if empty
                else failure(f"No item was found; write, for example, {SPEC.example}")
            )
        done = sum(item.mark == "x" for item in items)
        lines = (f"[{item.mark}] {item.text}" for item in items)
        return ToolResult(FINISHED if done == len(items) else DONE, "\n".join((f"{done} of {len(items)} done", *lines)))


def todos_of(given: Any) -> Iterator[Todo]:
    """The items of a list in Markdown, of a list of objects or strings, or of such a list as JSON text."""
    if isinstance(given, str) and given.lstrip()[:1] == "[":
        with suppress(ValueError, RecursionError):  # a Markdown list may begin with a bracket, too
            given = json.loads(given)
    if isinstance(given, str):
        yield from _of_markdown(given)
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, str):
            yield from _of_markdown(entry if _ITEM.match(entry.strip()) else f"[ ] {entry}")
        elif isinstance(entry, dict):
            yield from _of_object(entry)


def _of_markdown(text: str) -> Iterator[Todo]:
    for line in text.splitlines():
        line = line.strip()
        boxed, plain = _ITEM.fullmatch(line), _PLAIN.fullmatch(line)
        if boxed:
            yield Todo(_MARKS.get(boxed["mark"].lower(), " "), _line(boxed["text"]))
        elif plain:
            yield Todo(" ", _line(plain["text"]))


def _of_object(entry: Mapping[str, Any]) -> Iterator[Todo]:
    text = next((entry[key] for key in _TEXTS if isinstance(entry.get(key), str) and entry[key].strip()), "")
    state = str(entry.get("status", entry.get("state", ""))).lower().replace("-", "_").replace(" ", "_")
    done = entry.get("done") is True or entry.get("completed") is True
    if text:
        yield Todo("x" if done else _STATES.get(state, " "), _line(text))


def _line(text: str) -> str:
    return " ".join(text.split())
