"""`apply_diff`: several changes at once, as SEARCH/REPLACE blocks; or a Codex patch, or a unified diff (patches.py).

All of a call is planned before anything is written: if one block can't be placed, nothing happens to any file. Should
the disk fail in between, what was written is taken back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.messages import Effect, ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.diffs import LINES, changes
from roundtrip.tools.editing.documents import Document, sane
from roundtrip.tools.editing.files import SMALL, Failures, Files, Opened, report
from roundtrip.tools.editing.hunks import Change
from roundtrip.tools.editing.misses import APPLIED, Miss
from roundtrip.tools.editing.patches import is_whole, parse, target_of
from roundtrip.tools.editing.planning import Draft, Plan, plan_hunks, same_reading, written
from roundtrip.tools.editing.together import Becomes, write_together
from roundtrip.tools.habits import FILE_PATH, edits
from roundtrip.tools.paths import failure, missing

SPEC = ToolSpec(
    name="apply_diff",
    description="Change several places of a file with SEARCH/REPLACE blocks. All of them are applied, or none.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "relative to the workspace"},
            "diff": {
                "type": "string",
                "description": "<<<<<<< SEARCH\nexact lines\n=======\nnew lines\n>>>>>>> REPLACE",
            },
        },
        "required": ["path", "diff"],
    },
    effect="edits",
    aliases=("apply_patch", "patch", "replace_in_file", "apply_edit", "patch_file", "repo_browser.apply_patch"),
    parameter_aliases={
        **FILE_PATH,
        "patch": "diff",
        "patch_text": "diff",
        "input": "diff",
        "file": "path",
    },
    legacy=({"type": "object", "properties": {"diff": {"type": "string"}}, "required": ["diff"]},),
    example=(
        '{"path": "src/main.py", "diff": "<<<<<<< SEARCH\\nretries = 3\\n=======\\nretries = 5\\n>>>>>>> REPLACE"}'
    ),
    adapt=edits.apply_diff,
)

TEXTS: Final = (".patch", ".diff", ".rej")
"""Endings of files that are patches themselves."""

DONE: Final = "already applied, nothing was changed"


@dataclass(slots=True)
class _Step:
    """What happens to one file. before, after: its bytes, None where it is not there. said, diff: of it, when it is
    done. target: where it is moved to. unseen: the model should see it first, at `line`. misses: for each block why it
    can't be applied, None where it can."""

    change: Change
    path: Path
    before: bytes | None = None
    after: bytes | None = None
    said: str = ""
    diff: str = ""
    target: Path | None = None
    opened: Opened | None = None
    line: int = 1
    unseen: bool = False
    misses: list[tuple[str, Miss | None]] = field(default_factory=list)

    @property
    def fails(self) -> bool:
        return any(miss is not None and miss.kind != "applied" for _, miss in self.misses)

    @property
    def changes(self) -> bool:
        """Whether anything is left to be done."""
        return bool(self.target) or self.after != self.before


def misplaced(path: str, text: str) -> bool:
    """Whether a text that was given as a file's content is meant as a patch to it."""
    return is_whole(text) and not path.lower().endswith(TEXTS)


class ApplyDiff:
    spec = SPEC

    def __init__(self, workspace: Workspace, failures: Failures | None = None, caps: Caps = DEFAULT) -> None:
        self._workspace = workspace
        self._files = Files(workspace, "send the patch again", failures, caps)

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        found = self._located(arguments)
        if isinstance(found, Refusal):
            return Intent("edits", refusal=found)
        paths = [path for step in found for path in (step.path, step.target) if path is not None]
        effect: Effect = "edits" if self._possible(found) else "reads"
        return Intent(effect, tuple(dict.fromkeys(paths)), preview=partial(self._preview, arguments))

    def _possible(self, steps: Sequence[_Step]) -> bool:
        """Whether `run` would write, as things stand."""
        try:
            for step in steps:
                self._plan(step)
        except OSError:
            return False
        return not any(step.fails or step.unseen for step in steps) and any(step.changes for step in steps)

    def _preview(self, arguments: Mapping[str, Any]) -> str:
        steps = self._located(arguments)
        if isinstance(steps, Refusal):
            return steps.reason
        try:
            for step in steps:
                self._plan(step)
        except OSError as error:
            return f"The files can't be read: {error.strerror}"
        failed = [line for step in steps if step.fails for line in self._states(step)]
        return "\n".join(failed or [step.diff or step.said for step in steps])

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        steps = self._located(arguments)
        if isinstance(steps, Refusal):
            return failure(f"Nothing was applied: {steps.reason}")
        paths = [path for step in steps for path in (step.path, step.target) if path is not None]
        async with self._workspace.lock(*paths):
            try:
                for step in steps:
                    self._plan(step)
                if any(step.fails for step in steps):
                    return await self._explain(steps)
                unseen = next((step for step in steps if step.unseen), None)
                if unseen and unseen.opened:
                    left = f", so {_nothing(steps)}" if len(steps) > 1 else ""
                    return await self._files.show_first(unseen.opened, None, unseen.line, left)
                problem = write_together(self._workspace, [file for step in steps for file in _becomes(step)])
            except OSError as error:
                return failure(f"Nothing was applied: {error.strerror or error}.")
        if problem:
            return failure(problem)
        for step in steps:
            self._files.succeeded(step.path)
        return ToolResult("\n".join(step.said for step in steps), "\n".join(filter(None, (s.diff for s in steps))))

    # Planning

    def _located(self, arguments: Mapping[str, Any]) -> list[_Step] | Refusal:
        """One step for each file of the patch, or what is wrong with the patch or its paths."""
        patch = parse(sane(arguments["diff"]))
        if patch.problem:
            return Refusal(patch.problem)
        given = arguments.get("path", "")
        steps: dict[Path, _Step] = {}
        for change in patch.changes:
            name = target_of(change, given, alone=len({one.path for one in patch.changes}) == 1)
            if isinstance(name, Refusal):
                return name
            path = self._workspace.locate(name, writing=True)
            target = self._workspace.locate(change.move_to, writing=True) if change.move_to else None
            if isinstance(path, Refusal):
                return path
            if isinstance(target, Refusal):
                return target
            if (target or change.kind == "delete") and os.path.islink(self._workspace.root / name):
                return Refusal(f"{name} is a link to {self._workspace.shown(path)}; use execute_command with rm or mv")
            same = steps.get(path)
            if same and (same.change.kind, change.kind) == ("update", "update") and not (same.target or target):
                same.change = replace(same.change, hunks=same.change.hunks + change.hunks, ordered=False)
            elif same or path in (step.target for step in steps.values()):
                return Refusal(f"{name} occurs twice in the patch; make two calls")
            else:
                steps[path] = _Step(change, path, target=None if target == path else target)
        return list(steps.values())

    def _plan(self, step: _Step) -> None:
        """Fills in what the step would do. Raises OSError."""
        step.misses = []
        name = self._workspace.shown(step.path)
        if step.target and os.path.lexists(step.target):
            step.misses.append(("", Miss("wrong", f"{self._workspace.shown(step.target)} exists already")))
        elif step.change.kind == "add" or (_creates(step.change) and not os.path.lexists(step.path)):
            self._plan_new(step, name)
        elif not os.path.lexists(step.path):
            step.misses.append(("", Miss("wrong", missing(self._workspace, step.path).rstrip("."))))
        else:
            opened = self._files.open(step.path)
            if isinstance(opened, ToolResult):
                step.misses.append(("", Miss("wrong", opened.content.rstrip("."))))
            else:
                step.opened, step.before = opened, opened.data
                self._plan_change(step, opened)

    def _plan_new(self, step: _Step, name: str) -> None:
        text = step.change.content or "".join(hunk.new for hunk in step.change.hunks)
        step.after = text.encode()
        step.said, step.diff = f"created {name}", changes(name, "", text, LINES)[1]
        if step.path.is_file() and step.path.read_bytes() == step.after:
            step.before, step.said, step.diff = step.after, f"{name}: {DONE}", ""
            step.misses.append(("", Miss("applied", APPLIED)))
        elif os.path.lexists(step.path):
            reason = "it exists already; use Update File, or write_to_file to replace it"
            step.misses.append(("", Miss("wrong", reason)))

    def _plan_change(self, step: _Step, opened: Opened) -> None:
        """Raises OSError."""
        read, answers = _placed(opened.documents, step.change)
        step.misses = [(f"block {n}", a if isinstance(a, Miss) else None) for n, a in enumerate(answers, 1)]
        plans = [answer for answer in answers if isinstance(answer, Plan)]
        name = opened.name
        step.line = next((read.line(plan.spans[0].start) for plan in plans), 1)
        exact = step.change.kind != "delete" and opened.lines <= SMALL and not any(plan.how for plan in plans)
        presumed = any(isinstance(answer, Miss) and answer.presumed for answer in answers)
        inexact = not exact and bool(plans or step.change.kind == "delete")
        step.unseen = bool(opened.stale) and (presumed or inexact)
        if step.change.kind == "delete":
            step.said, step.diff = f"deleted {name}", changes(name, read.text, "", to="/dev/null")[1]
            return
        after = same_reading(read, written(read, plans)) if not step.fails else read
        step.after = after.data
        target = step.target or step.path
        to = self._workspace.shown(target)
        step.said, step.diff = f"{name}: {DONE}", ""
        if plans:
            how = tuple(dict.fromkeys(plan.how for plan in plans if plan.how))
            drafted = Draft(read.data, after.data, read.text, after.text, how)
            step.said, step.diff = report(opened, target, drafted, to)
        if step.target:
            step.said = f"moved {name} to {to}" + (f"\n{step.said}" if plans else "")
            step.diff = step.diff or f"{name} becomes {to}"

    async def _explain(self, steps: Sequence[_Step]) -> ToolResult:
        """The state of every block, and what is in the file where the first one failed."""
        states = [line for step in steps for line in self._states(step)]
        first = next(step for step in steps if step.fails)
        miss = next(miss for _, miss in first.misses if miss and miss.kind != "applied")
        reason = _nothing(steps) + (": " if len(states) == 1 else ".\n") + "\n".join(states)
        if first.opened is None:
            return failure(f"Not edited: {reason}")
        whole = Miss(miss.kind, reason, miss.line)
        if first.opened.stale:
            return await self._files.show_first(first.opened, whole, miss.line)
        return await self._files.failed(first.opened, whole)

    def _states(self, step: _Step) -> list[str]:
        name = self._workspace.shown(step.path)
        return [
            f"{name}{f', {what}' if what else ''}: {miss.said if miss else 'fits'}" for what, miss in step.misses
        ] or [f"{name}: fits"]


def _becomes(step: _Step) -> Iterator[Becomes]:
    """What becomes of the files of a step."""
    if step.target:
        yield Becomes(step.target, None, step.after, like=step.path)
    elif step.after is not None and step.changes:
        yield Becomes(step.path, step.before, step.after)
    if step.target or step.change.kind == "delete":
        yield Becomes(step.path, step.before, None)


def _placed(read: Sequence[Document], change: Change) -> tuple[Document, list[Plan | Miss]]:
    """The reading of a file in which most hunks have a place, and what becomes of each."""
    answers = [(document, plan_hunks(document, change.hunks, change.ordered)) for document in read]
    return max(answers, key=lambda answer: sum(isinstance(one, Plan) for one in answer[1]))


def _nothing(steps: Sequence[_Step]) -> str:
    return "nothing was applied" + " to any file" * (len(steps) > 1)


def _creates(change: Change) -> bool:
    return len(change.hunks) == 1 and not change.hunks[0].old and not change.move_to
