"""`write_to_file`: a whole file at once, which the model must have seen if it exists."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.diffs import LINES, changes, lines_of
from roundtrip.tools.paths import failure, intend
from roundtrip.tools.read_file import Part, read

COMPARED = 4 * 1024 * 1024
"""Bytes of an existing file up to which it is compared with what replaces it."""

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
    aliases=("write", "write_file", "create_file"),
    parameter_aliases={
        "file_path": "path",
        "absolute_path": "path",
        "filename": "path",
        "target_file": "path",
        "file_text": "content",
        "text": "content",
    },
    example='{"path": "src/hello.py", "content": "print(\\"hello\\")\\n"}',
)


class WriteToFile:
    spec = SPEC

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        intent = intend(self._workspace, "edits", (arguments["path"],), writing=True)
        if intent.refusal:
            return intent
        return replace(intent, preview=partial(self._preview, intent.paths[0], _sane(arguments["content"])))

    def _preview(self, path: Path, text: str) -> str:
        """The diff that `run` will report, and why it may not come to that."""
        name = self._workspace.shown(path)
        try:
            exists = os.path.lexists(path)
            if exists and path.stat().st_size > COMPARED:
                return f"{name} is too large to compare; it would be replaced by {len(text)} characters"
            old = path.read_bytes().decode("utf-8", "replace") if exists else ""
        except OSError as error:
            return f"{name} can't be read: {error.strerror}"
        reason = self._workspace.stale(path)
        note = f"({reason}: the model will be shown the file first)\n" if reason else ""
        return note + (changes(name, old, text, LINES)[1] or f"{name}: {len(text)} characters; no changes to show")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        path = self._workspace.locate(arguments["path"], writing=True)
        if isinstance(path, Refusal):
            return failure(path.reason)
        name, text = self._workspace.shown(path), _sane(arguments["content"])
        try:
            mode = path.stat().st_mode if os.path.lexists(path) else None
            if mode is not None and not stat.S_ISREG(mode):
                return failure(f"{name} is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}. Nothing written.")
            return await self._write(path, name, text, exists=mode is not None)
        except OSError as error:
            return failure(f"{name} could not be written: {error.strerror}.")

    async def _write(self, path: Path, name: str, text: str, *, exists: bool) -> ToolResult:
        """Raises OSError."""
        data = text.encode()
        comparable = exists and path.stat().st_size <= COMPARED
        old = path.read_bytes() if comparable else b""
        if comparable and old == data:
            self._workspace.saw(path)
            return ToolResult(f"unchanged: {name} already has this content", f"{name} unchanged")
        reason = self._workspace.stale(path)
        if reason:
            return await self._show_first(path, reason)
        self._workspace.replace(path, data)
        count, diff = changes(name, old.decode("utf-8", "replace"), text) if comparable or not exists else ("", "")
        lines = len(lines_of(text))
        size = f"{lines} line{'' if lines == 1 else 's'}" + (f" ({count})" if exists and count else "")
        return ToolResult(f"{'overwrote' if exists else 'created'} {name}, {size}", diff)

    async def _show_first(self, path: Path, reason: str) -> ToolResult:
        """Reads the file for the model, which saves it a step; with that it counts as seen, readable or not."""
        existing = await read(self._workspace, path, Part(self._workspace.shown(path)))
        self._workspace.saw(path)
        advice = "Call write_to_file again if the new content is still right."
        return ToolResult(
            f"Not written: {reason}. Here it is as it is now. {advice}\n\n{existing.content}",
            f"not written: {reason}",
            failed=True,
        )


def _sane(text: str) -> str:
    """Surrogates that come in pairs made into the character they mean, others replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
