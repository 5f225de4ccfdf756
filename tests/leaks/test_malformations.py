"""Every way in which Kimi K2's markup was seen broken, and what is to become of it.

M1 to M31 are the malformations that are known from public threads, "zoo" are messages that were run through the
parsers of two servers; what those did is in the comments where it matters. Each row is parsed whole, one character at
a time and at every single cut, and all of that must be the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from leaks.k2 import DANGER, READ, RM, STRING, A, B, C, E, J, X, call, calls, request, section, streams, tool
from roundtrip.agent.commands.parse import parse

READ_A = ("read_file", {"path": "a"})
RUN_LS = ("execute_command", {"command": "ls"})
WRITTEN = '{"path": "a", "content": "b"}'
LS = '{"command": "ls"}'
LEAK = {"leaked_call"}
HEX = "call_59adf5614cfe4f4b8a71be54"


@dataclass(frozen=True)
class Row:
    """A message, and what is meant by it. unresolved: (name, header) of each call that is refused."""

    text: str = ""
    calls: list[Any] = field(default_factory=list)
    content: str = ""
    thought: str = ""
    unresolved: list[tuple[str | None, str]] = field(default_factory=list)
    repairs: set[str] = field(default_factory=set)
    reasoning: str = ""
    structured: tuple[Any, ...] = ()
    tools: list[Any] | None = None
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def request(self) -> dict[str, Any]:
        return request(self.text, self.reasoning, self.tools, self.structured, **self.other)


def headed(header: str, repairs: set[str], **other: Any) -> Row:
    """A well-formed call to read_file but for its header."""
    return Row(section(call(header)), [READ_A], repairs=LEAK | repairs, **other)


def written(content: str) -> str:
    return json.dumps({"path": "a", "content": content}, ensure_ascii=False)


def structured(name: str, arguments: str | None, call_id: str = "call_1") -> Any:
    return {"id": call_id, "function": {"name": name, "arguments": arguments}}


GLUED = json.dumps({"command": f'"}}\ufffd.functions.execute_command:1 {A} {{'})
NAMED = '{"name": "read_file", "path": "a"}'

ROWS: dict[str, Row] = {
    # headers
    "well-formed": Row("I'll look." + section(), [READ_A], "I'll look.", repairs=LEAK),
    "M1 an id instead of a name, one tool fits": headed(HEX, {"name_from_schema"}),
    "M1 nothing fits": Row(
        section(call(HEX, '{"url": "x"}')), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"}
    ),
    "M1 several fit, the best one merely reads": Row(
        section(call(HEX)), [READ_A], repairs=LEAK | {"name_from_schema"},
        tools=[READ, tool("list", {}, {"path": STRING})],
    ),
    "M1 several fit, the best one changes things": Row(
        section(call(HEX)), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"},
        tools=[tool("delete", {"path": STRING}), tool("list", {}, {"path": STRING}, reads=True)],
    ),
    "M1 a tie": Row(
        section(call(HEX)), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"},
        tools=[READ, tool("list", {"path": STRING}, reads=True)],
    ),
    "M1 an unknown key": Row(
        section(call(HEX, '{"path": "a", "why": "b"}')), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"}
    ),
    "M1 a type that would have to be changed": Row(
        section(call(HEX, '{"command": "ls", "timeout": "5"}')), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"}
    ),
    "M1 an empty object fits everything and proves nothing": Row(
        section(call(HEX, "{}")), unresolved=[(None, HEX)], repairs=LEAK | {"unresolved"}, tools=[tool("reset", {})]
    ),
    "M2 the name in the arguments": Row(
        section(call(HEX, NAMED)), [READ_A], repairs=LEAK | {"name_from_arguments"}
    ),
    # vLLM makes of this a structured call to "report.txt"
    "M2 a name that is no tool's": Row(
        section(call(HEX, '{"name": "report.txt", "path": "a"}')), [("save", {"name": "report.txt", "path": "a"})],
        tools=[READ, tool("save", {"name": STRING, "path": STRING})], repairs=LEAK | {"name_from_schema"},
    ),
    "M3 a counter glued to `call`": headed("call00003", {"name_from_schema"}),
    "M4 a bare counter": headed("3", {"name_from_schema"}),
    "M5 no prefix": headed("read_file:2", {"header"}),
    "M6 made harmless by a gateway": headed("functions_read_file_1", {"header"}),
    "M7 separators swallowed": headed("functionsread_file5", {"header"}),
    "M7 one separator swallowed": headed("functions.read_file5", {"header"}),
    "M7 a float for an index": headed("functions.read_file:2.0", {"header"}),
    "M7 no index": headed("functions.read_file", {"header"}),
    "M8 a misspelt name": Row(
        section(call("serach:0")), unresolved=[("serach", "serach:0")], repairs=LEAK | {"unresolved"}
    ),
    "M23 a dotted name": Row(section(call("functions.mcp.read:0")), [("mcp.read", {"path": "a"})], repairs=LEAK,
                             tools=[tool("mcp.read", {"path": STRING})]),
    "M23 a hyphenated name": Row(section(call("functions.read-file:0")), [("read-file", {"path": "a"})], repairs=LEAK,
                                 tools=[tool("read-file", {"path": STRING})]),
    "zoo: a bare name": headed("read_file", {"header"}),
    "another spelling": headed("functions.readFile:0", {"header"}),
    # structure
    "M9 singular section": Row(
        section().replace("calls_section", "call_section"), [READ_A], repairs=LEAK
    ),
    "M9 begun in the plural, ended in the singular": Row(
        section().replace("calls_section_end", "call_section_end"), [READ_A], repairs=LEAK
    ),
    "M10 no section begin": Row("Hi. " + call() + E, [READ_A], "Hi. ", repairs=LEAK | {"section"}),
    "M10 no section": Row("Hi. " + call(), [READ_A], "Hi. ", repairs=LEAK | {"section"}),
    "M11 no section end": Row(B + call(), [READ_A], repairs=LEAK | {"section"}),
    "M11 no call end": Row(section(call()[: -len(X)]), [READ_A], repairs=LEAK),
    # vLLM puts the second call into the arguments of the first, SGLang loses both
    "M11 no call end, two calls": Row(
        section(call()[: -len(X)], call("functions.read_file:1")), [READ_A, READ_A], repairs=LEAK
    ),
    "M11 nothing behind the arguments": Row(B + call()[: -len(X)], [READ_A], repairs=LEAK | {"section"}),
    "M12 begin markers eaten": Row(
        f"read_file:0{A}{J}{E}\nread_file:1{A}{J}{E}", [READ_A, READ_A], repairs=LEAK | {"section", "header"}
    ),
    "M12 glued to prose": Row(
        f"I'll look.read_file:0{A}{J}{E}", [READ_A], "I'll look.", repairs=LEAK | {"section", "header"}
    ),
    "M12 the end of another word is no name": Row(
        f"thread {A}{J}{E}", unresolved=[("thread", "thread")], tools=["read"],
        repairs=LEAK | {"section", "unresolved"},
    ),
    "M12 no call begin in a section": Row(
        f"{B}functions.read_file:0{A}{J}{X}{E}", [READ_A], repairs=LEAK | {"section"}
    ),
    "M13 all markers stripped, the tool reads": Row(
        f"Let me see. functions.read_file:0{J}", [READ_A], "Let me see.", repairs={"bare_call"}
    ),
    "M13 all markers stripped, two calls": Row(
        f"functions.read_file:0{J}functions.read_file:1{J}", [READ_A, READ_A], repairs={"bare_call"}
    ),
    "M13 all markers stripped, the tool changes things": Row(
        f"functions.execute_command:0{RM}", unresolved=[("execute_command", "functions.execute_command:0")],
        repairs={"bare_call", "unresolved"},
    ),
    "M13 not at the end": Row(
        f"functions.read_file:0{J} is how a call looks.", content=f"functions.read_file:0{J} is how a call looks."
    ),
    "M13 in backticks": Row(f"`functions.read_file:0{J}`", content=f"`functions.read_file:0{J}`"),
    "M13 within the section's markers": Row(f"{B}functions.read_file:0{J}{X}{E}", [READ_A], repairs={"bare_call"}),
    "M17 text between section begin and call": Row(
        f"Hi.{B} I will read it {call()}{E}", [READ_A], "Hi.", repairs=LEAK | {"section_noise"}
    ),
    "M17 the same, never closed": Row(
        f"Hi.{B}\nSo {call()}", [READ_A], "Hi.\nSo ", repairs=LEAK | {"section", "stray_marker"}
    ),
    "M20 spaces between all": Row(
        f"{B} {C} functions.read_file:0 {A} {J} {X} {E}", [READ_A], repairs=LEAK
    ),
    "M20 line breaks between all": Row(
        f"{B}\n{C}\nfunctions.read_file:0\n{A}\n{J}\n{X}\n{E}\n", [READ_A], repairs=LEAK
    ),
    "M20 CRLF": Row(f"{B}\r\n{C}functions.read_file:0\r\n{A}{J}\r\n{X}\r\n{E}", [READ_A], repairs=LEAK),
    "M20 a hundred spaces": Row((" " * 100).join([B, C, "functions.read_file:0", A, J, X, E]), [READ_A],
                                repairs=LEAK | {"section", "section_noise"}),
    "M20 zero-width spaces": Row("\u200b".join([B, C, "functions.read_file:0", A, J, X, E]), [READ_A], repairs=LEAK),
    "M21 several sections, text between and behind": Row(
        f"a{section()}mid{section()}tail", [READ_A, READ_A], "amidtail", repairs=LEAK
    ),
    "doubled section begin": Row(B + section(), [READ_A], repairs=LEAK | {"section"}),
    "doubled section end": Row(section() + E, [READ_A], repairs=LEAK | {"section"}),
    "doubled call begin": Row(section(C + call()), [READ_A], repairs=LEAK | {"section_noise"}),
    "doubled call end": Row(section(call() + X), [READ_A], repairs=LEAK | {"section_noise"}),
    "doubled separator": Row(section(call().replace(A, A + A)), [READ_A], repairs=LEAK),
    "no separator": Row(section(call().replace(A, "")), [READ_A], repairs=LEAK),
    "no header": Row(section(call("")), [READ_A], repairs=LEAK | {"name_from_schema"}),
    "no section end, another section": Row(B + call() + section(), [READ_A, READ_A], repairs=LEAK | {"section"}),
    "an empty section": Row(f"Done.{B}\n{E}", content="Done.", repairs={"empty_section"}),
    "a byte order mark": Row("\ufeff" + section(), [READ_A], repairs=LEAK),
    # arguments
    "M15 a JSON string that holds JSON": Row(
        section(call(arguments='"{\\"path\\": \\"a\\"}"')), [READ_A], repairs=LEAK | {"double_encoded"}
    ),
    "M15 the same, badly escaped": Row(
        section(call(arguments='"{\\"path\\": \\"a\\nb\\"}"')), [("read_file", {"path": "a\nb"})],
        repairs=LEAK | {"double_encoded", "raw_control_characters"},
    ),
    "M16 empty arguments, none are required": Row(
        section(call("functions.list:0", "")), [("list", {})], tools=[tool("list", {})],
        repairs=LEAK | {"empty_arguments"},
    ),
    "M16 null, none are required": Row(
        section(call("functions.list:0", "null")), [("list", {})], tools=[tool("list", {})],
        repairs=LEAK | {"empty_arguments"},
    ),
    "M16 empty arguments, some are required": Row(
        section(call(arguments="")), unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"empty_arguments", "unresolved"},
    ),
    "M22 line breaks in strings": Row(
        section(call(arguments='{\n "path":\n "a\nb"\n}')), [("read_file", {"path": "a\nb"})],
        repairs=LEAK | {"raw_control_characters"},
    ),
    # vLLM and SGLang cut the arguments at the marker
    "M24 a whole section in a string": Row(
        section(call("functions.write_to_file:0", written(DANGER))),
        [("write_to_file", {"path": "a", "content": DANGER})], repairs=LEAK,
    ),
    "M24 markers and fences in a string": Row(
        section(call("functions.write_to_file:0", written(f"```\n{X}</think><|im_end|>"))),
        [("write_to_file", {"path": "a", "content": f"```\n{X}</think><|im_end|>"})], repairs=LEAK,
    ),
    "M24 a text about eaten markers": Row(
        section(call("functions.write_to_file:0", written(f"read_file:0{A}{{}}"))),
        [("write_to_file", {"path": "a", "content": f"read_file:0{A}{{}}"})], repairs=LEAK,
    ),
    "M25 cut in the arguments": Row(
        section()[: -len(X + E) - 2], unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"section", "unresolved"}, other={"finish_reason": "length"},
    ),
    "M25 cut behind the arguments": Row(
        section()[: -len(X + E)], [READ_A], repairs=LEAK | {"section"}, other={"finish_reason": "length"}
    ),
    "M25 cut in the end marker": Row(section()[:-9], [READ_A], repairs=LEAK | {"section", "stray_marker"}),
    # vLLM makes of this a call to "functions.read_f"
    "M25 cut in the header": Row(
        f"Hi.{B}{C}functions.read_f", content="Hi.", unresolved=[(None, "functions.read_f")],
        repairs=LEAK | {"section", "unresolved"},
    ),
    "M25 cut behind the header": Row(
        f"{B}{C}functions.read_file:0", unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"section", "unresolved"},
    ),
    "M25 cut behind the separator": Row(
        f"{B}{C}functions.read_file:0{A}", unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"section", "unresolved"},
    ),
    "M25 cut in call begin": Row(
        f"Hi.{B}\n{C[:-5]}", content="Hi.", unresolved=[(None, "")],
        repairs=LEAK | {"section", "stray_marker", "unresolved"},
    ),
    "M25 cut in the separator": Row(
        f"Hi.{B}{C}functions.read_file:0{A[:-5]}", content="Hi.", unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"section", "stray_marker", "unresolved"},
    ),
    "M25 cut behind call begin": Row(
        f"Hi.{B}{C}", content="Hi.", unresolved=[(None, "")], repairs=LEAK | {"section", "unresolved"}
    ),
    "M25 cut behind section begin": Row(
        f"Hi.{B}\n", content="Hi.", unresolved=[(None, "")], repairs=LEAK | {"section", "unresolved"}
    ),
    "M28 garbage and another call in the arguments": Row(
        section(call("functions.execute_command:0", GLUED)),
        unresolved=[("execute_command", "functions.execute_command:0")], repairs=LEAK | {"unresolved"},
    ),
    "a trailing comma": Row(
        section(call(arguments='{"path": "a",}'), call()), [READ_A, READ_A], repairs=LEAK | {"python_literals"}
    ),
    "an extra brace": Row(
        section(call(arguments=J + "}"), call()), [READ_A, READ_A], repairs=LEAK | {"repaired_json"}
    ),
    "NaN": Row(section(call(arguments='{"path": NaN}')), unresolved=[("read_file", "functions.read_file:0")],
               repairs=LEAK | {"unresolved"}),
    "a number beyond all": Row(
        section(call(arguments='{"path": 1e999}')), unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"unresolved"},
    ),
    "an array": Row(section(call(arguments=f"[{J}]")), unresolved=[("read_file", "functions.read_file:0")],
                    repairs=LEAK | {"unresolved"}),
    "two objects": Row(section(call(arguments=J + J)), unresolved=[("read_file", "functions.read_file:0")],
                       repairs=LEAK | {"unresolved"}),
    "half a surrogate pair": Row(
        section(call(arguments='{"path": "\\ud83d"}')), [("read_file", {"path": "\ufffd"})],
        repairs=LEAK | {"lone_surrogate"},
    ),
    "nested too deep": Row(
        section(call(arguments='{"path": ' + "[" * 101 + "]" * 101 + "}")),
        unresolved=[("read_file", "functions.read_file:0")], repairs=LEAK | {"unresolved"},
    ),
    "an unknown tool": Row(
        section(call("functions.img_gen:0")), unresolved=[("img_gen", "functions.img_gen:0")],
        repairs=LEAK | {"unresolved"},
    ),
    "a header that no server would take back": Row(
        section(call("functions.read_file:0functions.read_file:0")),
        unresolved=[(None, "functions.read_file:0functions.read_file:0")], repairs=LEAK | {"unresolved"},
    ),
    # reasoning
    "M18 call in the think block": Row(
        f"<think>I look.{section()}</think>", [READ_A], thought="I look.",
        repairs=LEAK | {"reasoning_in_text", "call_in_reasoning"},
    ),
    "M18 without a section": Row(
        f"<think>I look.{call()}</think>", [READ_A], thought="I look.",
        repairs=LEAK | {"reasoning_in_text", "call_in_reasoning", "section"},
    ),
    "M18 and no end of thinking": Row(
        f"<think>I look.{section()}", [READ_A], thought="I look.", repairs=LEAK | {"reasoning_in_text"}
    ),
    "M18 without a section, no end of anything": Row(
        f"<think>I look.{call()[: -len(X)]}", [READ_A], thought="I look.",
        repairs=LEAK | {"reasoning_in_text", "section"},
    ),
    "M19 call in the reasoning field": Row(
        reasoning=f"I look.{section()}", calls=[READ_A], thought="I look.", repairs=LEAK | {"call_in_reasoning"}
    ),
    "M19 a draft, then an answer": Row(
        "Done.", content="Done.", reasoning=f"I look.{section()}", thought=f"I look.{section()}"
    ),
    "M19 a draft that goes on": Row(reasoning=f"{section()} Hm, no.", thought=f"{section()} Hm, no."),
    "M19 the same call in both": Row(section(), [READ_A], reasoning=section(), thought=section(), repairs=LEAK),
    "M19 a draft, then the call": Row(
        section(), [READ_A], reasoning=f"I could {DANGER}", thought=f"I could {DANGER}", repairs=LEAK
    ),
    "reasoning that was begun in the prompt": Row(
        f"I look.</think>{section()}<|im_end|>", [READ_A], thought="I look.",
        repairs=LEAK | {"reasoning_in_text", "stop_token"},
    ),
    "the end of thinking, quoted and then real": Row(
        "Strip `</think>` from it.</think>Done.", content="Done.", thought="Strip `</think>` from it.",
        repairs={"reasoning_in_text"},
    ),
    "the end of thinking is left over beside a reasoning field": Row(
        "\n</think>\n\nDone.", content="Done.", reasoning="Hm.", thought="Hm.\n", repairs={"reasoning_in_text"}
    ),
    "the end of thinking inside an answer beside a reasoning field": Row(
        "It ends with </think> here.", content="It ends with </think> here.", reasoning="Hm.", thought="Hm."
    ),
    "thinking twice around a call": Row(
        f"<think>a</think>{section()}<think>b</think>Done.", [READ_A], "Done.", "ab",
        repairs=LEAK | {"reasoning_in_text"},
    ),
    "thinking in the middle of an answer is text": Row("Hi.<think>a</think>Ho.", content="Hi.<think>a</think>Ho."),
    # ends
    "M29 a stop token": Row("Done.<|im_end|>\n", content="Done.", repairs={"stop_token"}),
    "M29 several": Row(f"{section()}<|im_end|><|im_assistant|>[EOS]", [READ_A], repairs=LEAK | {"stop_token"}),
    "M29 in the middle it is text": Row("a<|im_end|>b", content="a<|im_end|>b"),
    "M31 finish_reason tool_calls, and there is none": Row("Hi.", content="Hi.", other={"finish_reason": "tool_calls"}),
    "M31 finish_reason stop, and there is one": Row(
        section(), [READ_A], repairs=LEAK, other={"finish_reason": "stop"}
    ),
    "M31 none are allowed": Row(
        section(), repairs={"not_allowed"}, other={"tool_choice": "none", "finish_reason": "tool_calls"}
    ),
    "none are offered": Row(f"Hi.{section()}", content="Hi.", repairs={"not_allowed"}, tools=[]),
    "none are offered, and it is none": Row(section(call("x y")), content=section(call("x y")), tools=[]),
    # structured calls
    "structured, and a copy in the text": Row(
        f"Hi.{section()}", [READ_A], "Hi.", structured=(structured("read_file", J),),
        repairs={"duplicate_of_structured"},
    ),
    "structured, and another call in the text": Row(
        section(call("functions.write_to_file:0", WRITTEN)), [RUN_LS], structured=(structured("execute_command", LS),),
        repairs={"duplicate_of_structured"},
    ),
    "structured, and a marker left over": Row(
        f"Hi.{B}", [READ_A], "Hi.", structured=(structured("read_file", J),), repairs={"duplicate_of_structured"}
    ),
    "structured, and an answer about markers": Row(
        f"The marker {B} opens a section.", [READ_A], f"The marker {B} opens a section.",
        structured=(structured("read_file", J),),
    ),
    "a made-up name, the id tells the tool": Row(
        calls=[READ_A], structured=(structured("a", J, "functions.read_file:0"),), repairs={"suspect_name"}
    ),
    "a made-up name and no arguments": Row(
        structured=(structured("report.txt", "", "functions.read_file:0"),), unresolved=[("read_file", "read_file")],
        repairs={"suspect_name", "empty_arguments", "unresolved"},
    ),
    "a made-up name": Row(
        structured=(structured("report.txt", J),), unresolved=[("report.txt", "report.txt")],
        repairs={"suspect_name", "unresolved"},
    ),
    "an id for a name": Row(
        calls=[READ_A], structured=(structured("functions.read_file:0", J),), repairs={"suspect_name"}
    ),
    "an empty name": Row(calls=[READ_A], structured=(structured("", J),), repairs={"suspect_name"}),
    # zoo
    "zoo: prose that quotes one marker": Row(f"The token `{C}` opens.", content=f"The token `{C}` opens."),
    "zoo: half a marker at the end": Row("Show <|tool_call_beg", content="Show <|tool_call_beg"),
    "zoo: a fenced section": Row(f"```\n{DANGER}\n```", content=f"```\n{DANGER}\n```"),
    "zoo: a header, no separator, no arguments": Row(
        f"{B}{C}functions.read_file:0{X}{E}", unresolved=[("read_file", "functions.read_file:0")],
        repairs=LEAK | {"empty_arguments", "unresolved"},
    ),
    "zoo: a stop token behind the section": Row(f"{section()}<|im_end|>", [READ_A], repairs=LEAK | {"stop_token"}),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_is_read_as_it_is_meant(row: Row) -> None:
    answer = parse(row.request)
    assert calls(answer) == row.calls
    assert (answer["content"].strip("\n"), answer["reasoning"]) == (row.content, row.thought)
    assert [(bad["name"], bad["header"]) for bad in answer["unresolved"]] == row.unresolved
    assert {repair["kind"] for repair in answer["repairs"]} == row.repairs
    assert all(bad["reason"] for bad in answer["unresolved"])


@pytest.mark.once
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_chunks_never_show(row: Row) -> None:
    whole = parse(row.request)
    assert [cut for cut in streams(row.request) if parse(cut) != whole] == []
