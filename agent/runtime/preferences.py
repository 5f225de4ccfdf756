"""What may be done without asking, as configuration files say it: the user's own, and the project's if it is trusted.

A project's `.agent/config.toml` came with the project, maybe from a stranger. It counts only if the user has seen
this very text and accepted it; see `projects`. It can never choose a server, a key or a sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, cast

from roundtrip.agent.rules.approvals import Mode
from roundtrip.agent.runtime.config_file import PROJECT, ConfigError, checked, read_settings

PROJECT_FILE: Final = Path(".agent", "config.toml")

_LARGEST: Final = 64 * 1024
"""Bytes of a project's file; nobody reads more before saying yes."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """mode, sandbox: None where the file does not say. allow, deny: rules for commands."""

    mode: Mode | None = None
    sandbox: Literal["auto", "off", "strict"] | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A project's configuration as it is on disk. data: empty where it can't be used, and `problem` says why."""

    path: Path
    data: bytes
    problem: str = ""

    @property
    def digest(self) -> str:
        """Tells one text from another."""
        return sha256(self.data).hexdigest()

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")

    @property
    def preferences(self) -> Preferences:
        return _preferences(checked(self.data, self.path, PROJECT))


def user_preferences(path: Path) -> Preferences:
    """What the user's config file says. Raises ConfigError."""
    return _preferences(read_settings(path))


def project_file(root: Path) -> ProjectFile | None:
    """The project's configuration, None if it has none."""
    path = root / PROJECT_FILE
    try:
        if not path.exists():
            return None
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return ProjectFile(path, b"", f"{path} is no file, or larger than {_LARGEST} bytes")
        file = ProjectFile(path, path.read_bytes())
        checked(file.data, path, PROJECT)
    except (OSError, ConfigError) as error:
        return ProjectFile(path, b"", str(error))
    return file


def _preferences(values: Mapping[str, Any]) -> Preferences:
    commands = values.get("commands", {})
    return Preferences(
        cast("Mode | None", values.get("mode")),
        values.get("sandbox"),
        tuple(commands.get("allow", ())),
        tuple(commands.get("deny", ())),
    )
