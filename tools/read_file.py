"""`read_file`: numbered lines of a text file, and where to continue."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.lines import Line, Window, decode, read_window
from roundtrip.tools.paths import failure, intend, unfit_file

LINES = 2000
BUDGET = 48 * 1024
"""Bytes of text in one result."""

LARGEST = 256 * 1024 * 1024
"""Bytes of the largest file whose lines are counted, which reading a part of it needs."""

SNIFFED = 8 * 1024
"""A NUL in so many first bytes makes a file binary."""

SPEC = ToolSpec(
    name="read_file",
    description="Read a text file. Lines come as N|text; the number and the bar are not part of the file.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "relative to the workspace"},
            "offset": {"type": "integer", "description": "first line, from 1; negative: that many last lines"},
            "limit": {"type": "integer", "description": f"number of lines, default {LINES}"},
        },
        "required": ["path"],
    },
    aliases=("read", "view", "cat"),
    parameter_aliases={
        "file_path": "path",
        "absolute_path": "path",
        "filename": "path",
        "target_file": "path",
        "line_offset": "offset",
        "n_lines": "limit",
    },
    legacy=(
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "start_line": {"type": "integer"},
                "end_line": {"type": "integer"},
            },
            "required": ["path"],
        },
        {
            "type": "object",
            "properties": {
                "files": {
                    "type": "array",
                    "items": {
                        "anyOf": [
                            {"type": "string"},
                            {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
                        ]
                    },
                }
            },
            "required": ["files"],
        },
    ),
    example='{"path": "src/main.py", "offset": 1, "limit": 200}',
)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a file that were asked for. offset and limit as `read_window` takes them."""

    path: str
    offset: int = 1
    limit: int = LINES


class ReadFile:
    spec = SPEC

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (part.path for part in parts(arguments)))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        wanted = parts(arguments)
        if not wanted:
            return failure(f"No file was named. A correct call has, for example, {SPEC.example}")
        results = [await self._read(part, BUDGET // len(wanted)) for part in wanted]
        return ToolResult(
            "\n\n".join(result.content for result in results),
            "; ".join(result.details for result in results),
            failed=all(result.failed for result in results),
        )

    async def _read(self, part: Part, budget: int) -> ToolResult:
        path = self._workspace.locate(part.path)
        if isinstance(path, Refusal):
            return failure(path.reason)
        return await read(self._workspace, path, part, budget)


async def read(workspace: Workspace, path: Path, part: Part, budget: int = BUDGET) -> ToolResult:
    """Reads in a thread, because a disk can be slow. Afterwards the file counts as seen."""
    result = await asyncio.to_thread(_show, workspace, path, part, budget)
    if not result.failed:
        workspace.saw(path)
    return result


def parts(arguments: Mapping[str, Any]) -> list[Part]:
    """What is asked for, in the present or one of the older shapes of the arguments."""
    if "files" in arguments:
        return [part for file in arguments["files"] for part in _parts_of(file)]
    if "start_line" in arguments or "end_line" in arguments:
        return [_range(arguments["path"], arguments.get("start_line", 1), arguments.get("end_line"))]
    limit = arguments.get("limit", LINES)
    return [Part(arguments["path"], arguments.get("offset", 1), limit if limit > 0 else LINES)]


def _parts_of(file: str | Mapping[str, Any]) -> list[Part]:
    """One entry of `files`: a path, or a path with line ranges, [1, 50] or "1-50"."""
    if isinstance(file, str):
        return [Part(file)]
    ranges = [_numbers(lines) for lines in _as_list(file.get("line_ranges"))]
    return [_range(file["path"], *numbers) for numbers in ranges if len(numbers) == 2] or [Part(file["path"])]


def _as_list(ranges: object) -> list[object]:
    return ranges if isinstance(ranges, list) else [ranges]


def _numbers(lines: object) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", str(lines))]


def _range(path: str, start: int, end: int | None) -> Part:
    """Lines start to end, both included."""
    first = max(start, 1)
    return Part(path, first, LINES if end is None else max(end - first + 1, 1))


def _show(workspace: Workspace, path: Path, part: Part, budget: int) -> ToolResult:
    reason = unfit_file(workspace, path)
    if reason:
        return failure(reason)
    name = workspace.shown(path)
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            reason = _unshowable(name, file)
            if reason:
                return failure(reason)
            window = read_window(file, part.offset, part.limit, budget)
    except OSError as error:
        return failure(f"{name} can't be read: {error.strerror}.")
    if not window.lines and window.total:
        return failure(f"Offset {part.offset} is behind the end: {name} has {_count(window.total)}.")
    return _render(name, part, window)


def _open_at_once(path: str, flags: int) -> int:
    """Opens what may have become a FIFO meanwhile, without waiting for somebody to write into it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _unshowable(name: str, file: BinaryIO) -> str:
    """Why this file is not shown, "" if it can be. Leaves the file at its beginning."""
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST:
        return f"{name} is too large to read ({size} bytes). Use search_files, or execute_command with head or sed -n."
    binary = b"\0" in file.read(SNIFFED)
    file.seek(0)
    return f"{name} is a binary file ({size} bytes), so it can't be shown as text." if binary else ""


def _render(name: str, part: Part, window: Window) -> ToolResult:
    marked = window.first == 1 and any(line.data.startswith(codecs.BOM_UTF8) for line in window.lines[:1])
    lines = (_without_mark(window.lines[0]), *window.lines[1:]) if marked else window.lines
    texts, is_utf8 = decode(lines)
    whole = len(lines) == window.total
    shown = _count(window.total) if whole else f"lines {window.first}-{window.last} of {window.total}"
    notes = (
        ("it is not UTF-8, shown as latin-1", not is_utf8),
        ("it begins with a byte order mark", marked),
        ("its lines end with CRLF", any(line.ending == "\r\n" for line in lines)),
        ("no newline at its end", window.last == window.total and any(not line.ending for line in lines[-1:])),
    )
    header = "; ".join((f"{name}: {shown}", *(note for note, holds in notes if holds))) + "."
    if window.last < window.total:
        header += f" To continue: read_file {_next(name, part, window)}"
    numbered = (
        f"{number}|{text}" + (f"… [line cut: {line.left_out} more bytes]" if line.left_out else "")
        for number, (text, line) in enumerate(zip(texts, lines, strict=True), window.first)
    )
    return ToolResult("\n".join((header, *numbered)), f"{name}: {shown}")


def _without_mark(line: Line) -> Line:
    return replace(line, data=line.data.removeprefix(codecs.BOM_UTF8))


def _next(name: str, part: Part, window: Window) -> str:
    """The arguments of the call that shows what follows."""
    arguments: dict[str, object] = {"path": name, "offset": window.last + 1}
    if part.limit != LINES:
        arguments["limit"] = part.limit
    return json.dumps(arguments, ensure_ascii=False)


def _count(lines: int) -> str:
    return "empty" if not lines else "1 line" if lines == 1 else f"{lines} lines"
