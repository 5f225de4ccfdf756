"""`search_files`: lines that match a regular expression of Python's."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.finding.asking import PROGRAM, Job
from roundtrip.tools.finding.engines import SECONDS, Engine, Progress, Records, installed
from roundtrip.tools.finding.fruitless import as_glob, hint, in_any_case
from roundtrip.tools.finding.grep import SEARCHED
from roundtrip.tools.finding.ignore import scope_of
from roundtrip.tools.finding.patterns import read_pattern
from roundtrip.tools.habits import FOLDER_PATH, reading
from roundtrip.tools.paths import failure, inside, intend, missing
from roundtrip.tools.reading.encodings import SNIFFED, WIDE, is_binary

CONTEXT = 10
ADVICE = r"It must be a regex of Python's; characters such as ( [ { * + ? | are found as \(, \[ and so on."
NARROW = "narrow regex, path or file_pattern to see them"

SPEC = ToolSpec(
    name="search_files",
    description="Search files with a Python regular expression, line by line. Ignored and binary files are left out.",
    parameters={
        "type": "object",
        "properties": {
            "regex": {"type": "string"},
            "path": {"type": "string", "description": "folder or file, default ."},
            "file_pattern": {"type": "string", "description": "glob, for example *.py"},
            "context": {"type": "integer", "description": "lines to show around each match"},
        },
        "required": ["regex"],
    },
    aliases=(
        "grep",
        "grep_search",
        "rg",
        "ripgrep",
        "search",
        "search_text",
        "search_file_content",
        "search_in_files",
        "find_in_files",
        "repo_browser.search",
    ),
    parameter_aliases={
        **FOLDER_PATH,
        "pattern": "regex",
        "query": "regex",
        "glob": "file_pattern",
        "search": "regex",
        "search_pattern": "regex",
        "include": "file_pattern",
        "include_pattern": "file_pattern",
        "file_glob": "file_pattern",
        "context_lines": "context",
    },
    adapt=reading.search_files,
    example='{"regex": "def main", "path": "src", "file_pattern": "*.py"}',
)


class Hits:
    """Takes what `grep` prints: the lines of the result, and behind a NUL what was left out."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.lines: list[str] = []
        self.rest: dict[str, Any] = {}
        """Empty as long as the search has not come to its end."""

    def take(self, text: str) -> None:
        lines = text.split("\n")[:-1]
        if lines[-1].startswith("\0"):
            self.rest = json.loads(lines.pop()[1:])
        self.lines += lines
        self._progress(len(self.lines), "lines found")


class SearchFiles:
    """engines: those that may find the files, the best first; by default the ones that are installed.

    seconds: the time limit of a search.
    """

    spec = SPEC

    def __init__(
        self,
        workspace: Workspace,
        engines: tuple[Engine, ...] | None = None,
        *,
        caps: Caps = DEFAULT,
        seconds: float = SECONDS,
    ) -> None:
        self._workspace = workspace
        self._engines = installed(workspace.root) if engines is None else engines
        self._caps = caps
        self._seconds = seconds

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (arguments.get("path") or ".",))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        path = self._workspace.locate(arguments.get("path") or ".")
        if isinstance(path, Refusal):
            return failure(path.reason)
        regex = arguments["regex"]
        reason = await asyncio.to_thread(lambda: _unfit_regex(regex) or self._unfit(path))
        if reason:
            return failure(reason)
        job = await asyncio.to_thread(self._job, path, arguments)
        hits = await self._search(job, output)
        if isinstance(hits, str):
            return failure(f"The search failed: {hits}.")
        cut = "" if hits.rest else f" (stopped after {self._seconds:g} s; narrow regex, path or file_pattern)"
        if hits.rest.get("no_file"):
            said = f"No file in {job.name} matches file_pattern {job.file_pattern}, which is a glob such as *.py"
            return ToolResult(said, "no file matches")
        if not hits.lines and not cut:
            said = f"No matches for {regex} in {self._workspace.shown(path)}"
            return ToolResult(said + await self._hint(job, output), "0 matches")
        return _render(regex, self._workspace.shown(path), hits, cut)

    async def _search(self, job: Job, output: Output) -> Hits | str:
        """What is found, as far as there was time; or why it failed."""
        hits, work = Hits(Progress(output)), await asyncio.to_thread(job.work)
        heard = Records("\n", hits.take)
        finished = await self._workspace.work(PROGRAM, work, seconds=self._seconds, output=heard)
        reason = hits.rest.get("failed") or " ".join(finished.output.split())[-200:] or "no reason was given"
        failed = "failed" in hits.rest or (not hits.rest and finished.code is not None)
        return reason if failed else hits

    async def _hint(self, job: Job, output: Output) -> str:
        """What there is to say where there is no match: what the regex may have meant, or a match in another case."""
        if said := hint(job.regex):
            return f" (note: {said})"
        other = in_any_case(job.regex)
        hits = await self._search(replace(job, regex=other, context=0, matches=1), output) if other else ""
        found = hits.lines[0] if isinstance(hits, Hits) and hits.lines else ""
        return f" (note: (?i) before the regex ignores case, and finds {found})" if found else ""

    def _unfit(self, path: Path) -> str:
        """Why this can't be searched, "" if it can."""
        if not os.path.lexists(path):
            return missing(self._workspace, path)
        if path.is_dir():
            return ""
        name = self._workspace.shown(path)
        if not path.is_file():
            return f"{name} is no regular file, so it can't be searched."
        try:
            with open(path, "rb") as file:
                head, size = file.read(SNIFFED), os.fstat(file.fileno()).st_size
        except OSError as error:
            return f"{name} can't be read: {error.strerror}."
        if size > SEARCHED:
            return f"{name} is too large to search ({size} bytes). Use execute_command with grep."
        wide = head.startswith(tuple(mark for mark, _ in WIDE))
        return f"{name} is a binary file, so it is not searched." if is_binary(head) and not wide else ""

    def _job(self, path: Path, arguments: Mapping[str, Any]) -> Job:
        base = path if path.is_dir() else path.parent
        return Job(
            scope_of(base, self._workspace.root),
            self._engines,
            arguments["regex"],
            name=self._workspace.shown(base),
            file="" if path.is_dir() else path.name,
            file_pattern=inside(self._workspace, arguments.get("file_pattern", "")),
            context=min(max(arguments.get("context", 0), 0), CONTEXT),
            matches=self._caps.matches,
            bytes=self._caps.found,
            seconds=self._seconds,
        )


def _unfit_regex(regex: str) -> str:
    if not regex:
        return f"The regex is empty. A correct call has, for example, {SPEC.example}"
    problem = read_pattern(regex)
    if not isinstance(problem, str):
        return ""
    glob = as_glob(regex)
    instead = f'For files by their name use list_files with {{"pattern": "{glob}"}}.' if glob else ADVICE
    return f"The regex is not valid: {problem}. {instead}"


def _render(regex: str, name: str, hits: Hits, cut: str) -> ToolResult:
    """cut: what to say where the search has not come to its end."""
    if not hits.lines:
        return ToolResult(f"No matches for {regex} in {name}{cut}", "0 matches")
    if cut:
        return ToolResult("\n".join((f"The first matches in {name}{cut}:", *hits.lines)), f"matches in {name}{cut}")
    count = hits.rest["matches"]
    header = f"{count} {'match' if count == 1 else 'matches'} in {name}"
    more = f"; there are more after {hits.rest['last']}, {NARROW}" if hits.rest["more"] else ""
    return ToolResult("\n".join((f"{header}{more}:", *hits.lines)), f"{header}{', and more' if more else ''}")
