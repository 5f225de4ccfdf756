"""`agent config`: each setting, its value and where it comes from. Of a key it shows no more than tells two apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from roundtrip.agent.commands.permissions import projects_folder
from roundtrip.agent.frontends.headless import ANSWERED, MISCONFIGURED
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.runtime.addresses import without_password
from roundtrip.agent.runtime.config import ConfigError, config_path, resolve, state_path, unsent_keys
from roundtrip.agent.runtime.permissions import trusted_file
from roundtrip.agent.runtime.preferences import Preferences, user_preferences
from roundtrip.agent.runtime.projects import Project, Projects

_SHORTEST_WITH_ENDING: Final = 16
"""Characters; of a shorter key, four would be too much to show."""


def show(
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    out: TextIO,
    path: Path | None = None,
    root: Path | None = None,
) -> int:
    """Prints the settings as a run with these flags would have them. Returns the exit code.

    flags: base_url and model, as for `settings`. path: the config file, by default the user's. root: the workspace,
    links resolved; without it, nothing is said of a project.
    """
    path = config_path() if path is None else path
    try:
        chosen = resolve(flags, environment, path)
        notes = unsent_keys(chosen, environment, path)
        own = user_preferences(path)
    except ConfigError as error:
        sys.stderr.write(f"agent: {printable(str(error))}\n")
        return MISCONFIGURED
    _table(
        out,
        [
            ("setting", "value", "from"),
            ("base_url", without_password(chosen.base_url) or "(not set)", chosen.source),
            ("model", chosen.model or "(the first that the server lists)", chosen.model_source),
            ("api_key", _masked(chosen.api_key), chosen.key_source),
            *_permissions(own, path, root),
        ],
    )
    if root and Projects(projects_folder()).load(root).grants:
        notes.append("what you allowed for this project is listed by /mode; /mode forget takes it back")
    for note in notes:
        _line(out, f"note: {note}")
    if not chosen.base_url:
        _line(out, "next: run `agent` in a terminal to be asked, or: export AGENT_BASE_URL=http://127.0.0.1:8080/v1")
    out.write("\n")
    exists = "exists" if path.exists() else "does not exist"
    _table(out, [("config file", f"{path} ({exists})"), ("sessions folder", str(state_path() / "sessions"))])
    return ANSWERED


def _permissions(own: Preferences, path: Path, root: Path | None) -> Iterator[tuple[str, str, str]]:
    """What is asked, one row for each place that says something about it."""
    projects = Projects(projects_folder())
    project = projects.load(root) if root else Project()
    file = trusted_file(root, project) if root else None
    theirs = file.preferences if file else Preferences()
    source = str(file.path) if file else ""
    yield ("mode", own.mode or theirs.mode or "ask", str(path) if own.mode else source if theirs.mode else "")
    yield ("sandbox", own.sandbox or "auto", str(path) if own.sandbox else "")
    allowed = str(projects.path(root)) if root else ""
    places = [(own.allow, str(path)), (theirs.allow, source), (project.allow, allowed)]
    yield from _rows("commands.allow", places) or [("commands.allow", "(none)", "")]
    yield from _rows("commands.deny", [(own.deny, str(path)), (theirs.deny, source)]) or [
        ("commands.deny", "(none)", "")
    ]
    yield from _rows("read outside", [(project.folders, allowed)])
    yield from _rows("network", [(project.hosts, allowed)])


def _rows(name: str, places: Sequence[tuple[Sequence[str], str]]) -> list[tuple[str, str, str]]:
    return [(name, ", ".join(values), source) for values, source in places if values]


def _masked(key: str) -> str:
    if not key:
        return "(none)"
    ending = f", ending in {key[-4:]}" if len(key) >= _SHORTEST_WITH_ENDING else ""
    return f"set, {len(key)} characters{ending}"


def _table(out: TextIO, rows: list[tuple[str, ...]]) -> None:
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        _line(out, "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def _cell(text: str) -> str:
    """One line: `printable` lets line ends and tabs pass."""
    return printable(text.replace("\n", "\ufffd").replace("\t", "\ufffd"))


def _line(out: TextIO, text: str) -> None:
    out.write(f"{printable(text.rstrip())}\n")
