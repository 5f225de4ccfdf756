"""What the user can do with the checkpoints: undo, redo, restore, compare."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Final

from roundtrip.agent.runtime.checkpoints.checkpoint_log import CheckpointLog, Kind, Origin, Record
from roundtrip.agent.runtime.checkpoints.differences import differences
from roundtrip.agent.runtime.checkpoints.progress import Progress
from roundtrip.agent.runtime.checkpoints.put_back import PutBack, stored
from roundtrip.agent.runtime.checkpoints.shadow import Shadow
from roundtrip.agent.runtime.checkpoints.states import Change, Entry, above
from roundtrip.agent.tooling import Refusal

_SHOWN: Final = 40
"""Lines of a file that would be overwritten: what somebody else changed there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a restore. files: what is done to each, "+" it is there again, "-" it is gone, "~" another content;
    an empty folder ends with "/". overwrites: files that are not as the agent left them. theirs: a diff of what others
    made of these. since: changes of other sessions that are among it. done: False where `problem` says why not, or
    where the user has to say yes first. failed: what could not be put back, and why. changes: what is taken back or
    brought back. foreign: those of it that other sessions made, and that the user may not expect here. mixed: those
    among which there may be what others changed. busy: a command that another agent runs here right now.
    """

    files: tuple[tuple[str, str], ...] = ()
    overwrites: tuple[str, ...] = ()
    theirs: str = ""
    since: tuple[Record, ...] = ()
    done: bool = False
    redo: bool = False
    problem: str = ""
    failed: tuple[tuple[str, str], ...] = ()
    changes: tuple[Record, ...] = ()
    foreign: tuple[Record, ...] = ()
    mixed: tuple[Record, ...] = ()
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The changes, the oldest first; before each is a checkpoint. undone: the numbers of those that are taken back.
    left: files that are not covered, and why. session: whose user asks, "" outside of one."""

    changes: tuple[Record, ...] = ()
    undone: frozenset[int] = frozenset()
    left: tuple[tuple[str, str], ...] = ()
    session: str = ""


@dataclass(slots=True)
class _File:
    """target: what it is to be. left: how the agent left it. theirs: what others made of it, each time from how the
    agent had left it."""

    target: Entry | None
    left: Entry | None
    theirs: list[Change] = field(default_factory=list)

    def found(self, entry: Entry | None) -> None:
        """How it was, or is, some time after the agent left it."""
        if entry != self.left:
            self.theirs.append((self.left, entry))


@dataclass(slots=True)
class _Plan:
    """How to get back. folders: whether each is to be there, empty. left: files in no checkpoint, why before and why
    after; "" where that does not hold. ignored: what git ignores, and was there. modes: of folders, as in `Notes`."""

    files: dict[str, _File] = field(default_factory=dict)
    folders: dict[str, bool] = field(default_factory=dict)
    left: dict[str, tuple[str, str]] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    modes: dict[str, int] = field(default_factory=dict)


class Restores:
    """All methods are called with the repository locked."""

    def __init__(self, shadow: Shadow, log: CheckpointLog, busy: str, progress: Progress) -> None:
        self._shadow, self._log, self._busy, self._progress = shadow, log, busy, progress

    def undo(self, origin: Origin, *, yes: bool) -> Outcome:
        """Takes back the last change that stands, of this session's if it is one."""
        standing = self._log.line.standing()
        mine = [record for record in standing if origin.session in ("", record.origin.session)]
        if mine:
            return self._revert("undo", mine[-1:], origin, yes=yes)
        if not standing:
            return Outcome(problem="there is nothing to undo")
        last = standing[-1]
        return Outcome(problem="there is nothing to undo of this session; the last change here was made in session "
                       f"{last.origin.session} ({last.about}): /checkpoints {last.number} takes it back")  # fmt: skip

    def redo(self, origin: Origin, *, yes: bool) -> Outcome:
        """Reverts the last restore, if nothing was changed since; in a session, one that it made, or that took back
        a change of its own, if the session has changed nothing since."""
        undone = [
            record for record in self._log.line.undone()
            if origin.session in ("", record.origin.session, *(one.origin.session for one in self._touched([record])))
        ]  # fmt: skip
        if not undone:
            return Outcome(problem="there is nothing to redo")
        standing = self._log.line.standing()
        if standing and not origin.session and standing[-1].at > undone[-1].at:
            since = f"{standing[-1].about}, in session {standing[-1].origin.session}"
            return Outcome(problem=f"there is nothing to redo: since the last undo there was a change ({since})")
        return self._revert("redo", undone[-1:], origin, yes=yes)

    def back_to(self, number: int, origin: Origin, *, turn: bool, yes: bool) -> Outcome:
        """Takes back the change with this number, and all after it."""
        line = self._log.line
        found = next((record for record in line.records if record.number == number and record.before), None)
        if found is None:
            return Outcome(problem=f"there is no checkpoint {number}; /checkpoints lists them")
        if turn:
            number = min(record.number for record in line.records if record.number and record.origin == found.origin)
        standing = [record for record in line.standing() if record.number >= number]
        if not standing and not turn:
            return Outcome(problem=f"the changes from {number} on are taken back already")
        return self._revert("undo", standing, origin, yes=yes) if standing else Outcome(done=True)

    def overview(self, origin: Origin) -> Overview:
        """What there is."""
        line = self._log.line
        changes = tuple(record for record in line.records if record.number and record.before)
        undone = {record.number for record in changes} - {record.number for record in line.standing()}
        left = self._shadow.notes(line.last.state).left if line.last else {}
        return Overview(changes, frozenset(undone), tuple(sorted(left.items())), origin.session)

    def diff(self, number: int | None, origin: Origin, most: int) -> str | Refusal:
        """See `Checkpoints.diff`."""
        standing = self._log.line.standing()
        if number is None:
            last = next((one for one in reversed(standing) if origin.session in ("", one.origin.session)), None)
            chosen = [one for one in standing if last and one.origin == last.origin]
        else:
            chosen = [one for one in standing if one.number >= number]
            if not any(one.number == number for one in self._log.line.records):
                return Refusal(f"there is no checkpoint {number}; /checkpoints lists them")
        if not chosen:
            return ""
        plan = self._plan(chosen)
        now = self._now(plan)
        changes = {path: (file.target, now.get(path)) for path, file in plan.files.items()}
        rest = f"agent diff {min(one.number for one in chosen)} | less"
        return differences(self._shadow.git, changes, most=most, rest=rest)

    def _revert(self, kind: Kind, records: Sequence[Record], origin: Origin, *, yes: bool) -> Outcome:
        plan = self._plan(records)
        now = self._now(plan)
        changed = {path: file.target for path, file in sorted(plan.files.items()) if now.get(path) != file.target}
        files = [(_sign(now.get(path), target), path) for path, target in changed.items()]
        notes = self._shadow.notes(self._last.state)
        for path in changed.keys() - notes.left.keys():
            plan.files[path].found(now.get(path))
        touched = self._touched(records)
        outcome = Outcome(
            (*files, *self._folders(plan, changed, notes.folders)),
            tuple(path for path in changed if path in notes.left or plan.files[path].theirs),
            redo=kind == "redo",
            failed=tuple(self._stays(plan)),
            changes=tuple(touched),
            foreign=tuple(one for one in touched if kind == "undo" and origin.session not in ("", one.origin.session)),
            mixed=tuple(one for one in touched if kind == "undo" and one.mixed),
            busy=self._busy,
        )
        if (outcome.overwrites or outcome.foreign or outcome.mixed or outcome.busy) and not yes:
            since = self._since(touched, outcome.overwrites)
            return replace(outcome, theirs=self._theirs(plan, outcome.overwrites), since=since)
        failed = self._put_back(changed, plan)
        state = self._shadow.look_at(self._last.state, plan.files, plan.folders, self._progress)
        of = tuple(one.number for one in touched)
        self._log.append(Record(kind, state, time.time(), 0, origin, "", len(files), of))
        done = tuple(entry for entry in outcome.files if entry[1] not in failed)
        return replace(outcome, files=done, done=True, failed=(*sorted(failed.items()), *outcome.failed))

    def _folders(self, plan: _Plan, files: Collection[str], empty: Collection[str]) -> Iterator[tuple[str, str]]:
        """What is done to empty folders, where that does not go without saying."""
        full = above(files)
        for folder, wanted in sorted(plan.folders.items()):
            is_there = (self._shadow.root / folder).is_dir() if wanted else folder in empty
            if wanted != is_there and folder not in full:
                yield "+" if wanted else "-", f"{folder}/"

    def _stays(self, plan: _Plan) -> Iterator[tuple[str, str]]:
        """What was there and nobody can put back, or came and nobody can take away, and why."""
        for path, (before, after) in sorted(plan.left.items()):
            if before and before != after:
                yield path, f"it was in no checkpoint ({before})"
            elif not before and after and path not in plan.files and os.path.lexists(self._shadow.root / path):
                yield path, f"it is in no checkpoint ({after})"
        for path in sorted(plan.ignored - plan.files.keys()):
            if not os.path.lexists(self._shadow.root / path):
                yield path, "git ignores it, so it was in no checkpoint"

    def _since(self, touched: Sequence[Record], paths: Collection[str]) -> tuple[Record, ...]:
        """The later changes to these files that stay."""
        numbers = {one.number for one in touched}
        first = min(numbers, default=0)
        return tuple(
            one for one in self._log.line.standing()
            if paths and one.before and one.number > first and one.number not in numbers
            and not self._shadow.changes(one.before, one.state).keys().isdisjoint(paths)
        )  # fmt: skip

    def _theirs(self, plan: _Plan, paths: Collection[str]) -> str:
        """What others made of these files, between two changes of the agent's and after the last one."""
        steps = [[(path, change) for change in plan.files[path].theirs] for path in paths]
        rounds = (dict(step for step in row if step) for row in zip_longest(*steps))
        return "\n".join(differences(self._shadow.git, row, _SHOWN) for row in rounds)

    def _touched(self, records: Sequence[Record]) -> list[Record]:
        """The changes that are taken or brought back."""
        numbers = {number for record in records for number in (record.of or (record.number,))}
        return [record for record in self._log.line.records if record.number in numbers and record.number]

    @property
    def _last(self) -> Record:
        last = self._log.line.last
        assert last is not None, "what is reverted is a record"
        return last

    def _plan(self, records: Sequence[Record]) -> _Plan:
        """How to get from behind these records to before them."""
        plan = _Plan()
        for record in records:
            assert record.before is not None, "the first record is no change"
            old, new = self._shadow.notes(record.before), self._shadow.notes(record.state)
            between = [self._shadow.changes(*states) for states in record.redone]
            for path, (before, after) in self._shadow.changes(record.before, record.state).items():
                for others in between:  # what they made of it while it was taken back
                    was, became = others.get(path, (None, None))
                    before = became if was == before else before
                if before is None and path in old.left and path not in plan.files:
                    continue
                file = plan.files.setdefault(path, _File(before, before))
                file.found(before)
                file.left = after
            for path in {*old.left, *new.left}:
                first, _ = plan.left.get(path, (old.left.get(path, ""), ""))
                plan.left[path] = (first, new.left.get(path, ""))
            plan.ignored |= old.ignored - new.ignored
            plan.modes = {**old.modes, **plan.modes}
            for folder in old.folders ^ new.folders:
                plan.folders.setdefault(folder, folder in old.folders)
        return plan

    def _now(self, plan: _Plan) -> dict[str, Entry]:
        """How the files of a plan are; if that is news, it is written down."""
        state = self._shadow.look_at(self._last.state, plan.files, plan.folders, self._progress)
        if state != self._last.state:
            self._log.append(Record("outside", state, time.time()))
        return self._shadow.entries(state, plan.files)

    def _put_back(self, files: dict[str, Entry | None], plan: _Plan) -> dict[str, str]:
        wanted = [entry for _, entry in sorted(files.items()) if entry]
        with stored(self._shadow.git, wanted) as contents:
            put_back = PutBack(self._shadow.root, contents, self._shadow.permissions, plan.modes)
            there = [folder for folder, wanted in plan.folders.items() if wanted]
            gone = [folder for folder, wanted in plan.folders.items() if not wanted]
            return put_back(files, there, gone, self._progress)


def _sign(now: Entry | None, target: Entry | None) -> str:
    return "-" if target is None else "+" if now is None else "~"
