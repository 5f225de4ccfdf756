"""The shell commands of a session: in the sandbox, in the foreground or in the background, with what they say kept.

Strategy. Every command is a task that runs `process.run`; whether somebody waits for it is all that distinguishes
foreground and background. So a command ends in one way only, with its group, and in a sandbox with all it started.
Rules:
1. The output goes to a file from the first byte on (`recording`). The file of a command that the model was given no
   number for is removed when the next command starts.
2. Numbers go on from the highest that the folder knows, so that in a session that was taken up again they never mean
   something else than before. Where sessions are not kept, the folder is a temporary one.
3. The policy is made anew for each command: a repository may have come into being, the network been allowed.
4. Whatever can't be set up for the sandbox keeps the command from running. It never runs with more rights instead.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from roundtrip.agent.files import real
from roundtrip.agent.runtime import process
from roundtrip.agent.runtime.job import LocalJob
from roundtrip.agent.runtime.recording import Recording
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import Policy
from roundtrip.agent.runtime.sandbox.tell_tales import Ran, note
from roundtrip.agent.runtime.sandbox.variables import withheld
from roundtrip.agent.runtime.workers import Workers
from roundtrip.agent.tooling import Finished, Job, Output, Refusal

SHELLS: Final = ("/bin/bash", "/usr/bin/bash", "/bin/sh")
"""The first that is there runs the commands. Models write for bash, and what may run is decided by its grammar."""

ENVIRONMENT: Final = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "EDITOR": "true",
    "VISUAL": "true",
    "GIT_EDITOR": "true",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_NO_INPUT": "1",
    "npm_config_yes": "true",
    "npm_config_update_notifier": "false",
    "PYTHONUNBUFFERED": "1",
    "VIMINIT": "set viminfo= | autocmd VimEnter * cquit",
    "TERM": "dumb",
    "NO_COLOR": "1",
}
"""What commands run with, because nobody is there to answer, and the reader is no terminal.

An editor that changes nothing lets git take the message it proposes, and refuse where it has none. CI is not set:
it makes too many programs do other things than the user sees them do. Vim waits for keys from stderr where stdin gives
none, so it is told to leave once it has done what its options say; with -u and -es it does not read this.
"""

OUTPUTS: Final = ".outputs"
"""How the name of a folder of outputs ends."""

_ENDING: Final = 10.0
"""Seconds for which Landlock's launcher may be at work to end all that a command has started, before it is killed."""

_KEPT: Final = 28 * 86400
"""Seconds after which the outputs of an earlier session are removed."""

_SHOWN: Final = 60
"""Characters of a command where commands are listed."""

_TELLING: Final = 4096
"""Characters at the end of an output in which tell-tales are looked for."""


GIT_SETTINGS: Final = {"safe.bareRepository": "explicit"}
"""Configuration of git for commands, beside that which the variables of the user hold. A bare repository, which a
project may hold like any other files, counts only where it is named: its configuration names programs to run."""


def command_environment() -> dict[str, str]:
    """Ours, but for what commands must not get, and with what they need."""
    given = {name: value for name, value in os.environ.items() if not withheld(name, "always")}
    return {**given, **ENVIRONMENT, **_git_settings(given.get("GIT_CONFIG_COUNT", ""))}


def _git_settings(count: str) -> dict[str, str]:
    """The variables that say our settings to git, after those that are there."""
    begin = int(count) if count.isascii() and count.isdigit() else 0
    said = {"GIT_CONFIG_COUNT": str(begin + len(GIT_SETTINGS))}
    for number, (name, value) in enumerate(GIT_SETTINGS.items(), begin):
        said |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return said


class LocalJobs:
    """See `tooling.Jobs`.

    environment: what commands get, by default `command_environment`. confinement: what they run in, by default
    nothing. outputs: the folder where outputs are kept, None for nowhere.
    """

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str] | None = None,
        confinement: Confinement | None = None,
        outputs: Path | None = None,
    ) -> None:
        self._environment = command_environment() if environment is None else dict(environment)
        self.confinement = confinement or Confinement(root, mode="off")
        self.workers = Workers()
        self._outputs = outputs
        self._jobs: list[LocalJob] = []
        """Those that have ended without an id go when the next one starts."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> tuple[LocalJob, ...]:
        return tuple(job for job in self._jobs if job.id and job.state == "running")

    @property
    def last(self) -> LocalJob | None:
        """The command that was started last in this run of the program, None if there was none."""
        return next((job for job in reversed(self._jobs) if job.task is not None), None)

    async def run(
        self, command: str, *, cwd: Path, seconds: float, output: Output, background: bool = False
    ) -> Job | Refusal:
        if self.confinement.refusal:
            return Refusal(self.confinement.refusal)
        self._let_go()
        job = self._new(command, output)
        self._jobs.append(job)
        if background and not job.keep():
            return Refusal("What a command in the background says could not be kept: the disk takes no more.")
        job.task = task = asyncio.create_task(self._attend(job, cwd, None if background else seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait([task], timeout=seconds if background else None)
        except asyncio.CancelledError:
            await job.kill()
            raise
        if task.done() and not task.cancelled():
            task.result()  # raises what is a bug of ours
        job.detach()
        return job

    def find(self, id: int) -> Job | Refusal:
        job = next((job for job in self._jobs if job.number == id), None) or self._recalled(id)
        if job is not None and job.id:
            return job
        ids = ", ".join(f"{job.id} ({job.command[:_SHOWN]})" for job in self.running)
        return Refusal(f"There is no command with the id {id}. In the background there is: {ids or 'none'}.")

    async def close(self) -> None:
        """Ends what runs, and removes what is temporary; even if it is cancelled."""
        for task in self._tasks:
            task.cancel()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._let_go()
            self.workers.close()
            await asyncio.to_thread(self._remove)  # there may be a lot

    def _remove(self) -> None:
        self.confinement.close()
        if self._outputs is not None:
            with suppress(OSError):
                self._outputs.rmdir()  # only if nothing was kept

    def _let_go(self) -> None:
        """What was not kept goes once it has ended."""
        for job in self._jobs:
            job.drop()
        self._jobs = [job for job in self._jobs if job.id or job.state == "running"]

    def _recalled(self, id: int) -> LocalJob | None:
        """A command of an earlier run of this session."""
        if self._outputs is not None:
            with suppress(OSError):
                self._jobs.append(LocalJob.recalled(self._outputs / f"{id}.out"))
                return self._jobs[-1]
        return None

    def _new(self, command: str, output: Output) -> LocalJob:
        """With a file for its output, if the disk takes one."""
        try:
            folder = self._folder()
            taken = (int(path.stem) for path in folder.glob("*.out") if path.stem.isdecimal())
            number = max((*taken, *(job.number for job in self._jobs)), default=0) + 1
            return LocalJob(number, command, Recording(folder / f"{number}.out"), output)
        except OSError:
            return LocalJob(0, command, None, output)

    def _folder(self) -> Path:
        """Where outputs go. Raises OSError."""
        folder = self._outputs or self.confinement.scratch() / "outputs"
        if not folder.is_dir():
            if self._outputs is not None:
                _remove_old(folder.parent)
            folder.mkdir(mode=0o700, parents=True)
        return folder

    async def _attend(self, job: LocalJob, cwd: Path, seconds: float | None) -> None:
        """From the start of a command to its end."""
        policy: Policy | None = None
        shell = next((path for path in SHELLS if os.path.exists(path)), SHELLS[-1])
        line: tuple[str, ...] = (shell, "-c", job.command)
        environment: Mapping[str, str] = self._environment
        removed, left, cwd = "", tuple[str, ...](), real(cwd)
        try:
            policy = self.confinement.policy(environment.get("PATH", ""))
            if policy is not None:
                line = tuple(self.confinement.line(policy, cwd, line))
                environment = self.confinement.environment(policy, environment)
            kind = self.confinement.sandbox.kind
            keeper, patience = kind == "bwrap", _ENDING if kind == "landlock" else 0.0
            finished = await process.run(
                line, cwd=cwd, environment=environment, seconds=seconds, output=job.hear, keeper=keeper,
                patience=patience,
            )  # fmt: skip
        except OSError as error:
            finished = Finished(process.CANNOT_START, f"The sandbox could not be set up: {error}", 0.0)
        except Exception as error:  # whatever it is: nobody may wait for this command for ever
            finished = Finished(process.CANNOT_START, f"The command could not be run: {error!r}", 0.0)
        except BaseException:
            job.end("killed", job.finished)
            raise
        finally:
            if policy is not None:
                left = self.confinement.left(policy)
                removed = self.confinement.clear(policy, last=len(self._tasks) <= 1)
        kind, network = self.confinement.sandbox.kind, policy is not None and policy.network
        said, missing = finished.output[-_TELLING:], sorted(self._environment.keys() - environment.keys())
        ran = Ran(job.command, finished.code, said, str(self.confinement.root), left or finished.left, missing)
        job.note = " ".join(filter(None, (removed, note(kind, network, ran))))
        job.end("timed out" if finished.code is None else "ended", finished)


def _remove_old(folder: Path) -> None:
    """Removes the outputs of sessions that are long over."""
    with suppress(OSError):
        for path in folder.glob(f"*{OUTPUTS}"):
            if path.stat().st_mtime < time.time() - _KEPT:
                shutil.rmtree(path, ignore_errors=True)
