"""Puts together what a chat is made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from roundtrip.agent.commands.options import Options
from roundtrip.agent.runtime.chat import Chat
from roundtrip.agent.runtime.config import ConfigError, Settings
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.runtime.setup import Setup
from roundtrip.agent.runtime.workspace import agents_md
from roundtrip.agent.tooling import Inquire
from roundtrip.prompts import system_prompt
from roundtrip.tools.toolset import default_tools


def setup_of(options: Options, chosen: Settings, inquire: Inquire | None = None) -> Setup:
    """What a chat is made of. inquire: asks the user, if one is there. Raises ConfigError."""
    for folder in options.writable:
        if not folder.is_dir():
            raise ConfigError(f"--writable: {folder} is no folder")
    return Setup(
        chosen,
        options.root(),
        default_tools,
        lambda: system_prompt(agents_md(options.workspace)),
        options.sessions,
        options.max_steps,
        _open_log(options.requests),
        inquire,
        options.tools,
        sandbox=options.sandbox,
        writable=options.writable,
        network="network" in options.allow,
        checkpoints=options.sessions.parent / "checkpoints" if options.sessions else None,
    )


async def confined(chat: Chat, setup: Setup, permissions: Permissions, say: Callable[[str], None]) -> None:
    """Finds out what commands will run in, tells the permissions, and says what the user should know of it."""
    found = await chat.sandbox()
    if found.kind != "none":
        permissions.confined()
    if notice := found.notice(setup.sandbox, setup.root):
        say(notice)


def _open_log(path: Path | None) -> TextIO | None:
    """The request log, readable by its owner only: it holds the user's code. Raises ConfigError."""
    if path is None:
        return None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ConfigError(f"--requests: {path} can't be written: {error.strerror}") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")
