"""Programs of ours that do one piece of work after another: to start a Python takes longer than many a search.

Strategy. A worker is a process with a group of its own. It gets its work from a pipe, and answers through another one.
Rules:
1. A piece of work has a worker to itself. Whoever finds none idle starts one; some of them stay, idle, for the next.
2. What is not done within its time, or was cancelled, is ended by SIGKILL with its group: a worker only reads.
3. A worker's stdin ends when we do, however that comes, and with it the worker.
4. It belongs to no event loop, which only watches its pipe while it works: who embeds us may run one after the other.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Final

from roundtrip.agent.runtime.hearing import Hearing
from roundtrip.agent.runtime.process import CANNOT_START, GRACE
from roundtrip.agent.tooling import Finished, Output

SPARE: Final = 2
"""Workers that stay idle."""

BROKEN: Final = 1
"""The exit code of a worker that did not come to the end of its answer."""


class Workers:
    """The workers of a session, see `tooling.Workspace.work`."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._closed = False

    async def do(
        self, program: Sequence[str], work: str, *, environment: Mapping[str, str], seconds: float, output: Output
    ) -> Finished:
        message = work.encode("utf-8", "surrogateescape")
        message = b"%d\n%b" % (len(message), message)
        begun = time.monotonic()
        worker = self._known(program, environment)
        code, said = await worker.do(message, seconds, output) if worker else (BROKEN, "")
        if code == BROKEN and not said:  # there was none, or it was about to end
            try:
                worker = _Worker(program, environment)
            except (OSError, ValueError) as error:
                return Finished(CANNOT_START, f"{program[0]} could not be started: {error}", 0.0)
            code, said = await worker.do(message, seconds - (time.monotonic() - begun), output)
        if worker and code == 0:
            self._keep(worker)
        return Finished(code, said, time.monotonic() - begun)

    def close(self) -> None:
        """Ends those that are idle; the others end with what they work on."""
        self._closed = True
        while self._idle:
            self._idle.pop().end()

    def _known(self, *started: object) -> _Worker | None:
        """One that was started so, and is idle no more."""
        for worker in [worker for worker in self._idle if worker.started == started]:
            self._idle.remove(worker)
            if worker.waits:
                return worker
            worker.end()
        return None

    def _keep(self, worker: _Worker) -> None:
        if len(self._idle) < SPARE and not self._closed:
            self._idle.append(worker)
        else:
            worker.end()


class _Worker:
    """Raises OSError, ValueError where it can't be started. It ends when nothing knows it any more."""

    def __init__(self, program: Sequence[str], environment: Mapping[str, str]) -> None:
        self.started = program, environment
        process = subprocess.Popen(
            program,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout
        self.end = weakref.finalize(self, _end, process, os.getpid())

    @property
    def waits(self) -> bool:
        """Whether nothing is to be read from one that is idle: it has not ended, nor added anything to its answer."""
        try:
            os.read(self._stdout.fileno(), 1)
        except BlockingIOError:
            return True
        return False

    async def do(self, message: bytes, seconds: float, output: Output) -> tuple[int | None, str]:
        """The exit code as of a program that did only this, and the answer. If that is not whole, the worker ends."""
        ended = asyncio.Event()
        answer = Answer(output, ended.set)
        hearing = Hearing(self._stdout.fileno(), answer, ended)
        code: int | None = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await asyncio.to_thread(_give, self._stdin, message)  # which may be more than a pipe holds
                    await ended.wait()
                code = 0 if answer.whole else BROKEN
        finally:
            said = hearing.stop()
            if code != 0:
                self.end()
        return code, said


class Answer:
    """Hands an answer on, and says when it is whole: with the end of a line that begins with NUL."""

    def __init__(self, output: Output, at_end: Callable[[], None]) -> None:
        self._output = output
        self._at_end = at_end
        self._line = ""
        self.whole = False

    def __call__(self, text: str) -> None:
        self._output(text)
        *lines, self._line = (self._line + text).split("\n")
        if any(line.startswith("\0") for line in lines):
            self.whole = True
            self._at_end()


def _give(stdin: IO[bytes], message: bytes) -> None:
    with suppress(OSError, ValueError):  # it has ended, or was ended: that is heard
        while message:
            message = message[stdin.write(message) :]


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a fork of ours, which has forgotten it or ends
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        assert pipe
        pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
