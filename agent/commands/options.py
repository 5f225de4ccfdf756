"""What the command line asks for, as a value: shared by one-shot use and the session at the keyboard."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roundtrip.agent.rules.approvals import Mode
from roundtrip.agent.runtime.config import ConfigError
from roundtrip.agent.runtime.sessions import find

if TYPE_CHECKING:
    from roundtrip.agent.runtime.sandbox.policy import SandboxMode


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. allow: keys of `PERMISSIONS`. mode: of approvals,
    None for what the configuration says. resume: the session to go on with, "" for the
    latest, None for a new one; choose: the user is asked which. tools: optional ones
    that are offered. sessions: where they are kept, None for nowhere. sandbox: see `SandboxMode`. writable:
    folders beside the workspace that commands may write."""

    prompt: str = ""
    workspace: Path = Path(".")
    base_url: str | None = None
    model: str | None = None
    allow: frozenset[str] = frozenset()
    mode: Mode | None = None
    json: bool = False
    stream: bool = False
    requests: Path | None = None
    max_steps: int = 50
    resume: str | None = None
    choose: bool = False
    tools: frozenset[str] = frozenset()
    sessions: Path | None = None
    sandbox: SandboxMode = "auto"
    writable: tuple[Path, ...] = ()

    @property
    def flags(self) -> dict[str, str | None]:
        """The settings among them."""
        return {"base_url": self.base_url, "model": self.model}

    def root(self) -> Path:
        """The workspace, links resolved. Raises ConfigError."""
        if not self.workspace.is_dir():
            raise ConfigError(f"--workspace: {self.workspace} is no folder")
        return Path(os.path.realpath(self.workspace))

    def resumed(self, root: Path) -> Path | None:
        """The session to go on with, if that was asked for. Raises SessionError."""
        if self.resume is None or self.sessions is None:
            return None
        return find(self.sessions, self.resume, str(root))
