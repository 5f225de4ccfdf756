"""`edit_file`: a text in a file is exchanged for another, where it is found once and beyond doubt (matching.py)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.messages import Effect, ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.apply_diff import ApplyDiff, misplaced
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.diffs import LINES, changes
from roundtrip.tools.editing.calls import drafted_of, edits_of, first_change, is_ready, new_text
from roundtrip.tools.editing.documents import sane
from roundtrip.tools.editing.files import Failures, Files, Opened, report
from roundtrip.tools.editing.misses import MADE, Miss
from roundtrip.tools.editing.planning import Draft
from roundtrip.tools.habits import edits
from roundtrip.tools.paths import failure, intend, missing

_EDIT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "old_string": {"type": "string"},
        "new_string": {"type": "string"},
        "replace_all": {"type": "boolean"},
        "expected_replacements": {"type": "integer"},
    },
    "required": ["old_string", "new_string"],
}

SPEC = ToolSpec(
    name="edit_file",
    description="Replace an exact text in a file. Give enough lines of it that only one place fits.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "relative to the workspace"},
            "old_string": {"type": "string", "description": "text of the file, without line numbers"},
            "new_string": {"type": "string"},
            "replace_all": {"type": "boolean", "description": "replace every occurrence"},
        },
        "required": ["path", "old_string", "new_string"],
    },
    effect="edits",
    aliases=(
        "edit",
        "replace",
        "search_replace",
        "search_and_replace",
        "str_replace",
        "str_replace_file",
        "multi_edit",
        "replace_string_in_file",
        "multi_replace_string_in_file",
        "string_replace",
        "file_edit",
        "edit_tool",
    ),
    parameter_aliases=edits.EDIT,
    legacy=(
        {  # lines instead of a text, or lines among which the right place is
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "old_string": {"type": "string"},
                "new_string": {"type": "string"},
                "replace_all": {"type": "boolean"},
                "start_line": {"type": "integer"},
                "end_line": {"type": "integer"},
            },
            "required": ["path", "new_string", "start_line"],
        },
        {
            "type": "object",
            "properties": {"path": {"type": "string"}, **_EDIT["properties"]},
            "required": ["path", *_EDIT["required"]],
        },
        {
            "type": "object",
            "properties": {"path": {"type": "string"}, "edits": {"type": "array", "items": _EDIT}},
            "required": ["path", "edits"],
        },
        {
            "type": "object",
            "properties": {"path": {"type": "string"}, "diff": {"type": "string"}},
            "required": ["diff"],
        },
    ),
    example='{"path": "src/main.py", "old_string": "retries = 3\\n", "new_string": "retries = 5\\n"}',
    adapt=edits.edit_file,
)


class EditFile:
    spec = SPEC

    def __init__(self, workspace: Workspace, failures: Failures | None = None, caps: Caps = DEFAULT) -> None:
        self._workspace = workspace
        self._files = Files(workspace, "send the edit again", failures, caps)
        self._patches = ApplyDiff(workspace, failures, caps)
        self._last: tuple[dict[str, Any], bytes, Draft | Miss] | None = None
        self._made: dict[Path, tuple[int, frozenset[int]]] = {}
        """Hashes of a file as it was left, and of the edits that were made in a row until then."""

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        diff = self._as_diff(arguments)
        if diff:
            return self._patches.intent(diff)
        intent = intend(self._workspace, "edits", (arguments["path"],), writing=True)
        if intent.refusal:
            return intent
        path = intent.paths[0]
        effect: Effect = "edits" if self._possible(path, arguments) else "reads"
        return replace(intent, effect=effect, preview=partial(self._preview, path, arguments))

    def _possible(self, path: Path, arguments: Mapping[str, Any]) -> bool:
        """Whether `run` would write, as things stand."""
        try:
            if not os.path.lexists(path):
                return new_text(arguments) is not None
            opened = self._files.open(path)
        except OSError:
            return False
        return not isinstance(opened, ToolResult) and is_ready(opened, self._drafted(opened, arguments), arguments)

    def _drafted(self, opened: Opened, arguments: Mapping[str, Any]) -> Draft | Miss:
        """What the call makes of the file, found once only: the intent, the preview and the run ask for it."""
        last = self._last
        if last is None or last[0] != arguments or last[1] != opened.data:
            last = self._last = (dict(arguments), opened.data, self._made_before(opened, arguments))
        return last[2]

    def _made_before(self, opened: Opened, arguments: Mapping[str, Any]) -> Draft | Miss:
        """The same edit a second time finds nothing to change: the model has lost sight of the first."""
        drafted = drafted_of(opened, arguments)
        absent = isinstance(drafted, Miss) and drafted.kind == "absent"
        made = absent and self._edits_since(opened).issuperset(map(hash, edits_of(arguments)))
        return Miss("applied", MADE) if made else drafted

    def _edits_since(self, opened: Opened) -> frozenset[int]:
        """What was made of a file by edits alone; nothing where something else has changed it."""
        left, edits = self._made.get(opened.path, (0, frozenset()))
        return edits if left == hash(opened.data) else frozenset()

    def _preview(self, path: Path, arguments: Mapping[str, Any]) -> str:
        """The diff that `run` will report, or why it won't come to that."""
        name = self._workspace.shown(path)
        try:
            if not os.path.lexists(path):
                return changes(name, "", sane(arguments.get("new_string", "")), LINES)[1]
            opened = self._files.open(path)
        except OSError as error:
            return f"{name} can't be read: {error.strerror}"
        drafted = opened if isinstance(opened, ToolResult) else self._drafted(opened, arguments)
        if not isinstance(drafted, Draft):
            reason = drafted.content if isinstance(drafted, ToolResult) else drafted.said
            return f"{name} will not be edited: {reason}"
        return changes(name, drafted.old, drafted.new, LINES)[1] or f"{name}: the change is too large to show"

    def _as_diff(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `apply_diff` where it is a patch that was given, wherever it was put; else nothing.

        A patch in place of a text must be for this very file, and must not be a text that the file has.
        """
        if "diff" in arguments:
            return dict(arguments)
        old, new = arguments.get("old_string", ""), arguments.get("new_string", "")
        text = old or new
        if (old and new not in ("", old)) or not misplaced(arguments["path"], text):
            return {}
        diff = {"path": arguments["path"], "diff": text}
        intent = self._patches.intent(diff)
        try:
            alone = intent.refusal is None and len(intent.paths) == 1
            literal = alone and intent.paths[0].is_file() and sane(text).encode() in intent.paths[0].read_bytes()
        except OSError:
            return {}
        return diff if alone and not literal else {}

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        diff = self._as_diff(arguments)
        if diff:
            return await self._patches.run(diff, output)
        path = self._workspace.locate(arguments["path"], writing=True)
        if isinstance(path, Refusal):
            return failure(path.reason)
        async with self._workspace.lock(path):
            try:
                if not os.path.lexists(path):
                    return self._create(path, arguments)
                opened = self._files.open(path)
                return opened if isinstance(opened, ToolResult) else await self._edit(opened, arguments)
            except OSError as error:
                return failure(f"{self._workspace.shown(path)} could not be edited: {error.strerror}.")
            finally:
                self._last = None

    def _create(self, path: Path, arguments: Mapping[str, Any]) -> ToolResult:
        """An empty old_string stands for a file that is not there yet. Raises OSError."""
        name, new = self._workspace.shown(path), new_text(arguments)
        if new is None:
            return failure(f"{missing(self._workspace, path)} To create a file, use write_to_file.")
        self._workspace.replace(path, new.encode())
        return ToolResult(f"created {name}", changes(name, "", new)[1])

    async def _edit(self, opened: Opened, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises OSError."""
        drafted = self._drafted(opened, arguments)
        if isinstance(drafted, Miss) and drafted.kind == "applied" and not (opened.stale and drafted.presumed):
            return ToolResult(f"{drafted.said}. Nothing was changed in {opened.name}.", drafted.said)
        if opened.stale and not is_ready(opened, drafted, arguments):
            miss, line = (drafted, drafted.line) if isinstance(drafted, Miss) else (None, first_change(drafted))
            return await self._files.show_first(opened, miss, line)
        if isinstance(drafted, Miss):
            return await self._files.failed(opened, drafted, may_replace_all=True)
        self._workspace.replace(opened.path, drafted.after, over=opened.data)
        self._files.succeeded(opened.path)
        self._made[opened.path] = (hash(drafted.after), self._edits_since(opened) | set(map(hash, edits_of(arguments))))
        return ToolResult(*report(opened, opened.path, drafted))
