"""The conformance kit: what users really saw, every known malformation, and what looks like a call and is none.

It goes through the same door as any other program's parser: lines in, lines out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.commands.parse import parse

pytestmark = pytest.mark.once

CORPUS = Path(__file__).parents[1] / "corpus"
CASES = [json.loads(line) for file in sorted(CORPUS.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]


def test_the_kit_passes_through_the_same_door() -> None:
    """Each case whole, in characters and at random cuts."""
    command = [sys.executable, "-P", "-m", "roundtrip.agent", "conformance", "--kit", str(CORPUS), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=110)
    failed = [row["id"] for row in map(json.loads, run.stdout.splitlines()) if not row.get("passed", True)]
    assert (run.returncode, failed) == (0, []), run.stderr


def test_the_kit_is_large_and_says_where_it_has_its_cases_from() -> None:
    assert len(CASES) >= 600
    assert {case["class"] for case in CASES} >= {"header", "structure", "truncation", "reasoning", "quoting"}
    assert all(case["source"] and case["rule"] for case in CASES)


def quoted(text: str) -> str:
    return f"An example:\n\n{'`' * 5}\n{text}\n{'`' * 5}\n\nThat was it."


WELL_FORMED = [case for case in CASES if case["class"] == "wellformed" and case["request"].get("content")]


@pytest.mark.parametrize("case", WELL_FORMED, ids=[case["id"] for case in WELL_FORMED])
def test_what_runs_stays_text_in_a_fence(case: dict[str, Any]) -> None:
    text = quoted(case["request"]["content"])
    answer = parse({**case["request"], "content": text})
    assert (answer["content"], answer["tool_calls"], answer["unresolved"]) == (text, [], [])


@pytest.mark.parametrize("case", WELL_FORMED, ids=[case["id"] for case in WELL_FORMED])
def test_what_runs_does_not_run_beside_a_structured_call(case: dict[str, Any]) -> None:
    structured = {"id": "call_1", "function": {"name": "other", "arguments": "{}"}}
    tools = [*case["request"]["tools"], "other"]
    answer = parse({**case["request"], "tools": tools, "tool_calls": [structured]})
    assert [call["name"] for call in answer["tool_calls"]] == ["other"]


@pytest.mark.parametrize("case", WELL_FORMED, ids=[case["id"] for case in WELL_FORMED])
def test_what_runs_does_not_run_where_nothing_is_allowed(case: dict[str, Any]) -> None:
    for request in ({**case["request"], "tools": []}, {**case["request"], "tool_choice": "none"}):
        answer = parse(request)
        assert (answer["tool_calls"], answer["unresolved"]) == ([], [])
