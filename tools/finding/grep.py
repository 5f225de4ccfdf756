"""The program that searches: finds the files with an engine, and the lines in them with Python's `re`.

Strategy. Python can't be interrupted while it matches a regex, and some regexes never end. So this runs as a program
of its own, `python -m roundtrip.tools.finding.grep JOB`, which can be killed. Rules:
1. An engine only says which files may match; whether they do, and how that looks, is decided here for all engines.
2. Files are searched in the order of their paths, and what is found is printed at once.
3. Files that hold keys are passed over, unless one is named.
4. When as much is found as may be shown, one more match is looked for, to say that there are more.
Prints a line for each line of the result, and as the last one, behind a NUL, what was left out as JSON.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from roundtrip.agent.files import FOLDER, straight
from roundtrip.agent.keys import key
from roundtrip.agent.plain import name_line
from roundtrip.tools.cut import part_of
from roundtrip.tools.encodings import WIDE, is_binary, text_of, wide
from roundtrip.tools.finding import python_files
from roundtrip.tools.finding.engines import PYTHON, Counting, Engine, by_folder, fitting, nested
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.ignore import Scope
from roundtrip.tools.finding.patterns import Pattern, read_pattern

SEARCHED: Final = 64 * 1024 * 1024
"""Bytes of the largest file that is searched."""

COLUMNS: Final = 300
"""Characters of a line that are shown."""

MARKS: Final = r"^(?:\xff\xfe|\xfe\xff|\x00\x00\xfe\xff)"
"""Files with a byte order mark of a wide encoding, which are always read."""

_PIPES: Final[dict[str, Any]] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What to search for, and how much of it to show.

    name: of the scope's base, as the model knows it. file: the only file to search, "" for all of them.
    """

    scope: Scope
    engines: tuple[Engine, ...]
    regex: str
    name: str = "."
    file: str = ""
    file_pattern: str = ""
    context: int = 0
    matches: int = 100
    bytes: int = 24 * 1024

    def command(self) -> tuple[str, ...]:
        """-P: a folder's own modules must not be taken for Python's."""
        return (sys.executable, "-P", "-m", "roundtrip.tools.finding.grep", json.dumps(asdict(self)))

    @staticmethod
    def parse(text: str) -> Job:
        fields: dict[str, Any] = json.loads(text)
        scope, engines = Scope(**fields.pop("scope")), tuple(Engine(**engine) for engine in fields.pop("engines"))
        return Job(scope, engines, **fields)

    def shown(self, path: str) -> str:
        """As the model may use it, in one line."""
        prefix = "" if self.name == "." else f"{self.name.rstrip('/')}/"
        return name_line(prefix + path)


def candidates(job: Job, pattern: Pattern) -> list[str]:
    """The files that may match, in order, and perhaps links, which are not read."""
    if job.file:
        return [job.file]
    fits = matcher(job.file_pattern)
    for engine in (*fitting(job.engines, job.scope), PYTHON):
        found = _ask(engine, job.scope, pattern)
        if found is not None:
            break
    wanted = "".join(f"{path}\0" for path in found or () if fits(path) or fits(job.shown(path)))
    accepts = Counting(job.scope)
    counted = "".join(accepts(folder, paths) for folder, paths in by_folder(wanted))
    return sorted(counted.split("\0")[:-1], key=lambda path: path.split("/"))


def _others(job: Job, pattern: Pattern) -> bool:
    """Whether there are files to search in which an engine found nothing."""
    return bool(pattern.loose and candidates(job, replace(pattern, loose="")))


def _ask(engine: Engine, scope: Scope, pattern: Pattern) -> list[str] | None:
    """None: this engine has failed."""
    if engine == PYTHON:
        return list(python_files.walk(scope))
    try:
        return _matching_files(engine, scope, pattern.loose) if pattern.loose else _all(engine, scope)
    except (OSError, _Failed):
        return None


class _Failed(Exception):
    """An engine did not do what it was asked for."""


def _matching_files(engine: Engine, scope: Scope, loose: str) -> list[str]:
    """The files that match a looser pattern. Raises OSError, _Failed."""
    with subprocess.Popen(engine.searching(scope, (loose, MARKS)), cwd=scope.base, **_PIPES) as process:
        below = _repositories(engine, scope) if engine.name == "git" else []
        output, errors = process.communicate()
    if errors or not engine.succeeded(process.returncode):
        raise _Failed
    found = _paths(output)
    for path in below:
        found += (path + each for each in _matching_files(engine, nested(scope, path), loose))
    return found


def _repositories(engine: Engine, scope: Scope) -> list[str]:
    """The repositories below a scope, which git does not search."""
    return [path for path in _listed(engine, scope) if path.endswith("/")]


def _all(engine: Engine, scope: Scope) -> list[str]:
    """The files of a scope. Raises OSError, _Failed."""
    found: list[str] = []
    for path in _listed(engine, scope):
        if path.endswith("/"):
            found += (path + each for each in _all(engine, nested(scope, path)))
        else:
            found.append(path)
    return found


def _listed(engine: Engine, scope: Scope) -> list[str]:
    done = subprocess.run(engine.listing(scope), cwd=scope.base, **_PIPES)
    if not engine.succeeded(done.returncode):
        raise _Failed
    return _paths(done.stdout)


def _paths(output: bytes) -> list[str]:
    return [path.removeprefix("./") for path in os.fsdecode(output).split("\0")[:-1]]


def content(base: int, path: str, literal: bytes, loose: re.Pattern[bytes] | None) -> str:
    """The text of a file below a folder; "" for what is behind a link or no text, can't be read, is too large or can't
    match."""
    try:
        with open(straight(path, folder=base), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > SEARCHED:
                return ""
            data = file.read()
    except OSError:
        return ""
    is_wide = data.startswith(tuple(mark for mark, _ in WIDE)) and bool(wide(data))
    if not is_wide and (literal not in data or is_binary(data) or (loose and not loose.search(data))):
        return ""
    return text_of(data)


def matching(text: str, pattern: Pattern) -> tuple[list[str], dict[int, int]]:
    """The text's lines, and where in the matching ones, by number from 0, the first match begins."""
    if not pattern.returns:
        text = text.replace("\r\n", "\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    if pattern.lines:
        search, literal = pattern.compiled.search, pattern.literal
        return lines, {
            number: found.start() for number, line in enumerate(lines) if literal in line and (found := search(line))
        }
    starts: dict[int, int] = {}
    number, at = 0, 0
    for found in pattern.compiled.finditer(text):
        number, at = number + text.count("\n", at, found.start()), found.start()
        column = at - (text.rfind("\n", 0, at) + 1)
        height = text.count("\n", at, max(found.end() - 1, at))
        for line in range(number, min(number + height + 1, len(lines))):
            starts.setdefault(line, column if line == number else 0)
    return lines, starts


def excerpt(line: str, column: int = 0) -> str:
    """A line as it is shown: where it is long, its part around the match."""
    if len(line) <= COLUMNS:
        return line
    part = part_of(line, column, COLUMNS)
    before = "" if line.startswith(part) else "…"
    return f"{before}{part}… [a line of {len(line)} characters; read_file shows more of it]"


class Found:
    """Hands on what is found, line by line, until it is enough."""

    def __init__(self, job: Job, take: Callable[[str], None]) -> None:
        self._job = job
        self._take = take
        self._budget = job.bytes
        self._separator = ""
        self.matches = 0
        self.more = False
        self.last = ""
        self.no_file = False
        """Whether there is no file at all that `file_pattern` fits."""

    def file(self, path: str, lines: list[str], starts: dict[int, int]) -> None:
        """Prints the matching lines of a file with their context; sets `more` if they are too many."""
        name, context, shown = self._job.shown(path), self._job.context, -1
        for number, column in sorted(starts.items()):
            if self.matches >= self._job.matches or self._budget < 0:
                self.more = True
                return
            first = max(number - context, shown + 1)
            if context and self._separator and (shown < 0 or first > shown + 1):
                self._print(self._separator)
            for other in range(first, number):
                self._print(f"{name}-{other + 1}- {excerpt(lines[other])}")
            self._print(f"{name}:{number + 1}: {excerpt(lines[number], column)}")
            shown = number
            for other in range(number + 1, min(number + context + 1, len(lines))):
                if other in starts:
                    break
                self._print(f"{name}-{other + 1}- {excerpt(lines[other])}")
                shown = other
            self.matches, self.last, self._separator = self.matches + 1, f"{name}:{number + 1}", "--"

    def _print(self, line: str) -> None:
        self._budget -= len(line.encode("utf-8", "replace")) + 1
        self._take(line)


def search(job: Job, take: Callable[[str], None]) -> Found:
    """Gives `take` the lines of the result, as soon as they are found."""
    pattern = read_pattern(job.regex)
    assert isinstance(pattern, Pattern), "the tool has tried it"
    loose = re.compile(pattern.loose.encode()) if pattern.loose else None
    found = Found(job, take)
    base = straight(job.scope.base, FOLDER)
    try:
        paths = candidates(job, pattern)
        found.no_file = bool(job.file_pattern) and not paths and not _others(job, pattern)
        for path in paths:
            if key(PurePath(path)) and not job.file:
                continue
            text = content(base, path, pattern.literal.encode(), loose)
            if text:
                found.file(path, *matching(text, pattern))
            if found.more:
                break
    finally:
        os.close(base)
    return found


def _write(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    found = search(Job.parse(sys.argv[1]), _write)
    rest = {"matches": found.matches, "more": found.more, "last": found.last, "no_file": found.no_file}
    _write("\0" + json.dumps(rest))


if __name__ == "__main__":
    main()
