"""`read_file`: numbered lines of a text file, and where to continue."""

from __future__ import annotations

import asyncio
import base64
import codecs
import io
import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from roundtrip.agent.files import straight
from roundtrip.agent.messages import Image, ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.habits import FILE_PATH, reading
from roundtrip.tools.paths import failure, intend, unfit_file
from roundtrip.tools.reading.encodings import NAMES, WIDE, is_binary, narrow, wide
from roundtrip.tools.reading.lines import CHUNK, LONGEST, Line, Window, decode, read_window
from roundtrip.tools.reading.parts import Part, parts
from roundtrip.tools.reading.pictures import LARGEST as LARGEST_PICTURE
from roundtrip.tools.reading.pictures import Picture, picture

LARGEST = 256 * 1024 * 1024
"""Bytes of the largest file whose lines are counted, which reading a part of it needs."""

LARGEST_HEAD = 64 * 1024
"""Bytes of a file's beginning that are looked at: a JPEG's size stands behind what its camera wrote."""

WHOLE = 16 * 1024 * 1024
"""Bytes up to which a file may be held in memory, to see what its bytes mean."""

NAMED = 20
"""Files that are named where there was no room for them."""

LEAST = 1024
"""Bytes of a result from which on one more of several files has room in it."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
"""Characters that do something to a terminal. The model gets them as they are, for it may have to edit them."""

SPEC = ToolSpec(
    name="read_file",
    description="Read a text file. Lines come as N|text; the number and the bar are not part of the file.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "relative to the workspace"},
            "offset": {"type": "integer", "description": "first line, from 1; negative: that many last lines"},
            "limit": {"type": "integer", "description": f"number of lines, default {DEFAULT.lines}"},
        },
        "required": ["path"],
    },
    aliases=(
        "read",
        "view",
        "cat",
        "open",
        "open_file",
        "view_file",
        "read_text_file",
        "read_many_files",
        "read_multiple_files",
        "fs_read",
        "view_image",
        "repo_browser.open_file",
    ),
    parameter_aliases={
        **FILE_PATH,
        "line_offset": "offset",
        "n_lines": "limit",
        "file": "path",
        "max_lines": "limit",
    },
    legacy=(
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
    adapt=reading.read_file,
    example='{"path": "src/main.py", "offset": 1, "limit": 200}',
)


class ReadFile:
    """images: whether the model takes them."""

    def __init__(self, workspace: Workspace, *, caps: Caps = DEFAULT, images: bool = False) -> None:
        self._workspace = workspace
        self._caps = caps
        self._images = images
        self.spec = _spec(caps, images=images)

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (part.path for part in parts(arguments)))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        wanted = parts(arguments)
        if not wanted:
            return failure(f"No file was named. A correct call has, for example, {SPEC.example}")
        results, room = list[ToolResult](), self._caps.bytes
        for left in range(len(wanted), 0, -1):
            if results and room < LEAST:
                break
            share = max(room // left, min(room, LEAST))
            results.append(await self._read(wanted[-left], replace(self._caps, bytes=share)))
            room -= len(results[-1].content.encode("utf-8", "replace"))
        return ToolResult(
            "\n\n".join([*(result.content for result in results), *_left_out(wanted[len(results) :])]),
            "; ".join(result.details for result in results),
            failed=all(result.failed for result in results),
            images=tuple(image for result in results for image in result.images),
        )

    async def _read(self, part: Part, caps: Caps) -> ToolResult:
        path = self._workspace.locate(part.path)
        if isinstance(path, Refusal):
            return failure(path.reason)
        return await read(self._workspace, path, part, caps, images=self._images)


def _left_out(wanted: Sequence[Part]) -> list[str]:
    """What is said of files for which there was no room."""
    names = ", ".join(part.path for part in wanted[:NAMED]) + ", …" * (len(wanted) > NAMED)
    return [f"No room for {len(wanted)} more; read them with another call: {names}"] if wanted else []


def _spec(caps: Caps, *, images: bool) -> ToolSpec:
    properties = dict(SPEC.parameters["properties"])
    properties["limit"] = {"type": "integer", "description": f"number of lines, default {caps.lines}"}
    description = SPEC.description.replace("a text file", "a text file or an image", 1 if images else 0)
    return replace(SPEC, description=description, parameters={**SPEC.parameters, "properties": properties})


async def read(
    workspace: Workspace, path: Path, part: Part, caps: Caps = DEFAULT, *, images: bool = False, anyhow: bool = False
) -> ToolResult:
    """Reads in a thread, because a disk can be slow. Afterwards the file counts as seen; anyhow: even if it can't be
    shown. How it is is taken down first: what changes while it is read does not count."""
    seen, result = await asyncio.to_thread(
        lambda: (workspace.look(path), _show(workspace, path, part, caps, images)),
    )
    if anyhow or not result.failed:
        seen()
    return result


def _show(workspace: Workspace, path: Path, part: Part, caps: Caps, images: bool) -> ToolResult:
    reason = unfit_file(workspace, path)
    if reason:
        return failure(reason)
    name = workspace.shown(path)
    try:
        with open(path, "rb", opener=straight) as file:
            size, head = os.fstat(file.fileno()).st_size, file.read(LARGEST_HEAD)
            file.seek(0)
            seen = picture(head)
            if seen:
                return _picture(name, file, size, seen, images=images)
            text = _text(name, file, size, head)
            if isinstance(text, str):
                return failure(text)
            window = read_window(text.file, part.offset, part.limit or caps.lines, caps.bytes)
    except OSError as error:
        return failure(f"{name} can't be read: {error.strerror}.")
    except TypeError:  # from a read that would have had to wait
        return failure(f"{name} can't be read: it is no ordinary file, and there is nothing in it now.")
    if not window.lines and window.total:
        return failure(f"Offset {part.offset} is behind the end: {name} has {_count(window.total)}.")
    return _render(name, part, window, text.encoding)


def _picture(name: str, file: BinaryIO, size: int, seen: Picture, *, images: bool) -> ToolResult:
    if not images:
        return failure(f"{name} is an image ({seen}), and this model takes no images.")
    if size > LARGEST_PICTURE:
        return failure(
            f"{name} is an image ({seen}) of {size} bytes; {LARGEST_PICTURE} is the most. Make a smaller copy of it."
        )
    data = base64.b64encode(file.read()).decode("ascii")
    return ToolResult(f"{name}: {seen}", f"{name}: {seen}", images=(Image(seen.media_type, data),))


@dataclass(frozen=True, slots=True)
class _Text:
    """file: at its beginning, in an encoding whose lines end with the byte of a newline. encoding: a key of
    `encodings.NAMES`, or utf-8."""

    file: BinaryIO
    encoding: str


def _text(name: str, file: BinaryIO, size: int, head: bytes) -> _Text | str:
    """The file as text, or why it is not shown. Raises OSError."""
    if size > LARGEST:
        return f"{name} is too large to read ({size} bytes). Use search_files, or execute_command with head or sed -n."
    marked = head.startswith(tuple(mark for mark, _ in WIDE))
    if marked and size <= WHOLE:
        data = file.read()
        encoding = wide(data)
        if encoding:
            return _Text(io.BytesIO(data.decode(encoding).encode()), encoding)
        file.seek(0)
    if is_binary(head):
        kind = "UTF-16 or binary" if marked and size > WHOLE else "binary"
        return f"{name} is a {kind} file ({size} bytes), so it can't be shown as text."
    encoding = narrow(iter(lambda: file.read(WHOLE if size <= WHOLE else CHUNK), b""))
    file.seek(0)
    return _Text(file, encoding)


def _render(name: str, part: Part, window: Window, encoding: str) -> ToolResult:
    marked = window.first == 1 and any(line.data.startswith(codecs.BOM_UTF8) for line in window.lines[:1])
    lines = (_without_mark(window.lines[0]), *window.lines[1:]) if marked else window.lines
    converted = encoding in ("utf-16", "utf-32")
    texts = decode(lines, "utf-8" if converted else encoding)
    whole = len(lines) == window.total
    shown = _count(window.total) if whole else f"lines {window.first}-{window.last} of {window.total}"
    returns = [line.ending == "\r\n" for line in lines if line.ending]
    notes = (
        (f"it is {NAMES.get(encoding, '')}", encoding in NAMES),
        ("it begins with a byte order mark", marked),
        (f"{'its' if all(returns) else 'some'} lines end with CRLF", any(returns)),
        ("it holds control characters", any(CONTROL.search(text) for text in texts)),
        ("no newline at its end", window.last == window.total and any(not line.ending for line in lines[-1:])),
    )
    header = "; ".join((f"{name}: {shown}", *(note for note, holds in notes if holds))) + "."
    if window.last < window.total:
        header += f" To continue: read_file {_next(name, part, window)}"
    cut = next((number for number, line in enumerate(lines, window.first) if line.left_out), 0)
    if cut and not converted:
        header += f" To see the rest of a cut line: execute_command with {_rest_of(name, cut)}"
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
    if part.limit:
        arguments["limit"] = part.limit
    return json.dumps(arguments, ensure_ascii=False)


def _rest_of(name: str, line: int) -> str:
    return f"sed -n {line}p {shlex.quote(name)} | cut -b {LONGEST + 1}-{2 * LONGEST}"


def _count(lines: int) -> str:
    return "empty" if not lines else "1 line" if lines == 1 else f"{lines} lines"
