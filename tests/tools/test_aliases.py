"""Calls as models write them that learned other agents' tools: each does what it meant, on real files.

A row: the call's name and arguments exactly as that family of agents defines them, words of the result, and what the
files hold afterwards that it changed. History is never touched: the call that was dispatched is the one that came.
"""

import asyncio
import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.agent.leaks import fit
from roundtrip.agent.leaks.dialects.kimi_k2 import DIALECT as KIMI
from roundtrip.agent.leaks.resolve import resolve
from roundtrip.agent.messages import Call, ToolResult
from roundtrip.agent.rules.dispatch import Dispatched, dispatch, offers, with_notes
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Output, Ports, Refusal, Situation
from roundtrip.tools.habits import reading
from roundtrip.tools.toolset import default_tools

pytestmark = pytest.mark.once

FILES = {
    "app.py": "import os\n\n\ndef main():\n    return 1\n",
    "notes.txt": "one\ntwo\nthree\nfour\nfive\n",
    "docs/guide.md": "# Guide\nTODO: write\n",
    "src/util.ts": "export const a = 1;\n// todo: a.b\n",
}


@dataclass(frozen=True)
class Row:
    name: str
    arguments: dict[str, Any]
    says: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    lacks: str = ""


def row(name: str, arguments: dict[str, Any], *says: str, lacks: str = "", **files: str) -> Row:
    return Row(name, arguments, says, {name.replace("_", "."): text for name, text in files.items()}, lacks)


NOTES = "1|one\n2|two\n3|three\n4|four\n5|five"
EDITED = FILES["app.py"].replace("return 1", "return 2")
TWO_EDITS = EDITED.replace("import os", "import sys")
BLOCK = "<<<<<<< SEARCH\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE"
ROO_BLOCK = "<<<<<<< SEARCH\n:start_line:5\n-------\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE"
PATCH = "*** Begin Patch\n*** Update File: app.py\n@@ def main():\n-    return 1\n+    return 2\n*** End Patch"
OLD, NEW = "    return 1", "    return 2"
PLAN = [{"step": "look", "status": "completed"}, {"step": "fix", "status": "in_progress"}]

READING = {
    # Roo Code, Cline
    "roo": row("read_file", {"path": "notes.txt", "offset": 2, "limit": 2}, "2|two\n3|three", lacks="4|four"),
    "roo lines": row(
        "read_file", {"path": "notes.txt", "start_line": 2, "end_line": 3}, "2|two\n3|three", lacks="four"
    ),
    "roo lines as text": row("read_file", {"path": "notes.txt", "start_line": "4"}, "4|four\n5|five", lacks="three"),
    "roo args": row(
        "read_file", {"args": {"file": [{"path": "notes.txt"}, {"path": "app.py"}]}}, NOTES, "4|def main()"
    ),
    "roo args, one file": row("read_file", {"args": {"file": {"path": "notes.txt"}}}, NOTES),
    "roo line_range": row(
        "read_file",
        {"args": {"file": [{"path": "notes.txt", "line_range": ["1-1", "4-5"]}]}},
        "1|one",
        "4|four\n5|five",
        lacks="3|three",
    ),
    "roo files": row(
        "read_file",
        {"files": [{"path": "notes.txt", "line_ranges": [[2, 2]]}, {"path": "app.py"}]},
        "2|two",
        "4|def",
        lacks="3|three",
    ),
    "lines of several files": row(
        "read_file",
        {"files": [{"path": "notes.txt", "start_line": 4}, {"path": "app.py", "offset": "4", "limit": 1}]},
        "4|four\n5|five",
        "4|def main()",
        lacks="3|",
    ),
    "ranges with one end": row(
        "read_file", {"files": [{"path": "notes.txt", "line_ranges": ["4-"]}]}, "4|four\n5|five", lacks="3|"
    ),
    "cline": row(
        "read_file", {"path": "notes.txt", "task_progress": "- [ ] read"}, NOTES, "'task_progress' was ignored"
    ),
    # Claude Code and its kin
    "claude": row("Read", {"file_path": "notes.txt", "offset": 4}, "4|four\n5|five", lacks="3|three"),
    "claude editor": row(
        "str_replace_based_edit_tool",
        {"command": "view", "path": "notes.txt", "view_range": [2, 3]},
        "2|two\n3|three",
        lacks="four",
    ),
    "claude editor, to the end": row(
        "str_replace_editor",
        {"command": "view", "path": "notes.txt", "view_range": [4, -1]},
        "4|four\n5|five",
        lacks="three",
    ),
    "an editor's range": row(
        "str_replace_editor",
        {"command": "view", "path": "notes.txt", "range": [2, 3]},
        "2|two\n3|three",
        lacks="four",
    ),
    "claude editor, a folder": row("str_replace_based_edit_tool", {"command": "view", "path": "."}, "app.py"),
    "opencode": row("read", {"filePath": "notes.txt", "offset": 4, "limit": 1}, "4|four", lacks="five"),
    # Qwen Code, Gemini CLI
    "qwen": row("read_file", {"absolute_path": "{root}/notes.txt", "offset": 0, "limit": 1}, "1|one", lacks="2|two"),
    "gemini, many": row("read_many_files", {"paths": ["notes.txt", "app.py"]}, NOTES, "4|def main()"),
    # kimi-cli
    "kimi": row("ReadFile", {"path": "notes.txt", "line_offset": 2, "n_lines": 1}, "2|two", lacks="3|three"),
    # Cursor, VS Code, others
    "cursor": row(
        "read_file",
        {
            "target_file": "notes.txt",
            "should_read_entire_file": False,
            "start_line_one_indexed": 2,
            "end_line_one_indexed_inclusive": 3,
        },
        "2|two\n3|three",
        lacks="4|four",
    ),
    "vs code": row(
        "read_file", {"filePath": "notes.txt", "startLine": 2, "endLine": 3}, "2|two\n3|three", lacks="four"
    ),
    "the last lines": row("read", {"path": "notes.txt", "offset": -2}, "4|four\n5|five", lacks="three"),
    "offset and end": row("read", {"path": "notes.txt", "offset": 2, "end_line": 3}, "2|two\n3|three", lacks="1|"),
    "mcp": row("read_multiple_files", {"paths": ["notes.txt"]}, NOTES),
    "a list for one path": row("read_file", {"path": ["notes.txt", "app.py"]}, NOTES, "4|def main()"),
    "a list as text": row("read_file", {"files": '["notes.txt"]'}, NOTES),
    "lines": row("cat", {"file": "notes.txt", "lines": "2-3"}, "2|two\n3|three", lacks="4|four"),
    "offset and lines": row("cat", {"file": "notes.txt", "offset": 2, "lines": 2}, "2|two\n3|three", lacks="4|four"),
    "mcp, the first lines": row("read_text_file", {"path": "notes.txt", "head": 2}, "2|two", lacks="3|three"),
    "mcp, the last lines": row("read_text_file", {"path": "notes.txt", "tail": 2}, "4|four\n5|five", lacks="3|three"),
    "gpt-oss": row(
        "repo_browser.open_file", {"path": "notes.txt", "line_start": 2, "line_end": 2}, "2|two", lacks="3|"
    ),
    "first and last line": row("cat", {"file": "notes.txt", "from": 2, "to": 3}, "2|two\n3|three", lacks="4|four"),
    "view": row("view", {"filename": "notes.txt"}, NOTES),
    "open_file": row("open_file", {"path": "notes.txt"}, NOTES),
}
FINDING = {
    "roo list": row("list_files", {"path": ".", "recursive": True}, "docs/guide.md", "src/util.ts"),
    "roo list, words": row("list_files", {"path": "docs", "recursive": "false"}, "docs/guide.md"),
    "claude LS": row("LS", {"path": "{root}", "ignore": ["*.md"]}, "app.py", "'ignore' was ignored"),
    "claude Glob": row("Glob", {"pattern": "**/*.ts", "path": "."}, "src/util.ts", lacks="app.py"),
    "kimi Glob": row("Glob", {"pattern": "src/*.ts", "directory": "{root}"}, "src/util.ts", lacks="app.py"),
    "qwen list": row("list_directory", {"path": "{root}/src"}, "src/util.ts"),
    "gemini list": row("list_directory", {"dir_path": "src"}, "src/util.ts"),
    "codex list": row("list_dir", {"dir_path": "{root}", "depth": 2}, "docs/guide.md"),
    "codex list, flat": row("list_dir", {"dir_path": "{root}", "depth": 1}, "docs/", lacks="guide.md"),
    "cursor list": row("list_dir", {"relative_workspace_path": "docs", "explanation": "x"}, "guide.md", lacks="note:"),
    "opencode list": row("list", {"path": "{root}"}, "app.py"),
    "pi find": row("find", {"pattern": "**/*.md"}, "docs/guide.md", lacks="app.py"),
    "grep, says why": row("grep", {"pattern": "main", "explanation": "x"}, "app.py:4", lacks="note:"),
    "gpt-oss tree": row("repo_browser.print_tree", {"path": "docs", "depth": 2}, "docs/guide.md"),
    "gpt-oss search": row("repo_browser.search", {"query": "def main", "path": "."}, "app.py:4"),
    "find by name": row("find", {"name": "guide.md", "recursive": True}, "docs/guide.md", lacks="app.py"),
    "several globs": row("glob", {"patterns": ["**/*.md", "**/*.ts"]}, "docs/guide.md", "src/util.ts", lacks="app.py"),
    "several globs in one": row("glob", {"pattern": ["*.py"]}, "app.py", lacks="notes.txt"),
    "grep in a file": row("grep", {"pattern": "main", "file": "app.py"}, "app.py:4", lacks="note:"),
    "grep in paths": row("grep", {"pattern": "(?i)todo", "paths": ["docs"]}, "guide.md:2", lacks="util.ts"),
    "grep in a list": row("grep", {"pattern": "(?i)todo", "path": ["docs"]}, "guide.md:2", lacks="util.ts"),
    "vs code find": row("file_search", {"query": "**/*.md"}, "docs/guide.md"),
    "roo search": row(
        "search_files", {"path": ".", "regex": "todo", "file_pattern": "*.ts"}, "src/util.ts:2", lacks="md"
    ),
    "roo search, null": row("search_files", {"path": ".", "regex": "def main", "file_pattern": None}, "app.py:4"),
    "claude Grep": row(
        "Grep", {"pattern": "def main", "output_mode": "content", "-n": True}, "app.py:4", lacks="note:"
    ),
    "claude Grep -i": row("Grep", {"pattern": "todo", "-i": True}, "docs/guide.md:2", "src/util.ts:2"),
    "claude Grep, case": row("Grep", {"pattern": "todo"}, "src/util.ts:2", lacks="guide.md"),
    "claude Grep -C": row("Grep", {"pattern": "three", "-C": 1}, "two", "four", lacks="five"),
    "claude Grep -A": row("Grep", {"pattern": "three", "-A": 2, "-B": 0}, "five"),
    "claude Grep type": row("Grep", {"pattern": "todo", "-i": True, "type": "ts"}, "src/util.ts:2", lacks="guide.md"),
    "claude Grep glob": row("Grep", {"pattern": "todo", "glob": "*.md", "-i": True}, "docs/guide.md:2", lacks="util"),
    "claude Grep multiline": row("Grep", {"pattern": "one.*three", "multiline": True}, "notes.txt", lacks="No matches"),
    "claude Grep files": row(
        "Grep",
        {"pattern": "main", "output_mode": "files_with_matches", "head_limit": 5},
        "app.py",
        "'output_mode' was ignored",
        "'head_limit' was ignored",
    ),
    "claude Grep -w": row("Grep", {"pattern": "on", "-w": True}, "No matches"),
    "claude Grep -w, flags": row("Grep", {"pattern": "(?i)todo", "-w": True, "-i": True}, "guide.md:2", "util.ts:2"),
    "claude Grep -w, literal": row("Grep", {"pattern": ".b", "-w": True, "fixed_strings": True}, "No matches"),
    "claude Grep, not inverted": row("Grep", {"pattern": "two", "-v": False}, "notes.txt:2", lacks="note:"),
    "a regex and a pattern": row("search_files", {"regex": "(?i)todo", "pattern": "*.ts"}, "util.ts:2", lacks="guide"),
    "a query and a pattern": row("grep", {"query": "(?i)todo", "pattern": "*.ts"}, "util.ts:2", lacks="guide"),
    "two paths": row("list_files", {"path": "src", "directory": "docs"}, "util.ts", "'directory' was ignored"),
    "the same path twice": row("list_files", {"path": "src", "directory": "src"}, "util.ts", lacks="note:"),
    "opencode grep": row("grep", {"pattern": "todo", "path": "{root}", "include": "*.{ts,tsx}"}, "src/util.ts:2"),
    "gemini grep": row("search_file_content", {"pattern": "def main", "dir_path": "."}, "app.py:4"),
    "cursor grep": row(
        "grep_search", {"query": "TODO", "case_sensitive": False, "include_pattern": "*.ts"}, "src/util.ts:2"
    ),
    "vs code grep, literal": row("grep_search", {"query": "a.b", "isRegexp": False}, "src/util.ts:2"),
    "vs code grep, brackets": row("grep_search", {"query": "main()", "isRegexp": False}, "app.py:4"),
    "pi grep": row(
        "grep", {"pattern": "A.B", "ignoreCase": True, "literal": True, "context": 1}, "src/util.ts:2", "const"
    ),
}
WRITING = {
    "roo": row("write_to_file", {"path": "new.txt", "content": "x\n", "line_count": 1}, "created", new_txt="x\n"),
    "claude": row("Write", {"file_path": "{root}/new.txt", "content": "x\n"}, "created", new_txt="x\n"),
    "opencode": row("write", {"filePath": "new.txt", "content": "x\n"}, new_txt="x\n"),
    "qwen": row("write_file", {"file_path": "{root}/new.txt", "content": "x\n"}, new_txt="x\n"),
    "kimi": row("WriteFile", {"path": "new.txt", "content": "x\n", "mode": "overwrite"}, new_txt="x\n"),
    "kimi appends": row(
        "WriteFile", {"path": "notes.txt", "content": "six\n", "mode": "append"}, notes_txt=FILES["notes.txt"] + "six\n"
    ),
    "claude editor": row(
        "str_replace_based_edit_tool", {"command": "create", "path": "new.txt", "file_text": "x\n"}, new_txt="x\n"
    ),
    "vs code": row("create_file", {"filePath": "{root}/new.txt", "content": "x\n"}, new_txt="x\n"),
    "vibe": row("write_file", {"path": "new.txt", "content": "x\n", "overwrite": False}, new_txt="x\n"),
    "vibe overwrites": row("write_file", {"path": "notes.txt", "content": "x\n", "overwrite": True}, notes_txt="x\n"),
    "appends, in another word": row(
        "write",
        {"path": "notes.txt", "content": "six\n", "operation": "append"},
        notes_txt=FILES["notes.txt"] + "six\n",
    ),
    "says why": row(
        "write", {"path": "new.txt", "content": "x\n", "toolSummary": "new", "start_line": None}, new_txt="x\n"
    ),
    "an object for a file of JSON": row(
        "write",
        {"path": "new.json", "content": {"a": [1], "b": "é"}},
        new_json='{\n  "a": [\n    1\n  ],\n  "b": "é"\n}\n',
    ),
    "json for text": row("write_to_file", {"path": "new.txt", "content": 5}, new_txt="5"),
    "over what was read": row("Write", {"file_path": "notes.txt", "content": "x\n"}, "overwrote", notes_txt="x\n"),
}
EDITING = {
    "claude": row("Edit", {"file_path": "app.py", "old_string": OLD, "new_string": NEW}, app_py=EDITED),
    "claude, all": row(
        "Edit",
        {"file_path": "notes.txt", "old_string": "o", "new_string": "0", "replace_all": True},
        notes_txt=FILES["notes.txt"].replace("o", "0"),
    ),
    "claude, all in words": row(
        "Edit",
        {"file_path": "notes.txt", "old_string": "o", "new_string": "0", "replace_all": "true"},
        notes_txt=FILES["notes.txt"].replace("o", "0"),
    ),
    "claude MultiEdit": row(
        "MultiEdit",
        {
            "file_path": "app.py",
            "edits": [
                {"old_string": "import os", "new_string": "import sys"},
                {"old_string": OLD, "new_string": NEW, "replace_all": False},
            ],
        },
        app_py=TWO_EDITS,
    ),
    "claude editor": row(
        "str_replace_based_edit_tool",
        {"command": "str_replace", "path": "app.py", "old_str": OLD, "new_str": NEW},
        app_py=EDITED,
    ),
    "vs code, several": row(
        "multi_replace_string_in_file",
        {"explanation": "x", "replacements": [{"filePath": "app.py", "oldString": OLD, "newString": NEW}]},
        app_py=EDITED,
    ),
    "an editor's content": row(
        "str_replace_editor", {"command": "create", "path": "new.txt", "content": "x\n"}, new_txt="x\n"
    ),
    "claude editor, all": row(
        "str_replace_based_edit_tool",
        {"command": "str_replace", "path": "notes.txt", "old_str": "o", "new_str": "0", "replace_all": True},
        notes_txt=FILES["notes.txt"].replace("o", "0"),
    ),
    "openhands editor": row(
        "str_replace_editor",
        {"command": "str_replace", "path": "{root}/app.py", "old_str": OLD, "new_str": NEW},
        app_py=EDITED,
    ),
    "claude editor inserts": row(
        "str_replace_based_edit_tool",
        {"command": "insert", "path": "notes.txt", "insert_line": 1, "insert_text": "x\n"},
        notes_txt="one\nx\ntwo\nthree\nfour\nfive\n",
    ),
    "openhands editor inserts first": row(
        "str_replace_editor",
        {"command": "insert", "path": "notes.txt", "insert_line": 0, "new_str": "x"},
        notes_txt="x\none\ntwo\nthree\nfour\nfive\n",
    ),
    "roo inserts": row(
        "insert_content", {"path": "notes.txt", "line": 2, "content": "x"}, notes_txt="one\nx\ntwo\nthree\nfour\nfive\n"
    ),
    "roo inserts at the end": row(
        "insert_content", {"path": "notes.txt", "line": 0, "content": "x"}, notes_txt=FILES["notes.txt"] + "x\n"
    ),
    "roo search_and_replace": row(
        "search_and_replace", {"path": "app.py", "search": "return 1", "replace": "return 2"}, app_py=EDITED
    ),
    "roo operations": row(
        "search_and_replace",
        {
            "path": "app.py",
            "operations": [{"search": "import os", "replace": "import sys"}, {"search": OLD, "replace": NEW}],
        },
        app_py=TWO_EDITS,
    ),
    "roo edit_file": row(
        "edit_file",
        {"file_path": "app.py", "old_string": OLD, "new_string": NEW, "expected_replacements": 1},
        app_py=EDITED,
    ),
    "gemini replace, several": row(
        "replace",
        {"file_path": "notes.txt", "old_string": "o", "new_string": "0", "expected_replacements": 3},
        notes_txt=FILES["notes.txt"].replace("o", "0"),
    ),
    "qwen edit": row("edit", {"file_path": "{root}/app.py", "old_string": OLD, "new_string": NEW}, app_py=EDITED),
    "opencode edit": row("edit", {"filePath": "app.py", "oldString": OLD, "newString": NEW}, app_py=EDITED),
    "pi edit": row("edit", {"path": "app.py", "oldText": OLD, "newText": NEW}, app_py=EDITED),
    "pi edits": row("edit", {"path": "app.py", "edits": [{"oldText": OLD, "newText": NEW}]}, app_py=EDITED),
    "kimi": row("StrReplaceFile", {"path": "app.py", "edit": {"old": OLD, "new": NEW}}, app_py=EDITED),
    "kimi, several": row(
        "StrReplaceFile",
        {"path": "app.py", "edit": [{"old": "import os", "new": "import sys"}, {"old": OLD, "new": NEW}]},
        app_py=TWO_EDITS,
    ),
    "kimi, all": row(
        "StrReplaceFile",
        {"path": "notes.txt", "edit": {"old": "o", "new": "0", "replace_all": True}},
        notes_txt=FILES["notes.txt"].replace("o", "0"),
    ),
    "the names of one edit in a list": row(
        "edit",
        {
            "path": "app.py",
            "edits": [{"old_content": "import os", "new_content": "import sys"}, {"old": OLD, "replacement": NEW}],
        },
        app_py=TWO_EDITS,
    ),
    "augment": row(
        "str_replace_editor",
        {"command": "str_replace", "path": "app.py", "old_str": OLD, "new_str": NEW, "old_str_start_line_number": 5},
        app_py=EDITED,
    ),
    "a line beside a text": row(
        "edit", {"path": "app.py", "old_string": OLD, "new_string": NEW, "line_number": 5}, app_py=EDITED
    ),
    "kimi-code": row(
        "Edit", {"path": "app.py", "old_string": OLD, "new_string": NEW, "replace_all": False}, app_py=EDITED
    ),
    "vs code": row(
        "replace_string_in_file", {"filePath": "{root}/app.py", "oldString": OLD, "newString": NEW}, app_py=EDITED
    ),
    "the path in each edit": row(
        "multi_edit",
        {
            "edits": [
                {"path": "app.py", "old": "import os", "new": "import sys"},
                {"file_path": "./app.py", "old": OLD, "new": NEW},
            ]
        },
        app_py=TWO_EDITS,
    ),
    "the path in and outside of an edit": row(
        "edit", {"path": "app.py", "edits": [{"filePath": "app.py", "oldText": OLD, "newText": NEW}]}, app_py=EDITED
    ),
    "all occurrences, said once for all edits": row(
        "multi_edit",
        {"path": "notes.txt", "replace_all": True, "edits": [{"old": "o", "new": "0"}, {"old": "f", "new": "F"}]},
        notes_txt=FILES["notes.txt"].replace("o", "0").replace("f", "F"),
    ),
    "numbers of occurrences in edits": row(
        "multi_edit",
        {
            "path": "notes.txt",
            "edits": [
                {"old": "o", "new": "0", "expected_replacements": "3"},
                {"old": "f", "new": "F", "replace_all": "true"},
            ],
        },
        notes_txt=FILES["notes.txt"].replace("o", "0").replace("f", "F"),
    ),
    "edits beside an empty one": row(
        "edit",
        {"path": "app.py", "old_string": "", "new_string": "", "edits": [{"old_string": OLD, "new_string": NEW}]},
        app_py=EDITED,
    ),
    "no dry run": row(
        "edit_file", {"path": "app.py", "edits": [{"oldText": OLD, "newText": NEW}], "dryRun": False}, app_py=EDITED
    ),
    "edits as text": row(
        "edit", {"path": "app.py", "edits": json.dumps([{"old_string": OLD, "new_string": NEW}])}, app_py=EDITED
    ),
    "roo apply_diff": row("apply_diff", {"path": "app.py", "diff": ROO_BLOCK}, app_py=EDITED),
    "roo apply_diff, args": row(
        "apply_diff",
        {"args": {"file": [{"path": "app.py", "diff": [{"content": BLOCK, "start_line": 5}]}]}},
        app_py=EDITED,
    ),
    "cline": row(
        "replace_in_file",
        {"path": "app.py", "diff": BLOCK.replace("<<<<<<<", "-------").replace(">>>>>>>", "+++++++")},
        app_py=EDITED,
    ),
    "codex": row("apply_patch", {"input": PATCH}, app_py=EDITED),
    "codex in a shell": row("apply_patch", {"command": ["apply_patch", PATCH]}, app_py=EDITED),
    "opencode patch": row("apply_patch", {"patchText": PATCH}, app_py=EDITED),
    "lines and what to put there": row(
        "edit_file", {"path": "app.py", "start_line": 5, "end_line": 5, "content": f"{NEW}\n"}, app_py=EDITED
    ),
    "vibe": row("search_replace", {"file_path": "app.py", "content": BLOCK}, app_py=EDITED),
}
RUNNING = {
    "roo": row("execute_command", {"command": "cat app.py", "cwd": None, "timeout": None}, "return 1"),
    "cline": row("execute_command", {"command": "echo hi", "requires_approval": False}, "hi"),
    "claude": row("Bash", {"command": "echo hi", "description": "Says hi", "timeout": 120_000}, "hi"),
    "opencode": row("bash", {"command": "pwd", "description": "where", "workdir": "docs"}, "/docs"),
    "qwen": row("run_shell_command", {"command": "pwd", "directory": "docs", "is_background": False}, "/docs"),
    "kimi": row("Shell", {"command": "echo hi", "timeout": 60}, "hi"),
    "says why": row("Bash", {"command": "echo hi", "description": "x", "thought": "y"}, "hi", lacks="note:"),
    "codex, a name more": row("shell_command", {"command": "echo hi", "workdir": "."}, "hi"),
    "codex": row("shell", {"command": ["bash", "-lc", "echo $((1+1)) hi"], "workdir": ".", "timeout_ms": 5000}, "2 hi"),
    "codex, words": row("shell", {"command": ["printf", "%s|", "a b", "$HOME"]}, "a b|$HOME|"),
    "codex exec": row("exec_command", {"cmd": "echo hi", "workdir": "{root}", "max_output_tokens": 100}, "hi"),
    "codex, list as text": row("shell", {"command": '["bash", "-lc", "echo hi"]'}, "hi"),
    "gpt-oss": row("container.exec", {"cmd": ["bash", "-lc", "echo hi"]}, "hi"),
    "cursor": row("run_terminal_cmd", {"command": "echo hi", "is_background": False, "explanation": "x"}, "hi"),
    "vs code": row("run_in_terminal", {"command": "echo hi", "explanation": "x", "isBackground": False}, "hi"),
    "openhands": row("execute_bash", {"command": "echo hi", "is_input": "false"}, "hi"),
    "the limit in milliseconds": row("Bash", {"command": "echo begun; sleep 60", "timeout_ms": 1000}, "begun", "1 s"),
    "few milliseconds": row(
        "Bash",
        {"command": "sleep 60", "timeout": 1000},
        "killed after 1 s (1000 was taken as milliseconds): give a larger",
    ),
    "zed": row("terminal", {"command": "pwd", "cd": "docs"}, "/docs", lacks="note:"),
    "a path": row("bash", {"command": "pwd", "path": "{root}/docs"}, "/docs", lacks="note:"),
    "a folder": row("bash", {"command": "pwd", "currentDir": "docs"}, "/docs", lacks="note:"),
    "the same folder twice": row("bash", {"command": "pwd", "cwd": "docs", "cd": "docs"}, "/docs", lacks="note:"),
    "arguments of a list": row("bash", {"command": ["printf", "%s|"], "args": ["a b", "c"]}, "a b|c|"),
    "arguments of their own": row("bash", {"command": "printf", "args": ["%s|", "a b", "$HOME"]}, "a b|$HOME|"),
}
KEEPING = {
    "roo": row("update_todo_list", {"todos": "[x] look\n[-] fix\n[ ] test"}, "The list is kept"),
    "claude": row("TodoWrite", {"todos": [{"content": "fix", "status": "pending", "activeForm": "Fixing"}]}, "is kept"),
    "opencode": row("todowrite", {"todos": [{"content": "fix", "status": "pending", "priority": "high"}]}, "is kept"),
    "qwen": row("todo_write", {"todos": [{"id": "1", "content": "fix", "status": "pending"}]}, "is kept"),
    "gemini": row("write_todos", {"todos": [{"description": "fix", "status": "in_progress"}]}, "is kept"),
    "kimi": row("SetTodoList", {"todos": [{"title": "fix", "status": "done"}]}, "is kept"),
    "codex": row("update_plan", {"plan": PLAN, "explanation": "why"}, "is kept"),
    "vs code": row("manage_todo_list", {"todoList": [{"id": 1, "title": "fix", "status": "not-started"}]}, "is kept"),
    "one object": row("TodoWrite", {"todos": {"content": "fix", "status": "pending"}}, "is kept"),
    "the end": row("finish", {"summary": "All done."}, "Done."),
}
ROWS = {
    f"{job}: {family}": one
    for job, rows in {
        "read": READING,
        "find": FINDING,
        "write": WRITING,
        "edit": EDITING,
        "run": RUNNING,
        "keep": KEEPING,
    }.items()
    for family, one in rows.items()
}
REFUSED = {
    "a regex": (
        "search_and_replace",
        {"path": "a", "search": "x+", "replace": "y", "use_regex": True},
        "never a regex",
    ),
    "no case": (
        "search_and_replace",
        {"path": "a", "search": "x", "replace": "y", "ignore_case": True},
        "with its case",
    ),
    "edits of several files": (
        "multi_edit",
        {
            "path": "app.py",
            "edits": [{"path": "app.py", "old": OLD, "new": NEW}, {"path": "notes.txt", "old": "one", "new": "1"}],
        },
        "this one names app.py, notes.txt; make a call for each",
    ),
    "an edit of another file": (
        "edit",
        {"path": "app.py", "edits": [{"path": "notes.txt", "old": "one", "new": "1"}]},
        "this one names app.py, notes.txt; make a call for each",
    ),
    "an edit beside the edits": (
        "edit_file",
        {"path": "app.py", "old_string": "import os", "new_string": "import sys", "edits": [{"old": OLD, "new": NEW}]},
        "put all of them into edits",
    ),
    "a regex in one of several edits": (
        "edit_file",
        {"path": "notes.txt", "edits": [{"old": "one", "new": "1"}, {"old": "two", "new": "2", "use_regex": True}]},
        "never a regex",
    ),
    "fewer than there are": (
        "replace",
        {"file_path": "notes.txt", "old_string": "o", "new_string": "0", "expected_replacements": 2},
        "old_string is there 3 times, not 2 times as expected, at lines 1, 2, 4:\n1|one",
    ),
    "more than there are": (
        "replace",
        {"file_path": "notes.txt", "old_string": "two", "new_string": "2", "expectedOccurrences": 2},
        "old_string is there once, not 2 times as expected, at line 2:",
    ),
    "fewer than there are, in one of several edits": (
        "multi_edit",
        {
            "path": "notes.txt",
            "edits": [{"old": "two", "new": "2"}, {"old": "o", "new": "0", "expectedOccurrences": 3}],
        },
        "old_string of edit 2 is there 2 times, not 3 times as expected",
    ),
    "all of another number": (
        "edit",
        {"path": "notes.txt", "old_string": "o", "new_string": "0", "replace_all": True, "expected_replacements": 1},
        "give their number as expected_replacements",
    ),
    "whole words": (
        "search_and_replace",
        {"path": "notes.txt", "search": "o", "replace": "0", "whole_word": True, "replace_all": True},
        "in the middle of words too",
    ),
    "a dry run": ("edit", {"path": "app.py", "oldText": OLD, "newText": NEW, "dryRun": True}, "leave dry_run out"),
    "a dry run of a patch": ("apply_patch", {"input": PATCH, "dry_run": True}, "leave dry_run out"),
    "another encoding": ("write", {"path": "a", "content": "é", "encoding": "latin-1"}, "leave encoding out"),
    "lines that don't match": ("Grep", {"pattern": "one", "-v": True}, "grep -v"),
    "an environment": ("shell", {"command": "touch x", "env": {"A": "1"}}, "NAME=value"),
    "text for stdin": ("run_command", {"command": "cat > x", "stdin": "y"}, "here-document"),
    "text for a program that runs": ("execute_bash", {"command": "y", "is_input": "true"}, "without stdin"),
    "an unknown mode": ("WriteFile", {"path": "a", "content": "x", "mode": "prepend"}, "mode 'prepend' is not known"),
    "a part of a file": ("write", {"path": "notes.txt", "content": "x", "start_line": 2}, "with edit_file"),
    "a line of a file": ("write", {"path": "notes.txt", "content": "x", "insertLine": 2}, "'insertLine'"),
    "a text in a file": ("write", {"path": "notes.txt", "content": "x", "old_string": "one"}, "'old_string'"),
    "a place in a file": ("write", {"path": "notes.txt", "content": "x", "position": "end"}, "'position'"),
    "only a new file": ("write", {"path": "notes.txt", "content": "x", "create_only": True}, "'create_only'"),
    "one file under two names": ("write", {"path": "a", "filename": "b", "content": "x"}, "'filename'"),
    "beside a text": (
        "edit",
        {"path": "app.py", "old_string": OLD, "new_string": NEW, "position": "after"},
        "position",
    ),
    "beside a text, in edits": (
        "edit",
        {"path": "app.py", "edits": [{"old": "import os", "new": ""}, {"old": OLD, "new": NEW, "insert": "before"}]},
        "'insert'",
    ),
    "one of several": (
        "edit",
        {"path": "notes.txt", "old_string": "two", "new_string": "2", "count": 1},
        "no parameter 'count'",
    ),
    "a patch elsewhere": ("apply_patch", {"input": PATCH, "workdir": "src"}, "no parameter 'workdir'"),
    "an insertion behind a text": (
        "insert_content",
        {"path": "notes.txt", "line": 2, "content": "x", "position": "after"},
        "no parameter 'position'",
    ),
    "a search in several places": ("grep", {"pattern": "o", "paths": ["src", "docs"]}, "one call searches one"),
    "a signal": ("read_command_output", {"id": 1, "signal": "SIGINT"}, "no signals"),
    "an object for another file": ("write", {"path": "new.py", "content": {"a": 1}}, "content must be string"),
    "a command as another user": ("container.exec", {"cmd": ["ls"], "user": "root"}, "as the user who runs"),
    "nothing of an edit": ("edit", {"path": "app.py"}, "missing required parameter 'old_string'"),
    "a command tried out": ("bash", {"command": "touch x", "dry_run": True}, "nothing is tried out"),
    "a command in two folders": ("bash", {"command": "touch x", "cwd": "src", "cd": "docs"}, "two folders"),
    "a command in a file": ("bash", {"command": "touch x", "path": "app.py"}, "is not a folder"),
    "a patch as a program": ("shell", {"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}\nEOF"]}, "no program"),
    "several files in one diff": (
        "apply_diff",
        {"args": {"file": [{"path": "a", "diff": "x"}, {"path": "b", "diff": "y"}]}},
        "a call for each",
    ),
    "code with gaps": ("edit_file", {"target_file": "a", "code_edit": "// ... existing code ..."}, "'code_edit' here"),
    "a text that is no edit": ("edit_file", {"path": "a", "content": "x"}, "write_to_file writes"),
    "a whole file as an edit": ("edit_file", {"path": "a", "mode": "create", "content": "x"}, "write_to_file writes"),
    "no overwriting": ("write_file", {"path": "notes.txt", "content": "x", "overwrite": False}, "overwrite is false"),
    "undo": ("str_replace_editor", {"command": "undo_edit", "path": "app.py"}, "To take a change back"),
}


class Place:
    """A project with the files of a table, all of which were read."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        for name, text in FILES.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        self.workspace = LocalWorkspace(root)
        self.root = self.workspace.root
        self.tools = default_tools(self.workspace)
        for name in FILES:
            self.workspace.look(self.root / name)()

    def filled(self, value: Any) -> Any:
        """Arguments with the place's real path in them."""
        return json.loads(json.dumps(value).replace("{root}", str(self.root)))

    def changed(self) -> dict[str, str]:
        """The files that are not as they were."""
        found = {str(p.relative_to(self.root)): p.read_text() for p in sorted(self.root.rglob("*")) if p.is_file()}
        return {name: text for name, text in found.items() if FILES.get(name) != text}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "root")


def ran(place: Place, name: str, arguments: Any) -> ToolResult:
    text = json.dumps(place.filled(arguments), ensure_ascii=False)
    call = Call(0, name, text)
    before = copy.deepcopy(call)
    found = dispatch(call, place.tools)
    assert call == before
    if isinstance(found, Refusal):
        return ToolResult(found.reason, failed=True)
    intent = found.tool.intent(found.arguments)
    if intent.refusal:
        return ToolResult(intent.refusal.reason, failed=True)
    result = asyncio.run(found.tool.run(found.arguments, lambda text: None))
    return ToolResult(with_notes(result.content, found.notes), result.details, result.failed, result.answer)


@pytest.mark.parametrize("wanted", ROWS.values(), ids=ROWS)
def test_a_call_of_another_agent_does_what_it_meant(place: Place, wanted: Row) -> None:
    result = ran(place, wanted.name, wanted.arguments)
    assert not result.failed or "killed" in result.content, result.content
    for words in wanted.says:
        assert words in result.content
    assert not wanted.lacks or wanted.lacks not in result.content
    assert place.changed() == wanted.files


@pytest.mark.parametrize(("name", "arguments", "says"), REFUSED.values(), ids=REFUSED)
def test_what_would_mean_something_else_is_refused(place: Place, name: str, arguments: Any, says: str) -> None:
    result = ran(place, name, arguments)
    assert result.failed
    assert says in result.content
    assert place.changed() == {}


async def delegate(task: str, output: Output) -> ToolResult:
    return ToolResult("done")


EVERYTHING = default_tools(
    LocalWorkspace(Path(__file__).parent),
    Situation(200_000, 4, interactive=True, wanted=frozenset({"new_task", "web_fetch"})),
    Ports(delegate=delegate),
)
OFFERS = offers(tool.spec for tool in EVERYTHING)

MEANT: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    # what does not show on files: the call, and the tool and arguments that it means
    "claude, milliseconds": (
        "Bash",
        {"command": "x", "timeout": 120_000},
        "execute_command",
        {"command": "x", "timeout": 120},
    ),
    "roo, seconds": (
        "execute_command",
        {"command": "x", "timeout": 300},
        "execute_command",
        {"command": "x", "timeout": 300},
    ),
    "many seconds": ("Bash", {"command": "x", "timeout": 3600}, "execute_command", {"command": "x", "timeout": 3600}),
    "a million milliseconds": (
        "Bash",
        {"command": "x", "timeout": 1_000_000},
        "execute_command",
        {"command": "x", "timeout": 999},
    ),
    "not waited for": (
        "run_command",
        {"command": "x", "blocking": "false"},
        "execute_command",
        {"command": "x", "background": True},
    ),
    "detached": (
        "bash",
        {"command": "x", "detach": True},
        "execute_command",
        {"command": "x", "background": True},
    ),
    "codex, milliseconds": (
        "shell",
        {"command": "x", "timeout_ms": 1500},
        "execute_command",
        {"command": "x", "timeout": 2},
    ),
    "opencode, camel case": (
        "bash",
        {"command": "x", "timeoutMs": "60000"},
        "execute_command",
        {"command": "x", "timeout": 60},
    ),
    "claude, background": (
        "Bash",
        {"command": "x", "run_in_background": True},
        "execute_command",
        {"command": "x", "background": True},
    ),
    "qwen, background": (
        "run_shell_command",
        {"command": "x", "is_background": "true"},
        "execute_command",
        {"command": "x", "background": True},
    ),
    "vs code, background": (
        "run_in_terminal",
        {"command": "x", "isBackground": True},
        "execute_command",
        {"command": "x", "background": True},
    ),
    "claude, output": (
        "BashOutput",
        {"bash_id": "bash_3", "filter": "err"},
        "read_command_output",
        {"id": 3, "search": "err"},
    ),
    "claude, kill": ("KillShell", {"shell_id": "3"}, "kill_command", {"shell_id": 3, "kill": True}),
    "claude, kill, another id": ("KillBash", {"bash_id": "bash_3"}, "kill_command", {"shell_id": 3, "kill": True}),
    "claude, stop": ("TaskStop", {"task_id": 3}, "kill_command", {"shell_id": 3, "kill": True}),
    "an action": ("read_command_output", {"id": 3, "action": "kill"}, "read_command_output", {"id": 3, "kill": True}),
    "claude, output of a shell": ("BashOutput", {"shell_id": "3"}, "read_command_output", {"id": 3}),
    "claude, wait": (
        "TaskOutput",
        {"task_id": "3", "block": True, "timeout": 30_000},
        "read_command_output",
        {"id": 3, "wait": 30},
    ),
    "claude, delegates": (
        "Task",
        {"description": "look", "prompt": "Find it.", "subagent_type": "Explore"},
        "new_task",
        {"message": "Find it."},
    ),
    "roo, delegates": ("new_task", {"mode": "code", "message": "Do it."}, "new_task", {"message": "Do it."}),
    "claude, fetches": ("WebFetch", {"url": "https://a.b/", "prompt": "What?"}, "web_fetch", {"url": "https://a.b/"}),
    "kimi, fetches": ("FetchURL", {"url": "https://a.b/"}, "web_fetch", {"url": "https://a.b/"}),
    "opencode, fetches": (
        "webfetch",
        {"url": "https://a.b/", "format": "markdown"},
        "web_fetch",
        {"url": "https://a.b/"},
    ),
    "roo, asks": (
        "ask_followup_question",
        {"question": "Which?", "follow_up": [{"text": "A", "mode": None}, {"text": "B"}]},
        "ask_followup_question",
        {"question": "Which?", "options": ["A", "B"]},
    ),
    "claude, asks": (
        "AskUserQuestion",
        {
            "questions": [
                {"question": "Which?", "header": "H", "options": [{"label": "A"}, {"label": "B"}], "multiSelect": False}
            ]
        },
        "ask_followup_question",
        {"question": "Which?", "options": ["A", "B"]},
    ),
}


@pytest.mark.parametrize(("name", "arguments", "tool", "means"), MEANT.values(), ids=MEANT)
def test_what_a_call_means(name: str, arguments: dict[str, Any], tool: str, means: dict[str, Any]) -> None:
    found = dispatch(Call(0, name, json.dumps(arguments)), EVERYTHING)
    assert isinstance(found, Dispatched), found
    assert (found.tool.spec.name, found.arguments) == (tool, means)


NAMELESS: list[tuple[dict[str, Any], str]] = [
    ({"path": "a"}, "read_file"),
    ({"path": "a", "offset": 1}, "read_file"),
    ({"file_path": "a"}, "read_file"),
    ({"regex": "a"}, "search_files"),
    ({"pattern": "a"}, "search_files"),
    ({"path": "a", "recursive": True}, "list_files"),
    ({"path": "a", "content": "b"}, "write_to_file"),
    ({"file_path": "a", "content": "b"}, "write_to_file"),
    ({"path": "a", "old_string": "b", "new_string": "c"}, "edit_file"),
    ({"file_path": "a", "old_string": "b", "new_string": "c"}, "edit_file"),
    ({"path": "a", "diff": "b"}, "apply_diff"),
    ({"command": "ls"}, "execute_command"),
    ({"command": "ls", "timeout": 5}, "execute_command"),
    ({"todos": "[ ] a"}, "update_todo_list"),
    ({"question": "a"}, "ask_followup_question"),
    ({"url": "a"}, "web_fetch"),
    ({"result": "a"}, "attempt_completion"),
    ({"message": "a"}, ""),
    ({}, ""),
    ({"filePath": "a"}, ""),
    ({"edits": []}, ""),
    ({"path": "a", "edits": []}, ""),
    ({"path": "a", "-i": True}, ""),
    ({"path": "a", "start_line": 1}, ""),
    ({"id": 1}, "read_command_output"),
    ({"id": 1, "kill": True}, "read_command_output"),
    ({"shell_id": 1}, "read_command_output"),
]


@pytest.mark.parametrize(("arguments", "tool"), NAMELESS, ids=lambda value: json.dumps(value))
def test_a_call_without_a_name_is_as_certain_as_its_parameters(arguments: dict[str, Any], tool: str) -> None:
    """What other agents' shapes mean is for calls with a name; without one, the parameters are the only evidence."""
    assert resolve("call_59adf5614cfe4f4b8a71be54", arguments, OFFERS, KIMI).name == tool


ADAPTERS = sorted({tool.spec.name: tool.spec.adapt for tool in EVERYTHING if tool.spec.adapt is not dict}.items())
KEYS = st.sampled_from(
    [
        "path", "file_path", "files", "paths", "file", "args", "line_range", "lines", "view_range", "start_line",
        "endLine", "offset", "regex", "pattern", "-i", "-A", "-C", "type", "multiline", "isRegexp", "file_pattern",
        "output_mode", "edits", "edit", "old_string", "oldText", "new_string", "replace_all", "diff", "input",
        "command", "timeout", "timeout_ms", "mode", "content", "id", "shell_id", "bash_id", "block", "question",
        "questions", "options", "follow_up", "depth", "line", "cwd", "cd", "background", "wait",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 200_000) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "1-3", "-1", "5", "true", "append", '["a", 1]', '{"path": "a"}', "[", "1e9", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.mark.parametrize(("name", "adapt"), ADAPTERS, ids=[name for name, _ in ADAPTERS])
@given(arguments=st.dictionaries(KEYS, VALUES, max_size=5))
def test_adapting_is_total_and_pure_and_done_once(name: str, adapt: Any, arguments: dict[str, Any]) -> None:
    before = copy.deepcopy(arguments)
    adapted = adapt(arguments)
    assert arguments == before
    if not isinstance(adapted, str):
        json.dumps(adapted)
        assert all(isinstance(key, str) for key in adapted)
    [offer] = [offer for offer in OFFERS if offer.name == name]
    once = fit(offer, arguments)
    if not once.problems:
        again = fit(offer, once.arguments)
        assert (again.arguments, again.problems) == (once.arguments, ())


def test_our_own_shape_comes_out_as_it_went_in() -> None:
    for tool in EVERYTHING:
        example = json.loads(tool.spec.example)
        assert tool.spec.adapt(example) == example, tool.spec.name


@pytest.mark.parametrize("value", ["", "nothing", None, [], {}, [None, 1]])
def test_a_span_that_says_nothing_is_none(value: Any) -> None:
    assert "offset" not in reading.read_file({"path": "a", "view_range": value})
