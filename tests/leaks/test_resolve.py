"""From a header to a tool: every shape that was seen, and no tool that was not meant."""

from __future__ import annotations

from typing import Any

import pytest
from roundtrip.agent.leaks import Offer, called
from roundtrip.agent.leaks.dialects.kimi_k2 import DIALECT as KIMI_K2
from roundtrip.agent.leaks.resolve import resolve

PATH: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
ARGUMENTS = {"path": "a"}

TOLD, SILENT = Offer("read_file", PATH), Offer("view", PATH, silent=True)

FOUND: dict[str, tuple[tuple[str, ...], str]] = {
    # header: offered names, and the one that is meant
    "functions.read_file:0": (("read", "read_file"), "read_file"),
    "functions.read_file_2": (("read", "read_file"), "read_file"),
    "functions_read_file_2": (("read", "file", "read_file"), "read_file"),
    "functions.read:2": (("read", "read_file"), "read"),
    "read_2": (("read", "read_file"), "read"),
    "functions.read_file_2:0": (("read_file", "read_file_2"), "read_file_2"),
    "read_file_2": (("read_file", "read_file_2"), "read_file_2"),
    "functions.tool_10": (("tool_1", "tool_10"), "tool_10"),
    "functions.tool_1_0": (("tool_1", "tool"), "tool_1"),
    "functions.tool_1:0": (("tool_1",), "tool_1"),
    "functions:0": (("functions",), "functions"),
    "functions.functions:0": (("functions",), "functions"),
    "functions": (("functions", "read"), "functions"),
    "function_call:0": (("function_call",), "function_call"),
    "call_1": (("call",), "call"),
    "functions.mcp__git.log:3": (("mcp__git.log",), "mcp__git.log"),
    "functions.mcp__git_log:3": (("mcp__git.log",), "mcp__git.log"),
    "functions.read-file:3": (("read_file",), "read_file"),
    "functions.ReadFile:3": (("read_file",), "read_file"),
    "Functions.READ_FILE:3": (("read_file",), "read_file"),
    "functions.readFile:3": (("read_file", "readFile"), "readFile"),
    "functions.lesen:3": (("lesen", "read"), "lesen"),
    "functions.läs:3": (("läs",), "läs"),
    "search:12.0": (("search",), "search"),
}

NOT_FOUND: dict[str, tuple[tuple[str, ...], str]] = {
    # header: offered names, and the name that goes into the history
    "functions.tool_10:0": (("tool_1",), "tool_10"),
    "functions.tool_10": (("tool_1",), "tool_10"),
    "functions.read_files:0": (("read", "read_file"), "read_files"),
    "functions.xread:0": (("read",), "xread"),
    "functions.readfile:3": (("read_file", "readFile"), "readfile"),
    "functions.function_call:0": (("call",), "function_call"),
    "functional_test:0": (("al_test",), "functional_test"),
    "functions.callback2:0": (("read",), "callback2"),
    "tool_read2:0": (("read",), "tool_read2"),
    "call_me": (("read",), "call_me"),
    "": (("read", "view"), ""),
    "call_59adf5614cfe4f4b8a71be54": (("read", "view"), ""),
    "x y": (("read",), ""),
    'read("a")': (("read",), ""),
    "a" * 65: (("read",), ""),
    "lesén:0": (("read",), ""),
}

NAMELESS = (
    "call_59adf5614cfe4f4b8a71be54",
    "call_abc123def456",
    "functions.call_abc123def456:0",
    "call00003",
    "call_3",
    "3",
    "functions.3",
    "chatcmpl-tool-8f14e45fceea167a",
    "toolu_01A09q90qw90lq917835lq9",
    "tool_9bzMvQoegZqjx1lAK6IhxxgC",
    "fc_8f14e45fceea167a",
    "8f14e45fceea167a5a36dedd4bea2543",
    "8f14e45f-ceea-467a-9a36-dedd4bea2543",
)


def offers(*names: str, **other: Any) -> tuple[Offer, ...]:
    return tuple(Offer(name, PATH, **other) for name in names)


@pytest.mark.parametrize(("header", "offered", "name"), [(h, o, n) for h, (o, n) in FOUND.items()], ids=FOUND)
def test_a_name_is_found(header: str, offered: tuple[str, ...], name: str) -> None:
    for order in (offered, offered[::-1]):
        found = resolve(header, None, offers(*order), KIMI_K2)
        assert found.offer
        assert found.offer.name == name


@pytest.mark.parametrize(("header", "offered", "name"), [(h, o, n) for h, (o, n) in NOT_FOUND.items()], ids=NOT_FOUND)
def test_a_name_is_not_guessed(header: str, offered: tuple[str, ...], name: str) -> None:
    found = resolve(header, ARGUMENTS, offers(*offered), KIMI_K2)
    assert (found.offer, found.name) == (None, name)
    assert found.reason


@pytest.mark.parametrize("header", NAMELESS)
def test_an_id_is_no_name(header: str) -> None:
    one, run = offers("read"), Offer("run", {"properties": {"command": {"type": "string"}}, "required": ["command"]})
    assert resolve(header, ARGUMENTS, (*one, run), KIMI_K2).offer == one[0]
    assert resolve(header, {"other": 1}, (*one, run), KIMI_K2).offer is None
    assert resolve(header, None, one, KIMI_K2).offer is None


def test_a_schema_that_cannot_be_evaluated_proves_nothing() -> None:
    foreign = Offer("foreign", {"type": "object", "properties": {"path": {"$ref": "https://example.com/path.json"}}})
    assert resolve("call_3", ARGUMENTS, (*offers("read"), foreign), KIMI_K2).offer is None


def test_a_name_in_the_arguments_is_a_name_unless_it_is_a_parameter() -> None:
    named = Offer("greet", {"properties": {"name": {"type": "string"}}, "required": ["name"]})
    assert resolve("call_3", {"name": "read", "path": "a"}, offers("read"), KIMI_K2).drop_name_key
    found = resolve("call_3", {"name": "greet"}, (named,), KIMI_K2)
    assert (found.offer, found.drop_name_key) == (named, False)
    assert resolve("call_3", {"name": ["read"], "path": "a"}, offers("read"), KIMI_K2).offer is None


def test_an_exact_name_wins_over_an_alias() -> None:
    a, b = Offer("view", aliases=("read",)), Offer("read")
    assert called((a, b), "read") == b
    assert called((a,), "Read") == a
    assert called((a, Offer("cat", aliases=("read",))), "read") is None
    assert called((a, a), "view") is None
    assert called((a,), "") is None


def test_an_error_names_only_what_was_described() -> None:
    assert resolve("dance", ARGUMENTS, (TOLD, SILENT), KIMI_K2).reason.endswith("the tools are: read_file")
    assert resolve("view", ARGUMENTS, (TOLD, SILENT), KIMI_K2).offer is SILENT
