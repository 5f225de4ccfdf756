"""Hands the cases to the real tools, on real files, and looks at the bytes that they leave."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from edits.cases import KINDS, Case
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Tool
from roundtrip.tools.apply_diff import ApplyDiff
from roundtrip.tools.edit_file import EditFile
from roundtrip.tools.read_file import ReadFile

Outcome = Literal["applied", "refused", "wrong"]
MARKERS: Final = ("<<<<<<<", "=======", ">>>>>>>", "-------", ":start_line")


class Verdict(NamedTuple):
    """What became of a case. said: the tool's answer. left: the bytes of the file afterwards."""

    case: Case
    outcome: Outcome
    said: str
    left: bytes


class Judge:
    """root: an empty folder. It holds one file per case, for as long as the case takes."""

    def __init__(self, root: Path) -> None:
        self._workspace = LocalWorkspace(root)
        self._read = ReadFile(self._workspace)
        self._edit = EditFile(self._workspace)
        self._blocks = ApplyDiff(self._workspace)

    async def edit(self, case: Case) -> Verdict:
        """Through `edit_file`."""
        arguments = {"path": case.name, "old_string": case.old, "new_string": case.new}
        return await self._judge(case, self._edit, arguments | ({"replace_all": True} if case.everywhere else {}))

    async def block(self, case: Case) -> Verdict:
        """Through `apply_diff`, as one SEARCH/REPLACE block."""
        return await self._judge(case, self._blocks, {"path": case.name, "diff": block(case)})

    async def _judge(self, case: Case, tool: Tool, arguments: dict[str, object]) -> Verdict:
        path = self._workspace.root / case.name
        path.write_bytes(case.data)
        try:
            await self._read.run({"path": case.name}, lambda text: None)
            result = await tool.run(arguments, lambda text: None)
            left = path.read_bytes()
        finally:
            path.unlink()
        return Verdict(case, outcome(case, result, left), result.content, left)


def outcome(case: Case, result: ToolResult, left: bytes) -> Outcome:
    """A tool that writes says so, and one that does not says that it failed."""
    if left == case.data:
        return "refused" if result.failed or case.expected == "nothing" else "wrong"
    may_write = case.expected in ("apply", "apply or refuse")
    return "applied" if may_write and left == case.intended and not result.failed else "wrong"


def fits_block(case: Case) -> bool:
    """Whether a block can say the same: whole lines without markers in them, at one place."""
    lines = (case.old + "\n" + case.new).split("\n")
    same_end = case.old.endswith("\n") == case.new.endswith("\n") or not case.new
    return (
        case.lines and same_end and not case.everywhere and not any(line.strip().startswith(MARKERS) for line in lines)
    )


def block(case: Case) -> str:
    old, new = (text + "\n" if text and not text.endswith("\n") else text for text in (case.old, case.new))
    return f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE"


def judged(root: Path, cases: Iterable[Case], *, blocks: bool = False) -> Iterator[Verdict]:
    """The verdicts, in order. blocks: of those cases that a block can say, through `apply_diff`."""
    judge = Judge(root)
    with asyncio.Runner() as runner:
        for case in cases:
            if not blocks:
                yield runner.run(judge.edit(case))
            elif fits_block(case):
                yield runner.run(judge.block(case))


class Row(NamedTuple):
    """One kind. sure, recovered: cases that had to be applied, and how many of these were."""

    kind: str
    cases: int
    applied: int
    refused: int
    wrong: int
    sure: int
    recovered: int


def table(verdicts: Iterable[Verdict]) -> list[Row]:
    """A row for every kind that was judged, in the order of the kinds."""
    counts: dict[str, Counter[str]] = {}
    for case, result, _, _ in verdicts:
        count = counts.setdefault(case.kind, Counter())
        count["cases"] += 1
        count[result] += 1
        count["sure"] += case.expected == "apply"
        count["recovered"] += case.expected == "apply" and result == "applied"
    return [Row(kind, *(counts[kind][field] for field in Row._fields[1:])) for kind in KINDS if kind in counts]


def shown(verdict: Verdict) -> str:
    """A case that went wrong, for people."""
    case = verdict.case
    around = _difference(case.intended, verdict.left)
    head = f"{verdict.outcome}: {case.kind} {case.number}, {case.name} ({case.variant}), expected to {case.expected}"
    return f"{head}\n old {case.old!r}\n new {case.new!r}\n{around} said {verdict.said[:300]!r}"


def _difference(intended: bytes, left: bytes) -> str:
    if intended == left:
        return ""
    at = next(
        (n for n, (a, b) in enumerate(zip(intended, left, strict=False)) if a != b), min(len(intended), len(left))
    )
    start = max(0, at - 60)
    return f" want {intended[start : at + 60]!r}\n left {left[start : at + 60]!r}\n"
