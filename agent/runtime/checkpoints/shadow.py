"""What the workspace looks like, and looked like: trees in the shadow repository.

Strategy. A state is a git tree of the files and a few notes that git can't hold. Only what may have changed is looked
at (`looking`). Rules:
1. Covered are regular files and links that are not ignored, up to `LARGEST` bytes each, and whatever a tool names, up
   to `LARGEST_NAMED`. What is left out is noted, so that nobody takes it for a file that was not there.
2. A repository inside the workspace is covered like any folder; its `.git` never is.
3. Once covered, a path stays so, even if it is ignored later. A file that a change of ignore rules has brought to
   light was there before: it belongs to the state before the call, not to what the call made.
4. Modes other than the usual ones and empty folders are kept beside the tree.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from roundtrip.agent.runtime.checkpoints.looking import (
    ARGUMENTS,
    LARGEST,
    LARGEST_NAMED,
    Found,
    Looker,
    empty_ones,
    pairs,
    split,
)
from roundtrip.agent.runtime.checkpoints.progress import Progress, silent
from roundtrip.agent.runtime.checkpoints.shadow_git import GitError, ShadowGit
from roundtrip.agent.runtime.checkpoints.states import Change, Entry, Notes, State, above
from roundtrip.agent.runtime.checkpoints.storing import MANY, feed, take

_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_COMES_AND_GOES: Final = {".agent"}
"""A folder that the sandbox makes for as long as a command runs."""

T = TypeVar("T")


class Shadow:
    """The states of one workspace. All methods are called with the repository locked."""

    def __init__(self, git: ShadowGit, root: Path) -> None:
        self.git, self.root = git, root
        self._looker = Looker(git, root)
        self._usual = _usual_permissions(git.folder / "usual")
        self._notes: dict[str, Notes] = {}
        self._young: dict[str, int] = {}
        """Files that had just been changed when they were looked at, and when: git's clock for modes has seconds."""
        self._written: tuple[object, str] = (None, "")
        """How the index was when its tree was written, and the tree."""

    def seed(self, state: State | None) -> None:
        """Sees to it that there is an index: without one, it begins with the files of this state."""
        prefix = _parts(self.root.relative_to(self.git.top))
        mark = self.git.folder / "prefix"
        index = self.git.folder / "index"
        if mark.exists() and mark.read_text(encoding="utf-8", errors="surrogateescape") != prefix:
            index.unlink(missing_ok=True)
        if not index.exists():
            self.git.run("read-tree", "--empty")
            if state is not None and state.files != _EMPTY_TREE:
                self.git.run("read-tree", *([f"--prefix={prefix}/"] if prefix else []), state.files)
            mark.write_text(prefix, encoding="utf-8", errors="surrogateescape")

    def notes(self, state: State) -> Notes:
        """What is noted of a state."""
        if not state.notes:
            return Notes()
        if state.notes not in self._notes:
            self._notes[state.notes] = Notes.from_json(self.git.run("cat-file", "blob", state.notes))
        return self._notes[state.notes]

    def look(
        self, before: State | None, named: Collection[str], progress: Progress, began: int = 0
    ) -> tuple[State | None, State]:
        """The state of the whole workspace now.

        named: paths that are covered whatever the rules say. began: when the call that is over now began, in ns since
        1970; what was there before it, and was ignored then, makes a state of its own, the first of the two.
        """
        return self._twice(before, lambda: self._look(before, named, progress, began))

    def look_at(
        self, before: State | None, paths: Collection[str], folders: Collection[str] = (), progress: Progress = silent
    ) -> State:
        """The state in which these paths and folders are as they are now, and all others as they were."""
        return self._twice(before, lambda: self._look_at(before, paths, folders, progress))

    def _twice(self, before: State | None, look: Callable[[], T]) -> T:
        """Looks again with a new index, where git can't use the old one, or a file changed while it was looked at."""
        try:
            return look()
        except GitError:
            (self.git.folder / "index").unlink(missing_ok=True)
            self.seed(before)
            return look()

    def _look(
        self, before: State | None, named: Collection[str], progress: Progress, began: int = 0
    ) -> tuple[State | None, State]:
        notes = self.notes(before) if before else Notes()
        found, folders = self._looker.everything({*named, *notes.named}, named, notes.ignored if began else None)
        self._look_at_young(notes, found)
        earlier = None
        if began and any(path.rpartition("/")[2] == ".gitignore" for path in (*found.present, *found.gone)):
            old = {p: s for p, s in found.present.items() if p in found.fresh and s.st_ctime_ns < began - 10**9}
            if old:
                notes = self._take(Found(present=old), notes, progress, named)
                earlier = self._state(notes)
                found.present = {path: status for path, status in found.present.items() if path not in old}
        notes = self._take(found, notes, progress, named)
        if len(found.present) > MANY:  # too much to walk through
            folders = self._looker.folders()
        folders += (folder for folder in above(found.gone) if _is_empty(self.root / folder))
        empty = empty_ones(self.root, folders) - _COMES_AND_GOES
        modes = self._modes(notes, above(found.present) | empty)
        notes = replace(notes, folders=empty, left=found.left, ignored=found.ignored, modes=modes)
        return earlier, self._state(notes)

    def _look_at(
        self, before: State | None, paths: Collection[str], folders: Collection[str], progress: Progress
    ) -> State:
        notes = self.notes(before) if before else Notes()
        found = Found()
        for path in paths:
            self._looker.judge(path, found, LARGEST_NAMED)
        notes = self._take(found, notes, progress, named=paths, new=False)
        near = {*folders, *above(paths)} - _COMES_AND_GOES
        empty = {folder for folder in near if _is_empty(self.root / folder)}
        left = {path: why for path, why in notes.left.items() if path not in paths} | found.left
        folders = (notes.folders - near) | empty
        return self._state(replace(notes, folders=folders, left=left, modes=self._modes(notes, near)))

    def changes(self, before: State, after: State) -> dict[str, Change]:
        """The files in which two states differ."""
        old, new = self.notes(before), self.notes(after)
        found: dict[str, Change] = {}
        for path in {*old.permissions, *new.permissions}:
            if old.permissions.get(path) != new.permissions.get(path):
                found[path] = (None, None)
        if before.files != after.files:
            out = self.git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", before.files, after.files)
            for head, path in pairs(out):
                modes = head.split(" ")
                found[path] = (_entry(modes[0][1:], modes[2], path, old), _entry(modes[1], modes[3], path, new))
        only_modes = [path for path, change in found.items() if change == (None, None)]
        if only_modes:
            now = self.entries(after, only_modes)
            for path in only_modes:
                entry = now.get(path)
                del found[path]
                if entry:  # the same file with other permissions
                    found[path] = (entry._replace(permissions=old.permissions.get(path, -1)), entry)
        return found

    def entries(self, state: State, paths: Collection[str]) -> dict[str, Entry]:
        """Those of the paths that a state has, with what it has there."""
        notes, wanted = self.notes(state), frozenset(paths)
        named = sorted(wanted) if len(wanted) <= ARGUMENTS else []
        out = self.git.run("ls-tree", "-r", "-z", "--full-tree", state.files, "--", *named) if wanted else b""
        found = {}
        for line in split(out):
            head, _, path = line.partition("\t")
            mode, _, name = head.split(" ")
            if path in wanted:
                found[path] = Entry(mode, name, notes.permissions.get(path, -1))
        return found

    def permissions(self, entry: Entry) -> int:
        """The permissions that a file had."""
        return self._usual[entry.mode == "100755"] if entry.permissions < 0 else entry.permissions

    # How a state is taken.

    def _look_at_young(self, notes: Notes, found: Found) -> None:
        now = time.time_ns()
        for path, seen in list(self._young.items()):
            if path not in found.present and path not in found.gone:
                try:
                    status = (self.root / path).lstat()
                except OSError:
                    continue
                if self._unusual(status) != notes.permissions.get(path, -1):
                    found.present[path] = status
            if now - seen > 3 * 10**9:
                del self._young[path]

    def _take(
        self, found: Found, notes: Notes, progress: Progress, named: Collection[str] = (), *, new: bool = True
    ) -> Notes:
        """Brings the index up to date. Returns the notes with what is known of the files now. new: see `storing`."""
        if found.gone:
            gone = feed(sorted(found.gone), silent)
            self.git.run("update-index", "--force-remove", "-z", "--stdin", feed=gone)
        if found.present:
            sizes = {path: status.st_size for path, status in found.present.items()}
            take(self.git, sizes, progress, new=new)
        permissions = {path: bits for path, bits in notes.permissions.items() if path not in found.gone}
        now = time.time_ns()
        for path in found.gone:
            self._young.pop(path, None)
        for path, status in found.present.items():
            unusual = self._unusual(status)
            permissions.pop(path, None)
            if unusual >= 0:
                permissions[path] = unusual
            if now - status.st_ctime_ns < 2 * 10**9:
                self._young[path] = now
        large = {path for path in named if path in found.present and found.present[path].st_size > LARGEST}
        return replace(notes, permissions=permissions, named=(notes.named - found.gone) | large)

    def _unusual(self, status: os.stat_result) -> int:
        """The permissions, -1 for those that git's mode stands for."""
        bits = stat.S_IMODE(status.st_mode)
        usual = not stat.S_ISREG(status.st_mode) or bits == self._usual[bool(bits & stat.S_IXUSR)]
        return -1 if usual else bits

    def _modes(self, notes: Notes, folders: Collection[str]) -> dict[str, int]:
        """The permissions of folders that are not those of a new one. Of a folder that is gone, they are kept."""
        modes = dict(notes.modes)
        for folder in folders:
            with suppress(OSError):
                status = (self.root / folder).lstat()
                modes.pop(folder, None)
                if stat.S_ISDIR(status.st_mode) and (bits := stat.S_IMODE(status.st_mode)) != self._usual[1]:
                    modes[folder] = bits
        return modes

    def _state(self, notes: Notes) -> State:
        if self._written[0] != self._index():
            tree = self._tree()
            self._written = (self._index(), tree)
        if notes == Notes():
            return State(self._written[1], "")
        same = next((name for name, known in self._notes.items() if known == notes), "")
        name = same or self.git.run("hash-object", "-w", "--stdin", feed=[notes.to_json()]).decode().strip()
        self._notes[name] = notes
        return State(self._written[1], name)

    def _tree(self) -> str:
        prefix = _parts(self.root.relative_to(self.git.top))
        if prefix and not self.git.run("ls-files", "-z"):  # there is no tree of a folder without files
            return self.git.run("mktree").decode().strip()
        return self.git.run("write-tree", *([f"--prefix={prefix}/"] if prefix else [])).decode().strip()

    def _index(self) -> object:
        status = (self.git.folder / "index").stat()
        return status.st_ino, status.st_mtime_ns, status.st_size


def _usual_permissions(mark: Path) -> tuple[int, int]:
    """Those that files, and files that can be run, got when the repository was made; the mark is such a file."""
    os.close(os.open(mark, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o777))
    bits = stat.S_IMODE(mark.stat().st_mode)
    return bits & 0o666, bits


def _entry(mode: str, name: str, path: str, notes: Notes) -> Entry | None:
    return None if mode == "000000" else Entry(mode, name, notes.permissions.get(path, -1))


def _parts(path: Path) -> str:
    text = path.as_posix()
    return "" if text == "." else text


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return not folder.is_symlink() and next(iter(entries), None) is None
    except OSError:
        return False
