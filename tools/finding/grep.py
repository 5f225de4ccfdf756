"""The lines that a search finds: files that may match are read, and looked through with Python's `re`.

Strategy. Python can't be interrupted while it matches a regex, and some regexes never end. So this runs in a program
of its own, see `__main__`, which can be killed. Rules:
1. An engine only says which files may match; whether they do, and how that looks, is decided here for all engines.
2. Files are searched in the order of their paths, and what is found is printed at once.
3. Files that hold keys are passed over, unless one is named.
4. When as much is found as may be shown, one more match is looked for, to say that there are more.
Prints a line for each line of the result, and as the last one, behind a NUL, as JSON, what was left out, or why it
failed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from roundtrip.agent.files import FOLDER, straight
from roundtrip.agent.keys import key
from roundtrip.tools.cut import part_of
from roundtrip.tools.finding.asking import Begun, Job, candidates, others
from roundtrip.tools.finding.patterns import Pattern, read_pattern
from roundtrip.tools.reading.encodings import WIDE, is_binary, text_of, wide

SEARCHED: Final = 64 * 1024 * 1024
"""Bytes of the largest file that is searched."""

COLUMNS: Final = 300
"""Characters of a line that are shown."""


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


def search(job: Job, take: Callable[[str], None], begun: Begun | None = None) -> Found:
    """Gives `take` the lines of the result, as soon as they are found. begun: see `candidates`. Raises OSError."""
    pattern = read_pattern(job.regex)
    assert isinstance(pattern, Pattern), "the tool has tried it"
    loose = re.compile(pattern.loose.encode()) if pattern.loose else None
    found = Found(job, take)
    base = straight(job.scope.base, FOLDER)
    try:
        os.stat(".", dir_fd=base)  # who may not enter it finds nothing in it
        paths = candidates(job, pattern, begun)
        found.no_file = bool(job.file_pattern) and not paths and not others(job, pattern)
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


def run(text: str, begun: Begun) -> None:
    """Prints what a job finds, see above."""
    job = Job.parse(text)
    signal.setitimer(signal.ITIMER_REAL, job.seconds + 1)  # ends this program, should nobody be left to do it
    try:
        found = search(job, _write, begun)
        rest = {"matches": found.matches, "more": found.more, "last": found.last, "no_file": found.no_file}
    except OSError as error:
        rest = {"failed": f"{job.name} can't be searched: {error.strerror}"}
    signal.setitimer(signal.ITIMER_REAL, 0)
    _write("\0" + json.dumps(rest))
