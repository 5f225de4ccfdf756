"""`search_files`: lines that match a regular expression."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Finished, Intent, Output, Refusal, Workspace
from roundtrip.tools import ripgrep
from roundtrip.tools.globs import matcher
from roundtrip.tools.paths import failure, intend, missing

MATCHES = 100
BUDGET = 24 * 1024
"""Bytes of matches in one result."""

COLUMNS = 300
CONTEXT = 10
ADVICE = r"Write the regex in Rust's syntax; characters such as ( [ { * + ? | are found as \(, \[ and so on."
RECORD = re.compile(r"(.*)\0(\d+)([:-])(.*)", re.DOTALL)
"""A line of rg's output with --null: path, NUL, line number, `:` for a match or `-` for context, text."""

BINARY = "binary file matches"
"""rg's words about a file whose lines it does not show."""

SPEC = ToolSpec(
    name="search_files",
    description="Search files with a regular expression (Rust syntax). Ignored and binary files are left out.",
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
    aliases=("grep", "grep_search"),
    parameter_aliases={
        "pattern": "regex",
        "query": "regex",
        "glob": "file_pattern",
        "file_path": "path",
        "absolute_path": "path",
        "filename": "path",
        "target_file": "path",
        "directory": "path",
    },
    example='{"regex": "def main", "path": "src", "file_pattern": "*.py"}',
)


class Hits:
    """Takes rg's lines, keeps as many as may be shown, counts the matches beyond that."""

    def __init__(self, shown: Callable[[str], str], fits: Callable[[str], bool]) -> None:
        self._shown = shown
        self._fits = fits
        self._budget = BUDGET
        self.lines: list[str] = []
        self.matches = 0
        self.left_out = 0
        self.other = ""
        """What is no line of a file: an error, or a word about binary files."""

    def take(self, record: str) -> None:
        record = record.removesuffix("\r")
        line = RECORD.fullmatch(record)
        if line:
            self._take_line(line)
        elif record == "--":
            self._separate()
        elif len(self.other) < BUDGET:
            self.other += record + "\n"

    def _take_line(self, line: re.Match[str]) -> None:
        path, number, mark, text = line.groups()
        path = path.removeprefix("./")
        if not self._fits(path):
            return
        is_match = mark == ":"
        if self.left_out or self._budget < 0 or (is_match and self.matches == MATCHES):
            self.left_out += is_match
            return
        self.matches += is_match
        shown = f"{self._shown(path)}{mark}{number}{mark} {text.rstrip()}"
        self._budget -= len(shown.encode()) + 1
        self.lines.append(shown)

    def _separate(self) -> None:
        if self.lines and self.lines[-1] != "--" and not self.left_out:
            self.lines.append("--")


class SearchFiles:
    """rg: the path of ripgrep, "" if there is none; by default it is looked for."""

    spec = SPEC

    def __init__(self, workspace: Workspace, rg: str | None = None) -> None:
        self._workspace = workspace
        self._rg = ripgrep.find() if rg is None else rg

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return intend(self._workspace, "reads", (arguments.get("path") or ".",))

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        path = self._workspace.locate(arguments.get("path") or ".")
        if isinstance(path, Refusal):
            return failure(path.reason)
        reason = self._unfit(path, arguments["regex"])
        if reason:
            return failure(reason)
        base, target = (path, "./") if path.is_dir() else (path.parent, f"./{path.name}")
        hits = self._hits(base, "" if path.is_file() else arguments.get("file_pattern", ""))
        finished = await ripgrep.run(
            self._workspace, self._rg, (*_options(arguments), "--", target), base=base, take=hits.take, end="\n"
        )
        return _render(arguments["regex"], self._workspace.shown(path), hits, finished)

    def _unfit(self, path: Path, regex: str) -> str:
        if not regex:
            return f"The regex is empty. A correct call has, for example, {SPEC.example}"
        if not os.path.lexists(path):
            return missing(self._workspace, path)
        if not path.is_dir() and not path.is_file():
            return f"{self._workspace.shown(path)} is no regular file, so it can't be searched."
        return "" if self._rg else ripgrep.MISSING

    def _hits(self, base: Path, pattern: str) -> Hits:
        """The pattern may be meant relative to what is searched or to the workspace."""
        fits = matcher(pattern)

        def shown(path: str) -> str:
            return self._workspace.shown(base / path)

        return Hits(shown, lambda path: fits(path) or fits(shown(path)))


def _options(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    regex, context = arguments["regex"], min(max(arguments.get("context", 0), 0), CONTEXT)
    return (
        "--engine=auto",  # an rg that was built with PCRE2 takes it where look-around needs it
        "--crlf",  # or `x$` finds nothing in a file from Windows
        "--line-number",
        "--no-heading",
        "--with-filename",
        "--color=never",
        f"--max-columns={COLUMNS}",
        "--max-columns-preview",
        f"--context={context}",
        *(("--multiline",) if "\\n" in regex or "\n" in regex else ()),
        f"--regexp={regex}",
    )


def _render(regex: str, name: str, hits: Hits, finished: Finished) -> ToolResult:
    stopped = f" (stopped after {ripgrep.SECONDS:.0f} s; narrow it)" if finished.code is None else ""
    if not hits.lines and finished.code not in (0, 1, None):
        return failure(_problem(hits.other or finished.output))
    if not hits.lines:
        binary = " that can be shown, but a binary file matches" if BINARY in hits.other else ""
        return ToolResult(f"No matches for {regex} in {name}{binary}{stopped}", "0 matches")
    lines = hits.lines[:-1] if hits.lines[-1] == "--" else hits.lines
    total = hits.matches + hits.left_out
    header = f"{total} {'match' if total == 1 else 'matches'} in {name}"
    if hits.left_out:
        stopped = f"; {hits.left_out} of them left out, narrow regex, path or file_pattern to see them{stopped}"
    return ToolResult("\n".join((f"{header}{stopped}:", *lines)), header)


def _problem(message: str) -> str:
    """rg's complaint about a regex without its drawing, and what to do."""
    errors = re.findall(r"^(?:rg: |error: )(?!regex (?:parse error|could not))(.+)$", message, re.MULTILINE)
    reason = errors[0] if errors else " ".join(message.split())[:200] or "ripgrep failed"
    return f"The search failed: {reason}. {ADVICE}"
