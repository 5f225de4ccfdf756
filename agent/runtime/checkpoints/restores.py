"""What the user can do with the checkpoints: undo, redo, restore, compare."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from roundtrip.agent.runtime.checkpoints.checkpoint_log import CheckpointLog, Kind, Origin, Record
from roundtrip.agent.runtime.checkpoints.put_back import PutBack
from roundtrip.agent.runtime.checkpoints.shadow import Shadow
from roundtrip.agent.runtime.checkpoints.shadow_git import GitError, ShadowGit
from roundtrip.agent.runtime.checkpoints.states import Entry
from roundtrip.agent.tooling import Refusal

_LONGEST_DIFF: Final = 400
"""Lines."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a restore. files: what is done to each, "+" it is there again, "-" it is gone, "~" another content.
    overwrites: files that are not as the agent left them. done: False where `problem` says why not, or where the user
    has to say yes first. failed: what could not be put back, and why. sessions: whose changes these are.
    """

    files: tuple[tuple[str, str], ...] = ()
    overwrites: tuple[str, ...] = ()
    done: bool = False
    redo: bool = False
    problem: str = ""
    foreign: str = ""
    failed: tuple[tuple[str, str], ...] = ()
    sessions: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A checkpoint in a list: how things were before a change."""

    number: int
    at: float
    about: str
    files: int
    origin: Origin
    undone: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The checkpoints, the oldest first. left: files that are not covered, and why."""

    items: tuple[Item, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    session: str = ""


@dataclass(slots=True)
class _Plan:
    """files: what each is to be, what the agent left, and whether nobody else came between. folders: whether each is
    to be there, empty. lost: files that were there, but in no checkpoint."""

    files: dict[str, tuple[Entry | None, Entry | None, bool]] = field(default_factory=dict)
    folders: dict[str, bool] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


class Restores:
    """All methods are called with the repository locked."""

    def __init__(self, shadow: Shadow, log: CheckpointLog) -> None:
        self._shadow, self._log = shadow, log

    def undo(self, origin: Origin, *, yes: bool) -> Outcome:
        """Takes back the last change that stands."""
        standing = self._log.line.standing()
        if not standing:
            return Outcome(problem="there is nothing to undo")
        return self._revert("undo", standing[-1:], origin, yes=yes)

    def redo(self, origin: Origin, *, yes: bool) -> Outcome:
        """Reverts the last restore, if nothing was changed since."""
        undone = self._log.line.undone()
        if not undone:
            return Outcome(problem="there is nothing to redo")
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
            return Outcome(problem=f"the changes from {number} on are taken back already; /redo brings them back")
        return self._revert("undo", standing, origin, yes=yes) if standing else Outcome(done=True)

    def overview(self, origin: Origin) -> Overview:
        """What there is."""
        line = self._log.line
        standing = {record.number for record in line.standing()}
        items = tuple(
            Item(one.number, one.at, one.about, one.files, one.origin, one.number not in standing)
            for one in line.records
            if one.number and one.before
        )
        left = self._shadow.notes(line.last.state).left if line.last else {}
        return Overview(items, tuple(sorted(left.items())), origin.session)

    def diff(self, number: int | None, origin: Origin) -> str | Refusal:
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
        return self._compared({path: entry for path, (entry, _, _) in plan.files.items()}, now)

    def _revert(self, kind: Kind, records: Sequence[Record], origin: Origin, *, yes: bool) -> Outcome:
        plan = self._plan(records)
        now = self._now(plan)
        wanted = {path: target for path, (target, _, _) in plan.files.items()}
        differing = {path: target for path, target in wanted.items() if now.get(path) != target}
        files = tuple((_sign(now.get(path), target), path) for path, target in sorted(differing.items()))
        left = self._shadow.notes(self._last.state).left
        overwrites = tuple(
            path for _, path in files
            if path in left or not plan.files[path][2] or now.get(path) != plan.files[path][1]
        )  # fmt: skip
        touched = self._touched(records)
        sessions = tuple(sorted({one.origin.session for one in touched if one.origin.session}))
        foreign = next((name for name in sessions if origin.session and name != origin.session), "")
        about = tuple(one.about for one in touched)
        if (overwrites or foreign) and not yes:
            return Outcome(files, overwrites, foreign=foreign, about=about, redo=kind == "redo")
        failed = self._put_back(differing, plan)
        state = self._shadow.look_at(self._last.state, plan.files, plan.folders)
        of = tuple(one.number for one in touched)
        self._log.append(Record(kind, state, time.time(), 0, origin, "", len(files), of))
        lost = [(path, f"it was in no checkpoint ({why})") for path, why in sorted(plan.lost.items())]
        done = tuple(entry for entry in files if entry[1] not in failed)
        problems = (*sorted(failed.items()), *lost)
        return Outcome(done, overwrites, True, kind == "redo", "", foreign, problems, sessions, about)

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
            for path, (before, after) in self._shadow.changes(record.before, record.state).items():
                if before is None and path in old.left and path not in plan.files:
                    plan.lost[path] = old.left[path]
                    continue
                target, expected, steady = plan.files.get(path, (before, before, True))
                plan.files[path] = (target, after, steady and expected == before)
            for folder in old.folders ^ new.folders:
                plan.folders.setdefault(folder, folder in old.folders)
        return plan

    def _now(self, plan: _Plan) -> dict[str, Entry]:
        """How the files of a plan are; if that is news, it is written down."""
        state = self._shadow.look_at(self._last.state, plan.files, plan.folders)
        if state != self._last.state:
            self._log.append(Record("outside", state, time.time()))
        return self._shadow.entries(state, plan.files)

    def _put_back(self, files: dict[str, Entry | None], plan: _Plan) -> dict[str, str]:
        with _contents(self._shadow.git) as contents:
            put_back = PutBack(self._shadow.root, contents, self._shadow.permissions)
            there = [folder for folder, wanted in plan.folders.items() if wanted]
            gone = [folder for folder, wanted in plan.folders.items() if not wanted]
            return put_back(files, there, gone)

    def _compared(self, old: dict[str, Entry | None], new: dict[str, Entry]) -> str:
        git = self._shadow.git
        trees = [_tree(git, old), _tree(git, new)]
        words = ("diff-tree", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
        lines = git.run(*words, *trees).decode("utf-8", "replace").splitlines()
        lines = [line for line in lines if not line.startswith("index ")]
        more = len(lines) - _LONGEST_DIFF
        return "\n".join(lines[:_LONGEST_DIFF] + ([f"… {more} more lines …"] if more > 0 else []))


@contextmanager
def _contents(git: ShadowGit) -> Iterator[Any]:
    """Gives the bytes of one file after the other."""
    with git.process("cat-file", "--batch") as process:

        def content(entry: Entry) -> bytes:
            process.stdin.write(f"{entry.object}\n".encode())
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) != 3:
                raise GitError(f"a checkpoint is damaged: {entry.object} is missing")
            data: bytes = process.stdout.read(int(head[2]) + 1)[:-1]
            return data

        yield content


def _tree(git: ShadowGit, files: Mapping[str, Entry | None]) -> str:
    """A tree of these files alone."""
    index = git.folder / "index.diff"
    index.unlink(missing_ok=True)
    lines = [f"{entry.mode} {entry.object}\t{path}\0" for path, entry in files.items() if entry]
    git.run("read-tree", "--empty", index=index)
    git.run("update-index", "-z", "--index-info", feed=[line.encode("utf-8", "surrogateescape") for line in lines],
            index=index)  # fmt: skip
    return git.run("write-tree", index=index).decode().strip()


def _sign(now: Entry | None, target: Entry | None) -> str:
    return "-" if target is None else "+" if now is None else "~"
