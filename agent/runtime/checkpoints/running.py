"""The commands that run in a workspace right now, of all agents in it.

Strategy. Each has a file, locked as long as its agent lives. So what a command changed is known as its doing, even if
another agent looks first, or if its own agent was killed: then the file is there, but the lock is not. A command that
goes on in the background is one of them until its call has a result; what it writes later is found by the next look,
as somebody else's doing.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from roundtrip.agent.runtime.checkpoints.checkpoint_log import Origin


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs, or was cut off when its agent was killed (`alive` is False)."""

    origin: Origin
    about: str
    alive: bool = True


class Running:
    """folder: where the files are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[Path, int] = {}

    def begin(self, command: Command) -> None:
        """Ours runs from here on. Raises OSError."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        path = self._folder / secrets.token_hex(8)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._mine[path] = descriptor
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, json.dumps(asdict(command)).encode())

    def end(self) -> None:
        """Ours has ended, and what it did is taken down."""
        for path in self._mine:
            path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Ours has ended, if it ran, and nobody has looked at what it did: it was cut off, as by a kill."""
        for descriptor in self._mine.values():
            os.close(descriptor)
        self._mine = {}

    def others(self) -> Iterator[Command]:
        """All but ours, those that were cut off first."""
        found = [command for path in self._files() if (command := _read(path))]
        return iter(sorted(found, key=lambda command: command.alive))

    def bury(self) -> None:
        """Forgets those that were cut off: what they did is taken down."""
        for path in self._files():
            if not _alive(path):
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path not in self._mine)
        except OSError:
            return []


def _read(path: Path) -> Command | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Command(Origin(**value["origin"]), value["about"], _alive(path))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _alive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
