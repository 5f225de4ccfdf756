"""What models write that learned other agents' tools for looking at files, and what it means for ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from roundtrip.tools.habits import Arguments
from roundtrip.tools.habits.refused import REMARKS, refusal
from roundtrip.tools.habits.values import integer, is_integer, loaded, pop, truth

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

_FLAGS: Final = re.compile(r"\A((?:\(\?[aiLmsux]+\))*)(.*)\Z", re.DOTALL)
_SPECIAL: Final = re.compile(r"[.^$*+?{}\[\]\\|()]")


_FIRST: Final = ("startline", "startlineoneindexed", "beginline", "firstline", "linestart", "fromline", "start", "from")
_LAST: Final = ("endline", "endlineoneindexedinclusive", "lastline", "lineend", "toline", "end", "to")


def read_file(arguments: Arguments) -> Arguments:
    """Line ranges in all their spellings, and several files."""
    rest = dict(arguments)
    pop(rest, *REMARKS)
    files = _files(rest)
    if files is not None:
        return {**rest, "files": files}
    _limit(rest)
    return rest


def _limit(rest: dict[str, Any]) -> None:
    """Puts a range of lines down as offset and limit."""
    head, tail = integer(pop(rest, "head")), integer(pop(rest, "tail"))
    if "offset" not in rest and (head or tail):
        rest.update({"offset": 1, "limit": head} if head else {"offset": -abs(tail or 0)})
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
    """A depth of more than one level is all of them; several patterns are one."""
    rest = dict(arguments)
    pop(rest, *REMARKS)
    patterns = loaded(pop(rest, "patterns", "name", "filepattern", "include"))
    if "pattern" not in rest and patterns is not None:
        rest["pattern"] = patterns
    if "pattern" in rest:
        rest["pattern"] = _glob(loaded(rest["pattern"]))
    depth = integer(pop(rest, "depth", "maxdepth"))
    if depth is not None and "recursive" not in rest:
        rest["recursive"] = depth != 1
    return rest


def search_files(arguments: Arguments) -> Arguments | str:
    """Flags of grep; what has no parameter here goes into the regex itself."""
    rest = dict(arguments)
    reason = refusal("search_files", rest)
    place = loaded(rest["path"] if "path" in rest else pop(rest, "paths", "files", "file"))
    if isinstance(place, list) and len(place) > 1:
        reason = "one call searches one file or folder; give the folder that they are in as path, and file_pattern"
    if reason:
        return reason
    if place:
        rest["path"] = place[0] if isinstance(place, list) else place
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
    if pattern:
        rest["file_pattern"] = _glob(pattern)
    if not pattern and isinstance(kind, str) and re.fullmatch(r"\w+", kind):
        rest["file_pattern"] = FILE_TYPES.get(kind, f"*.{kind}")
        del rest["type"]
    return rest


def _glob(pattern: Any) -> Any:
    """Several patterns as one; what is none stays for the schema."""
    several = isinstance(pattern, list) and pattern and all(isinstance(glob, str) for glob in pattern)
    return pattern if not several else pattern[0] if len(pattern) == 1 else f"{{{','.join(pattern)}}}"


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
