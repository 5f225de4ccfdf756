"""Where the programs are that the agent itself runs, with all the rights of the user: not where commands can put them.

The folder of an activated environment (`.venv/bin`, `node_modules/.bin`) stands first in PATH and lies in the
workspace: a command in the sandbox could put a `git` there, and the agent would run it outside. A unit of its own,
because the shell, the front ends and the tools all run programs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

GIT_ENVIRONMENT: Final[Mapping[str, str]] = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial repository would fetch what is missing, by a program that it names
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
GIT_SETTINGS: Final = (
    "--no-optional-locks",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),  # may name a program to run
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "submodule.recurse=false"),
)
"""With these git can be asked about a repository that somebody else has configured."""


def search_path(root: Path | str) -> str:
    """The folders of PATH in which commands of the workspace `root` can change nothing; no relative ones."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(part for part in folders if os.path.isabs(part) and not _changeable(part, root))


def program(name: str, root: Path | str, path: str | None = None) -> str:
    """The absolute path of a program that lies outside of what commands of the workspace can change, "" for none.

    path: where to look, as PATH says it; by default that.
    """
    for folder in (search_path(root) if path is None else path).split(os.pathsep):
        found = shutil.which(name, path=folder) if os.path.isabs(folder) else None
        if found is not None and not _changeable(found, root):
            return found
    return ""


def without_git(given: Mapping[str, str]) -> dict[str, str]:
    """Variables without those that tell git where to work, and how."""
    return {name: value for name, value in given.items() if not name.startswith("GIT_")}


def _changeable(path: str, root: Path | str) -> bool:
    """Whether a path leads into the workspace, to where we (and so a command) could write."""
    real, top = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    if not real.is_relative_to(top):
        return False
    steps = (real, *(one for one in real.parents if one.is_relative_to(top)))
    return any(_ours(step) for step in steps)


def _ours(path: Path) -> bool:
    try:
        return os.access(path, os.W_OK) or path.stat().st_uid == os.geteuid()
    except OSError:
        return True
