"""How things are said in a line: shared by the front ends."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any, Final, TextIO

from roundtrip.agent.runtime.sessions import Summary

_TITLE: Final = 60
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))
_TELLING: Final = (
    "command", "cmd", "path", "file_path", "filePath", "target_file", "pattern", "regex", "query", "files",
    "question", "url", "message",
)  # fmt: skip
"""Arguments that say what a call is about, also as other agents' tools name them."""

_PATCHED: Final = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)

_FOLDERS: Final = (
    "cwd", "workdir", "working_dir", "working_directory", "directory", "dir_path", "cd", "path", "dir", "folder",
)  # fmt: skip
"""Arguments that say where a command runs, also as other agents' tools name them."""

_ASK_FOR_NETWORK: Final = re.compile(r"If this needs[^.]*, ask the user to allow [^.]*/network on[^.]*\.")
_COLUMN: Final = re.compile(r"\s*\S.*?\s{2,}")

_SHOWN: Final = ("todos", "plan", "result")
"""Arguments that are shown as the call's outcome, or as the answer."""


def printable(text: str) -> str:
    """The text without control characters, which a model could use to write to somebody's terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def for_people(refusal: str) -> str:
    """Why a call was refused, without the last sentence, which tells the model what to do instead."""
    line = refusal.partition("\n")[0]
    return f"{(line.rpartition('. ')[0] or line).rstrip('.')}."


def note_for_people(note: str) -> str:
    """What is said of the sandbox beside a result, where it tells the model what to ask the user for."""
    return _ASK_FOR_NETWORK.sub("/network on gives it to commands; then say “again”.", note)


def shown_command(arguments: Mapping[str, Any]) -> str:
    """A call's command and where it runs, as the model names that."""
    named = (arguments[name] for name in _FOLDERS if isinstance(arguments.get(name), str))
    return in_folder(str(arguments["command"]), next(named, ""))


def in_folder(command: str, folder: str) -> str:
    """A command and the folder that it runs in, if that is not the workspace itself."""
    return command if folder in ("", ".", "./") else f"(in {folder}) {command}"


def fitted(text: str, out: TextIO) -> str:
    """The text, where it goes to a terminal broken between words at its width; a second column stays one."""
    try:
        width = os.get_terminal_size(out.fileno()).columns if out.isatty() else 0
    except (OSError, ValueError):
        width = 0
    return "\n".join(_broken(line, width) for line in text.split("\n")) if width else text


def _broken(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * second_column(line, width)
    return "\n".join(wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def second_column(line: str, width: int) -> int:
    """Where the second column of a line begins, 0 if it has none, or it begins too far on the right."""
    first = _COLUMN.match(line)
    return len(first[0]) if first and len(first[0]) <= width // 2 else 0


def call_line(name: str, arguments: Mapping[str, Any], most: int = 200) -> str:
    """What a call is about, in one line: its name and the argument that tells most, cut."""
    told = next((arguments[key] for key in _TELLING if key in arguments), _patched(arguments) or _listed(arguments))
    if isinstance(sought := arguments.get("regex", arguments.get("pattern")), str) and isinstance(told, str):
        told = sought if told in (sought, ".", "") else f"{sought} in {told}"
    told = "" if any(key in arguments for key in _SHOWN) else told
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    line = f"{name} {' '.join(text.split())}".strip()
    return f"{line[:most]}…" if len(line) > most else line


def _listed(arguments: Mapping[str, Any]) -> str:
    """Arguments none of which is known to tell most: `recursive`, `id 3`."""
    parts = (name if value is True else f"{name} {value if isinstance(value, str | int) else json.dumps(value)}"
             for name, value in arguments.items())  # fmt: skip
    return ", ".join(parts)


def _patched(arguments: Mapping[str, Any]) -> str:
    """The files that a patch is for, "" if there is none in the arguments."""
    texts = (text for text in arguments.values() if isinstance(text, str))
    return next((", ".join(files) for text in texts if (files := _PATCHED.findall(text))), "")


def duration(seconds: float) -> str:
    """"4 s", "2 min 5 s"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def count(number: int) -> str:
    """"950", "12.3k", "1.2M"."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def age(seconds: float) -> str:
    """About how long ago: "5 min", "3 h", "2 d", "now"."""
    return next((f"{int(seconds // size)} {unit}" for size, unit in _UNITS if seconds >= size), "now")


def session_lines(found: Iterable[Summary], now: float, *, everywhere: bool = False) -> list[str]:
    """id, age, what was asked first; with `everywhere`, in which folder."""
    sessions = list(found)
    width = max((len(one.header.id) for one in sessions), default=0)
    return [
        f"{printable(one.header.id):{width}}  {age(now - one.modified):>6}  {title(one)}"
        + (f"  ({printable(one.header.workspace)})" if everywhere else "")
        for one in sessions
    ]


def title(one: Summary) -> str:
    """What the user asked first, cut."""
    text = printable(one.title)
    return f"{text[:_TITLE]}…" if len(text) > _TITLE else text
