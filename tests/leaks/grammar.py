"""Turns as the chat templates of all families write them, and what may go wrong with them on the way.

A turn is written in parts. What a value or a sentence says is `Said`; all else is structure. Damage strikes structure
only, because nobody could tell what has happened to a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from leaks.k2 import STRING, tool


class Said(str):
    """What a value or a sentence says."""


Parts = list[str]
Arguments = dict[str, Any]

STRINGS = {"type": "array", "items": STRING}
TOOLS = [
    tool("write_note", {"text": STRING}, {"title": STRING}),
    tool(
        "set_timer",
        {"seconds": {"type": "integer"}},
        {"ratio": {"type": "number"}, "loud": {"type": "boolean"}, "limit": {"type": ["integer", "null"]}},
    ),
    tool("tag_items", {"labels": STRINGS}, {"meta": {"type": "object"}}),
]


@dataclass(frozen=True)
class Turn:
    """What the model means."""

    reasoning: str
    before: str
    calls: tuple[tuple[str, Arguments], ...]
    after: str


@dataclass(frozen=True)
class Family:
    """One way to write a turn.

    call: the parts of a call; its number counts from 0. begin, between, end: around the calls. stop: ends the turn.
    think: around the reasoning; families without one have no reasoning. said: around the text. glue: what stands
    between text and calls.
    raw: what a value can't hold, because nothing in it is escaped. framed: nor can it begin or end with a line break.
    whole: empty lists and objects, and null, can't be written.
    """

    name: str
    call: Callable[[str, Arguments, int], Parts]
    begin: tuple[str, ...] = ()
    between: str = "\n"
    end: tuple[str, ...] = ()
    stop: str = ""
    think: tuple[str, str] | None = ("<think>\n", "\n</think>\n\n")
    said: tuple[str, str] = ("", "")
    glue: str = "\n"
    raw: tuple[str, ...] = ()
    framed: bool = False
    whole: bool = False

    def calls(self, turn: Turn) -> Parts:
        """The parts of the calls, and what is around them."""
        written = [self.call(name, arguments, number) for number, (name, arguments) in enumerate(turn.calls)]
        return [*self.begin, *between(self.between, written), *self.end]

    def parts(self, turn: Turn) -> Parts:
        """The parts of the whole turn."""
        thought = [self.think[0], Said(turn.reasoning), self.think[1]] if self.think and turn.reasoning else []
        before = [self.said[0], Said(turn.before), self.said[1]] if turn.before else []
        after = [self.glue, self.said[0], Said(turn.after), self.said[1]] if turn.after else []
        return [*thought, *before, self.glue * bool(before), *self.calls(turn), *after, self.stop]

    def holds(self, value: str) -> bool:
        """Whether a string can be written as a value."""
        framed = self.framed and (value[:1] in ("\r", "\n") or value[-1:] in ("\r", "\n"))
        return not framed and not any(mark in value for mark in self.raw)


def between(separator: str, groups: Iterable[Parts]) -> Parts:
    listed = list(groups)
    return [part for n, group in enumerate(listed) for part in ([separator] * bool(n and separator) + group)]


def js(value: Any) -> Parts:
    if isinstance(value, str):
        return ['"', Said(json.dumps(value, ensure_ascii=False)[1:-1]), '"']
    if isinstance(value, dict):
        return ["{", *between(", ", ([json.dumps(key), ": ", *js(part)] for key, part in value.items())), "}"]
    if isinstance(value, list):
        return ["[", *between(", ", map(js, value)), "]"]
    return [Said(json.dumps(value))]


def python(value: Any) -> Parts:
    if isinstance(value, str):
        return [repr(value)[0], Said(repr(value)[1:-1]), repr(value)[0]]
    if isinstance(value, dict):
        return ["{", *between(", ", ([repr(key), ": ", *python(part)] for key, part in value.items())), "}"]
    if isinstance(value, list):
        return ["[", *between(", ", map(python, value)), "]"]
    return [Said(repr(value))]


def gemma(value: Any) -> Parts:
    if isinstance(value, str):
        return ['<|"|>', Said(value), '<|"|>']
    if isinstance(value, dict):
        return ["{", *between(",", ([key + ":", *gemma(part)] for key, part in value.items())), "}"]
    if isinstance(value, list):
        return ["[", *between(",", map(gemma, value)), "]"]
    return [Said(json.dumps(value))]


def plain(value: Any) -> Said:
    """A value in tags: strings raw, all else JSON."""
    return Said(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def envelope(held: str, *beside: str) -> Callable[[str, Arguments, int], Parts]:
    def call(name: str, arguments: Arguments, number: int) -> Parts:
        return ["{", '"name"', ": ", f'"{name}"', ", ", f'"{held}"', ": ", *js(arguments), *beside, "}"]

    return call


def enclosed(begin: str, call: Callable[[str, Arguments, int], Parts], end: str) -> Callable[..., Parts]:
    return lambda name, arguments, number: [begin, *call(name, arguments, number), end]


def headed(*header: str, end: tuple[str, ...] = ()) -> Callable[[str, Arguments, int], Parts]:
    """JSON behind a header, in which `NAME` and `N` stand for the name and the number."""

    def call(name: str, arguments: Arguments, number: int) -> Parts:
        return [*(part.replace("NAME", name).replace("N9", str(number)) for part in header), *js(arguments), *end]

    return call


def tagged(begin: str, head: str, close: str, end: str) -> Callable[[str, Arguments, int], Parts]:
    """Tags around each value. NAME, KEY, and what the wire says of types: TYPE of JSON, TRUE for a string."""

    def call(name: str, arguments: Arguments, number: int) -> Parts:
        parts = [begin.replace("NAME", name).replace("N9", str(number + 1))]
        for key, value in arguments.items():
            kind = "null" if value is None else KINDS[type(value)]
            said = head.replace("KEY", key).replace("TYPE", kind).replace("TRUE", str(kind == "string").lower())
            parts += [said, plain(value), close]
        return [*parts, end]

    return call


KINDS = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def qwen(name: str, arguments: Arguments, number: int) -> Parts:
    """As Qwen3-Coder's template prints values: with Python, unless they are lists or objects."""
    parts = [f"<tool_call>\n<function={name}>\n"]
    for key, value in arguments.items():
        said = plain(value) if isinstance(value, (str, list, dict)) else Said(str(value))
        parts += [f"<parameter={key}>\n", said, "\n</parameter>\n"]
    return [*parts, "</function>", "\n", "</tool_call>"]


def glm(line: str, begin: str = "<tool_call>NAME") -> Callable[[str, Arguments, int], Parts]:
    gap = [line] * bool(line)

    def call(name: str, arguments: Arguments, number: int) -> Parts:
        parts = [begin.replace("NAME", name), *gap]
        for key, value in arguments.items():
            parts += ["<arg_key>", Said(key), "</arg_key>", *gap, "<arg_value>", plain(value), "</arg_value>", *gap]
        return [*parts, "</tool_call>"]

    return call


M = "]<]minimax[>["


def nested(key: str, value: Any) -> Parts:
    if isinstance(value, dict):
        inside = [part for inner in value for part in nested(inner, value[inner])]
    elif isinstance(value, list):
        inside = [part for inner in value for part in nested("item", inner)]
    else:
        inside = [plain(value)]
    return [f"{M}<{key}>", *inside, f"{M}</{key}>"]


def minimax_m3(name: str, arguments: Arguments, number: int) -> Parts:
    values = [part for key, value in arguments.items() for part in nested(key, value)]
    return [f'{M}<invoke name="{name}">', *values, f"{M}</invoke>"]


def pythonic(name: str, arguments: Arguments, number: int) -> Parts:
    return [name, "(", *between(", ", ([f"{key}=", *python(value)] for key, value in arguments.items())), ")"]


def gemma_call(name: str, arguments: Arguments, number: int) -> Parts:
    return ["<|tool_call>", f"call:{name}", *gemma(arguments), "<tool_call|>"]


def cohere(name: str, arguments: Arguments, number: int) -> Parts:
    identity = [f'"tool_call_id": "{number}"', ", ", f'"tool_name": "{name}"', ", "]
    return ["{", *identity, '"parameters"', ": ", *js(arguments), "}"]
