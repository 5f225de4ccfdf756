"""The `rg` program: where it is, how it is called, how its output is taken in while it comes."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

from roundtrip.agent.tooling import Finished, Workspace

SECONDS = 30.0
"""Time limit of a listing or a search."""

MISSING = (
    "ripgrep (the program rg) is not installed, so files can't be listed or searched this way. Tell the user to "
    "install ripgrep; until then use execute_command with ls, find or grep."
)

# No configuration of the user's may change the output. Hidden files count, as for git; `.git` itself does not.
ALWAYS = ("--no-config", "--no-messages", "--hidden", "--no-require-git", "--glob=!.git", "--sort=path", "--null")


def find() -> str:
    """The path of the rg that was installed with us, else of one on the PATH; "" if there is none."""
    found = shutil.which("rg", path=sysconfig.get_path("scripts")) or shutil.which("rg") or ""
    return found if os.path.isabs(found) else ""  # a relative PATH entry could mean a program of the project's


class Records:
    """Takes text in pieces and hands it on in records, each of which ends with `end`."""

    def __init__(self, end: str, take: Callable[[str], None]) -> None:
        self._end = end
        self._take = take
        self._rest = ""

    def __call__(self, text: str) -> None:
        *records, self._rest = (self._rest + text).split(self._end)
        for record in records:
            self._take(record)


async def run(
    workspace: Workspace, rg: str, arguments: tuple[str, ...], *, base: Path, take: Callable[[str], None], end: str
) -> Finished:
    """Runs rg in the folder `base` and hands on its output in records."""
    scope = () if _in_repository(workspace.root) or base != workspace.root else ("--no-ignore-parent",)
    command = (rg, *ALWAYS, *scope, *arguments)
    return await workspace.run(command, cwd=base, seconds=SECONDS, output=Records(end, take))


def _in_repository(root: Path) -> bool:
    """Outside of one, ignore files above the root are none of the project's: people keep `*` in ~/.gitignore."""
    return any(os.path.lexists(folder / ".git") for folder in (root, *root.parents))
