"""What models write that learned other agents' tools, and what it means for ours; edit_habits.py has those that edit.

One function a tool, used as `ToolSpec.adapt`. Other names of tools and parameters are tables in each tool's spec; here
is what a name can't say: other units, other shapes, and options that change what a call does.

Rules:
1. A parameter that changes what is done is honoured, or the call is refused with the reason (refused.py). What merely
   narrows or decorates a result (`output_mode`, `description`) stays in the arguments, and dispatch notes that it was
   ignored.
2. Pure, and total: any JSON object may come. What is of no known type is left to the schema, which says what is wrong.
3. Arguments in our own shape come out as they went in.

Sources: Roo Code and Cline (`args`, `files`, `line_range`), Claude Code (`Grep`, `MultiEdit`, milliseconds), Qwen Code
and Gemini CLI (`paths`, `expected_replacements`), kimi-cli and kimi-code (`edit`, `mode`), Codex (`shell` with a list,
`timeout_ms`, `apply_patch`), opencode (camel case, which `leaks.fit` undoes), Cursor and VS Code (`isRegexp`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final

from roundtrip.tools.refused import refusal
from roundtrip.tools.values import folded, integer, is_integer, loaded, pop, truth

Arguments = Mapping[str, Any]

PATH: Final[Mapping[str, str]] = dict.fromkeys(
    ("file_path", "absolute_path", "filename", "file_name", "target_file", "relative_workspace_path"), "path"
)
"""Names of a file's path, as `ToolSpec.parameter_aliases`."""

FOLDER: Final[Mapping[str, str]] = {
    **PATH,
    **dict.fromkeys(("directory", "dir", "dir_path", "folder", "target_directory"), "path"),
}
"""Names of a path that may be a folder's."""

MILLISECONDS: Final = 10_000
"""A time limit from here on is in milliseconds: as seconds it would be hours, which no tool here allows."""

THOUSANDS: Final = 1000
"""A multiple of it is in milliseconds too: who counts in seconds says 900, 1800 or 3600."""

LONGEST: Final = THOUSANDS - 1
"""Seconds of a converted time limit, so that it is not converted again."""

WHERE: Final = ("cd", "path", "dir", "folder", "currentdir", "currentdirectory", "basedir", "rootdir")
"""Names of the folder a command runs in (folded) that are no aliases: without a tool's name they don't tell it."""

FILE_TYPES: Final[Mapping[str, str]] = {
    "c": "*.{c,h}",
    "cpp": "*.{cc,cpp,cxx,h,hh,hpp,hxx}",
    "js": "*.{js,jsx,mjs,cjs}",
    "kotlin": "*.{kt,kts}",
    "markdown": "*.{md,markdown}",
    "md": "*.{md,markdown}",
    "py": "*.{py,pyi}",
    "python": "*.{py,pyi}",
    "ruby": "*.rb",
    "rust": "*.rs",
    "sh": "*.{sh,bash,zsh}",
    "ts": "*.{ts,tsx,mts,cts}",
    "typescript": "*.{ts,tsx,mts,cts}",
    "yaml": "*.{yaml,yml}",
}
"""ripgrep's names of file types where they are no ending."""

_SHELLS: Final = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|z|da)?sh")
_SCRIPT_FLAGS: Final = ("-c", "-lc", "-ic", "-lic")
_FLAGS: Final = re.compile(r"\A((?:\(\?[aiLmsux]+\))*)(.*)\Z", re.DOTALL)
_SPECIAL: Final = re.compile(r"[.^$*+?{}\[\]\\|()]")


_FIRST: Final = ("startline", "startlineoneindexed", "beginline", "firstline", "linestart", "fromline", "start", "from")
_LAST: Final = ("endline", "endlineoneindexedinclusive", "lastline", "lineend", "toline", "end", "to")


def read_file(arguments: Arguments) -> Arguments:
    """Line ranges in all their spellings, and several files."""
    rest = dict(arguments)
    files = _files(rest)
    if files is not None:
        return {**rest, "files": files}
    _limit(rest)
    return rest


def _limit(rest: dict[str, Any]) -> None:
    """Puts a range of lines down as offset and limit."""
    first = integer(pop(rest, *_FIRST))
    last = integer(pop(rest, *_LAST))
    lines = pop(rest, "viewrange", "linerange", "lines", "range")
    if integer(lines) is not None and integer(first if first is not None else rest.get("offset")):
        rest.setdefault("limit", integer(lines))  # beside a first line, one number is how many
        lines = None
    first, last = _span(lines) or (first, last)
    if first is None and last is not None:
        first = integer(rest.get("offset"))
    if first is not None or last is not None:
        rest["offset"] = max(first or 1, 1)
        if last is not None and last >= 0:
            rest["limit"] = max(last - rest["offset"] + 1, 1)


def list_files(arguments: Arguments) -> Arguments:
    """A depth of more than one level is all of them."""
    rest = dict(arguments)
    depth = integer(pop(rest, "depth", "maxdepth"))
    if depth is not None and "recursive" not in rest:
        rest["recursive"] = depth != 1
    return rest


def search_files(arguments: Arguments) -> Arguments | str:
    """Flags of grep; what has no parameter here goes into the regex itself."""
    rest = dict(arguments)
    reason = refusal("search_files", rest)
    if reason:
        return reason
    literal = truth(pop(rest, "literal", "fixedstrings", "f")) or truth(pop(rest, "isregexp", "isregex")) is False
    folds = truth(pop(rest, "i", "ignorecase", "caseinsensitive")) or truth(pop(rest, "casesensitive")) is False
    words = truth(pop(rest, "w", "wordregexp", "wholeword", "matchwholeword"))
    flags = ("i" if folds else "") + ("s" if truth(pop(rest, "multiline")) else "")
    regex = rest.get("regex")
    if isinstance(regex, str) and regex:
        regex = _SPECIAL.sub(r"\\\g<0>", regex) if literal else regex
        regex = _FLAGS.sub(r"\1(?<!\\w)(?:\2)(?!\\w)", regex) if words else regex
        rest["regex"] = f"(?{flags}){regex}" if flags else regex
    around = [integer(pop(rest, *names)) for names in (("a", "aftercontext"), ("b", "beforecontext"), ("c",))]
    lines = [number for number in around if number is not None]
    if lines and "context" not in rest:
        rest["context"] = max(lines)
    pop(rest, "n", "linenumbers")  # the lines are always numbered
    if rest.get("output_mode") == "content":
        del rest["output_mode"]
    return _with_file_type(rest)


def _with_file_type(rest: dict[str, Any]) -> dict[str, Any]:
    if "file_pattern" not in rest and isinstance(rest.get("pattern"), str):
        rest["file_pattern"] = rest.pop("pattern")  # beside another name for the regex, this is no second one
    pattern, kind = rest.get("file_pattern"), rest.get("type")
    if isinstance(pattern, list) and pattern and all(isinstance(glob, str) for glob in pattern):
        rest["file_pattern"] = pattern[0] if len(pattern) == 1 else f"{{{','.join(pattern)}}}"
    if not pattern and isinstance(kind, str) and re.fullmatch(r"\w+", kind):
        rest["file_pattern"] = FILE_TYPES.get(kind, f"*.{kind}")
        del rest["type"]
    return rest


def execute_command(arguments: Arguments) -> Arguments | str:
    """Milliseconds, and a shell that is called with a script."""
    rest = dict(arguments)
    reason = refusal("execute_command", rest)
    if reason:
        return reason
    limit = integer(pop(rest, "timeoutms", "timeoutmillis", "timeoutmilliseconds"))
    if limit is not None and "timeout" not in rest:
        rest["timeout"] = _seconds(limit)
    timeout = integer(rest.get("timeout"))
    if timeout is not None:
        rest["timeout"] = _limited(timeout, rest["timeout"])
    command = _command(rest)
    if _is_patch(command):
        return 'apply_patch is no program here: call the tool apply_patch with {"input": "*** Begin Patch …"}'
    if truth(pop(rest, "detach", "detached", "async")) or truth(pop(rest, "blocking", "wait", "block")) is False:
        rest.setdefault("background", True)
    return _somewhere(rest)


def _command(rest: dict[str, Any]) -> Any:
    """The command without a shell that is called with it as a script, and with what was given as its arguments."""
    command = loaded(rest.get("command"))
    if isinstance(command, list):
        script = len(command) == 3 and all(isinstance(word, str) for word in command) and command[1] in _SCRIPT_FLAGS
        rest["command"] = command = command[2] if script and _SHELLS.fullmatch(command[0]) else command
    words = loaded(rest.get("args"))
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        words = shlex.join(words)
    if isinstance(words, str) and isinstance(command, str):
        del rest["args"]
        rest["command"] = command = f"{command} {words}".rstrip()
    return command


def _somewhere(rest: dict[str, Any]) -> Arguments | str:
    """The folder to run in under its own name. Of two there is none: nothing may run elsewhere than was meant."""
    folders = [value for name in [name for name in rest if folded(name) in WHERE] if (value := rest.pop(name))]
    given = [*([rest["cwd"]] if rest.get("cwd") else []), *folders]
    if any(folder != given[0] for folder in given):
        return "the call names two folders to run in; give the one that is meant as cwd"
    return {**rest, "cwd": given[0]} if folders else rest


def read_command_output(arguments: Arguments) -> Arguments:
    """Claude's ids have a word in front, and it waits in milliseconds."""
    rest = dict(arguments)
    if "id" in rest:
        rest["id"] = _number(rest["id"])
    limit, block = integer(pop(rest, "timeout", "timeoutms")), truth(pop(rest, "block"))
    if limit is not None and block is not False and "wait" not in rest:
        rest["wait"] = _limited(limit, limit)
    return rest


def kill_command(arguments: Arguments) -> Arguments:
    """Claude's `KillShell` and its like: whatever they call it, one command is named, and that is ended."""
    rest = dict(arguments)
    named = pop(rest, "shellid", "id", "bashid", "taskid", "jobid")
    return {"shell_id": _number(named), "kill": True} if named is not None else rest


def _number(id: Any) -> Any:
    """The number of a command whose id has a word in front of it."""
    found = re.fullmatch(r"[A-Za-z_# -]*(\d{1,9})", id) if isinstance(id, str) else None
    return int(found[1]) if found else id


def _limited(limit: int, given: Any) -> Any:
    """A time limit in seconds, as it was given where it was in seconds."""
    return _seconds(limit) if limit >= MILLISECONDS or (limit > 0 and limit % THOUSANDS == 0) else given


def _seconds(milliseconds: int) -> int:
    return min(max(round(milliseconds / 1000), 1), LONGEST)


def _is_patch(command: Any) -> bool:
    """Whether a command line hands a patch to Codex' own program."""
    words = command if isinstance(command, list) else [command]
    text = " ".join(word for word in words if isinstance(word, str))
    return bool(re.match(r"\s*(?:cd \S+ && )?apply_?patch\b", text)) and "*** Begin Patch" in text


def _files(rest: dict[str, Any]) -> list[Any] | None:
    """Several files, in the present shape; takes them out of the arguments. None where it is not about several."""
    wrapped = loaded(pop(rest, "args"))
    if isinstance(wrapped, dict):
        rest.update(wrapped)
    path = loaded(rest.get("path"))
    found = path if isinstance(path, list) and path else loaded(pop(rest, "files", "paths", "filepaths", "file"))
    if found is path and found is not None:
        del rest["path"]
    if found is None:
        return None
    return [_file(one) for one in (found if isinstance(found, list) else [found])]


def _file(file: Any) -> Any:
    """One of several files; its line ranges under one name."""
    if not isinstance(file, dict):
        return file
    found = dict(file)
    path = pop(found, "path", "filepath", "absolutepath")
    ranges = pop(found, "lineranges", "linerange", "range", "lines")
    _limit(found)
    if path is not None:
        found = {"path": path, **found}
    if ranges is not None:
        several = isinstance(ranges, list) and not all(is_integer(number) for number in ranges)
        found["line_ranges"] = ranges if several else [ranges]
    return found


def _span(value: Any) -> tuple[int, int | None] | None:
    """First and last line out of [1, 50], "1-50" or "10"; -1 is the file's end."""
    parts = value if isinstance(value, list) else re.findall(r"-?\d+", re.sub(r"(?<=\d)-", " ", str(value or "")))
    numbers = [integer(part) for part in parts[:2]]
    if not numbers or numbers[0] is None:
        return None
    return numbers[0], numbers[1] if len(numbers) > 1 else None
