"""What a search is for, and which files may match: the engines are asked one after the other until one has an answer.

The first one's work can begin before Python has loaded this module, see `__main__`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from roundtrip.agent.files import held
from roundtrip.agent.plain import name_line
from roundtrip.tools.finding import python_files
from roundtrip.tools.finding.engines import PYTHON, SECONDS, Counting, Engine, by_folder, fitting, nested
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.ignore import Scope
from roundtrip.tools.finding.patterns import Pattern, read_pattern

MARKS: Final = r"^(?:\xff\xfe|\xfe\xff|\x00\x00\xfe\xff)"
"""Files with a byte order mark of a wide encoding, which are always read."""

PROGRAM: Final = (sys.executable, "-P", "-m", "roundtrip.tools.finding")
"""What searches, see `tooling.Workspace.work`. -P: a folder's own modules must not be taken for Python's."""

Begun = dict[str, "subprocess.Popen[bytes]"]
"""Engines that are at work already on what they are asked first, by their names."""

PIPES: Final[dict[str, Any]] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What to search for, and how much of it to show.

    name: of the scope's base, as the model knows it. file: the only file to search, "" for all of them.
    seconds: the time limit of whoever waits for it.
    """

    scope: Scope
    engines: tuple[Engine, ...]
    regex: str
    name: str = "."
    file: str = ""
    file_pattern: str = ""
    context: int = 0
    matches: int = 100
    bytes: int = 24 * 1024
    seconds: float = SECONDS

    def work(self) -> str:
        """What `PROGRAM` is given: the job, and what the first engine is asked, if there is one."""
        return "\0".join((json.dumps(asdict(self)), *self._question()))

    def _question(self) -> tuple[str, ...]:
        pattern = read_pattern(self.regex)
        if self.file or isinstance(pattern, str) or not pattern.loose:
            return ()
        for engine in fitting(self.engines, self.scope)[:1]:
            if command := _searching(engine, self.scope, pattern.loose):
                return (engine.name, self.scope.base, *command)
        return ()

    @staticmethod
    def parse(text: str) -> Job:
        fields: dict[str, Any] = json.loads(text)
        scope, engines = Scope(**fields.pop("scope")), tuple(Engine(**engine) for engine in fields.pop("engines"))
        return Job(scope, engines, **fields)

    def shown(self, path: str) -> str:
        """As the model may use it, in one line."""
        prefix = "" if self.name == "." else f"{self.name.rstrip('/')}/"
        return name_line(prefix + path)


def candidates(job: Job, pattern: Pattern, begun: Begun | None = None) -> list[str]:
    """The files that may match, in order, and perhaps links, which are not read."""
    if job.file:
        return [job.file]
    for engine in (*fitting(job.engines, job.scope), PYTHON):
        found = _ask(engine, job.scope, pattern, begun or {})
        if found is not None:
            break
    wanted = found or []
    if job.file_pattern:
        fits = matcher(job.file_pattern)
        wanted = [path for path in wanted if fits(path) or fits(job.shown(path))]
    wanted.sort(key=lambda path: path.replace("/", "\0"))  # by the names of folders
    accepts = Counting(job.scope)
    counted = "".join(accepts(folder, paths) for folder, paths in by_folder("\0".join([*wanted, ""])))
    return counted.split("\0")[:-1]


def others(job: Job, pattern: Pattern) -> bool:
    """Whether there are files to search in which an engine found nothing."""
    return bool(pattern.loose and candidates(job, replace(pattern, loose="")))


def _ask(engine: Engine, scope: Scope, pattern: Pattern, begun: Begun) -> list[str] | None:
    """None: this engine has failed."""
    if engine == PYTHON:
        return list(python_files.walk(scope))
    try:
        return _matching_files(engine, scope, pattern.loose, begun) if pattern.loose else _all(engine, scope)
    except (OSError, _Failed):
        return None


class _Failed(Exception):
    """An engine did not do what it was asked for."""


def _searching(engine: Engine, scope: Scope, loose: str) -> tuple[str, ...]:
    return engine.searching(scope, (loose, MARKS))


def _matching_files(engine: Engine, scope: Scope, loose: str, begun: Begun) -> list[str]:
    """The files that match a looser pattern. Raises OSError, _Failed."""
    process = begun.pop(engine.name, None)
    if process is None:
        with held(scope.base) as base:
            process = subprocess.Popen(_searching(engine, scope, loose), cwd=base, **PIPES)
    with process:
        below = _repositories(engine, scope) if engine.name == "git" else []
        output, errors = process.communicate()
    if errors or not engine.succeeded(process.returncode):
        raise _Failed
    found = _paths(output)
    for path in below:
        found += (path + each for each in _matching_files(engine, nested(scope, path), loose, begun))
    return found


def _repositories(engine: Engine, scope: Scope) -> list[str]:
    """The repositories below a scope, which git does not search."""
    listed = _listed(engine, scope)
    return [path for path in _paths(listed) if path.endswith("/")] if b"/\0" in listed else []


def _all(engine: Engine, scope: Scope) -> list[str]:
    """The files of a scope. Raises OSError, _Failed."""
    found: list[str] = []
    for path in _paths(_listed(engine, scope)):
        if path.endswith("/"):
            found += (path + each for each in _all(engine, nested(scope, path)))
        else:
            found.append(path)
    return found


def _listed(engine: Engine, scope: Scope) -> bytes:
    """What an engine prints for all files of a scope. Raises OSError, _Failed."""
    with held(scope.base) as base:
        done = subprocess.run(engine.listing(scope), cwd=base, **PIPES)
    if not engine.succeeded(done.returncode):
        raise _Failed
    output: bytes = done.stdout
    return output


def _paths(output: bytes) -> list[str]:
    return [path.removeprefix("./") for path in os.fsdecode(output).split("\0")[:-1]]
