"""What the command line asks for, as a value: shared by one-shot use and the session at the keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. allow: keys of `PERMISSIONS`. resume: the session to go on with, "" for the
    latest, None for a new one. sessions: the folder they are kept in, None for nowhere."""

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
    sessions: Path | None = None

    @property
    def flags(self) -> dict[str, str | None]:
        """The settings among them."""
        return {"base_url": self.base_url, "model": self.model}
