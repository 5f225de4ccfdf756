"""The sockets of other programs on the disk: through them a command could make those do what it may not do itself.

Most lie in `/run` and `/tmp`, which commands don't see; some in the home folder (agents of keys, virtual machines with
Docker in them) or in `/var`. A read-only folder does not keep anybody from connecting: they must be covered.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_MOST: Final = 128
_LISTENING: Final = "00010000"
_VARIABLES: Final = ("SSH_AUTH_SOCK", "GPG_AGENT_INFO", "DOCKER_HOST")
"""Where programs look for a socket that may belong to another machine's, or another kernel's, list."""


def sockets(beside: Iterable[Path]) -> tuple[Path, ...]:
    """Where programs listen now, but for what lies in these folders. Links resolved; at most so many."""
    named = [os.environ.get(name, "").removeprefix("unix://").split(":")[0] for name in _VARIABLES]
    found = {Path(os.path.realpath(path)) for path in (*named, *_listening()) if os.path.isabs(path)}
    folders = tuple(beside)
    outside = (path for path in found if not any(path.is_relative_to(folder) for folder in folders))
    return tuple(sorted(path for path in outside if _is_socket(path))[:_MOST])


def _listening() -> list[str]:
    """As the kernel lists them. Fields: address, references, protocol, flags, type, state, number, path."""
    with suppress(OSError), open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.rstrip("\n").split(maxsplit=7) for line in file]
        return [row[7] for row in rows if len(row) == 8 and row[3] == _LISTENING]
    return []


def _is_socket(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return stat.S_ISSOCK(path.stat().st_mode)
    return False
