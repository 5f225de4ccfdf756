"""Turns of every family, made up: whole ones give back what they say, damaged ones never run what nobody has said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks.families import FAMILIES
from leaks.grammar import TOOLS, Arguments, Family, Said, Turn
from leaks.k2 import chunked, cut, request
from roundtrip.agent.commands.parse import parse

pytestmark = pytest.mark.once

few = settings(derandomize=True, deadline=None, max_examples=12)
many = settings(derandomize=True, deadline=None, max_examples=20)
families = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])

NASTY = [
    *(
        "",
        " ",
        "x",
        "null",
        "42",
        "True",
        "a b",
        "it's",
        'say "so"',
        "\\",
        "C:\\new\\tab",
        "\\n",
        "\\u0041",
        "'\"`",
        "🙂 é",
    ),
    *(
        "two\nlines",
        "\n",
        "\n\nend\n",
        "tab\t",
        "\r\n",
        "}",
        "]",
        '"}',
        '"}]}',
        "{",
        "', x='",
        '", "text": "',
        "</",
        "<",
    ),
    *(
        "</tool_call>",
        "<|tool_call_end|>",
        "<|im_end|>",
        "</think>",
        "<think>",
        "[TOOL_CALLS]",
        "<tool_call|>",
        "```",
        "`",
    ),
    *(
        "> said",
        "    deep",
        "</parameter>",
        "</function>",
        "<｜tool▁call▁end｜>",
        "<|eom_id|>",
        "<|call|>",
        "</invoke>",
    ),
    *(
        "functions.write_note:0",
        '{"name": "write_note", "arguments": {"text": "no"}}',
        'write_note(text="no")',
        "&amp; &quot;",
    ),
    '<|tool_call_begin|>functions.write_note:0<|tool_call_argument_begin|>{"text": "no"}<|tool_call_end|>',
    "<tool_call>\n<function=write_note>\n<parameter=text>\nno\n</parameter>\n</function>\n</tool_call>",
    '<invoke name="write_note">\n<parameter name="text">no</parameter>\n</invoke>',
    "```python\nprint({'a': [1]})\n```\n",
]
STRINGS = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
SENTENCES = [
    *("I will look at it.", "Let me check that first.", "Übrigens: 3 < 4, and 5 > 2.", "Done! 🙂", "It isn't much."),
    *(
        "Use `ls -l` for that.",
        "A list:\n\n- one\n- two\n\nThat is all.",
        "See [1] and {2}.",
        'He said "yes".',
        'It is 5" long.',
    ),
]
TEXTS = st.sampled_from(["", *SENTENCES]) | st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=3).map(" ".join)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=60)


@st.composite
def arguments(draw: st.DrawFn, family: Family, name: str) -> Arguments:
    strings = STRINGS.filter(family.holds)
    least = int(family.whole)
    values: dict[str, st.SearchStrategy[Any]] = {
        "text": strings,
        "title": strings,
        "seconds": st.integers(-(10**6), 10**6),
        "ratio": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "loud": st.booleans(),
        "limit": st.integers(0, 9) if family.whole else st.integers(0, 9) | st.none(),
        "labels": st.lists(strings, min_size=least, max_size=3),
        "meta": st.dictionaries(st.sampled_from(["owner", "due", "k_1"]), strings, min_size=least, max_size=2),
    }
    schema = next(tool["function"]["parameters"] for tool in TOOLS if tool["function"]["name"] == name)
    keys = [key for key in schema["properties"] if key in schema["required"] or draw(st.booleans())]
    return {key: draw(values[key]) for key in draw(st.permutations(keys))}


@st.composite
def turns(draw: st.DrawFn, family: Family) -> Turn:
    names = draw(st.lists(st.sampled_from([tool["function"]["name"] for tool in TOOLS]), min_size=1, max_size=3))
    calls = tuple((name, draw(arguments(family, name))) for name in names)
    reasoning = draw(TEXTS) if family.think else ""
    return Turn(reasoning, draw(TEXTS), calls, draw(TEXTS))


def folded(text: str) -> str:
    return " ".join(text.split())


def exact(calls: Any) -> list[str]:
    """Calls as text, so that 1, 1.0 and True are three things."""
    return [json.dumps(call, sort_keys=True) for call in calls]


def ran(answer: dict[str, Any]) -> list[tuple[str, Arguments]]:
    return [(call["name"], call["arguments"]) for call in answer["tool_calls"]]


def answers(text: str, sizes: list[int], **other: Any) -> dict[str, Any]:
    """What the parser says, which must not depend on the chunks."""
    message = request(text, tools=TOOLS) | other
    answer = parse(message)
    assert parse(cut(message, chunked(text, iter(sizes)), [])) == answer
    assert parse(cut(message, list(text), [])) == answer
    return answer


@families
@few
@given(st.data(), SIZES)
def test_a_turn_says_what_it_says(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    turn = data.draw(turns(family))
    answer = answers("".join(family.parts(turn)), sizes)
    assert exact(ran(answer)) == exact(turn.calls)
    assert folded(answer["content"]) == folded(f"{turn.before}{family.glue}{turn.after}")
    assert folded(answer["reasoning"]) == folded(turn.reasoning)
    assert answer["unresolved"] == []


THOUGHT = re.compile("think|THINK|analysis|channel")
"""A mark of these that is put between the tags of a value is a value."""

MARK = re.compile(r"\s*(?:<|\[[A-Z]|\]<\])\S")
TAG = re.compile(r"<\S|\]<\]|\b(?:parameter|invoke|arg_value|arg_key|argument|function)\b")
"""Tags, also halved ones."""


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def struck(draw: st.DrawFn, parts: list[str], only_marks: bool) -> list[str]:
    """The parts with one of them dropped, doubled, put elsewhere, or without one of its letters."""
    structure = [n for n, part in enumerate(parts) if not isinstance(part, Said) and part.strip()]
    marks = [n for n in structure if MARK.match(parts[n]) and not THOUGHT.search(parts[n])]
    at = draw(st.sampled_from(marks if only_marks and marks else structure))
    how = draw(st.sampled_from(["drop", "double", "letter", *["swap"] * bool(marks)]))
    if how == "swap":
        at, other = draw(st.sampled_from(marks)), draw(st.sampled_from(marks))
        parts[at], parts[other] = parts[other], parts[at]
    elif how == "letter":
        letter = draw(st.integers(0, len(parts[at]) - 1))
        parts[at] = parts[at][:letter] + parts[at][letter + 1 :]
    else:
        parts[at : at + 1] = [parts[at]] * 2 if how == "double" else []
    return parts


@st.composite
def damaged(draw: st.DrawFn, family: Family, turn: Turn) -> str:
    parts = list(family.parts(turn))
    for number in range(draw(st.integers(1, 2))):
        parts = struck(draw, parts, only_marks=number > 0)  # two quotation marks less could be another whole string
    return "".join(parts)


@families
@many
@given(st.data(), SIZES)
def test_a_damaged_turn_runs_nothing_that_nobody_said(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    turn = data.draw(turns(family))
    answer = answers(data.draw(damaged(family, turn)), sizes)
    said = {text for _, arguments in turn.calls for text in (*strings(arguments), *map(str, arguments.values()))}
    said |= {json.dumps(value, ensure_ascii=False) for _, arguments in turn.calls for value in arguments.values()}
    said |= {text.removesuffix("\n") for text in said if family.raw}  # where its end tag is lost, that may be layout
    for name, arguments in ran(answer):
        assert name in {name for name, _ in turn.calls}
        # a value between tags may hold tags: where a file that shows some ends, damage can move without a trace
        assert {text for text in strings(arguments) if not (family.raw and TAG.search(text))} <= said


@families
@many
@given(st.data(), SIZES)
def test_a_cut_turn_runs_its_first_calls(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    turn = data.draw(turns(family))
    text = "".join(family.parts(turn))
    calls = exact(ran(answers(text[: data.draw(st.integers(0, len(text)))], sizes)))
    assert calls == exact(turn.calls)[: len(calls)]


@families
@few
@given(st.data(), SIZES)
def test_white_space_between_markers_changes_no_call(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    turn = data.draw(turns(family))
    parts = family.parts(turn)
    for at in range(len(parts) - 1, 0, -1):
        if not isinstance(parts[at - 1], Said) and not isinstance(parts[at], Said):
            parts.insert(at, data.draw(st.sampled_from(["", " ", "\n", "\n\n  ", "\u200b"])))
    calls = ran(answers("".join(parts), sizes))
    assert set(exact(calls)) <= set(exact(turn.calls))


@families
@few
@given(st.data(), SIZES)
def test_a_quoted_turn_runs_nothing(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    text = "".join(family.parts(data.draw(turns(family))))
    ticks = max(map(len, re.findall("`+", text)), default=0)
    fence = data.draw(st.sampled_from("`~")) * max(3, ticks + 1)
    quoted = f"Like this:\n\n{fence}{data.draw(st.sampled_from(['', 'xml', 'text']))}\n{text}\n{fence}\n\nThat was it."
    answer = answers(quoted, sizes)
    assert (answer["tool_calls"], answer["unresolved"]) == ([], [])
    assert folded(answer["content"]) == folded(quoted)


@families
@few
@given(st.data(), SIZES)
def test_without_tools_nothing_runs(family: Family, data: st.DataObject, sizes: list[int]) -> None:
    text = "".join(family.parts(data.draw(turns(family))))
    for other in ({"tools": []}, {"tool_choice": "none"}):
        answer = answers(text, sizes, **other)
        assert (answer["tool_calls"], answer["unresolved"]) == ([], [])
