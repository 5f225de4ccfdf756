"""The conformance kit: its cases, the forms in which each is sent, and what counts as the right answer.

Pure but for the reading of the kit's files: `conformance_run` talks to the program that is tested,
`conformance_report` shows what came of it. tests/corpus/README.md says the same to authors of other programs.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import roundtrip.conformance

_CUTS: Final = (4, 16, 64)
"""The longest piece of each random cut: markers are broken in several places, in one or two, and mostly whole."""

Form = tuple[str, dict[str, Any]]
"""Its name, and the request."""


class KitError(Exception):
    """The kit can't be used as asked for. The message says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the kit; its schema is case.schema.json. group: its `class`."""

    id: str
    family: str
    group: str
    source: str
    rule: str
    request: Mapping[str, Any]
    expected: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A form that was not answered as expected. answer: None if there was none."""

    form: str
    problem: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A case passes if it does in all forms."""

    case: Case
    failures: tuple[Failure, ...] = ()


def own_kit() -> Traversable:
    """The folder of the kit that is installed with the program."""
    return files(roundtrip.conformance)


def load(folder: Traversable) -> list[Case]:
    """The cases of a kit, file by file. Raises KitError."""
    valid = _validator()
    cases: dict[str, Case] = {}
    try:
        names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".jsonl"))
        for name in names:
            for number, line in enumerate((folder / name).read_text(encoding="utf-8").split("\n"), 1):
                if not line.strip():
                    continue
                case = _case(line, f"{name}, line {number}", valid)
                if case.id in cases:
                    raise KitError(f"{name}, line {number}: there is another case called {case.id}")
                cases[case.id] = case
    except (OSError, UnicodeError) as error:
        raise KitError(f"the kit in {folder} can't be read: {error}") from None
    if not cases:
        raise KitError(f"there is no case in {folder}: a kit is a folder of *.jsonl files")
    return list(cases.values())


def _validator() -> Callable[[Any], object]:
    from fastjsonschema import compile as compiled

    check: Callable[[Any], object] = compiled(json.loads((own_kit() / "case.schema.json").read_text(encoding="utf-8")))
    return check


def _case(line: str, place: str, valid: Callable[[Any], object]) -> Case:
    from fastjsonschema import JsonSchemaException

    try:
        data = json.loads(line)
        valid(data)
    except (ValueError, RecursionError) as error:  # what the validator raises is a ValueError, too
        said = str(error) if isinstance(error, JsonSchemaException) else f"not JSON: {error}"
        raise KitError(f"{place}: no case: {said}") from None
    return Case(group=data.pop("class"), **data)


def chosen(cases: Sequence[Case], families: Iterable[str], groups: Iterable[str], ids: Iterable[str]) -> list[Case]:
    """The cases that were asked for; all of them if nothing was. Raises KitError for what the kit does not have."""
    for word, wanted, known in (
        ("family", families, {case.family for case in cases}),
        ("class", groups, {case.group for case in cases}),
        ("case", ids, {case.id for case in cases}),
    ):
        for name in wanted:
            if name not in known:
                others = "--list shows them" if word == "case" else f"there are: {', '.join(sorted(known))}"
                raise KitError(f"the kit has no {word} {name!r}; {others}")
    wanted_families, wanted_groups, wanted_ids = set(families), set(groups), set(ids)
    found = [
        case
        for case in cases
        if (not wanted_families or case.family in wanted_families)
        and (not wanted_groups or case.group in wanted_groups)
        and (not wanted_ids or case.id in wanted_ids)
    ]
    if not found:
        raise KitError("no case is all of what was asked for")
    return found


def forms(case: Case) -> Iterator[Form]:
    """The request as it is, a character at a time, and at random cuts that are the same in every run."""
    yield "as it is", dict(case.request)
    content, reasoning = _joined(case.request, "content", "chunks"), _joined(case.request, "reasoning")
    if "deltas" in case.request or max(len(content), len(reasoning)) < 2:
        return
    yield "characters", _chunked(case.request, list(content), list(reasoning))
    for number, longest in enumerate(_CUTS, 1):
        dice = random.Random(f"{case.id} {number}")
        pieces = (_cut(text, longest, dice) for text in (content, reasoning))
        yield f"cut {number}", _chunked(case.request, *pieces)


def _joined(request: Mapping[str, Any], one: str, many: str = "") -> str:
    chunks: list[str] = request.get(many or f"{one}_chunks") or [request.get(one) or ""]
    return "".join(chunks)


def _chunked(request: Mapping[str, Any], content: list[str], reasoning: list[str]) -> dict[str, Any]:
    texts = ("content", "chunks", "reasoning", "reasoning_chunks")
    rest = {key: value for key, value in request.items() if key not in texts}
    return {"chunks": content, **({"reasoning_chunks": reasoning} if reasoning else {}), **rest}


def _cut(text: str, longest: int, dice: random.Random) -> list[str]:
    pieces = []
    while text:
        size = dice.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def problem(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """What is wrong with an answer: the fields that differ, or why it can't be compared; "" if it is right.

    A field that is missing or null counts as empty.
    """
    if answer.get("error"):
        return f"error: {answer['error']}"
    try:
        differing = [field for field, same in _compared(expected, answer) if not same]
    except (TypeError, ValueError) as error:
        return str(error)
    return f"{', '.join(differing)} {'differ' if len(differing) > 1 else 'differs'}" if differing else ""


def _compared(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for field in ("content", "reasoning"):
        text = answer.get(field) or ""
        if not isinstance(text, str):
            raise TypeError(f"{field} is no string")
        yield field, text.split() == expected[field].split()
    calls = [{"name": call.get("name"), "arguments": call.get("arguments")} for call in _objects(answer, "tool_calls")]
    yield "tool_calls", same_json(calls, expected["tool_calls"])
    names = [call.get("name") for call in _objects(answer, "unresolved")]
    if not all(name is None or isinstance(name, str) for name in names):
        raise TypeError("unresolved has a name that is neither a string nor null")
    yield "unresolved", Counter(names) == Counter(expected["unresolved"])
    if "repairs" in expected and answer.get("repairs") is not None:
        kinds = [repair.get("kind") for repair in _objects(answer, "repairs")]
        yield "repairs", all(isinstance(kind, str) for kind in kinds) and set(kinds) == set(expected["repairs"])


def _objects(answer: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    value = answer.get(field) or []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise TypeError(f"{field} is no list of objects")
    return value


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are one number, but true is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
