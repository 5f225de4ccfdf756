"""What the command line asks for, as a value: shared by one-shot use and the session at the keyboard."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from roundtrip.agent.messages import Effect
from roundtrip.agent.rules.approvals import PERMISSIONS
from roundtrip.agent.runtime.config import ConfigError
from roundtrip.agent.runtime.sessions import find


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. allow: keys of `PERMISSIONS`. resume: the session to go on with, "" for the
    latest, None for a new one; choose: the user is asked which. sessions: where they are kept, None for nowhere."""

    prompt: str = ""
    workspace: Path = Path(".")
    base_url: str | None = None
    model: str | None = None
    allow: frozenset[str] = frozenset()
    json: bool = False
    stream: bool = False
    requests: Path | None = None
    max_steps: int = 50
    resume: str | None = None
    choose: bool = False
    sessions: Path | None = None

    @property
    def flags(self) -> dict[str, str | None]:
        """The settings among them."""
        return {"base_url": self.base_url, "model": self.model}

    @property
    def allowed(self) -> frozenset[Effect]:
        """What may be done without asking."""
        return frozenset(PERMISSIONS[word] for word in self.allow)

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
