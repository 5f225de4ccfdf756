"""What is kept of the workspace at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Entry(NamedTuple):
    """A file as it was. mode: as git writes it. permissions: -1 for those that its mode stands for."""

    mode: str
    object: str
    permissions: int = -1


Change = tuple[Entry | None, Entry | None]
"""Before and after."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What git can't hold. permissions: of files, those that are not the usual ones; modes: of folders, as they were
    when something in them was looked at last. folders: empty ones. left: files that are not covered, and why. named:
    covered only because a tool named them. ignored: files and folders that git ignores."""

    permissions: Mapping[str, int] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    modes: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> bytes:
        value = {
            "permissions": dict(sorted(self.permissions.items())),
            "folders": sorted(self.folders),
            "left": dict(sorted(self.left.items())),
            "named": sorted(self.named),
            "ignored": sorted(self.ignored),
            "modes": dict(sorted(self.modes.items())),
        }
        return json.dumps(value).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Notes:
        value = json.loads(text)
        named, ignored, modes = frozenset(value["named"]), frozenset(value["ignored"]), value.get("modes", {})
        return cls(value["permissions"], frozenset(value["folders"]), value["left"], named, ignored, modes)


@dataclass(frozen=True, slots=True)
class State:
    """The workspace at a time: ids of the files' tree and of the notes, "" for none."""

    files: str
    notes: str


def above(paths: Iterable[str]) -> set[str]:
    """The folders that these paths lie in."""
    found: set[str] = set()
    for path in paths:
        while path := path.rpartition("/")[0]:
            found.add(path)
    return found
