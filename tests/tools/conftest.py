"""Tools are called as the runtime calls them: on a real workspace, with arguments that already fit."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Tool
from roundtrip.tools.toolset import default_tools

Call = Callable[..., ToolResult]


@pytest.fixture
def workspace(tmp_path: Path) -> LocalWorkspace:
    root = tmp_path / "root"
    root.mkdir()
    return LocalWorkspace(root)


@pytest.fixture
def tools(workspace: LocalWorkspace) -> dict[str, Tool]:
    return {tool.spec.name: tool for tool in default_tools(workspace)}


@pytest.fixture
def call(tools: dict[str, Tool]) -> Call:
    def run(name: str, **arguments: Any) -> ToolResult:
        return asyncio.run(tools[name].run(arguments, lambda text: None))

    return run
