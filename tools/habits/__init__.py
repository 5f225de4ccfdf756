"""What models write that learned other agents' tools, and what it means for ours: `reading`, `edits` and `commands`.

One function a tool, used as `ToolSpec.adapt`. Other names of tools and parameters are tables in each tool's spec; here
is what a name can't say: other units, other shapes, and options that change what a call does.

Rules:
1. A parameter that changes what is done is honoured, or the call is refused with the reason (refused.py). What merely
   narrows a result (`output_mode`) stays in the arguments, and dispatch notes that it was ignored. What only says why
   (`description`) is dropped without a word.
2. Pure, and total: any JSON object may come. What is of no known type is left to the schema, which says what is wrong.
3. Arguments in our own shape come out as they went in.

Sources: Roo Code and Cline (`args`, `files`, `line_range`), Claude Code (`Grep`, `MultiEdit`, milliseconds), Qwen Code
and Gemini CLI (`paths`, `expected_replacements`), kimi-cli and kimi-code (`edit`, `mode`), Codex (`shell` with a list,
`timeout_ms`, `apply_patch`), opencode (camel case, which `leaks.fit` undoes), Cursor and VS Code (`isRegexp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Arguments = Mapping[str, Any]

FILE_PATH: Final[Mapping[str, str]] = dict.fromkeys(
    ("file_path", "absolute_path", "filename", "file_name", "target_file", "relative_workspace_path"), "path"
)
"""Names of a file's path, as `ToolSpec.parameter_aliases`."""

FOLDER_PATH: Final[Mapping[str, str]] = {
    **FILE_PATH,
    **dict.fromkeys(("directory", "dir", "dir_path", "folder", "target_directory"), "path"),
}
"""Names of a path that may be a folder's."""
