"""What users really saw, from public threads: `corpus/k2.jsonl` holds messages and what was meant by them,
`corpus/negatives.jsonl` what looks like a call and is none.

Right is: the calls by name and arguments, in order; the refused calls by name; the texts, with white space folded.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from leaks.k2 import TOOLS, calls, chunked, cut
from roundtrip.agent.commands.parse import parse

CORPUS = Path(__file__).parents[1] / "corpus"


def rows(name: str) -> dict[str, dict[str, Any]]:
    lines = (CORPUS / name).read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


INCIDENTS, NEGATIVES = rows("k2.jsonl"), rows("negatives.jsonl")


def streams(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The request as it came, in characters, and at random cuts."""
    text = "".join(request.get("chunks") or [request.get("content") or ""])
    reasoning = request.get("reasoning") or ""
    dice = random.Random(0)
    cuts = [
        cut(request, *(chunked(part, iter(dice.choices(range(1, 40), k=80))) for part in (text, reasoning)))
        for _ in range(20)
    ]
    return [request, cut(request, list(text), list(reasoning)), *cuts]


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("row", INCIDENTS.values(), ids=INCIDENTS)
def test_an_incident_is_read_as_it_was_meant(row: dict[str, Any]) -> None:
    expected = row["expected"]
    for request in streams(row["request"]):
        answer = parse(request)
        assert calls(answer) == calls(expected)
        assert [bad["name"] for bad in answer["unresolved"]] == expected["unresolved"]
        assert folded(answer["content"]) == folded(expected["content"])
        assert folded(answer["reasoning"]) == folded(expected["reasoning"])


@pytest.mark.parametrize("tools", [[], TOOLS], ids=["no tools", "tools"])
@pytest.mark.parametrize("row", NEGATIVES.values(), ids=NEGATIVES)
def test_what_is_no_call_stays_text(row: dict[str, Any], tools: list[Any]) -> None:
    for request in streams({"content": row["text"], "tools": tools}):
        answer = parse(request)
        assert (answer["content"], answer["tool_calls"], answer["unresolved"]) == (row["text"], [], [])
        assert answer["repairs"] == []


@pytest.mark.parametrize("row", NEGATIVES.values(), ids=NEGATIVES)
def test_what_is_no_call_is_none_in_reasoning_either(row: dict[str, Any]) -> None:
    answer = parse({"reasoning": row["text"], "tools": TOOLS})
    assert (answer["reasoning"], answer["tool_calls"], answer["unresolved"]) == (row["text"], [], [])


def test_ids_are_the_family_s_own() -> None:
    """Whatever came: the template prints ids into the prompt, and the model imitates them."""
    [made] = parse({**INCIDENTS["seed-002-a"]["request"], "calls_before": 7})["tool_calls"]
    assert made["id"] == "functions.create_file:7"
