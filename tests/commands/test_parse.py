"""`agent parse` as other programs use it: a process, a line in, a line out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from leaks.k2 import DANGER, READ, RUN, STRING, TOOLS, A, B, C, J, call, calls, request, section, tool
from roundtrip.agent.commands.parse import ParseError, parse, parse_line

COMMAND = [sys.executable, "-m", "roundtrip.agent", "parse"]
READ_A = ("read_file", {"path": "a"})
HEX = "call_59adf5614cfe4f4b8a71be54"


class Filter:
    """The command, with both ends of its pipe in our hands."""

    def __init__(self, **environment: str) -> None:
        pipe, environment = subprocess.PIPE, {**os.environ, **environment}
        self.process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)

    def ask(self, line: bytes) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> tuple[bytes, int]:
        rest, errors = self.process.communicate()
        assert rest == b""
        return errors, self.process.returncode


@pytest.fixture
def filter_() -> Iterator[Filter]:
    running = Filter()
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def test_each_line_is_answered_before_the_next_one_is_sent(filter_: Filter) -> None:
    message = json.dumps(request(section())).encode()
    for _ in range(3):
        assert calls(filter_.ask(message)) == [READ_A]
    assert filter_.end() == (b"", 0)


def test_a_bad_line_stops_nothing(filter_: Filter) -> None:
    for line in (b"{", b"[]", b"null", b'"x"', b'{"content": 5}', b'{"tools": [5]}', b"[" * 100_000, b"\xff\xfe"):
        assert list(filter_.ask(line)) == ["error"]
    assert calls(filter_.ask(json.dumps(request(section())).encode())) == [READ_A]
    assert filter_.end() == (b"", 0)


def test_blank_lines_are_passed_over_and_the_last_line_needs_no_end() -> None:
    message = json.dumps(request("Hi.")).encode()
    done = subprocess.run(COMMAND, input=b"\n \r\n" + message + b"\r\n\n" + message, capture_output=True, check=True)
    assert [json.loads(line)["content"] for line in done.stdout.splitlines()] == ["Hi.", "Hi."]


def test_nothing_in_nothing_out() -> None:
    done = subprocess.run(COMMAND, input=b"", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_utf_8_whatever_the_locale_says() -> None:
    running = Filter(LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    answer = running.ask(json.dumps(request("Grüße 🙂"), ensure_ascii=False).encode())
    assert answer["content"] == "Grüße 🙂"
    assert running.end() == (b"", 0)


def test_bytes_that_are_no_utf_8_end_in_an_error_or_in_text(filter_: Filter) -> None:
    answer = filter_.ask(b'{"content": "a\xffb"}')
    assert "error" in answer or answer["content"] == "a\ufffdb"
    half = filter_.ask(b'{"content": "\\ud83d", "reasoning_content": "\\ude42"}')
    assert (half["content"], half["reasoning"]) == ("\ufffd", "\ufffd")
    name = {"id": "\ud83d", "function": {"name": "\ud83d", "arguments": '{"path": "\ud83d"}'}}
    assert calls(filter_.ask(json.dumps(request(structured=(name,))).encode())) == []
    assert filter_.end() == (b"", 0)


def test_every_field_of_an_answer() -> None:
    answer = parse(request(f"Hi.{section(call(), call('functions.x:1'))}", "Hm."))
    assert answer == {
        "content": "Hi.",
        "reasoning": "Hm.",
        "tool_calls": [{"id": "functions.read_file:0", "name": "read_file", "arguments": {"path": "a"}}],
        "unresolved": [
            {
                "name": "x",
                "header": "functions.x:1",
                "arguments_raw": J,
                "reason": "there is no tool called 'x'; the tools are: read_file, write_to_file, execute_command",
            }
        ],
        "repairs": [
            {"kind": "leaked_call", "raw": section(call(), call("functions.x:1"))},
            {"kind": "unresolved", "raw": "functions.x:1" + J},
        ],
    }
    assert parse({}) == {"content": "", "reasoning": "", "tool_calls": [], "unresolved": [], "repairs": []}


def test_text_in_every_form() -> None:
    text = section()
    whole = parse(request(text))
    forms: list[dict[str, Any]] = [
        {"chunks": list(text)},
        {"chunks": [text, ""]},
        {"deltas": [{"content": char} for char in text]},
        {"deltas": [{"role": "assistant", "content": None}, {"content": text}, {}]},
        {"deltas": [{"content": [{"type": "text", "text": text}]}]},
    ]
    for form in forms:
        assert parse({"tools": TOOLS, **form}) == whole


def test_reasoning_in_every_form() -> None:
    whole = parse(request("Hi.", "Hm."))
    assert whole["reasoning"] == "Hm."
    forms: list[dict[str, Any]] = [
        {"reasoning_content": "Hm.", "content": "Hi."},
        {"reasoning_chunks": ["H", "m."], "chunks": ["Hi."]},
        {"deltas": [{"reasoning": "Hm."}, {"content": "Hi."}]},
        {"deltas": [{"reasoning_content": "Hm.", "reasoning": "Hm."}, {"content": "Hi."}]},
    ]
    for form in forms:
        assert parse({"tools": TOOLS, **form}) == whole


def test_structured_calls_in_deltas() -> None:
    parts: list[Any] = [{"id": "a", "function": {"name": "read_file", "arguments": '{"pa'}}]
    parts.append({"function": {"arguments": 'th": "a"}'}})
    answer = parse({"tools": TOOLS, "deltas": [{"tool_calls": [{"index": 0, **part}]} for part in parts]})
    assert calls(answer) == [READ_A]
    whole = {"tools": TOOLS, "tool_calls": [{"id": "a", "function": {"name": "read_file", "arguments": {"path": "a"}}}]}
    assert calls(parse(whole)) == [READ_A]


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"content": 1}, "content"),
        ({"chunks": "abc"}, "chunks"),
        ({"chunks": [1]}, "chunks"),
        ({"reasoning_chunks": [None]}, "reasoning_chunks"),
        ({"tool_calls": {}}, "tool_calls"),
        ({"tool_calls": [1]}, "tool_calls"),
        ({"deltas": [1]}, "deltas"),
        ({"deltas": "x"}, "deltas"),
        ({"tools": "read_file"}, "tools"),
        ({"tools": [""]}, "tools"),
        ({"tools": [{}]}, "tools"),
        ({"tools": [{"function": {"name": 1}}]}, "tools"),
        ({"calls_before": -1}, "calls_before"),
        ({"calls_before": "1"}, "calls_before"),
        ({"model": []}, "model"),
        ({"finish_reason": 1}, "finish_reason"),
    ],
)
def test_a_wrong_field_is_named(message: dict[str, Any], word: str) -> None:
    with pytest.raises(ParseError, match=word):
        parse(message)
    assert word in parse_line(json.dumps(message))["error"]


@pytest.mark.parametrize("offered", ["read_file", READ, READ["function"], {"function": {"name": "read_file"}}])
def test_tools_in_every_form(offered: Any) -> None:
    assert calls(parse(request(section(), tools=[offered]))) == [READ_A]


@pytest.mark.parametrize("message", [{"tools": []}, {"tools": None}, {}, {"tools": TOOLS, "tool_choice": "none"}])
def test_no_call_where_none_is_allowed(message: dict[str, Any]) -> None:
    answer = parse({"content": f"Hi.{DANGER}", **message})
    assert (answer["content"], answer["tool_calls"], answer["unresolved"]) == ("Hi.", [], [])
    assert [repair["kind"] for repair in answer["repairs"]] == ["not_allowed"]


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "read_file"}}, None])
def test_calls_where_they_are_allowed(choice: Any) -> None:
    assert calls(parse(request(section(), tool_choice=choice))) == [READ_A]


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "length", "", "undefined"])
def test_the_finish_reason_decides_nothing(finish: str) -> None:
    assert calls(parse(request(section(), finish_reason=finish))) == [READ_A]
    assert calls(parse(request("Hi.", finish_reason=finish))) == []


@pytest.mark.parametrize(
    ("model", "ids"),
    [
        ("moonshotai/Kimi-K2.7-Code", ["functions.read_file:5", "functions.execute_command:6"]),
        ("", ["functions.read_file:5", "functions.execute_command:6"]),
        ("default", ["functions.read_file:5", "functions.execute_command:6"]),  # the leak tells the family
    ],
)
def test_ids_of_the_kimi_kind_count_the_calls_of_the_conversation(model: str, ids: list[str]) -> None:
    text = section(call(HEX), call("functions.execute_command:77", '{"command": "ls"}'))
    answer = parse(request(text, model=model, calls_before=5))
    assert [made["id"] for made in answer["tool_calls"]] == ids


def test_ids_of_other_families() -> None:
    pair = tuple({"id": given, "function": {"name": "read_file", "arguments": J}} for given in ("x", "call_abc"))
    mistral = parse(request(structured=pair, model="mistral-small"))["tool_calls"]
    assert all(len(made["id"]) == 9 and made["id"].isalnum() for made in mistral)
    assert len({made["id"] for made in mistral}) == 2
    assert [made["id"] for made in parse(request(structured=pair, model="qwen3"))["tool_calls"]] == ["x", "call_abc"]
    twice = (pair[0], {**pair[1], "id": ""})
    assert len({made["id"] for made in parse(request(structured=twice, model="qwen3"))["tool_calls"]} - {""}) == 2


def test_a_hint_that_a_tool_merely_reads() -> None:
    bare = f"functions.execute_command:0{'{}'}"
    for hints in ({"readOnlyHint": True}, {"readOnlyHint": "yes"}, {"readOnlyHint": False}, {}, None):
        answer = parse(request(bare, tools=[{"name": "execute_command", "annotations": hints}]))
        assert bool(answer["tool_calls"]) is (hints == {"readOnlyHint": True})
        assert bool(answer["unresolved"]) is not bool(answer["tool_calls"])
    inside = {"function": {"name": "execute_command", "annotations": {"readOnlyHint": True}}}
    assert parse(request(bare, tools=[inside]))["tool_calls"]


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        ([READ, RUN], "read_file"),  # one fits
        ([RUN], None),  # none fits
        ([READ, tool("view", {"path": STRING}, reads=True)], None),  # a tie
        ([READ, "view"], "read_file"),  # more is required of read_file, and it merely reads
        ([tool("erase", {"path": STRING}), "view"], None),  # it does not merely read
        ([READ, tool("view", {"path": {"$ref": "https://example.com/path"}})], None),  # nobody knows
    ],
)
def test_a_call_without_a_name(tools: list[Any], name: str | None) -> None:
    answer = parse(request(section(call(HEX)), tools=tools))
    assert [made["name"] for made in answer["tool_calls"]] == [name] * (name is not None)
    assert [(bad["name"], bad["header"]) for bad in answer["unresolved"]] == [(None, HEX)] * (name is None)


def test_a_structured_call_wins_over_its_copy() -> None:
    structured = {"id": "functions.read_file:0", "function": {"name": "read_file", "arguments": J}}
    answer = parse(request(f"Hi.{section()}", structured=(structured,)))
    assert (answer["content"], calls(answer)) == ("Hi.", [READ_A])
    assert [repair["kind"] for repair in answer["repairs"]] == ["duplicate_of_structured"]


def test_a_structured_name_that_was_made_up() -> None:
    def made(name: str, call_id: str = "call_1", arguments: str = J) -> dict[str, Any]:
        return parse(request(structured=({"id": call_id, "function": {"name": name, "arguments": arguments}},)))

    assert calls(made("report.txt", "functions.read_file:0")) == [READ_A]
    assert calls(made("functions_read_file_1")) == [READ_A]
    assert calls(made("read-file")) == [READ_A]
    assert [bad["name"] for bad in made("report.txt")["unresolved"]] == ["report.txt"]
    assert [bad["name"] for bad in made("report.txt", "functions.read_file:0", "")["unresolved"]] == ["read_file"]
    assert [bad["name"] for bad in made('read("a")')["unresolved"]] == ["read"]
    assert [bad["name"] for bad in made("lesen sie")["unresolved"]] == ["lesen"]
    assert [bad["name"] for bad in made("été")["unresolved"]] == [None]


def test_a_message_that_was_cut() -> None:
    answer = parse(request(f'Hi.{B}{C}functions.read_file:0{A}{{"path": "a', finish_reason="length"))
    assert (answer["content"], answer["tool_calls"]) == ("Hi.", [])
    [bad] = answer["unresolved"]
    assert (bad["name"], bad["arguments_raw"]) == ("read_file", '{"path": "a')
    assert "cut" in bad["reason"]
