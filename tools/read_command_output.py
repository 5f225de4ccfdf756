"""`read_command_output`: what a command said, where that was too long for its result or the command runs on.

Without an offset it tells what is new, and waits a little for that, longer each time there is nothing: a model that
does nothing but ask must not be answered at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, Final

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.plain import readable
from roundtrip.agent.tooling import Intent, Job, Output, Refusal, Workspace
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.command_text import status
from roundtrip.tools.cut import first_lines
from roundtrip.tools.habits import commands
from roundtrip.tools.paths import failure

WAITS: Final = (5, 10, 20, 40, 60)
"""Seconds to wait for news, after so many times without any."""

PAUSE: Final = 2
"""Seconds to wait for more once there is news: most programs say more than one line."""

LONGEST: Final = 600

SPEC = ToolSpec(
    name="read_command_output",
    description="Read what a command in the background said since you last looked, or any part of a long output.",
    parameters={
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "offset": {"type": "integer", "description": "byte to begin at, negative: from the end"},
            "search": {"type": "string", "description": "only lines with this text; a|b for either"},
            "wait": {"type": "integer", "description": "seconds to wait for its end"},
            "kill": {"type": "boolean"},
        },
        "required": ["id"],
    },
    effect="reads",
    aliases=("BashOutput", "TaskOutput", "get_command_output", "get_terminal_output", "job_output"),
    parameter_aliases={
        "artifact_id": "id",
        "bash_id": "id",
        "shell_id": "id",
        "task_id": "id",
        "job_id": "id",
        "filter": "search",
    },
    adapt=commands.read_command_output,
    example='{"id": 1}',
)

KILL = ToolSpec(
    name="kill_command",
    description="End a command in the background.",
    parameters={
        "type": "object",
        "properties": {"shell_id": {"type": "integer"}, "kill": {"type": "boolean"}},
        "required": ["shell_id", "kill"],  # both, so that no call without a name means it
    },
    effect="reads",
    aliases=("KillShell", "KillBash", "TaskStop", "job_kill"),
    offered=False,
    adapt=commands.kill_command,
    example='{"shell_id": 1, "kill": true}',
)
"""As Claude has it: a tool of its own, with one parameter of many names."""


class ReadCommandOutput:
    spec = SPEC

    def __init__(self, workspace: Workspace, caps: Caps = DEFAULT) -> None:
        self._workspace = workspace
        self._budget = caps.output
        self._seen: dict[int, int] = {}
        """How far the model has read each output."""
        self._quiet: dict[int, int] = {}
        """How often in a row there was nothing new."""

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        job = self._workspace.jobs.find(arguments["id"])
        if isinstance(job, Refusal):
            return failure(job.reason)
        if arguments.get("kill") and job.state == "running":
            await job.kill()
        elif arguments.get("wait", 0) > 0:
            await job.news(sys.maxsize, min(arguments["wait"], LONGEST))
        if arguments.get("search"):
            content = await asyncio.to_thread(self._found, job, arguments["search"])  # megabytes are looked through
        elif "offset" in arguments:
            content = self._part(job, arguments["offset"])
        else:
            content = await self._news(job)
        note = f"\n({job.note})" if job.note else ""
        return ToolResult(f"{content}{note}", f"{job.command[:60]}: {status(job)}")

    def _found(self, job: Job, search: str) -> str:
        most = self._budget // 100
        lines, count = job.search(search.split("|"), most)
        if not lines:
            rule = "upper and lower case are alike, | separates alternatives, nothing else is special"
            return f"{status(job)}. No line holds {search!r} ({rule})."
        shown = first_lines((f"{offset}: {readable(line)}" for offset, line in lines), self._budget)
        text = "\n".join(shown)
        more = f"\n… {count - len(shown)} more; search for something rarer" if count > len(shown) else ""
        many = f"{count} line{'s' if count > 1 else ''}"
        return f"{status(job)}. {many} with {search!r}, after the offset of each:\n{text}{more}"

    def _part(self, job: Job, offset: int) -> str:
        part = job.read(offset, self._budget)
        if part.start <= self._seen.get(job.id, 0):
            self._seen[job.id] = max(self._seen.get(job.id, 0), part.end)
        where = f"Bytes {part.start} to {part.end} of {part.total}"
        lost = f" (bytes {offset} to {part.start} were too many to be kept)" if 0 <= offset < part.start - 4 else ""
        more = f'\n… for more use {{"id": {job.id}, "offset": {part.end}}}' if part.end < part.total else ""
        return f"{status(job)}. {where}{lost}:\n{readable(part.text).rstrip() or '(nothing)'}{more}"

    async def _news(self, job: Job) -> str:
        seen, quiet = self._seen.get(job.id, 0), self._quiet.get(job.id, 0)
        await job.news(seen, WAITS[min(quiet, len(WAITS) - 1)])
        if job.total > seen:
            await job.news(sys.maxsize, PAUSE)
        total = job.total
        self._seen[job.id] = total
        self._quiet[job.id] = quiet = 0 if total > seen else quiet + 1
        if total == seen:
            times = f", as at your last {quiet} looks" if quiet > 1 else ""
            return f"{status(job)}.\n(no more output{times})"
        if total - seen <= self._budget:
            return f"{status(job)}.\n{readable(job.read(seen, self._budget).text).rstrip()}"
        head = job.read(seen, self._budget // 3)
        tail = job.read(total - (self._budget - self._budget // 3), self._budget)
        gap = f'… {tail.start - head.end} bytes omitted; for them use {{"id": {job.id}, "offset": {head.end}}} …'
        return f"{status(job)}.\n{readable(head.text).rstrip()}\n{gap}\n{readable(tail.text).rstrip()}"


class KillCommand:
    spec = KILL

    def __init__(self, reader: ReadCommandOutput) -> None:
        self._reader = reader

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return Intent("reads")

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        return await self._reader.run({"id": arguments["shell_id"], "kill": True}, output)
