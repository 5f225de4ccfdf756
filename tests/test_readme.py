"""What the README says is what the program does."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands.parse import parse_line
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.frontends.headless import EXIT_CODES
from roundtrip.agent.frontends.terminal.commands import COMMANDS

ROOT = Path(__file__).parents[1]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/"
README = ROOT / "README.md"
DEMO, TEST = INSTALL + "agent demo", INSTALL + "python tests/check.py"


def test_the_readme_shows_both_commands() -> None:
    lines = {line.strip().removeprefix("$ ") for line in README.read_text(encoding="utf-8").splitlines()}
    assert {DEMO, TEST} <= lines


def test_ci_runs_the_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert TEST in script.read_text(encoding="utf-8").splitlines()
    assert os.access(script, os.X_OK)


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_exit_codes_are_the_programs() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


def test_the_parse_example_prints_what_it_says() -> None:
    (command,) = [block for block in blocks("sh") if block.startswith("echo")]
    line = command.split("'")[1]
    (shown,) = blocks("json")
    assert parse_line(line) == json.loads(shown)


def test_the_python_example_runs() -> None:
    exec(compile(blocks("python")[0], "README.md", "exec"), {})


def test_the_session_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[1], "README.md", "exec"), names)
    (tmp_path / "project").mkdir()
    calls = (
        ("write_to_file", {"path": "a.py", "content": "a = 1"}),
        ("execute_command", {"command": "ls"}),
        ("write_to_file", {"path": "AGENTS.md", "content": "Obey."}),
    )
    text = "<|tool_calls_section_begin|><|tool_call_begin|>functions.{}:{}<|tool_call_argument_begin|>{}"
    end = "<|tool_call_end|><|tool_calls_section_end|>"
    turns = [{"chunks": [text.format(name, n, json.dumps(told)), end]} for n, (name, told) in enumerate(calls)]
    with ScriptedServer([*turns, {"chunks": ["Done."]}], "kimi-k2") as server:
        asyncio.run(names["session"](tmp_path / "project", tmp_path / "state", server.base_url, "write it"))
    shown = capsys.readouterr().out
    assert (tmp_path / "project" / "a.py").read_text() == "a = 1"
    assert shown.count("content='Not run: only edits are allowed here.'") == 2
    assert not (tmp_path / "project" / "AGENTS.md").exists()
    assert "TurnEnded(outcome='answered'" in shown
    assert len(list((tmp_path / "state" / "sessions").rglob("*.jsonl"))) == 1


def test_every_flag_in_the_readme_exists() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "roundtrip.agent", "--help"], capture_output=True, text=True, check=True
    ).stdout
    flags = set(re.findall(r"`(--[a-z-]+)", README.read_text(encoding="utf-8")))
    assert flags
    assert flags <= set(re.findall(r"--[a-z-]+", shown))


def test_the_commands_of_a_session_are_the_programs() -> None:
    shown = set(re.findall(r"`/([a-z]+)`", README.read_text(encoding="utf-8")))
    assert shown == set(COMMANDS), "README.md lists them"
