"""The tools of a session: which there are, and which of them a model is told of.

What a model is told stands in front of every prompt, so it follows the size of the context and never changes within a
session. A tool that is not offered is still accepted: models know the names of other agents' tools by heart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Ports, Situation, Tool, Workspace
from roundtrip.tools.apply_diff import ApplyDiff
from roundtrip.tools.ask_followup_question import AskFollowupQuestion
from roundtrip.tools.attempt_completion import AttemptCompletion
from roundtrip.tools.caps import ROWS, caps_for
from roundtrip.tools.edit_file import EditFile
from roundtrip.tools.editing.files import Failures
from roundtrip.tools.editor import Editor
from roundtrip.tools.execute_command import ExecuteCommand
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.new_task import NewTask
from roundtrip.tools.read_command_output import KillCommand, ReadCommandOutput
from roundtrip.tools.read_file import ReadFile
from roundtrip.tools.search_files import SearchFiles
from roundtrip.tools.update_todo_list import UpdateTodoList
from roundtrip.tools.web_fetch import WebFetch
from roundtrip.tools.write_to_file import WriteToFile

SMALL: Final = ROWS[1][0]
"""Tokens of a context below which a model is told of the core only."""

CORE: Final = frozenset(("read_file", "search_files", "write_to_file", "edit_file", "execute_command"))
"""What a model with a small context is told of: one tool for each thing that must be done."""

SILENT: Final = frozenset(("apply_diff",))
"""What no model is told of unless the user wants it: `edit_file` does the same, and is known to more models."""

UNKNOWN: Final = Situation()
NO_PORTS: Final = Ports()


def default_tools(workspace: Workspace, situation: Situation = UNKNOWN, ports: Ports = NO_PORTS) -> tuple[Tool, ...]:
    """In the order in which a model is told of them, which never changes: it stands in the prompt's prefix."""
    return tuple(
        tool if _told(tool.spec.name, situation) else Quiet(tool) for tool in _all(workspace, situation, ports)
    )


def _told(name: str, situation: Situation) -> bool:
    if name in situation.wanted:
        return True
    return name in CORE if 0 < situation.context < SMALL else name not in SILENT


def _all(workspace: Workspace, situation: Situation, ports: Ports) -> Iterator[Tool]:
    caps = caps_for(situation.context)
    reader, lister = ReadFile(workspace, caps=caps, images=situation.images), ListFiles(workspace, caps=caps)
    failures = Failures()
    writer, editor = WriteToFile(workspace, failures, caps), EditFile(workspace, failures, caps)
    yield reader
    yield lister
    yield SearchFiles(workspace, caps=caps)
    yield writer
    yield editor
    yield ApplyDiff(workspace, failures, caps)
    yield ExecuteCommand(workspace, caps)
    yield (outputs := ReadCommandOutput(workspace, caps))
    yield UpdateTodoList()
    yield AskFollowupQuestion(ports.inquire, offered=situation.interactive)
    if ports.delegate and situation.delegates:
        yield NewTask(ports.delegate, caps)
    if "web_fetch" in situation.wanted:
        yield WebFetch(ports.server, caps=caps)
    yield Editor(workspace, reader, lister, writer, editor)
    yield AttemptCompletion()
    yield KillCommand(outputs)


@dataclass(frozen=True, slots=True)
class Quiet:
    """A tool that is accepted, but that the model is not told of."""

    tool: Tool

    @property
    def spec(self) -> ToolSpec:
        return replace(self.tool.spec, offered=False)

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        return self.tool.intent(arguments)

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        return await self.tool.run(arguments, output)
