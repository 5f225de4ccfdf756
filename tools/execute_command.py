"""`execute_command`: a shell command, its exit code and its output."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Finished, Intent, Output, Refusal, Workspace
from roundtrip.tools.cut import cut_middle
from roundtrip.tools.paths import failure, unfit_folder

BUDGET = 16 * 1024
"""Bytes of output in one result."""

LIVE = 1024 * 1024
"""Characters of output that people see pass; a command like `yes` would drown them."""

SECONDS = 120
LONGEST = 600

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # window titles, links
    r"|\x1b[@-Z\\-_]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
SPEC = ToolSpec(
    name="execute_command",
    description="Run a shell command without stdin. Returns the exit code and the output.",
    parameters={
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            "cwd": {"type": "string", "description": "folder in the workspace, default ."},
            "timeout": {"type": "integer", "description": f"seconds, default {SECONDS}, at most {LONGEST}"},
        },
        "required": ["command"],
    },
    effect="runs",
    aliases=("bash", "shell", "run_shell_command", "run_terminal_cmd", "execute"),
    parameter_aliases={"cmd": "command", "workdir": "cwd"},
    example='{"command": "python -m pytest -q", "timeout": 300}',
)


class _Live:
    """Hands output on to people until it is too much, and counts the bytes of all of it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._room = LIVE
        self.bytes = 0

    def __call__(self, text: str) -> None:
        self.bytes += len(text.encode())
        if self._room <= 0:
            return
        self._room -= len(text)
        self._output(text if self._room > 0 else text + "\n… the rest of the output is not shown live …\n")


class ExecuteCommand:
    spec = SPEC

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

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
        seconds = min(arguments.get("timeout", SECONDS), LONGEST)
        seconds = seconds if seconds > 0 else SECONDS
        live = _Live(output)
        finished = await self._workspace.run(command, cwd=cwd, seconds=seconds, output=live)
        return _render(finished, seconds, live.bytes)

    def _folder(self, arguments: Mapping[str, Any]) -> Path | Refusal:
        """Where to run. Nothing runs outside the workspace, though a command may well go there."""
        cwd = self._workspace.locate(arguments.get("cwd") or ".")
        if isinstance(cwd, Path) and not cwd.is_relative_to(self._workspace.root):
            return Refusal("The cwd is outside the workspace. Give a folder in it, or leave cwd out.")
        return cwd


def _render(finished: Finished, seconds: int, total: int) -> ToolResult:
    """The duration is for people only: the same command must give the model the same text."""
    status = _status(finished.code, seconds)
    text = cut_middle(finished.output, BUDGET, total)
    hint = " The output is cut; to see all of it, send it to a file and read that." if text != finished.output else ""
    content = f"{status}.{hint}\n{_readable(text).rstrip() or '(no output)'}"
    return ToolResult(content, f"{status.partition(':')[0]}, {finished.seconds:.1f} s", failed=finished.code != 0)


def _readable(text: str) -> str:
    """Without control sequences; of a line that was written over, as progress bars do, only the last state."""
    lines = CONTROL.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _status(code: int | None, seconds: int) -> str:
    if code is None:
        advice = f"give a larger timeout, up to {LONGEST}" if seconds < LONGEST else "run it in the background"
        return f"killed after {seconds} s: {advice}, for example with {_suggestion(seconds)}"
    if code < 0:
        return f"ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})"
    return f"exit code {code}"


def _suggestion(seconds: int) -> str:
    return f'"timeout": {min(seconds * 2, LONGEST)}' if seconds < LONGEST else "`command > log.txt 2>&1 &`"
