"""Checkpoints: the workspace before each change of the agent's, so that it can be put back.

Strategy. Before and after a call that may change files, the workspace is looked at (`shadow`), and what the call did is
written down as a change (`checkpoint_log`): for an edit only its own paths are looked at, for a command everything.
To put back a change means to put back the files that it touched. So what the user did to other files stays, and what
they did to the same files is noticed, because a file then is not as the agent left it. Rules:
1. A checkpoint that fails stops nothing; it is said, once.
2. Nothing is overwritten that is not as the agent left it, unless the user says yes.
3. Each restore is a record too, and can be reverted.

Git runs in a thread; when the caller is cancelled, it is killed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.checkpoints.checkpoint_log import LONGEST_KEPT, MOST_KEPT, CheckpointLog, Origin, Record
from roundtrip.agent.runtime.checkpoints.differences import LONGEST
from roundtrip.agent.runtime.checkpoints.looking import TooMuch
from roundtrip.agent.runtime.checkpoints.news import News, digest
from roundtrip.agent.runtime.checkpoints.progress import Progress, silent, told, unheard
from roundtrip.agent.runtime.checkpoints.restores import Outcome, Overview, Restores
from roundtrip.agent.runtime.checkpoints.running import Command, Running
from roundtrip.agent.runtime.checkpoints.shadow import Shadow
from roundtrip.agent.runtime.checkpoints.shadow_git import GitError, ShadowGit, Stopped, forget
from roundtrip.agent.runtime.checkpoints.states import State
from roundtrip.agent.runtime.checkpoints.watching import Watcher
from roundtrip.agent.tooling import Intent, Output, Refusal

_ABOUT: Final = 120
"""Characters that say what a call was."""

_PATIENCE: Final = 1.0
"""Seconds that the end of a session may take."""

_NONE: Final = "there is no checkpoint of this folder yet"

T = TypeVar("T")


class Checkpoints:
    """The checkpoints of one workspace; a `tooling.Recorder`. folder: where they are kept. root: links resolved.

    warn: hears, once, why there are none.
    """

    def __init__(self, folder: Path, root: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder / sha256(os.fsencode(root)).hexdigest()[:16]
        self._root, self._warn = root, warn
        self.news = News(self._folder / "news")
        self._running = Running(self._folder / "running")
        self._watcher = Watcher(root, warn)
        self._origin = Origin()
        self._git: ShadowGit | None = None
        self._one_at_a_time = asyncio.Lock()
        self._said: set[str] = set()
        self._whole = True
        """Whether the whole folder can be kept."""
        self._began = 0

    def turn(self, session: str, cut: int, said: str) -> None:
        """A turn begins. cut: number of its first message, which says `said`."""
        self._origin = Origin(session, cut, digest(said))

    # What `tooling.Recorder` asks for.

    async def before(self, call: Call, intent: Intent, output: Output) -> None:
        """Takes down how things are before a call that may change them."""
        if self._changes(intent):
            with told(output, "checkpoint") as progress:
                await self._guarded(lambda: self._begin(call, intent, progress))

    async def after(self, call: Call, intent: Intent) -> None:
        """Takes down what the call has changed."""
        if self._changes(intent):
            await self._guarded(lambda: self._end(call, intent))

    # What the user asks for.

    async def undo(self, *, yes: bool = False, output: Output = unheard) -> Outcome:
        """Takes back the last change, of this session's if it is one."""
        return await self._restore(lambda restores: restores.undo(self._origin, yes=yes), output)

    async def redo(self, *, yes: bool = False, output: Output = unheard) -> Outcome:
        """Reverts the last undo or restore."""
        return await self._restore(lambda restores: restores.redo(self._origin, yes=yes), output)

    async def restore(self, number: int, *, turn: bool = False, yes: bool = False, output: Output = unheard) -> Outcome:
        """Takes back the change with this number and all later ones. turn: from its turn's first one on, and with the
        conversation, so that its model need not be told."""
        work = partial(Restores.back_to, number=number, origin=self._origin, turn=turn, yes=yes)
        return await self._restore(work, output, self._origin.session if turn else None)

    async def overview(self) -> Overview | Refusal:
        """What there is."""
        return await self._asked(lambda restores: restores.overview(self._origin), Overview())

    async def diff(self, number: int | None = None, *, most: int = LONGEST, output: Output = unheard) -> str | Refusal:
        """How the files differ from a checkpoint, or from before the last turn that changed any. most: lines."""
        return await self._asked(lambda restores: restores.diff(number, self._origin, most), Refusal(_NONE), output)

    def tidy(self, most: int = MOST_KEPT) -> None:
        """Lets go of the oldest checkpoints. Raises GitError, Stopped, OSError."""
        with self._ready().locked():
            self._records.tidy(most)
        self._git = None  # what it remembers may be gone
        for folder in self._folder.parent.iterdir():
            forget(folder, LONGEST_KEPT * 2)

    async def close(self) -> None:
        """Makes room, as far as that can be done in a moment; the next session goes on with it."""
        if self._git is not None:
            with suppress(GitError, Stopped, TimeoutError, OSError):
                async with asyncio.timeout(_PATIENCE):
                    await self._work(self.tidy)

    # Below here: in the thread, but for those that await.

    async def _guarded(self, work: Callable[[], None]) -> None:
        try:
            await self._work(work)
        except Stopped:
            pass
        except Exception as error:  # even a bug of ours here must not take a call's result away
            why = str(error) if isinstance(error, GitError | TooMuch | OSError) else f"{type(error).__name__}: {error}"
            self._say(f"no checkpoint was made ({why}); /undo can't take this back")

    async def _asked(self, work: Callable[[Restores], T], nothing: T, output: Output = unheard) -> T | Refusal:
        if not self._folder.is_dir():
            return nothing

        def locked() -> T:
            with self._ready().locked():
                return work(self._restores(progress))

        try:
            with told(output, "checkpoint") as progress:
                return await self._work(locked)
        except (GitError, OSError) as error:
            return Refusal(f"the checkpoints can't be used: {error}")

    async def _restore(self, work: Callable[[Restores], Outcome], output: Output, untold: str | None = None) -> Outcome:
        outcome = await self._asked(work, Outcome(problem=_NONE), output)
        if isinstance(outcome, Refusal):
            return Outcome(problem=outcome.reason)
        sessions = {one.origin.session for one in outcome.changes if outcome.done}
        for session in sessions - {"", untold}:
            self.news.add(session, {path for _, path in outcome.files}, redo=outcome.redo)
        return outcome

    async def _work(self, work: Callable[[], T]) -> T:
        async with self._one_at_a_time:
            running = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                while not running.done():  # whoever comes next must find the repository free
                    if self._git is not None:  # which may be only just being made
                        self._git.stop()
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([running], timeout=0.05)
                running.exception()
                raise
            finally:
                if self._git is not None:
                    self._git.resume()

    def _ready(self) -> ShadowGit:
        """The repository, made if it must be: for the first time, or because it was old and another agent removed it.

        Raises GitError.
        """
        if self._git is None or not self._folder.is_dir():
            top = next((up for up in (self._root, *self._root.parents) if os.path.lexists(up / ".git")), self._root)
            git = ShadowGit(self._folder, top, self._root)
            git.prepare()
            if top != self._root and git.run("check-ignore", "--no-index", str(self._root), fine=(0, 1)):
                git.top = self._root  # the repository around it wants nothing to do with it
            self._shadow, self._records = Shadow(git, self._root), CheckpointLog(git)
            self._git = git
        return self._git

    def _restores(self, progress: Progress) -> Restores:
        self._running.leave()
        last = self._records.line.last
        if last is not None:
            self._shadow.seed(last.state)
            if self._cut_off():
                self._settle(self._look(last.state, (), progress))
        busy = next((command.about for command in self._running.others() if command.alive), "")
        return Restores(self._shadow, self._records, busy, progress)

    def _begin(self, call: Call, intent: Intent, progress: Progress) -> None:
        with self._ready().locked():
            self._running.leave()
            last = self._records.line.last
            before = last.state if last else None
            self._shadow.seed(before)
            named, whole = self._inside(intent), self._commands(intent)
            look = whole or self._cut_off()
            state = self._look(before, named, progress) if look else self._shadow.look_at(before, named)
            self._settle(state)
            if whole:
                self._watcher.begins(call.arguments, self._shadow.notes(state).ignored,
                                     lambda: self._shadow.changes(before, state) if before else ())  # fmt: skip
                self._running.begin(Command(self._origin, self._about(call, intent)))
            self._began = time.time_ns()

    def _end(self, call: Call, intent: Intent) -> None:
        with self._ready().locked():
            last = self._records.line.last
            if last is None:  # there was no beginning
                return
            self._shadow.seed(last.state)
            named = self._inside(intent)
            earlier = None
            if self._commands(intent) and self._whole:
                earlier, state = self._shadow.look(last.state, named, silent, self._began)
            else:
                state = self._shadow.look_at(last.state, named)
            if earlier and earlier != last.state:
                last = self._records.append(Record("outside", earlier, time.time()))
            if state != last.state:
                busy = any(command.alive for command in self._running.others()) and self._commands(intent)
                mixed = "another command ran at the same time" if busy else ""
                self._change(last.state, state, self._origin, self._about(call, intent), mixed)
            if self._commands(intent):
                self._watcher.ended(self._shadow.notes(state).ignored, self._shadow.changes(last.state, state))
            self._running.end()

    def _cut_off(self) -> bool:
        """Whether a command was running when its agent was killed, and what it did is not taken down yet."""
        return self._whole and any(not command.alive for command in self._running.others())

    def _look(self, before: State | None, named: Sequence[str], progress: Progress) -> State:
        if self._whole:
            try:
                return self._shadow.look(before, named, progress)[1]
            except TooMuch as error:
                self._whole = False
                self._say(f"this folder is too large for whole checkpoints: {error}; "
                          "/undo takes back what the edit tools do, not what commands do")  # fmt: skip
        return self._shadow.look_at(before, named)

    def _settle(self, state: State) -> None:
        """What is found and nobody took down: the doing of a command that was cut off, or that another agent runs, or
        of somebody else."""
        last = self._records.line.last
        command = next(self._running.others(), None)
        if last is None:
            self._records.append(Record("start", state, time.time()))
        elif last.state != state and command:
            mixed = "it was still running" if command.alive else "its end was not recorded"
            self._change(last.state, state, command.origin, command.about, mixed)
        elif last.state != state:
            self._records.append(Record("outside", state, time.time()))
        self._running.bury()

    def _change(self, before: State, after: State, origin: Origin, about: str, mixed: str) -> None:
        number, files = self._records.line.next_number, len(self._shadow.changes(before, after))
        old, new = self._shadow.notes(before), self._shadow.notes(after)
        lost = any(not os.path.lexists(self._root / path) for path in old.ignored - new.ignored)
        if files or lost or old.folders != new.folders or old.left.keys() != new.left.keys():
            self._records.append(Record("change", after, time.time(), number, origin, about, files, mixed=mixed))
        else:  # a large file has grown, something ignored was made: no change that could be taken back
            self._records.append(Record("outside", after, time.time()))

    def _about(self, call: Call, intent: Intent) -> str:
        """A call in a line."""
        about = " ".join(f"{call.name} {intent.command or ' '.join(self._inside(intent))}".split())
        return f"{about[:_ABOUT]}…" if len(about) > _ABOUT else about

    def _inside(self, intent: Intent) -> list[str]:
        """The files of a call that lie in the workspace."""
        files = (path for path in intent.paths if not os.path.isdir(path) or os.path.islink(path))
        inside = (path.relative_to(self._root) for path in files if path.is_relative_to(self._root))
        return sorted(path.as_posix() for path in inside if path.parts and ".git" not in path.parts)

    @staticmethod
    def _commands(intent: Intent) -> bool:
        """Whether the call may change any file."""
        return bool(intent.command) or intent.effect == "runs"

    def _changes(self, intent: Intent) -> bool:
        return intent.effect != "reads" and (self._commands(intent) or bool(intent.paths))

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._warn(text)
