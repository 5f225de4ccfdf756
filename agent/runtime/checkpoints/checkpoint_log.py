"""The records of the checkpoints: what the workspace looked like, and what came between.

Strategy. One line of commits, each a record: a state, and what led to it from the state before. Old records fall away
from the beginning of the line: git then takes the first one kept for the first ever.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal

from roundtrip.agent.runtime.checkpoints.shadow_git import GitError, ShadowGit
from roundtrip.agent.runtime.checkpoints.states import State

MOST_KEPT: Final = 500
"""Records."""

LONGEST_KEPT: Final = 30 * 24 * 3600.0
"""Seconds."""

_LOOSE: Final = 6000
"""Objects that may lie about one by one before they are packed."""

_PACKS: Final = 60

_REF: Final = "refs/heads/checkpoints"
_REF_BEFORE: Final = "before"

Kind = Literal["start", "outside", "change", "undo", "redo"]
"""start: what was there first. outside: what somebody else changed. change: what a call did. undo, redo: a restore."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in which conversation a call was made. cut: number of the message with which the user began the turn.
    said: digest of what they said."""

    session: str = ""
    cut: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One commit. number: of a change, from 1; 0 for all others. about: the call in a line. files: how many it
    changed. of: the numbers that an undo took back, or a redo brought back. at: seconds since 1970. mixed: why what
    others changed may be among it, "" if it is not."""

    kind: Kind
    state: State
    at: float
    number: int = 0
    origin: Origin = Origin()
    about: str = ""
    files: int = 0
    of: tuple[int, ...] = ()
    mixed: str = ""
    id: str = ""
    before: State | None = None
    """The state of the record before, None if there is none."""
    redone: tuple[tuple[State, State], ...] = ()
    """Of a change that was taken back and brought back: each time, how that left the files, and how they were when it
    was brought back."""


@dataclass(frozen=True, slots=True)
class Line:
    """All records, the oldest first, and what can be done with them."""

    records: tuple[Record, ...]

    @property
    def last(self) -> Record | None:
        return self.records[-1] if self.records else None

    @property
    def next_number(self) -> int:
        return max((record.number for record in self.records), default=0) + 1

    def standing(self) -> list[Record]:
        """The changes that are not taken back, in the order in which they were made."""
        return self._stacks()[0]

    def undone(self) -> list[Record]:
        """The restores that can be reverted, the latest last. A new change of the same session ends that."""
        return self._stacks()[1]

    def _stacks(self) -> tuple[list[Record], list[Record]]:
        known = {record.number: record for record in self.records if record.number and record.before}
        standing: list[Record] = []
        undone: list[Record] = []
        for record in self.records:
            if record.kind == "change":
                standing += [record] if record.number in known else []
                undone = [one for one in undone if one.origin.session not in ("", record.origin.session)]
            elif record.kind == "undo":
                standing = [one for one in standing if one.number not in record.of]
                undone += [record] if record.before else []
            elif record.kind == "redo":
                for undo in [one for one in undone if one.of == record.of]:
                    undone.remove(undo)
                    known |= {number: _redone(known[number], undo, record) for number in undo.of if number in known}
                standing += [known[number] for number in record.of if number in known]
        return standing, undone


def _redone(change: Record, undo: Record, redo: Record) -> Record:
    assert redo.before is not None, "an undo was before it"
    return replace(change, redone=(*change.redone, (undo.state, redo.before)))


class CheckpointLog:
    """Reads and writes the records. All methods are called with the repository locked."""

    def __init__(self, git: ShadowGit) -> None:
        self._git = git
        self._read: Line | None = None

    @property
    def line(self) -> Line:
        """All records."""
        head = self._head()
        if self._read is None or (self._read.last.id if self._read.last else "") != head:
            self._read = Line(tuple(self._load(head))) if head else Line(())
        return self._read

    def append(self, record: Record) -> Record:
        """Adds a record. Returns it with its id."""
        before = self.line.records
        parent = ["-p", before[-1].id] if before else []
        tree = record.state.files
        if record.state.notes:
            entries = f"040000 tree {tree}\tfiles\0100644 blob {record.state.notes}\tnotes\0"
            tree = self._git.run("mktree", "-z", feed=[entries.encode()]).decode().strip()
        message = json.dumps({"v": 1, **_plain(record)})
        commit = self._git.run("commit-tree", tree, *parent, feed=[message.encode()]).decode().strip()
        self._point(commit)
        written = replace(record, id=commit, before=before[-1].state if before else None)
        self._read = Line((*before, written))
        return written

    def _head(self) -> str:
        for name in (_REF, _REF_BEFORE):
            with suppress(OSError, ValueError):
                text = (self._git.folder / name).read_text(encoding="ascii").strip()
                if len(text) == 40:
                    return text
        return ""

    def _point(self, commit: str) -> None:
        """As `git update-ref`, but without waiting for the disk: after a power failure the one before will do."""
        path = self._git.folder / _REF
        temporary = path.with_name("new")
        temporary.write_text(f"{commit}\n", encoding="ascii")
        with suppress(FileNotFoundError):
            os.replace(path, self._git.folder / _REF_BEFORE)
        os.replace(temporary, path)

    def _load(self, head: str) -> Iterable[Record]:
        out = self._git.run("log", "-z", "--reverse", "--format=%H%n%B", head).decode("utf-8", "replace")
        before: State | None = None
        for text in out.split("\0"):
            name, _, message = text.strip().partition("\n")
            record = _record(name, message, before)
            if record:
                before = record.state
                yield record

    def tidy(self, most: int) -> None:
        """Lets go of what is too old or too much, and packs what lies about one by one. Takes seconds at times, and may
        be stopped at any moment."""
        records, now = self.line.records, time.time()
        kept = [record for record in records[-most:] if now - record.at < LONGEST_KEPT] or list(records[-1:])
        old = len(records) - len(kept)
        if old > most // 10 or (old and now - records[0].at > 2 * LONGEST_KEPT):
            shallow = self._git.folder / "shallow"
            temporary = shallow.with_name("shallow.new")
            temporary.write_text(f"{kept[0].id}\n", encoding="ascii")
            os.replace(temporary, shallow)
            self._read = None
            self._pack()
            self._git.run("prune", "--expire=now")
        elif self._loose() > _LOOSE or len(list((self._git.folder / "objects/pack").glob("*.pack"))) > _PACKS:
            self._pack()
            self._git.run("prune-packed", "--quiet")

    def _pack(self) -> None:
        self._git.run("repack", "-a", "-d", "-q", settings=("pack.window=0", "pack.threads=1"))

    def _loose(self) -> int:
        """About how many objects have a file of their own."""
        try:
            return 256 * len(os.listdir(self._git.folder / "objects" / "17"))
        except OSError:
            return 0


_STORED: Final = tuple(field.name for field in fields(Record) if field.name not in ("id", "before", "redone"))


def _plain(record: Record) -> dict[str, Any]:
    value = asdict(record)
    return {name: value[name] for name in _STORED}


def _record(name: str, message: str, before: State | None) -> Record | None:
    """The record that a commit holds; None for one that another version has written."""
    try:
        value = json.loads(message)
        if value.pop("v") != 1:
            raise GitError("the checkpoints were written by another version of this program")
        parts = {key: part for key, part in value.items() if key in _STORED}
        parts |= {"state": State(**parts["state"]), "origin": Origin(**parts["origin"]), "of": tuple(parts["of"])}
        return Record(**parts, id=name, before=before)
    except (ValueError, KeyError, TypeError):
        return None
