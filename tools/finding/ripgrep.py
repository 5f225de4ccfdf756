"""The engine `rg`: where it is and how it is asked. Sources: ripgrep's GUIDE.md, and its `ignore` crate.

Known limit: of an ignore file, ripgrep 14 reads `[[:digit:]]` and a byte order mark otherwise than git does.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Final

from roundtrip.agent.programs import program
from roundtrip.tools.finding.ignore import Scope

CODES: Final[tuple[int, ...]] = (0, 1, 2)
"""With which it ends when all went well; 2 means that something could not be read."""

LINKS: Final = False
"""Whether it names symbolic links."""

# No configuration of the user's may change what is found. Hidden files count, as for git; `.git` itself does not.
ALWAYS: Final = (
    "--no-config",
    "--no-messages",
    "--hidden",
    "--glob=!.git",
    "--no-ignore-dot",
    "--no-ignore-global",
    "--null",
)

BYTES: Final = ("--no-unicode", "--encoding=none", "--text", "--files-with-matches", "--max-filesize=64M")
"""How files are searched for a looser pattern: as bytes, all that are not too large (`grep.SEARCHED`), up to the first
match."""


def find(root: Path) -> str:
    """The path of the rg that was installed with us, else of one on the PATH; "" if there is none outside the root."""
    return program("rg", root, sysconfig.get_path("scripts")) or program("rg", root)


def fits(scope: Scope) -> bool:
    """Outside a repository rg looks at the ignore files of all folders above, or of none."""
    return scope.repository or scope.top == scope.base


def shares(scope: Scope) -> bool:
    return False


def listing(program: str, scope: Scope) -> tuple[str, ...]:
    """Of two cores it gets one: on the other we read what it says, and look for links meanwhile."""
    alone = ("--threads=1",) if (os.cpu_count() or 1) <= 2 else ()
    return (program, *ALWAYS, *_ignoring(scope), *alone, "--files")


def searching(program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
    return (program, *ALWAYS, *_ignoring(scope), *BYTES, *(f"--regexp={each}" for each in patterns), "--", "./")


def _ignoring(scope: Scope) -> tuple[str, ...]:
    return () if scope.repository else ("--no-require-git", "--no-ignore-parent")
