"""Runs one program, and leaves nothing of it behind.

Strategy. The pipe is ours, not asyncio's: `Process.wait` then waits for the process alone, and a background
child that keeps the pipe open can't hold us. The program leads a new session, so that its whole group can be
ended. Rules:
1. The output is decoded as it comes; `output` gets all of it, memory holds its head and its tail.
2. At the time limit, and when the task is cancelled, the group gets SIGTERM, a short grace, then SIGKILL. A program
   that keeps others, as bubblewrap does, gets the second only: it would take them with it before they had tidied up.
3. When the program has ended by itself, what it put into the background is left alone, and named in the result; we
   wait a moment for its last output and close our end of the pipe.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roundtrip.agent.runtime.hearing import Hearing
from roundtrip.agent.tooling import Finished, Output

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""

LAST_OUTPUT = 0.3
"""Seconds to wait for the end of the output once the program has ended."""

JUST_ENDING = 0.1
"""Seconds for which what the program left may still run without being called left: the ends of pipes and the like."""

CANNOT_START = 127
"""The exit code of what could not be started, as in a shell."""


class _Pipe:
    """A pipe of ours, whose read end is emptied as long as it is open."""

    def __init__(self, output: Output) -> None:
        self._read_end, self.write_end = os.pipe()
        self.ended = asyncio.Event()
        self._hearing = Hearing(self._read_end, output, self.ended)

    def close_write_end(self) -> None:
        os.close(self.write_end)

    def close(self) -> str:
        """Closes our end. Returns the output, cut in the middle where it was long."""
        text = self._hearing.stop()
        os.close(self._read_end)
        return text


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a program is ended, see `run`."""

    keeper: bool
    patience: float


async def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    seconds: float | None,
    output: Output,
    keeper: bool = False,
    patience: float = 0.0,
) -> Finished:
    """Runs a program without stdin, stderr merged into stdout. What can't be started ends with code 127.

    seconds: the time limit, None for none. keeper: the program only keeps others, see above.
    patience: seconds that the program has, after the grace, to end others that are not in its group.
    """
    begun = time.monotonic()
    pipe = _Pipe(output)
    text = ""
    left: tuple[str, ...] = ()
    try:
        code, left = await _attend(command, cwd, environment, seconds, pipe, _Ending(keeper, patience))
    except (OSError, ValueError) as error:  # no such program, arguments too long, a NUL byte in one of them
        code, text = CANNOT_START, f"{command[0]} could not be started: {error}"
    finally:
        text += pipe.close()
    return Finished(code, text, time.monotonic() - begun, left)


async def _attend(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], seconds: float | None, pipe: _Pipe, how: _Ending
) -> tuple[int | None, tuple[str, ...]]:
    """From the start to the end of the program. Returns its exit code, None after the time limit; and what it left."""
    starting = asyncio.ensure_future(_started(command, cwd, environment, pipe))
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would end the program alone, and what it has started by now would live on.
        with suppress(OSError, ValueError):
            await _end_group(await starting, pipe, how)
        raise
    try:
        async with asyncio.timeout(seconds):  # not wait_for: before 3.12 it can swallow a cancellation
            code = await process.wait()
    except TimeoutError:
        await _end_group(process, pipe, how)
        return None, ()
    except asyncio.CancelledError:
        await _end_group(process, pipe, how)
        raise
    await _wait(pipe.ended.wait(), LAST_OUTPUT)
    if not how.keeper and _has_members(process.pid):  # what it keeps is about to end with it
        await asyncio.sleep(JUST_ENDING)
        return code, _members(process.pid)
    return code, ()


async def _started(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], pipe: _Pipe
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe.write_end,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        pipe.close_write_end()


async def _end_group(process: asyncio.subprocess.Process, pipe: _Pipe, how: _Ending) -> None:
    """Ends the process and all of its group that did not leave it."""
    try:
        if how.keeper:
            _signal_kept(process.pid)
        else:
            _signal(process.pid, signal.SIGTERM)
        await _wait(pipe.ended.wait(), GRACE)
        if how.patience:
            await _wait(process.wait(), how.patience)
    finally:  # also when we are cancelled a second time
        _signal(process.pid, signal.SIGKILL)
    await _wait(process.wait(), GRACE)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal_kept(group: int) -> None:
    """SIGTERM for all of a group but its leader."""
    for member in _processes(group):
        with suppress(OSError):  # it has ended
            if member != group:
                os.kill(member, signal.SIGTERM)


def _has_members(group: int) -> bool:
    with suppress(PermissionError):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
    return True


def _members(group: int) -> tuple[str, ...]:
    """The command lines of a group's processes, without those that some of them have started in turn."""
    if not os.path.isdir("/proc/self"):
        return ("a process",) if _has_members(group) else ()
    found = {member: line for member in _processes(group) if (line := _command_line(member))}
    return tuple(line for member, line in sorted(found.items()) if _parent(member) not in found)


def _processes(group: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        with suppress(OSError):  # it has ended
            if entry.name.isdecimal() and os.getpgid(int(entry.name)) == group:
                yield int(entry.name)


def _command_line(process: int) -> str:
    """In words, "" for what has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ""


def _parent(process: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    return 0


async def _wait(what: Coroutine[Any, Any, object], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await what
