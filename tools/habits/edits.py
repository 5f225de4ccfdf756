"""What models write that learned other agents' tools for editing, and what it means for ours."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from roundtrip.tools.habits import FILE_PATH, Arguments
from roundtrip.tools.habits.refused import encoding_refusal, refusal, unknown
from roundtrip.tools.habits.values import folded, integer, loaded, pop, truth

EDIT: Final[Mapping[str, str]] = {
    **FILE_PATH,
    "file": "path",
    **dict.fromkeys(("old_str", "old_text", "old_content", "old", "search", "find"), "old_string"),
    **dict.fromkeys(("new_str", "new_text", "new_content", "new", "replace", "replacement"), "new_string"),
    "allow_multiple": "replace_all",
    "expected_occurrences": "expected_replacements",
}
"""Names of what an edit has, as `ToolSpec.parameter_aliases`; an entry of a list of edits has the same."""

_LINES: Final = ("start_line", "end_line")
_ENTRY: Final = frozenset(EDIT.values())
_WRITE: Final = frozenset({"path", "content", "append", "overwrite"})
_DIFF: Final = frozenset({"path", "diff", *_LINES})
_EDITOR: Final = frozenset(
    {"command", "path", "view_range", "file_text", "old_str", "new_str", "insert_line", "replace_all"}
)
_PATCH: Final = re.compile(r"SEARCH|@@|\*\*\* ")
_TEXTS: Final = "give the exact text as old_string and what replaces it as new_string; write_to_file writes whole files"


def write_to_file(arguments: Arguments) -> Arguments | str:
    """`mode` and its like: whether what is there is kept."""
    rest = dict(arguments)
    reason = refusal("write_to_file", rest) or encoding_refusal(rest)
    if reason:
        return reason
    mode = pop(rest, "mode", "writemode", "operation", "action")
    if mode is not None and mode not in ("append", "overwrite", "a", "w", "create", "write"):
        return f"mode {mode!r} is not known; it can be overwrite or append"
    if mode in ("append", "a"):
        rest["append"] = True
    if isinstance(rest.get("content"), (dict, list)) and str(rest.get("path")).lower().endswith(".json"):
        rest["content"] = json.dumps(rest["content"], indent=2, ensure_ascii=False) + "\n"
    return unknown(rest, _WRITE, "leave it out to write the whole file, or change a part of it with edit_file") or rest


def edit_file(arguments: Arguments) -> Arguments | str:
    """One edit as it is, several as `edits`."""
    rest = dict(arguments)
    reason = refusal("edit_file", rest)
    if reason:
        return reason
    edits = pop(rest, "edits", "edit", "replacements", "operations", "changes")
    content = rest.get("content")
    if "start_line" in rest and "new_string" not in rest and isinstance(content, str):
        rest["new_string"] = rest.pop("content")
    elif "old_string" not in rest and edits is None and not (content and not _PATCH.search(str(content))):
        rest = _with_diff(rest)
    reason = unknown(rest, {*_ENTRY, *_LINES, "diff", *_hints(rest, "old_string")}, _TEXTS)
    if edits is None or reason:
        return reason or rest
    edits = loaded(edits)
    return _with_edits(rest, edits if isinstance(edits, list) else [edits])


_NAMES: Final[Mapping[str, str]] = {
    **{folded(name): name for name in _ENTRY},
    **{folded(name): meant for name, meant in EDIT.items()},
}
"""Names of what an entry of a list of edits has, folded."""


def _hints(arguments: Arguments, text: str) -> list[str]:
    """Parameters that name a line beside a text. The text decides, for it must be there once only."""
    return [
        name for name in arguments if arguments.get(text) and re.fullmatch(r"\w*line(?:no|number)?s?\d*", folded(name))
    ]


def _rename(arguments: dict[str, Any], names: Mapping[str, str]) -> None:
    """What is there already under its right name stays."""
    for key in [key for key in arguments if folded(key) in names]:
        arguments.setdefault(names[folded(key)], arguments.pop(key))


def _with_edits(rest: dict[str, Any], edits: Sequence[Any]) -> Arguments | str:
    """One file's edits, with what was said once for all of them; or why they are not that."""
    if any(rest.pop(name, None) for name in ("old_string", "new_string")):
        return "the call has a list of edits, and one more edit beside it; put all of them into edits"
    found: list[Any] = []
    for entry in edits:
        edit = dict(entry) if isinstance(entry, dict) else entry  # what is no edit is left to the schema
        if isinstance(edit, dict):
            _rename(edit, _NAMES)
            reason = refusal("edit_file", edit) or unknown(edit, {*_ENTRY, *_hints(edit, "old_string")}, _TEXTS)
            if reason:
                return reason
        found.append(edit)
    entries = [edit for edit in found if isinstance(edit, dict)]
    paths = {str(one["path"]) for one in (rest, *entries) if one.get("path")}
    if len({posixpath.normpath(path) for path in paths}) > 1:
        return f"one call changes one file here, and this one names {', '.join(sorted(paths))}; make a call for each"
    for name in ("replace_all", "expected_replacements"):
        value = rest.pop(name, None)
        for edit in entries:
            edit.setdefault(name, value)
    path = {"path": min(paths)} if paths else {}
    kept = [_entry(edit) for edit in found]
    return {**rest, **kept[0], **path} if len(kept) == 1 == len(entries) else {**rest, **path, "edits": kept}


def _entry(edit: Any) -> Any:
    """An entry without what is the call's, or null; the schema's coercion does not reach into lists."""
    if not isinstance(edit, dict):
        return edit
    said = {key: value for key, value in edit.items() if value is not None and key != "path"}
    for name, meant in (("replace_all", truth), ("expected_replacements", integer)):
        if name in said:
            found = meant(said[name])
            said[name] = said[name] if found is None else found
    return said


def editor(arguments: Arguments) -> Arguments | str:
    """Roo's `insert_content` has no command, and its line is the one to insert before, 0 for the file's end."""
    rest = dict(arguments)
    line = integer(pop(rest, "line"))
    if "command" not in rest and line is not None:
        rest = {"command": "insert", **rest, "insert_line": line - 1}
    if rest.get("command") == "create" and "file_text" not in rest and "new_str" in rest:
        rest["file_text"] = rest.pop("new_str")
    span = pop(rest, "range", "linerange") if rest.get("command") == "view" else None
    if span is not None:
        rest.setdefault("view_range", span)
    reason = (
        ""
        if rest.get("command") == "view"
        else unknown(rest, {*_EDITOR, *_hints(rest, "old_str")}, "leave it out, or use another tool")
    )
    return reason or rest


def apply_diff(arguments: Arguments) -> Arguments | str:
    """The diff out of Roo's `args`, out of a list of blocks, or out of Codex' command line."""
    rest = dict(arguments)
    reason = refusal("apply_diff", rest)
    if reason:
        return reason
    wrapped = loaded(pop(rest, "args"))
    if isinstance(wrapped, dict):
        files = wrapped.get("file", wrapped.get("files"))
        files = files if isinstance(files, list) else [files]
        if len(files) > 1:
            return "one call changes one file here; make a call for each"
        if files and isinstance(files[0], dict):
            rest.update(files[0])
    command = rest.get("command")
    if "diff" not in rest and isinstance(command, list) and len(command) == 2 and command[0] == "apply_patch":
        rest["diff"] = command[1]
        del rest["command"]
    rest = _with_diff(rest)
    diff = rest.get("diff")
    blocks = [_block(block) for block in (diff if isinstance(diff, list) else [diff])]
    if all(isinstance(block, str) for block in blocks):
        rest["diff"] = "\n".join(blocks)
    return unknown(rest, _DIFF, "give the whole change as diff") or rest


def _with_diff(rest: dict[str, Any]) -> dict[str, Any]:
    """Blocks or a patch under other names. They are no aliases: without a name, path and content mean write_to_file."""
    return (
        rest if "diff" in rest or (diff := pop(rest, "content", "patch", "blocks")) is None else {**rest, "diff": diff}
    )


def _block(block: Any) -> Any:
    return block.get("content") if isinstance(block, dict) else block
