"""What may be done without asking in a run: put together from flags, configuration and what was allowed before."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from roundtrip.agent.commands.options import Options
from roundtrip.agent.frontends.words import printable
from roundtrip.agent.rules.approvals import PERMISSIONS, Rules
from roundtrip.agent.runtime.config import config_path, state_path
from roundtrip.agent.runtime.permissions import Permissions, home_folder
from roundtrip.agent.runtime.preferences import Preferences, project_file, user_preferences
from roundtrip.agent.runtime.projects import Projects


def permissions_of(options: Options, root: Path) -> Permissions:
    """The permissions of a run in this workspace. One that keeps no sessions stands alone, as a demo does: nothing is
    taken from the user's configuration. Raises ConfigError."""
    user = user_preferences(config_path()) if options.sessions is not None else Preferences()
    mode = options.mode or user.mode
    rules = Rules(
        root,
        mode=mode or "ask",
        mode_is_set=mode is not None,
        kinds=frozenset(PERMISSIONS[word] for word in options.allow),
        allow=user.allow,
        deny=user.deny,
        private=(_real(config_path().parent), _real(state_path())),
        home=home_folder(),
    )
    return Permissions(rules, Projects(projects_folder()) if options.sessions is not None else None)


def projects_folder() -> Path:
    """Where the permissions of projects are kept."""
    return state_path() / "projects"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def trust(folder: Path) -> int:
    """`agent trust`: shows a project's configuration, and asks whether it counts. Returns the exit code."""
    if not folder.is_dir():
        sys.stderr.write(f"agent: {printable(str(folder))} is no folder\n")
        return 2
    root, projects = _real(folder), Projects(projects_folder())
    file = project_file(root)
    if file is None:
        print(f"{printable(str(root))} has no .agent/config.toml")
        return 0
    if file.problem:
        sys.stderr.write(f"agent: {printable(file.problem)}\n")
        return 2
    print(f"{printable(str(file.path))} says:\n{printable(file.text.rstrip())}\n")
    trusted = projects.load(root).trusted
    if file.digest == trusted:
        print("You have accepted it.")
        return 0
    if trusted:
        print("It has changed since you accepted it.")
    if not sys.stdin.isatty():  # a command of the agent's must not answer
        sys.stderr.write("agent: run this in a terminal to accept it\n")
        return 2
    try:
        answer = input("Accept it, as long as it stays as it is? [y/N] ").strip().lower()
    except EOFError:
        answer = ""
    if answer not in ("y", "yes"):
        print("It is ignored.")
        return 0
    try:
        projects.trust(root, file.digest)
    except OSError as error:
        sys.stderr.write(f"agent: it can't be kept: {printable(str(error))}\n")
        return 2
    print("Accepted.")
    return 0
