"""`execute_command`: a shell command, its exit code and its output."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.plain import readable
from roundtrip.agent.tooling import Intent, Job, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.command_text import lost, status
from roundtrip.tools.cut import cut_middle
from roundtrip.tools.habits import commands
from roundtrip.tools.paths import failure, unfit_folder

LIVE = 1024 * 1024
"""Characters of output that people see pass; a command like `yes` would drown them."""

SECONDS = 120
LONGEST = 600
HEAD_START = 1
"""Seconds for which a command in the background is watched: most that can't work at all have ended then."""

SPEC = ToolSpec(
    name="execute_command",
    description="Run a shell command without stdin. Returns the exit code and the output.",
    parameters={
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "cwd": {"type": "string", "description": "folder in the workspace, default ."},
            "timeout": {"type": "integer", "description": f"seconds, default {SECONDS}, at most {LONGEST}"},
            "background": {"type": "boolean", "description": "keep it running, for read_command_output"},
        },
        "required": ["command"],
    },
    effect="runs",
    aliases=(
        "bash",
        "shell",
        "shell_command",
        "repo_browser.exec",
        "run_shell_command",
        "run_terminal_cmd",
        "execute",
        "sh",
        "run",
        "run_command",
        "run_shell",
        "run_terminal_command",
        "run_in_terminal",
        "terminal",
        "execute_bash",
        "exec",
        "exec_command",
        "local_shell",
        "container.exec",
    ),
    parameter_aliases={
        "cmd": "command",
        "workdir": "cwd",
        "run_in_background": "background",
        "is_background": "background",
        "script": "command",
        "working_dir": "cwd",
        "working_directory": "cwd",
        "directory": "cwd",
        "dir_path": "cwd",
        "timeout_seconds": "timeout",
        "timeout_secs": "timeout",
    },
    example='{"command": "python -m pytest -q", "timeout": 300}',
    adapt=commands.execute_command,
)


class _Live:
    """Hands output on to people until it is too much."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._room = LIVE

    def __call__(self, text: str) -> None:
        if self._room <= 0:
            return
        self._room -= len(text)
        self._output(text if self._room > 0 else text + "\n… the rest of the output is not shown live …\n")


class ExecuteCommand:
    spec = SPEC

    def __init__(self, workspace: Workspace, caps: Caps = DEFAULT) -> None:
        self._workspace = workspace
        self._budget = caps.output

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        cwd = self._folder(arguments)
        if isinstance(cwd, Refusal):
            return Intent("runs", command=arguments["command"], refusal=cwd)
        return Intent("runs", (cwd,), arguments["command"])

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        command, cwd = arguments["command"], self._folder(arguments)
        if isinstance(cwd, Refusal):
            return failure(cwd.reason)
        reason = unfit_folder(self._workspace, cwd) if command.strip() else "The command is empty."
        if reason:
            return failure(reason)
        background = bool(arguments.get("background"))
        given = arguments.get("timeout", SECONDS)
        limit = min(_seconds(given), LONGEST)
        seconds = HEAD_START if background else limit if limit > 0 else SECONDS
        job = await self._workspace.jobs.run(
            command, cwd=cwd, seconds=seconds, output=_Live(output), background=background
        )
        if isinstance(job, Refusal):
            return failure(job.reason)
        return self._begun(job) if job.state == "running" else self._ended(job, seconds, given)

    def _folder(self, arguments: Mapping[str, Any]) -> Path | Refusal:
        """Where to run. Nothing runs outside the workspace, though a command may well go there."""
        cwd = self._workspace.locate(arguments.get("cwd") or ".")
        if isinstance(cwd, Path) and not cwd.is_relative_to(self._workspace.root):
            return Refusal("The cwd is outside the workspace. Give a folder in it, or leave cwd out.")
        return cwd

    def _begun(self, job: Job) -> ToolResult:
        """It runs on in the background."""
        said = job.read(-self._budget, self._budget)
        how = f'read_command_output with {{"id": {job.id}}} shows what it says, and with "kill": true ends it'
        content = f"running in the background with the id {job.id}; {how}.\n{_text(said.text, '(no output yet)')}"
        return ToolResult(content, f"in the background, id {job.id}")

    def _ended(self, job: Job, seconds: int, given: int) -> ToolResult:
        """The duration is for people only. given: the time limit as the model gave it."""
        how, finished = status(job, seconds), job.finished
        whole = finished.output
        text = cut_middle(whole, self._budget, job.total)
        hint = _see_more(job, _common(text, whole)) if text != whole else ""
        taken = f" ({given} was taken as milliseconds)" if _seconds(given) != given else ""
        advice = taken + _advice(seconds) if job.state == "timed out" else ""
        note = "".join(f"\n({said})" for said in (job.note, lost(job.command)) if said)
        content = f"{how}{advice}.{hint}\n{_text(text, '(no output)')}{note}"
        details = f"{how}, {finished.seconds:.1f} s" + (f"\n{job.note}" if job.note else "")
        return ToolResult(content, details, failed=finished.code != 0)


def _common(text: str, whole: str) -> int:
    """Bytes of what both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(text, whole, strict=False))
    return sum(len(one.encode("utf-8", "replace")) for one, _ in same)


def _seconds(given: int) -> int:
    """A limit of round thousands that is too long is one in milliseconds: in seconds people say 900, 1800 or 3600."""
    return given // 1000 if given > LONGEST and given % 1000 == 0 else given


def _text(text: str, empty: str) -> str:
    return readable(text).rstrip() or empty


def _see_more(job: Job, offset: int) -> str:
    id = job.keep()
    if not id:
        return " The output is cut, and could not be kept."
    return f' The output is cut; for the rest use read_command_output with {{"id": {id}, "offset": {offset}}}.'


def _advice(seconds: int) -> str:
    longer = (
        f'give a larger timeout, for example "timeout": {min(seconds * 2, LONGEST)}, or ' if seconds < LONGEST else ""
    )
    return f': {longer}run it with "background": true'
