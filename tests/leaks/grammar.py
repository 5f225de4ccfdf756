"""Turns as the chat templates of all families write them, and what may go wrong with them on the way.

A turn is written in parts. What a value or a sentence says is `Said`; all else is structure. Damage strikes structure
only, because nobody could tell what has happened to a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
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

    call: the parts of a call; its number counts from 0. begin, between, end: around the calls.
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
        return [*thought, *before, self.glue * bool(before), *self.calls(turn), *after]

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
    def call(name: str, arguments: Arguments, number: int) -> Parts:
        parts = [begin.replace("NAME", name), line]
        for key, value in arguments.items():
            parts += ["<arg_key>", key, "</arg_key>", line, "<arg_value>", plain(value), "</arg_value>", line]
        return [*filter(None, parts), "</tool_call>"]

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


def deepseek(*call: str, end: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "call": headed("<｜tool▁call▁begin｜>", *call, end=(*end, "<｜tool▁call▁end｜>")),
        "begin": ("<｜tool▁calls▁begin｜>",),
        "end": ("<｜tool▁calls▁end｜>", "<｜end▁of▁sentence｜>"),
    }


def dsml(section: str, blank: str = "") -> dict[str, Any]:
    mark = f"｜DSML｜{blank}"
    head, close = f'<{mark}parameter name="KEY" string="TRUE">', f"</{mark}parameter>\n"
    return {
        "call": tagged(f'<{mark}invoke name="NAME">\n', head, close, f"</{mark}invoke>"),
        "begin": (f"<{mark}{section}>", "\n"),
        "end": ("\n", f"</{mark}{section}>"),
        "raw": ("DSML", "<![CDATA[", "parameter"),
    }


def invoke(space: str = "") -> dict[str, Any]:
    head, close = f'<{space}parameter name="KEY">', f"</{space}parameter>\n"
    call = tagged(f'<{space}invoke name="NAME">\n', head, close, f"</{space}invoke>")
    return {"call": call, "raw": ("parameter", "invoke", "tool_call", "function_calls", "<![CDATA[")}


def k3(tag: str, *inside: str) -> str:
    return "".join((f"<|open|>{tag}<|sep|>", *inside))


GLM: dict[str, Any] = {"raw": ("<arg_", "</arg_", "tool_call", "<![CDATA["), "framed": True, "between": ""}
HARMONY = "<|start|>assistant<|channel|>"
TO = f"{HARMONY}commentary to=functions.NAME <|constrain|>json<|message|>"
MISTRAL: dict[str, Any] = {"think": ("[THINK]", "[/THINK]"), "between": ""}

FAMILIES = (
    Family(
        "kimi_k2",
        headed("<|tool_call_begin|>", "functions.NAME:N9", "<|tool_call_argument_begin|>", end=("<|tool_call_end|>",)),
        begin=("<|tool_calls_section_begin|>",),
        between="",
        end=("<|tool_calls_section_end|>", "<|im_end|>"),
        think=("<think>", "</think>"),
        glue="",
    ),
    Family(
        "kimi_k3",
        tagged(
            k3('call tool="NAME" index="N9"'),
            k3('argument key="KEY" type="TYPE"'),
            "<|close|>argument<|sep|>",
            "<|close|>call<|sep|>",
        ),
        begin=(k3("tools"),),
        between="",
        end=("<|close|>tools<|sep|>", "<|close|>message<|sep|>", "<|end_of_msg|>"),
        think=(k3("think"), "<|close|>think<|sep|>"),
        said=(k3("response"), "<|close|>response<|sep|>"),
        glue="",
        raw=("<|open|>", "<|close|>", "<|sep|>", "<![CDATA["),
    ),
    Family("hermes", enclosed("<tool_call>\n", envelope("arguments"), "\n</tool_call>"), end=("<|im_end|>",)),
    Family("qwen_coder", qwen, raw=("parameter", "function", "tool_call", "<![CDATA["), framed=True),
    Family("deepseek_r1", **deepseek("function<｜tool▁sep｜>", "NAME", "\n```json\n", end=("\n```",))),
    Family("deepseek_v3.1", **deepseek("NAME", "<｜tool▁sep｜>"), think=("<think>", "</think>")),
    Family("deepseek_v3.2", **dsml("function_calls")),
    Family("deepseek_v4", **dsml("tool_calls")),
    Family("deepseek_v4.1", **dsml("calls", " ")),
    Family("glm_4.6", glm("\n"), **GLM),
    Family("glm_4.7", glm(""), **GLM),
    Family("hunyuan", glm("\n", "<tool_call>NAME<tool_sep>"), begin=("<tool_calls>\n",), end=("\n</tool_calls>",), **GLM),
    Family("minimax_m2", begin=("<minimax:tool_call>\n",), end=("\n</minimax:tool_call>", "[e~["), **invoke()),
    Family("invoke", begin=("<function_calls>\n",), end=("\n</function_calls>",), **invoke()),
    Family("antml", begin=("<function_calls>\n",), end=("\n</function_calls>",), **invoke("antml:")),
)
