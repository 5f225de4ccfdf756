"""What holds for every tool, and for all of them together in each situation."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import fastjsonschema
import pytest
from roundtrip.agent.messages import System, ToolResult, ToolSpec, User
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Output, Ports, Situation, Tool
from roundtrip.agent.wire.profiles import GENERIC
from roundtrip.agent.wire.render import render
from roundtrip.tools.caps import caps_for
from roundtrip.tools.toolset import CORE, SMALL, default_tools


async def inquire(question: str, options: tuple[str, ...]) -> str | None:
    return None


async def delegate(task: str, output: Output) -> ToolResult:
    return ToolResult("done")


ORDER = [
    "read_file",
    "list_files",
    "search_files",
    "write_to_file",
    "edit_file",
    "apply_diff",
    "execute_command",
    "read_command_output",
    "update_todo_list",
    "ask_followup_question",
    "new_task",
    "web_fetch",
    "str_replace_based_edit_tool",
    "attempt_completion",
    "kill_command",
]
NEVER_OFFERED = {"apply_diff", "str_replace_based_edit_tool", "attempt_completion", "kill_command"}
OPTIONAL = {"ask_followup_question", "new_task", "web_fetch"}
EVERYTHING = Situation(200_000, 4, images=True, interactive=True, wanted=frozenset({"new_task", "web_fetch"}))
ALL_PORTS = Ports(inquire, delegate)
SITUATIONS: dict[str, tuple[Situation, Ports, int]] = {
    # the situation, what the tools reach, and the most bytes of their description
    "unknown": (Situation(), Ports(), 4800),
    "8k": (Situation(8192), Ports(), 2400),
    "8k, at the keyboard": (Situation(8192, 1, interactive=True), Ports(inquire, delegate), 2400),
    "32k": (Situation(32_768), Ports(), 4800),
    "128k, at the keyboard": (Situation(131_072, 1, interactive=True), Ports(inquire), 4800),
    "everything": (EVERYTHING, ALL_PORTS, 4800),
}


def tools_of(workspace: LocalWorkspace, situation: Situation, ports: Ports) -> Sequence[Tool]:
    return default_tools(workspace, situation, ports)


def told(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """What goes over the wire."""
    body = render((System("s"), User("u")), [tool.spec for tool in tools], "m", GENERIC)
    listed = body["tools"]
    assert isinstance(listed, list)
    return listed


@pytest.fixture
def specs(workspace: LocalWorkspace) -> list[ToolSpec]:
    return [tool.spec for tool in tools_of(workspace, EVERYTHING, ALL_PORTS)]


def folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


MUCH: dict[str, tuple[str, dict[str, Any]]] = {
    "an unread file that is to be replaced": ("write_to_file", {"path": "long", "content": "x"}),
    "an unread file that is to be edited": (
        "edit_file",
        {"path": "long", "edits": [{"old_string": "word", "new_string": "x", "replace_all": True}] * 2},
    ),
    "an unread file with a patch": (
        "apply_diff",
        {"path": "long", "diff": "<<<<<<< SEARCH\nword 7\n=======\nx\n>>>>>>> REPLACE"},
    ),
    "many files": ("read_file", {"files": ["long"] * 60}),
    "links to far away": ("list_files", {"path": "links"}),
}


@pytest.mark.parametrize(("name", "arguments"), MUCH.values(), ids=MUCH)
def test_no_result_is_too_much_for_a_small_context(
    workspace: LocalWorkspace, name: str, arguments: dict[str, Any]
) -> None:
    (workspace.root / "long").write_text("".join(f"word {n} and {'others ' * (n % 9)}\n" for n in range(3_000)))
    (workspace.root / "links").mkdir()
    for number in range(50):
        (workspace.root / "links" / f"{number}").symlink_to("x" * 4_000)
    tools = {tool.spec.name: tool for tool in default_tools(workspace, Situation(8192))}
    sizes = [len(asyncio.run(tools[name].run(arguments, print)).content.encode()) for _ in range(4)]
    assert 1000 < max(sizes) < caps_for(8192).bytes + 500


def test_every_tool_is_there_in_a_fixed_order(specs: list[ToolSpec]) -> None:
    assert [spec.name for spec in specs] == ORDER
    assert {spec.name for spec in specs if not spec.offered} == NEVER_OFFERED


@pytest.mark.parametrize(("situation", "ports", "most"), SITUATIONS.values(), ids=SITUATIONS)
def test_what_a_model_is_told_fits_its_context(
    workspace: LocalWorkspace, situation: Situation, ports: Ports, most: int
) -> None:
    tools = tools_of(workspace, situation, ports)
    names = [tool.spec.name for tool in tools]
    assert names == [name for name in ORDER if name in names], "a part of the one order"
    listed = told(tools)
    assert len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()) <= most
    again = told(tools_of(workspace, situation, ports))
    assert json.dumps(listed) == json.dumps(again), "the prefix of a session never changes"


def test_a_small_context_hears_of_the_core_only_and_accepts_all(workspace: LocalWorkspace) -> None:
    small = tools_of(workspace, Situation(SMALL - 1), ALL_PORTS)
    large = tools_of(workspace, Situation(SMALL), ALL_PORTS)
    assert {tool["function"]["name"] for tool in told(small)} == CORE
    assert [tool.spec.name for tool in small] == [tool.spec.name for tool in large]
    wanted = tools_of(workspace, Situation(SMALL - 1, wanted=frozenset({"web_fetch"})), Ports())
    assert {tool["function"]["name"] for tool in told(wanted)} == CORE | {"web_fetch"}
    assert caps_for(SMALL - 1) != caps_for(SMALL), "the caps part the contexts at the same place"


def test_what_is_accepted_without_being_offered_runs(workspace: LocalWorkspace) -> None:
    (workspace.root / "a").touch()
    tools = {tool.spec.name: tool for tool in tools_of(workspace, Situation(8192), Ports())}
    listing = tools["list_files"]
    assert not listing.spec.offered
    assert listing.intent({}).paths == (workspace.root,)
    assert "a" in asyncio.run(listing.run({}, print)).content


@pytest.mark.parametrize(
    ("situation", "ports", "there"),
    [
        (Situation(), Ports(), set()),
        (Situation(interactive=True), Ports(inquire), {"ask_followup_question"}),
        (Situation(wanted=frozenset({"new_task"}), slots=4), Ports(delegate=delegate), {"new_task"}),
        (Situation(wanted=frozenset({"new_task"}), slots=1), Ports(delegate=delegate), set()),
        (Situation(wanted=frozenset({"new_task"})), Ports(), set()),
        (Situation(wanted=frozenset({"web_fetch"})), Ports(), {"web_fetch"}),
        (EVERYTHING, ALL_PORTS, OPTIONAL),
    ],
    ids=str,
)
def test_optional_tools(workspace: LocalWorkspace, situation: Situation, ports: Ports, there: set[str]) -> None:
    offered = {tool.spec.name for tool in tools_of(workspace, situation, ports) if tool.spec.offered}
    assert offered & OPTIONAL == there


def test_descriptions_are_short(specs: list[ToolSpec]) -> None:
    for spec in specs:
        assert spec.description.count(". ") <= 1, spec.name
        assert spec.description.endswith("."), spec.name


def test_schemas_are_flat(specs: list[ToolSpec]) -> None:
    """What small models fill in, and what grammar-based servers take."""
    for spec in specs:
        assert set(spec.parameters) <= {"type", "properties", "required"}, spec.name
        assert len(spec.parameters["properties"]) <= 5 or not spec.offered, spec.name
        assert set(spec.parameters.get("required", ())) <= set(spec.parameters["properties"])
        for name, schema in spec.parameters["properties"].items():
            assert set(schema) <= {"type", "description", "enum", "items"}, f"{spec.name}.{name}"
            assert schema["type"] in ("string", "integer", "boolean", "array"), f"{spec.name}.{name}"
            assert (
                schema.get("items") in ((None,) if schema["type"] != "array" else ({"type": "string"},))
                or not spec.offered
            )


def test_examples_fit(specs: list[ToolSpec]) -> None:
    for spec in specs:
        fastjsonschema.validate({**spec.parameters, "additionalProperties": False}, json.loads(spec.example))


def test_legacy_shapes_are_schemas(specs: list[ToolSpec]) -> None:
    for schema in (schema for spec in specs for schema in spec.legacy):
        fastjsonschema.compile(dict(schema))
        assert schema["type"] == "object"


def test_names_mean_one_tool(specs: list[ToolSpec]) -> None:
    names = [folded(name) for spec in specs for name in {folded(name) for name in (spec.name, *spec.aliases)}]
    assert sorted(names) == sorted(set(names))


def test_parameter_aliases_lead_to_parameters(specs: list[ToolSpec]) -> None:
    for spec in specs:
        shapes = (spec.parameters, *spec.legacy)
        own = {name for shape in shapes for name in shape["properties"]}
        assert set(spec.parameter_aliases.values()) <= own, spec.name
        assert not {folded(alias) for alias in spec.parameter_aliases} & {folded(name) for name in own}, spec.name


def test_attempt_completion_ends_the_turn(call, tools) -> None:
    result = call("attempt_completion", result="It works.")
    assert (result.content, result.answer, result.failed) == ("Done.", "It works.", False)
    assert tools["attempt_completion"].intent({"result": ""}).effect == "reads"
