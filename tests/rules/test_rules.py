"""The decisions that are pure: which tool a call means, when to stop, when to try again."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import Call
from roundtrip.agent.rules import retries
from roundtrip.agent.rules.dispatch import Dispatched, dispatch, key, offers, usage, with_notes
from roundtrip.agent.rules.repeats import LADDER, Repeats
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import ModelFailure, Refusal, Tool
from roundtrip.tools.toolset import default_tools

TOOLS = default_tools(LocalWorkspace(Path(__file__).parent))
ALIASES = [(tool, alias) for tool in TOOLS for alias in tool.spec.aliases]
PARAMETERS = [(tool, alias, name) for tool in TOOLS for alias, name in tool.spec.parameter_aliases.items()]
SAMPLES: dict[str, Any] = {"string": "x", "integer": 3, "boolean": True, "array": ["x"]}


def example(tool: Tool) -> dict[str, Any]:
    value = json.loads(tool.spec.example)
    assert isinstance(value, dict)
    return value


def called(name: str, arguments: Any, problem: str = "") -> Dispatched | Refusal:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = Call(0, name, text, problem=problem)
    before = copy.deepcopy(call)
    found = dispatch(call, TOOLS)
    assert call == before, "history keeps what the model wrote"
    return found


def runs(name: str, arguments: Any) -> Dispatched:
    found = called(name, arguments)
    assert isinstance(found, Dispatched), found
    return found


def refused(name: str, arguments: Any, problem: str = "") -> str:
    found = called(name, arguments, problem)
    assert isinstance(found, Refusal), found
    return found.reason


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.spec.name)
def test_a_tool_takes_its_own_example_as_it_stands(tool: Tool) -> None:
    assert runs(tool.spec.name, example(tool)) == Dispatched(tool, example(tool))


@pytest.mark.parametrize(("tool", "alias"), ALIASES, ids=[alias for _, alias in ALIASES])
def test_every_alias_means_its_tool(tool: Tool, alias: str) -> None:
    for spelling in (alias, alias.upper(), alias.replace("_", "-")):
        assert runs(spelling, example(tool)) == Dispatched(tool, example(tool))


def test_no_alias_means_two_tools() -> None:
    names = [name.replace("_", "").casefold() for t in TOOLS for name in (t.spec.name, *t.spec.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("tool", "alias", "name"), PARAMETERS, ids=[f"{t.spec.name}-{a}" for t, a, _ in PARAMETERS])
def test_every_parameter_alias_means_its_parameter(tool: Tool, alias: str, name: str) -> None:
    schemas = (tool.spec.parameters, *tool.spec.legacy)
    told = next(schema["properties"][name] for schema in schemas if name in schema["properties"])
    sample = SAMPLES[told["type"]]
    others = {other: value for other, value in example(tool).items() if other != name}
    found = runs(tool.spec.name, {**others, alias: sample})
    assert found.tool is tool
    assert found.arguments == {**others, name: sample}


@pytest.mark.parametrize("name", ["python", "functions.python", "execute_ipython_cell", "run_code", "code_interpreter"])
def test_code_for_no_tool_is_sent_to_the_one_that_runs_it(name: str) -> None:
    """What is wrong with the arguments of a tool that there is not helps nobody."""
    for problem in ("", "the arguments are not valid JSON", f"there is no tool called {name!r}; the tools are: a, b"):
        reason = refused(name, {}, problem)
        assert reason.startswith(f"Not run: there is no tool called {name!r}")
        assert reason.endswith("To run code, call execute_command with the program's command line.")


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("delete_file", "rm"),
        ("removeFile", "rm"),
        ("rename_file", "mv"),
        ("move", "mv"),
        ("copy_path", "cp"),
        ("create_directory", "mkdir -p"),
        ("mkdir", "mkdir -p"),
    ],
)
def test_what_a_program_does_is_told_where_there_is_no_tool_for_it(name: str, program: str) -> None:
    assert refused(name, {"path": "a"}).endswith(f"call execute_command with {program}.")


def test_there_is_no_stdin_to_write_to() -> None:
    assert refused("write_stdin", {"session_id": 1}).endswith("give it its input in the command line.")


def test_a_parameter_under_its_own_name_wins_over_an_alias() -> None:
    assert runs("read_file", {"path": "a", "file_path": "b"}).arguments["path"] == "a"


def test_what_is_not_known_is_dropped_with_a_note() -> None:
    found = runs("write_to_file", {"path": "a", "content": "c", "line_count": 1})
    assert found.arguments == {"path": "a", "content": "c"}
    assert found.notes == ("unknown parameter 'line_count' was ignored",)
    assert with_notes("done", found.notes) == "done\n(note: unknown parameter 'line_count' was ignored)"
    assert with_notes("done", ()) == "done"


def test_a_value_of_another_type_is_taken_with_a_note() -> None:
    found = runs("execute_command", {"command": "ls", "timeout": "5"})
    assert found.arguments == {"command": "ls", "timeout": 5}
    assert "timeout" in found.notes[0]


@pytest.mark.parametrize("arguments", [{}, {"path": "a"}, {"path": "a", "content": {}}], ids=json.dumps)
def test_arguments_that_do_not_fit_are_answered_with_usage_and_example(arguments: dict[str, Any]) -> None:
    (tool,) = (tool for tool in TOOLS if tool.spec.name == "write_to_file")
    reason = refused("write_file", arguments)
    assert reason.startswith("Not run: ")
    assert reason.endswith(usage(tool.spec))
    assert "\nUsage: write_to_file(path: string, content: string)\n" in reason
    assert runs("write_to_file", json.loads(reason.rpartition("Example arguments: ")[2])).notes == ()


def test_usage_marks_what_may_be_left_out() -> None:
    assert "execute_command(command: string, cwd?: string, timeout?: integer" in refused("bash", {})


def test_an_unknown_tool_is_answered_with_those_that_are_offered() -> None:
    reason = refused("dance", {})
    assert "'dance'" in reason
    for tool in TOOLS:
        assert (tool.spec.name in reason) == tool.spec.offered


def test_a_problem_is_the_answer_and_brings_the_usage_of_a_known_tool() -> None:
    assert refused("bash", {"command": "ls"}, "it was cut off").startswith("Not run: it was cut off.\nUsage: execute_")
    assert refused("dance", {}, "it was cut off").startswith("Not run: there is no tool called 'dance'. The tools are:")
    assert refused("", {}, "the call names no tool") == "Not run: the call names no tool."


def test_the_same_call_has_the_same_key() -> None:
    assert key("f", {"a": 1, "b": 2}) == key("f", {"b": 2, "a": 1})
    assert len({key("f", {"a": 1}), key("f", {"a": "1"}), key("g", {"a": 1}), key("f", {})}) == 4


def test_the_parser_knows_which_tools_merely_read() -> None:
    changing = {offer.name for offer in offers(tool.spec for tool in TOOLS) if not offer.merely_reads}
    assert {"write_to_file", "execute_command"} <= changing
    assert not changing & {"read_file", "list_files", "search_files", "update_todo_list", "attempt_completion"}


def test_the_ladder_of_repeats() -> None:
    repeats, climbed = Repeats(), []
    for times in range(1, 13):
        climbed.append((repeats.known("f {}") is not None, repeats.count("f {}", "same")[0]))
        assert repeats.known("f {}") in (None, "same"), times
    hint, warn, refuse = (False, "hint"), (False, "warn"), (True, "refuse")
    assert climbed == [(False, "")] * 2 + [hint] * 2 + [warn] * 3 + [refuse] * 4 + [(True, "stop")]
    assert [least for least, _ in LADDER] == sorted((least for least, _ in LADDER), reverse=True)


def test_another_result_or_another_call_starts_anew() -> None:
    repeats = Repeats()
    for _ in range(6):
        repeats.count("f {}", "same")
    assert repeats.count("g {}", "same") == ("", "")
    assert repeats.count("f {}", "changed") == ("", "")
    assert repeats.count("f {}", "changed") == ("", "")
    rung, text = repeats.count("f {}", "changed")
    assert rung == "hint"
    assert "3 times" in text


def refusal(status: int, text: str = "no", after: float | None = None) -> ModelFailure:
    return ModelFailure("refused", text, status, after)


@pytest.mark.parametrize(
    ("failure", "delays"),
    [
        (ModelFailure("unreachable", "refused"), [0.5, 1.0, 2.0, None]),
        (ModelFailure("cut", "broken"), [0.5, 1.0, 2.0, None]),
        (ModelFailure("silent", "no byte"), [None]),
        *((refusal(status), [0.5, 1.0, 2.0, None]) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
        *((refusal(status), [None]) for status in (400, 401, 403, 404, 413, 422, 501)),
        (refusal(429, after=7), [7, 7, 7, None]),
        (refusal(429, after=0), [0, 0, 0, None]),
        (refusal(429, after=121), [None]),
        (refusal(400, after=1), [None]),
        (refusal(503, "Loading model"), [2.0] * 300 + [None]),
        (refusal(503, "The model is loading, please wait"), [2.0] * 300 + [None]),
        (refusal(500, "Loading model"), [0.5, 1.0, 2.0, None]),
    ],
    ids=lambda value: f"{value.kind} {value.status} {value.text}" if isinstance(value, ModelFailure) else "",
)
def test_when_a_request_is_sent_again(failure: ModelFailure, delays: list[float | None]) -> None:
    assert [retries.delay(failure, attempt) for attempt in range(1, len(delays) + 1)] == delays


def test_waiting_for_a_model_to_load_uses_up_no_other_try() -> None:
    attempts = retries.Attempts()
    assert [attempts.delay(refusal(503, "Loading model")) for _ in range(9)] == [2.0] * 9
    assert [attempts.delay(ModelFailure("cut", "broken")) for _ in range(4)] == [0.5, 1.0, 2.0, None]
    assert attempts.delay(refusal(503, "Loading model")) == 2.0
    assert attempts.delay(refusal(400)) is None
