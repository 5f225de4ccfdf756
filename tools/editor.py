"""`str_replace_based_edit_tool`: four of our tools under one name, as Claude and OpenHands know them. Never offered.

What a call does is named by its `command`; Roo's `insert_content`, which has none, inserts. Each command is handed to
the tool that does it here, so all their rules hold: what must be read first, who is asked, what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Tool, Workspace
from roundtrip.tools.edit_file import EditFile
from roundtrip.tools.editing.documents import documents
from roundtrip.tools.habits import FILE_PATH, edits, reading
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.paths import failure
from roundtrip.tools.read_file import ReadFile
from roundtrip.tools.write_to_file import WriteToFile

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "view": (),
    "create": ("file_text",),
    "str_replace": ("old_str",),
    "insert": ("insert_line", "new_str"),
}
"""Command -> the parameters that it can't do without."""

SPEC = ToolSpec(
    name="str_replace_based_edit_tool",
    description="View, create and edit files.",
    parameters={
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "path": {"type": "string"},
            "view_range": {"type": "array", "items": {"type": "integer"}},
            "file_text": {"type": "string"},
            "old_str": {"type": "string"},
            "new_str": {"type": "string"},
            "replace_all": {"type": "boolean"},
            "insert_line": {"type": "integer"},
        },
        "required": ["command", "path"],
    },
    effect="edits",
    aliases=("str_replace_editor", "text_editor", "insert_content"),
    parameter_aliases={
        **FILE_PATH,
        "old_string": "old_str",
        "new_string": "new_str",
        "insert_text": "new_str",
        "content": "new_str",
    },
    offered=False,
    example='{"command": "str_replace", "path": "src/main.py", "old_str": "retries = 3", "new_str": "retries = 5"}',
    adapt=edits.editor,
)


class Editor:
    spec = SPEC

    def __init__(
        self, workspace: Workspace, reader: ReadFile, lister: ListFiles, writer: WriteToFile, editor: EditFile
    ):
        self._workspace = workspace
        self._reader, self._lister, self._writer, self._editor = reader, lister, writer, editor

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        meant = self._meant(arguments)
        return Intent("edits", refusal=meant) if isinstance(meant, Refusal) else meant[0].intent(meant[1])

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        meant = self._meant(arguments)
        return failure(meant.reason) if isinstance(meant, Refusal) else await meant[0].run(meant[1], output)

    def _meant(self, arguments: Mapping[str, Any]) -> tuple[Tool, dict[str, Any]] | Refusal:
        """The tool that does it, and its arguments."""
        command, path = arguments["command"], arguments["path"]
        needed = NEEDS.get(command)
        if needed is None:
            back = " To take a change back, replace the new text by the old one." if command == "undo_edit" else ""
            return Refusal(f"There is no command {command!r} here, only {', '.join(NEEDS)}.{back}")
        missing = [name for name in needed if name not in arguments]
        if missing:
            return Refusal(f"The command {command} needs {' and '.join(missing)}. Example arguments: {SPEC.example}")
        new = arguments.get("new_str", "")
        match command:
            case "view" if self._is_folder(path):
                return self._lister, {"path": path}
            case "view":
                return self._reader, dict(reading.read_file({"path": path, "view_range": arguments.get("view_range")}))
            case "create":
                return self._writer, {"path": path, "content": arguments["file_text"]}
            case "str_replace":
                all = {"replace_all": arguments["replace_all"]} if "replace_all" in arguments else {}
                return self._editor, {"path": path, "old_string": arguments["old_str"], "new_string": new, **all}
            case _:
                line = arguments["insert_line"]
                behind = line if line >= 0 else self._lines(path)
                return self._editor, {"path": path, "new_string": new, "start_line": behind + 1, "end_line": behind}

    def _is_folder(self, path: str) -> bool:
        where = self._workspace.locate(path)
        return isinstance(where, Path) and where.is_dir()

    def _lines(self, path: str) -> int:
        """The number of a file's lines, 0 where it can't be read, which the editor will say."""
        where = self._workspace.locate(path)
        try:
            readings = documents(where.read_bytes()) if isinstance(where, Path) and where.is_file() else ()
        except OSError:
            return 0
        text = readings[0].text if readings else ""
        return text.count("\n") + (not text.endswith("\n") and bool(text))
