"""What the model does not know yet: that the user has put files back. It is told with their next message.

Kept in a file for each session, because the user may do so from outside a session, or between two runs of one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from roundtrip.agent.messages import Message, User
from roundtrip.agent.runtime.checkpoints.checkpoint_log import Origin
from roundtrip.agent.wire.surrogates import encodable

_NAMED: Final = 20
"""Files that are told by their names."""

_NOTE: Final = "(The user "
"""What begins a line of ours in a message of the user's."""


class News:
    """folder: where the files are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, session: str) -> str:
        """What the model of a session has to be told, once; "" for nothing."""
        path = self._path(session)
        took, brought = _read(path)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        lines = [f"{_NOTE}took back changes to: {_listed(took)}.)"] if took else []
        lines += [f"{_NOTE}brought back changes to: {_listed(brought)}.)"] if brought else []
        return "\n".join(lines)

    def add(self, session: str, paths: Collection[str], *, redo: bool) -> None:
        """Changes of this session to these files were taken back, or brought back. What is done and undone before the
        model hears of it, it need not hear of."""
        path, paths = self._path(session), set(paths)
        took, brought = _read(path)
        if redo:
            took, brought = took - paths, brought | (paths - took)
        else:
            took, brought = took | (paths - brought), brought - paths
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True, mode=0o700)
            path.write_text(json.dumps({"took": sorted(took), "brought": sorted(brought)}), encoding="utf-8")

    def _path(self, session: str) -> Path:
        return self._folder / f"{sha256(session.encode()).hexdigest()[:16]}.json"


def digest(said: str) -> str:
    """What stands for a message of the user's in a record; the message as the history has it."""
    return sha256(encodable(said).encode()).hexdigest()[:16]


def said_at(origin: Origin, session: str, messages: Sequence[Message]) -> str | None:
    """What the user typed where that turn began; None where the conversation does not hold it any more."""
    message = messages[origin.cut] if 0 < origin.cut < len(messages) else None
    if session != origin.session or not isinstance(message, User) or digest(message.content) != origin.said:
        return None
    return without_note(message.content)


def without_note(text: str) -> str:
    """What the user typed, without the lines of ours before it."""
    note, _, rest = text.partition("\n\n")
    return rest if rest and all(line.startswith(_NOTE) and line.endswith(".)") for line in note.split("\n")) else text


def _read(path: Path) -> tuple[set[str], set[str]]:
    with suppress(OSError, ValueError, AttributeError):
        value = json.loads(path.read_text(encoding="utf-8"))
        return set(value.get("took", [])), set(value.get("brought", []))
    return set(), set()


def _listed(paths: Collection[str]) -> str:
    names = [path if path.isprintable() else ascii(path) for path in sorted(paths)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
