"""`agent demo`: the real agent, its real tools and a real HTTP server; only the model is scripted.

An example is a folder of `workspace_examples`: a small project in `workspace/`, and `demo.json`, which says what the
user asks and what the model says, turn by turn (see `script`). The project is copied to a temporary folder, where
edits are approved. The server checks every request, so a demo that ends well is a proof that the history was right.
Neither the user's configuration nor the environment is asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TextIO

import roundtrip.workspace_examples
from roundtrip.agent.commands.oneshot import run
from roundtrip.agent.commands.options import Options
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.frontends.headless import ANSWERED, FAILED, MISCONFIGURED
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.runtime.config import Settings

EXAMPLES: Final = Path(roundtrip.workspace_examples.__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """source: where the turns were recorded. project: the folder that is copied."""

    name: str
    description: str
    source: str
    model: str
    prompt: str
    turns: tuple[Mapping[str, Any], ...]
    project: Path


def examples() -> dict[str, Example]:
    """The examples by their names, in order; the first one is the default."""
    scripts = sorted(EXAMPLES.glob("*/demo.json"))
    return {script.parent.name: _example(script) for script in scripts}


def _example(script: Path) -> Example:
    data = json.loads(script.read_text(encoding="utf-8"))
    turns = tuple(data.pop("turns"))
    return Example(name=script.parent.name, turns=turns, project=script.parent / "workspace", **data)


def list_examples(out: TextIO) -> int:
    """A line for each example. Returns the exit code."""
    for example in examples().values():
        out.write(f"{example.name}  {example.description}\n")
    return ANSWERED


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a demo is shown: see the flags of the same names."""

    json: bool = False
    stream: bool = False
    requests: Path | None = None
    max_steps: int = 50


def play(name: str | None, wanted: Wanted) -> int:
    """Plays an example, the first one if there is no name. Returns the exit code."""
    known = examples()
    example = known.get(name) if name else next(iter(known.values()))
    if example is None:
        sys.stderr.write(f"agent: there is no demo {printable(str(name))!r}; there are: {', '.join(known)}\n")
        return MISCONFIGURED
    return perform(example, wanted)


def perform(example: Example, wanted: Wanted) -> int:
    """Runs the agent in a copy of the example's project. Returns the exit code: 0 only if all went as it should."""
    with (
        TemporaryDirectory(prefix="roundtrip-demo-") as folder,
        ScriptedServer(example.turns, example.model) as server,
    ):
        workspace = Path(folder) / example.name
        before = _contents(example.project)
        _lay_out(before, workspace)
        _say(f"{example.name}: {example.description}")
        _say(f"the model is scripted, all else is real; it replays {example.source}")
        _say(f"the prompt: {example.prompt}")
        options = Options(
            prompt=example.prompt,
            workspace=workspace,
            mode="edits",
            json=wanted.json,
            stream=wanted.stream,
            requests=wanted.requests,
            max_steps=wanted.max_steps,
        )
        code = run(options, Settings(server.base_url, example.model, "", "demo"))
        return _verdict(code, server, _changed(before, _contents(workspace)))


def _verdict(code: int, server: ScriptedServer, changed: list[str]) -> int:
    """Says how it went. The script's end counts: an agent that stops early has not shown what it should."""
    said = f"{server.played} of {len(server.turns)} turns"
    if changed:
        _say(f"changed in the temporary copy: {', '.join(changed)}")
    if server.refusals:
        _say(f"failed after {said}: the server refused a request: {server.refusals[0]}")
        return code or FAILED
    if code == ANSWERED and not server.over:
        _say(f"failed after {said}: the agent ended before the script did")
        return FAILED
    if code == ANSWERED:
        _say(f"{said} played; the server checked each request, and refused none")
    return code


def _contents(folder: Path) -> dict[str, bytes]:
    """The files by their paths. An installer may have compiled what is Python."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _lay_out(contents: Mapping[str, bytes], folder: Path) -> None:
    """Written anew rather than copied, because what is installed may be read-only."""
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {printable(text)}\n")
    sys.stderr.flush()
