"""How the results of the conformance kit are shown: a table, lines for what failed, JSON."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from roundtrip.agent.commands.conformance import Case, Result, forms
from roundtrip.agent.frontends.words import printable

CLASSES: Final = {
    "wellformed": ("well-", "formed"),
    "header": ("head-", "er"),
    "structure": ("struc-", "ture"),
    "arguments": ("argu-", "ments"),
    "truncation": ("trun-", "cation"),
    "reasoning": ("reas-", "oning"),
    "stop": ("", "stop"),
    "quoting": ("quot-", "ing"),
    "policy": ("pol-", "icy"),
    "structured": ("struc-", "tured"),
    "markerless": ("mark-", "erless"),
    "stream": ("", "stream"),
}
"""The classes in the order of the table's columns, and their heads: narrow, so that all fit on a screen."""

_TICK: Final = 0.2
_SHOWN: Final = ("content", "reasoning", "tool_calls", "unresolved", "repairs")


def table(results: Sequence[Result]) -> list[str]:
    """Families by classes; what was passed of what there was, or one number if that is all."""
    groups = [group for group in CLASSES if any(result.case.group == group for result in results)]
    families = sorted({result.case.family for result in results})
    rows = [["", *(CLASSES[group][0] for group in groups), ""]]
    rows.append(["family", *(CLASSES[group][1] for group in groups), "total"])
    for family in families:
        own = [result for result in results if result.case.family == family]
        rows.append([family, *(_cell(result for result in own if result.case.group == group) for group in groups)])
        rows[-1].append(_cell(own))
    of = {group: [result for result in results if result.case.group == group] for group in groups}
    rows.append(["passed", *(str(_passed(of[group])) for group in groups), str(_passed(results))])
    rows.append(["of", *(str(len(of[group])) for group in groups), str(len(results))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    return [*lines[:2], rule, *lines[2:-2], rule, *lines[-2:]]


def report(results: Sequence[Result], *, verbose: bool) -> list[str]:
    """The table, what failed, and a last word."""
    failed = [result for result in results if result.failures]
    lines = [*table(results), "", *(line for result in failed for line in failure_lines(result, verbose=verbose))]
    said = f"{len(failed)} of {len(results)} cases failed" if failed else f"all {len(results)} cases passed"
    return [*lines, *([""] if failed else []), said]


def _cell(results: Iterable[Result]) -> str:
    own = list(results)
    passed = _passed(own)
    return (str(passed) if passed == len(own) else f"{passed}/{len(own)}") if own else "-"


def _passed(results: Iterable[Result]) -> int:
    return sum(not result.failures for result in results)


def failure_lines(result: Result, *, verbose: bool) -> list[str]:
    """What failed, in a line; verbose: with the rule, the source, and what was expected and got."""
    case = result.case
    problems: dict[str, list[str]] = {}
    for failure in result.failures:
        problems.setdefault(failure.problem, []).append(failure.form)
    everywhere = [form for form, _ in forms(case)]
    said = (what if where == everywhere else f"{what} ({', '.join(where)})" for what, where in problems.items())
    lines = [f"{case.id}: {'; '.join(said)}"]
    if verbose:
        first = result.failures[0]
        lines += [f"  rule      {case.rule}", f"  source    {case.source}"]
        lines += [f"  expected  {_written(case.expected)}"]
        got = {field: first.answer[field] for field in _SHOWN if field in first.answer} if first.answer else None
        lines += [f"  got       {_written(got)}"] if got is not None else []
    return [printable(line) for line in lines]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_json(result: Result) -> dict[str, Any]:
    """A result for other programs; the request of each failure is what was sent."""
    failures = [
        {"form": one.form, "problem": one.problem, "request": one.request, "answer": one.answer}
        for one in result.failures
    ]
    case = result.case
    named = {"id": case.id, "family": case.family, "class": case.group, "passed": not failures}
    return {**named, "expected": case.expected, "failures": failures} if failures else named


def list_lines(cases: Sequence[Case], *, as_objects: bool) -> list[str]:
    """The cases: as they lie in the kit, or a line of words each."""
    if as_objects:
        return [json.dumps(_data(case)) for case in cases]
    return [printable(f"{case.id}  {case.group}  {case.rule}") for case in cases]


def _data(case: Case) -> dict[str, Any]:
    named = {"id": case.id, "family": case.family, "class": case.group, "source": case.source, "rule": case.rule}
    return {**named, "request": case.request, "expected": case.expected}


class Progress:
    """A line that is written over while the cases run, if there is a terminal for it."""

    def __init__(self, cases: int, out: TextIO) -> None:
        self._cases = cases
        self._out = out if out.isatty() and os.environ.get("TERM", "dumb") != "dumb" else None
        self._shown = 0.0

    def show(self, results: Sequence[Result]) -> None:
        """Says how far it is, a few times a second."""
        now = time.monotonic()
        if self._out is not None and now - self._shown > _TICK:
            self._shown = now
            failed = len(results) - _passed(results)
            self._out.write(f"\r\x1b[K{len(results)} of {self._cases} cases, {failed} failed")
            self._out.flush()

    def clear(self) -> None:
        """Leaves nothing of it."""
        if self._out is not None and self._shown:
            self._shown = 0.0
            self._out.write("\r\x1b[K")
            self._out.flush()
