"""What holds for every text: nothing is lost, nothing raises, chunks never show, and the work grows with the length."""

from __future__ import annotations

import cProfile
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks.k2 import TOOLS, A, B, C, E, X, chunked, cut, request, section
from roundtrip.agent.commands.parse import parse
from roundtrip.agent.leaks import (
    DIALECTS,
    Decision,
    JsonScanner,
    Offer,
    Piece,
    Scanner,
    StructuredCall,
    decide,
    joined,
    read_arguments,
)
from roundtrip.agent.leaks.bare import bare_calls
from roundtrip.agent.leaks.context import quoted
from roundtrip.agent.leaks.dialect import WHITE

pytestmark = pytest.mark.once

many = settings(derandomize=True, deadline=None, max_examples=400)
some = settings(derandomize=True, deadline=None, max_examples=150)

PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
OFFERS = (Offer("read_file", PATH, ("read",), merely_reads=True), Offer("execute_command"), Offer("functions", PATH))

MARKERS = [text for dialect in DIALECTS for text in dialect.markers]

FRAGMENTS = [
    *MARKERS,
    *("functions.read_file:0", "read_file:1", "functions.", "call_59adf5614cfe4f4b8a71be54", "3", "execute_command"),
    *('{"path": "a"}', '{"path": "', '"}', '{"path": "a\\', "{", "}", "[", "]", ",", ":", '"', "\\", "\\u00", "null"),
    *("`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "\t", "> ", "- ", "1. ", "“", "”", "'", "«", "»"),
    *("<pre>", "<code>", "</code>"),
    *("word", "The ", " opens", ".", "<", "<|", "<|tool_call", "|>", "\r\n", "\u200b", "\ufeff", "\ufdd0", "é", "🙂"),
    *("\ud83d", "\ude42", "\x00", section()),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=14).map("".join)
SIZES = st.lists(st.integers(1, 9), max_size=60)


def pieces(*chunks: str) -> list[Piece]:
    scanner = Scanner(DIALECTS)
    found = [piece for chunk in chunks for piece in scanner.feed(chunk)]
    return joined(found + scanner.finish())


def decided(
    text: str, reasoning: str = "", structured: tuple[StructuredCall, ...] = (), offers: tuple[Offer, ...] = OFFERS
) -> Decision:
    return decide(pieces(text), pieces(reasoning), structured, offers, DIALECTS)


@many
@given(TEXTS, SIZES)
def test_pieces_do_not_depend_on_chunks_and_lose_nothing(text: str, sizes: list[int]) -> None:
    whole = pieces(text)
    assert "".join(piece.raw for piece in whole) == text
    assert pieces(*chunked(text, iter(sizes))) == whole
    assert pieces(*text) == whole


@many
@given(TEXTS, TEXTS, st.booleans(), st.booleans())
def test_verdicts_lose_nothing(text: str, reasoning: str, structured: bool, offered: bool) -> None:
    calls = (StructuredCall(0, "", "read_file", '{"path": "a"}'),) * structured
    found = decided(text, reasoning, calls, OFFERS * offered)
    assert "".join(span.raw for span in found.text_spans) == text
    assert "".join(span.raw for span in found.reasoning_spans) == reasoning
    assert offered or not found.calls
    for verdict in found.calls:
        assert bool(verdict.problem) or (verdict.name and isinstance(json.loads(verdict.arguments), dict))
        assert "\ud83d" not in verdict.arguments or verdict.problem


@some
@given(TEXTS, TEXTS, SIZES)
def test_answers_do_not_depend_on_chunks(text: str, reasoning: str, sizes: list[int]) -> None:
    message = request(text, reasoning)
    answer = parse(message)
    assert parse(cut(message, chunked(text, iter(sizes)), chunked(reasoning, iter(sizes)))) == answer
    assert parse(cut(message, list(text), list(reasoning))) == answer


@some
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<[◁"), max_size=80))
def test_text_without_markers_stays(text: str) -> None:
    answer = parse(request(text))
    assert (answer["tool_calls"], answer["unresolved"]) == ([], [])
    assert answer["content"] == (text if text.strip(WHITE) else "")


@some
@given(TEXTS)
def test_what_was_text_stays_text_when_it_is_quoted(text: str) -> None:
    """In a fence that is longer than all of its lines, nothing runs."""
    if not pieces(text) or pieces(text)[-1].kind.value == "arguments":
        return  # an open string takes the closing fence along
    fence = "`" * 40
    found = decided(f"{fence}\n{text}\n{fence}\n")
    assert [verdict for verdict in found.calls if not verdict.problem] == []


@some
@given(TEXTS)
def test_the_parts_never_raise(text: str) -> None:
    sure, doubtful = quoted(text)
    for ranges in (sure, doubtful):
        assert all(0 <= start < end <= len(text) for start, end in ranges.parts)
        assert list(ranges.parts) == sorted(ranges.parts)
        inside = {at for start, end in ranges.parts for at in range(start, end)}
        assert inside == {at for at in range(len(text)) if ranges.hold(at)}
    bare_calls(text, OFFERS, DIALECTS)
    read = read_arguments(text)
    assert read.value is None or json.loads(read.text) == read.value or read.text != text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
TOPS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=4), VALUES, max_size=4) | st.text(max_size=9)


def scanned(text: str, sizes: list[int]) -> tuple[str, int]:
    """The scanner's state, and how many characters it took."""
    scanner = JsonScanner()
    taken, rest = 0, ""
    for chunk in chunked(text, iter(sizes)):
        rest += chunk
        end = scanner.feed(rest)
        taken, rest = taken + end, rest[end:]
        if scanner.state != "open":
            break
    return scanner.state, taken


@many
@given(TOPS, st.booleans(), st.sampled_from([None, 1]), SIZES, st.sampled_from(["", " ", "}", '"', "{", ",", "x"]))
def test_a_json_value_ends_where_it_ends(
    value: Any, escaped: bool, indent: int | None, sizes: list[int], tail: str
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert scanned(text + tail, sizes) == ("done", len(text))
    assert all(scanned(text[:end], sizes)[0] == "open" for end in range(len(text)))


@many
@given(TOPS, st.integers(0, 200), st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "x", "\\"]), SIZES)
def test_broken_json_is_never_taken_for_whole(value: Any, at: int, char: str, sizes: list[int]) -> None:
    text = json.dumps(value)
    text = text[: at % len(text)] + char + text[at % len(text) :]
    state, end = scanned(text, sizes)
    assert (state, end) == scanned(text, [])
    try:
        _, right = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return  # the scanner leaves the spelling of literals to the decoder
    assert (state, end) == ("done", right)


@many
@given(st.dictionaries(st.text(max_size=4), VALUES.filter(lambda value: value == value), max_size=4), st.booleans())
def test_arguments_say_what_they_say(value: dict[str, Any], twice: bool) -> None:
    text = json.dumps(value)
    read = read_arguments(json.dumps(text) if twice else text)
    if "Infinity" in text or "NaN" in text:
        assert read.value is None or read.value == value
    else:
        assert (read.value, read.text, read.problem) == (value, text, "")


def work(run: Callable[[], object]) -> int:
    """How many calls of functions, C's included, that takes."""
    profile = cProfile.Profile()
    profile.runcall(run)
    return sum(entry.callcount for entry in profile.getstats())


UNITS = {
    **{marker: marker for dialect in DIALECTS for marker in [*dialect.markers][:2]},
    "header": f"{C}functions.x:0",
    "header and string": f'{C}functions.x:0{A}{{"a": "',
    "header without markers": 'functions.read_file:0{"',
    "calls": f'{C}functions.read_file:0{A}{{"path": "a"}}{X}',
    "calls without begin": f'read_file:0{A}{{"path": "a"}}{E}\n',
    "calls without markers": 'functions.read_file:0{"path": "a"} ',
    "sections": section(),
    "open sections": f"{B}noise{C}",
    "open sections with calls": f'{B}{C}functions.read_file:0{A}{{"path": "a"}}{X}noise',
    "thoughts behind calls": f"{section()}<think>",
    "quoted calls": f"`{section()}` ",
    "fenced calls": f"```\n{section()}\n```\n",
    "half a marker": "<|tool_call",
    "long header": C + "h" * 201,
    **{repr(unit): unit for unit in ("{", "[", '"', "\\", "`", "`` ` ", "```\n", "> ", "'a ", '"a ', "“", "«a", "a: ")},
    **{repr(unit): unit for unit in ("<pre>", "\n", " ", "\u200b", f"the {C} opens, ", "}functions.read_file:0 ")},
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("step", [1, 10**6], ids=["in characters", "whole"])
def test_the_work_grows_with_the_length(unit: str, step: int) -> None:
    def run(size: int) -> Callable[[], object]:
        text = unit * (size // len(unit) + 1)
        chunks = [text[at : at + step] for at in range(0, len(text), step)]
        return lambda: [decide(found := pieces(*chunks), found, (), OFFERS, DIALECTS), decided("", text)]

    run(1000)()  # what is compiled once and kept
    assert work(run(8000)) <= 4.8 * work(run(2000)) + 2000


def test_a_long_string_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is cut, the scanner is handed each character a bounded number of times."""
    handed = 0
    feed = JsonScanner.feed

    def counting(self: JsonScanner, text: str, at: int = 0, final: bool = False) -> int:
        nonlocal handed
        handed += len(text) - at
        return feed(self, text, at, final)

    monkeypatch.setattr(JsonScanner, "feed", counting)
    long = json.dumps({"path": "a", "content": 'x\\"\n' * 5000})
    text = section(f"{C}functions.write_to_file:0{A}{long}{X}")
    for size in (1, 2, 7, 100_000):
        handed = 0
        pieces(*(text[at : at + size] for at in range(0, len(text), size)))
        assert handed <= 3 * len(text)


def test_arguments_stream_while_they_arrive() -> None:
    scanner = Scanner(DIALECTS)
    scanner.feed(f'{B}{C}functions.x:0{A}{{"a": "')
    assert [scanner.feed(char)[0].raw for char in "some text"] == list("some text")


def test_only_what_may_become_a_marker_is_held_back() -> None:
    scanner = Scanner(DIALECTS)
    assert [piece.raw for piece in scanner.feed("1 < 2 and <|tool")] == ["1 < 2 and "]
    assert [piece.raw for piece in scanner.feed(" no")] == ["<|tool no"]
    assert [piece.raw for piece in scanner.feed("<")] == []
    assert [piece.raw for piece in scanner.finish()] == ["<"]


def test_a_megabyte_of_arguments() -> None:
    content = "x" * 1_000_000
    text = section(f"{C}functions.write_to_file:0{A}{json.dumps({'path': 'a', 'content': content})}{X}")
    [made] = parse(request(text, tools=TOOLS))["tool_calls"]
    assert made["arguments"]["content"] == content
