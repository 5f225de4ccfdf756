"""The tools of a session."""

from __future__ import annotations

from roundtrip.agent.tooling import Tool, Workspace
from roundtrip.tools.attempt_completion import AttemptCompletion
from roundtrip.tools.execute_command import ExecuteCommand
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.read_file import ReadFile
from roundtrip.tools.search_files import SearchFiles
from roundtrip.tools.write_to_file import WriteToFile


def default_tools(workspace: Workspace) -> tuple[Tool, ...]:
    """In the order in which a model is told of them, which never changes: it stands in the prompt's prefix."""
    return (
        ReadFile(workspace),
        ListFiles(workspace),
        SearchFiles(workspace),
        WriteToFile(workspace),
        ExecuteCommand(workspace),
        AttemptCompletion(workspace),
    )
