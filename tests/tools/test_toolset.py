"""What holds for every tool, and for all of them together."""

import json

import fastjsonschema
import pytest
from roundtrip.agent.messages import ToolSpec
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.toolset import default_tools

OTHER_NAMES = {
    "read_file": "Read view cat",
    "write_to_file": "Write write_file create_file",
    "execute_command": "Bash shell run_shell_command run_terminal_cmd execute",
    "search_files": "Grep grep_search",
    "list_files": "Glob LS list_directory list_dir",
}
OTHER_PARAMETERS = {
    "path": "file_path absolute_path filename target_file",
    "command": "cmd",
    "regex": "pattern query",
    "content": "file_text text",
}


@pytest.fixture
def specs(workspace: LocalWorkspace) -> list[ToolSpec]:
    return [tool.spec for tool in default_tools(workspace)]


def folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def test_the_order_is_fixed(specs: list[ToolSpec]) -> None:
    assert [spec.name for spec in specs if spec.offered] == [
        "read_file",
        "list_files",
        "search_files",
        "write_to_file",
        "execute_command",
    ]
    assert [spec.name for spec in specs if not spec.offered] == ["attempt_completion"]


def test_what_a_model_is_told_is_short(specs: list[ToolSpec]) -> None:
    offered = [
        {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
        for spec in specs
        if spec.offered
    ]
    block = json.dumps([{"type": "function", "function": function} for function in offered])
    assert len(block) <= 3600
    assert all(function["description"].count(". ") <= 1 for function in offered)


def test_schemas_are_flat(specs: list[ToolSpec]) -> None:
    kinds = {prop["type"] for spec in specs for prop in spec.parameters["properties"].values()}
    assert kinds <= {"string", "integer", "boolean"}
    assert {key for spec in specs for key in spec.parameters} <= {"type", "properties", "required"}


def test_examples_fit(specs: list[ToolSpec]) -> None:
    for spec in specs:
        fastjsonschema.validate({**spec.parameters, "additionalProperties": False}, json.loads(spec.example))


def test_legacy_shapes_are_schemas(specs: list[ToolSpec]) -> None:
    legacy = [fastjsonschema.compile(dict(schema)) for spec in specs for schema in spec.legacy]
    assert len(legacy) == 2
    legacy[1]({"files": ["a", {"path": "b", "line_ranges": [[1, 2]]}]})
    with pytest.raises(fastjsonschema.JsonSchemaException):
        legacy[1]({"files": [1]})


def test_names_mean_one_tool(specs: list[ToolSpec]) -> None:
    names = [folded(name) for spec in specs for name in (spec.name, *spec.aliases)]
    assert sorted(names) == sorted(set(names))


def test_names_that_models_are_used_to(specs: list[ToolSpec]) -> None:
    known = {spec.name: {folded(name) for name in spec.aliases} for spec in specs}
    for tool, names in OTHER_NAMES.items():
        assert known[tool] == {folded(name) for name in names.split()}


def test_parameters_that_models_are_used_to(specs: list[ToolSpec]) -> None:
    for spec in specs:
        for parameter in spec.parameters["properties"]:
            used = set(OTHER_PARAMETERS.get(parameter, "").split()) - set(spec.parameters["properties"])
            assert used <= {alias for alias, name in spec.parameter_aliases.items() if name == parameter}


def test_parameter_aliases_lead_to_parameters(specs: list[ToolSpec]) -> None:
    for spec in specs:
        assert set(spec.parameter_aliases.values()) <= set(spec.parameters["properties"])
        assert not set(spec.parameter_aliases) & set(spec.parameters["properties"])


def test_attempt_completion_ends_the_turn(call, tools) -> None:
    result = call("attempt_completion", result="It works.")
    assert (result.content, result.answer, result.failed) == ("Done.", "It works.", False)
    assert tools["attempt_completion"].intent({"result": ""}).effect == "reads"
