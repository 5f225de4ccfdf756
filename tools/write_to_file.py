"""`write_to_file`: a whole file at once, which the model must have seen if it exists."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from roundtrip.agent.files import whole
from roundtrip.agent.messages import Effect, ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.apply_diff import ApplyDiff, misplaced
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.diffs import LINES, changes, lines_of
from roundtrip.tools.editing.documents import documents, in_style, no_bytes_for, sane
from roundtrip.tools.editing.doubts import doubts
from roundtrip.tools.editing.elision import left_out
from roundtrip.tools.editing.files import Failures
from roundtrip.tools.habits import FILE_PATH, edits
from roundtrip.tools.paths import failure, intend
from roundtrip.tools.read_file import read
from roundtrip.tools.reading.parts import Part

COMPARED = 4 * 1024 * 1024
"""Bytes of an existing file up to which it is compared with what replaces it."""

MARKERS = re.compile(rb"^(?:<{7} SEARCH|\*{3} Begin Patch|@@ -\d)", re.MULTILINE)
"""What a file holds that is about patches itself."""

SPEC = ToolSpec(
    name="write_to_file",
    description="Create a file or replace all of its content. Read an existing file first.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "relative to the workspace"},
            "content": {"type": "string", "description": "the whole new content"},
        },
        "required": ["path", "content"],
    },
    effect="edits",
    aliases=("write", "write_file", "create_file", "create", "save_file", "new_file"),
    parameter_aliases={
        **FILE_PATH,
        "file_text": "content",
        "text": "content",
        "file": "path",
        "contents": "content",
        "file_content": "content",
        "code": "content",
    },
    legacy=(
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "content": {"type": "string"},
                "append": {"type": "boolean"},
                "overwrite": {"type": "boolean"},
            },
            "required": ["path", "content"],
        },
    ),
    adapt=edits.write_to_file,
    example='{"path": "src/hello.py", "content": "print(\\"hello\\")\\n"}',
)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What would be written. old: what the file has now, None where there is none; before: its text, as far as it can
    be compared. style: what became of it, in words. problem: why it can't be written, "" if it can."""

    old: bytes | None
    before: str
    data: bytes
    text: str
    style: str = ""
    comparable: bool = True
    problem: str = ""


class WriteToFile:
    spec = SPEC

    def __init__(self, workspace: Workspace, failures: Failures | None = None, caps: Caps = DEFAULT) -> None:
        self._workspace = workspace
        self._caps = caps
        self._patches = ApplyDiff(workspace, failures, caps)

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        intent = intend(self._workspace, "edits", (arguments["path"],), writing=True)
        if intent.refusal:
            return intent
        path = intent.paths[0]
        return replace(intent, effect=self._effect(path, arguments), preview=partial(self._preview, path, arguments))

    def _effect(self, path: Path, arguments: Mapping[str, Any]) -> Effect:
        """Whether `run` would write, as things stand."""
        try:
            if _unfit(path, arguments):
                return "reads"
            if self._is_patch(path, arguments):
                return self._patches.intent(_as_diff(arguments)).effect
            draft = _draft(path, arguments)
        except OSError:
            return "reads"
        idle = draft.problem or draft.old == draft.data or self._unseen(path, arguments)
        return "reads" if idle else "edits"

    def _unseen(self, path: Path, arguments: Mapping[str, Any]) -> str:
        """Why the model must be shown the file first, "" if it need not."""
        return "" if arguments.get("append") else self._workspace.stale(path)

    def _preview(self, path: Path, arguments: Mapping[str, Any]) -> str:
        """The diff that `run` will report, and why it may not come to that."""
        name = self._workspace.shown(path)
        try:
            if self._is_patch(path, arguments):
                return self._patches.intent(_as_diff(arguments)).preview()
            draft = _draft(path, arguments)
        except OSError as error:
            return f"{name} can't be read: {error.strerror}"
        if draft.problem:
            return f"{name} will not be written: {draft.problem}"
        if not draft.comparable:
            return f"{name} is too large to compare; it would be replaced by {len(draft.text)} characters"
        reason = self._unseen(path, arguments)
        note = f"({reason}: the model will be shown the file first)\n" if reason else ""
        diff = changes(name, draft.before, draft.text, LINES)[1]
        return note + (diff or f"{name}: {len(draft.text)} characters; no changes to show")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        path = self._workspace.locate(arguments["path"], writing=True)
        if isinstance(path, Refusal):
            return failure(path.reason)
        name = self._workspace.shown(path)
        try:
            unfit = _unfit(path, arguments)
            if unfit:
                return failure(f"{name} {unfit}")
            if self._is_patch(path, arguments):
                return await self._patches.run(_as_diff(arguments), output)
            async with self._workspace.lock(path):
                return await self._write(path, name, arguments)
        except OSError as error:
            return failure(f"{name} could not be written: {error.strerror}.")

    async def _write(self, path: Path, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises OSError."""
        seen = self._workspace.look(path)
        draft = _draft(path, arguments)
        if draft.problem:
            return failure(f"Not written: {draft.problem}.")
        if draft.old == draft.data:
            seen()
            return ToolResult(f"unchanged: {name} already has this content", f"{name} unchanged")
        reason = self._unseen(path, arguments)
        if reason:
            return await self._show_first(path, reason)
        self._workspace.replace(path, draft.data, over=draft.old)
        count, diff = changes(name, draft.before, draft.text) if draft.comparable else ("", "")
        lines = len(lines_of(draft.text))
        exists = draft.old is not None or not draft.comparable
        size = f"{lines} line{'' if lines == 1 else 's'}" + (f" ({count})" if exists and count else "")
        style = f"; {draft.style}" if draft.style else ""
        warning = doubts(path, draft.before, draft.text)
        done = "added to" if exists and arguments.get("append") else "overwrote" if exists else "created"
        said = f"{done} {name}, {size}{style}"
        return ToolResult(f"{said}\n{warning}" if warning else said, diff)

    async def _show_first(self, path: Path, reason: str) -> ToolResult:
        """Reads the file for the model, which saves it a step; with that it counts as seen, readable or not."""
        existing = await read(self._workspace, path, Part(self._workspace.shown(path)), self._caps, anyhow=True)
        advice = "Call write_to_file again if the new content is still right."
        return ToolResult(
            f"Not written: {reason}. Here it is as it is now. {advice}\n\n{existing.content}",
            f"not written: {reason}",
            failed=True,
        )

    def _is_patch(self, path: Path, arguments: Mapping[str, Any]) -> bool:
        """Whether the content is a patch to this very file, in place of what should be in it. Raises OSError."""
        if not misplaced(arguments["path"], arguments["content"]):
            return False
        intent = self._patches.intent(_as_diff(arguments))
        if intent.refusal or intent.paths != (path,):
            return False
        return not MARKERS.search(path.read_bytes()) if os.path.lexists(path) else intent.effect == "edits"


def _unfit(path: Path, arguments: Mapping[str, Any]) -> str:
    """Why nothing can be written there, "" if it can. Raises OSError."""
    if not os.path.lexists(path):
        return ""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        return f"is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}. Nothing written."
    if arguments.get("overwrite") is False:
        return "exists, and overwrite is false. Nothing written; to change it, use edit_file."
    return ""


def _as_diff(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": arguments["path"], "diff": arguments["content"]}


def _draft(path: Path, arguments: Mapping[str, Any]) -> _Draft:
    """Raises OSError."""
    text = sane(arguments["content"])
    if not os.path.lexists(path):
        return _Draft(None, "", text.encode(), text)
    appends = bool(arguments.get("append"))
    if path.stat().st_size > COMPARED and not appends:
        return _Draft(None, "", text.encode(), text, comparable=False)
    old = whole(path)
    known = next(iter(documents(old)), None)
    if known is None:
        before = old.decode("utf-8", "replace")
        data = text.encode()
        return _Draft(old, before, old + data, before + text) if appends else _Draft(old, before, data, text)
    data, style = in_style(known, text)
    if not appends:
        return _Draft(old, known.text, data, text, style, problem=left_out(known.text, text))
    problem = no_bytes_for(known, text)
    if problem:
        return _Draft(old, known.text, old, known.text, problem=problem)
    return _Draft(old, known.text, old + data.removeprefix(known.mark), known.text + text)
