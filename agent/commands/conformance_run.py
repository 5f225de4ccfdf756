"""`agent conformance`: feeds the kit to a program that speaks the protocol of `agent parse`, and compares.

The program gets a JSON object a line and answers each with one. It is started once, and anew after it has died,
has said what is no JSON object, or has taken too long. Without a program, our own parser is tested through the
same door, as a process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final

from roundtrip.agent.commands.conformance import Case, Failure, KitError, Result, chosen, forms, load, own_kit, problem
from roundtrip.agent.commands.conformance_report import Progress, as_json, list_lines, report
from roundtrip.agent.frontends.words import printable

_OWN: Final = (sys.executable, "-P", "-m", "roundtrip.agent", "parse")
"""-P: what lies in the current folder is not imported."""

_PASSED, _FAILED, _UNUSABLE, _TERMINATED = 0, 1, 2, 143
_MOST_SILENT: Final = 5
"""So many cases without a single answer, and it is the wrong program: the rest would take hours to fail."""

_LONGEST_LINE: Final = 1 << 26
_GRACE: Final = 2.0
"""Seconds to end in, once there is no more to read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for: see the flags of the same names. kit: None for our own."""

    command: Sequence[str] = ()
    families: Sequence[str] = ()
    groups: Sequence[str] = ()
    cases: Sequence[str] = ()
    kit: Path | None = None
    timeout: float = 30.0
    verbose: bool = False
    json: bool = False
    list: bool = False


def run(wanted: Wanted) -> int:
    """Tests the program and prints what came of it. Returns the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the kit has characters that not every terminal has
    try:
        cases = chosen(load(wanted.kit or own_kit()), wanted.families, wanted.groups, wanted.cases)
        if wanted.list:
            sys.stdout.writelines(f"{line}\n" for line in list_lines(cases, as_objects=wanted.json))
            return _PASSED
        return asyncio.run(_test(cases, wanted))
    except asyncio.CancelledError:
        return _TERMINATED
    except (KitError, ProgramError) as error:
        sys.stderr.write(f"agent: {printable(str(error))}\n")
        return _UNUSABLE


class ProgramError(Exception):
    """The program can't be tested at all. The message says why."""


class NoAnswerError(Exception):
    """The program did not answer with an object. The message says what it did."""


async def _test(cases: Sequence[Case], wanted: Wanted) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # Ctrl-C does the same
    with tempfile.TemporaryFile() as errors:
        program = Program(wanted.command or _OWN, wanted.timeout, errors)
        try:
            await program.start()
            results = await _results(cases, program, as_objects=wanted.json)
            await program.end()
        finally:
            await program.kill()
    if not wanted.json:
        sys.stdout.writelines(f"{line}\n" for line in report(results, verbose=wanted.verbose))
    return _FAILED if any(result.failures for result in results) else _PASSED


async def _results(cases: Sequence[Case], program: Program, *, as_objects: bool) -> list[Result]:
    results: list[Result] = []
    progress = Progress(len(cases), sys.stderr)
    try:
        for case in cases:
            progress.show(results)
            results.append(await _check(case, program))
            if len(results) == _MOST_SILENT and not program.answered:
                last = results[-1].failures[-1].problem
                raise ProgramError(f"the program has answered none of {_MOST_SILENT} cases: {last}")
            if as_objects:
                progress.clear()
                sys.stdout.write(json.dumps(as_json(results[-1])) + "\n")
    finally:
        progress.clear()
    return results


async def _check(case: Case, program: Program) -> Result:
    failures = []
    for form, request in forms(case):
        try:
            answer = await program.ask(request)
        except NoAnswerError as error:
            failures.append(Failure(form, str(error), request))
            break  # it would do the same to the other forms, and may take its time
        if wrong := problem(case.expected, answer):
            failures.append(Failure(form, wrong, request, answer))
    return Result(case, tuple(failures))


class Program:
    """The program that is tested. answered: whether it has ever done so. errors: the file that gets its stderr."""

    def __init__(self, command: Sequence[str], timeout: float, errors: IO[bytes]) -> None:
        self.answered = False
        self._command = command
        self._timeout = timeout
        self._process: asyncio.subprocess.Process | None = None
        self._errors = errors
        self._errors_before = 0

    async def start(self) -> None:
        """Starts it in a process group of its own, which we end as a whole. Raises ProgramError."""
        pipe = asyncio.subprocess.PIPE
        self._errors_before = os.fstat(self._errors.fileno()).st_size
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=self._errors,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ProgramError(f"there is no program {self._command[0]!r}") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ProgramError(f"{self._command[0]!r} can't be run: {reason}") from None

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises NoAnswerError, and ProgramError if it can't be started again."""
        if self._process is None:
            await self.start()
        try:
            async with asyncio.timeout(self._timeout):
                line = await self._exchange(json.dumps(request).encode() + b"\n")
                if not line.endswith(b"\n"):
                    raise NoAnswerError(await self._end_said())
            answer = _object(line)
        except TimeoutError:
            await self.kill()
            raise NoAnswerError(f"no answer within {self._timeout:g} s") from None
        except NoAnswerError:
            await self.kill()  # if it still runs, nobody knows which of its lines answers what
            raise
        self.answered = True
        return answer

    async def _exchange(self, line: bytes) -> bytes:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(ConnectionError):  # it is gone, which the end of its output tells, too
            self._process.stdin.write(line)
            await self._process.stdin.drain()
        try:
            return await self._process.stdout.readline()
        except ValueError:
            raise NoAnswerError(f"its answer is longer than {_LONGEST_LINE} bytes") from None

    async def _end_said(self) -> str:
        """How it ended, with the last thing it said."""
        assert self._process is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            return "it closed its output"
        how = f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
        size = os.fstat(self._errors.fileno()).st_size
        begin = max(self._errors_before, size - 4000)
        # its position is shared with the program, so it is not moved
        said = os.pread(self._errors.fileno(), size - begin, begin).decode(errors="replace").strip()
        return f"{how}: {said.splitlines()[-1]}" if said else how

    async def end(self) -> None:
        """Lets it end of itself."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._process.wait()

    async def kill(self) -> None:
        """Ends it and all that it started, which may outlive it."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        with suppress(TimeoutError):  # whoever has inherited its pipes and hidden from us may keep them open
            async with asyncio.timeout(_GRACE):
                await process.stdout.read()  # to the end: a pipe that is open when the loop closes is complained about
                await process.wait()
                await asyncio.sleep(0)


def _object(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line.decode())
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        said = line[:200].decode(errors="replace").strip()
        raise NoAnswerError(f"its answer is no JSON object: {said}")
    return answer
