"""The engine `git`, for files in a repository and elsewhere.

Strategy. git is shown an empty index: then every file is untracked to it, and all of them go by the ignore files,
tracked or not, as for the other engines. Where there is no repository it is shown an empty one, `no_repository`, whose
work tree begins where ignore files begin to count. A repository further down comes as a path that ends with `/`;
whoever asks must ask again there. Symbolic links come too, and are not followed.
Sources: git-ls-files(1), git-grep(1), gitignore(5), gitrepository-layout(5).
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

from roundtrip.agent.files import real
from roundtrip.agent.programs import GIT_ENVIRONMENT, GIT_SETTINGS, program
from roundtrip.tools.finding.ignore import Scope

CODES: Final[tuple[int, ...]] = (0, 1)
LINKS: Final = True

_ENVIRONMENT: Final = {**GIT_ENVIRONMENT, "GIT_INDEX_FILE": "/nonexistent/index", "LC_ALL": "C"}
"""LC_ALL: patterns are about bytes."""

SETTINGS: Final = (
    *GIT_SETTINGS,
    "--literal-pathspecs",
    *("-c", "core.excludesFile=/dev/null"),
    *("-c", "grep.fullName=false"),
)
BYTES: Final = ("--untracked", "--files-with-matches", "--null", "--text", "--no-color", "--perl-regexp")

EMPTY: Final = Path(__file__).with_name("no_repository")
"""What git takes for a repository: it asks for no more than that."""

LARGE: Final = 1_000_000
"""Bytes of an index of some 10,000 files."""


def find(root: Path) -> str:
    """The path of git, "" if there is none outside the root."""
    return program("git", root)


def _environment() -> tuple[str, ...]:
    """What goes before git: it gets no variables of its own from outside, but ours. Its warnings must not stand between
    the paths. A shell says both; one more program in front would take a millisecond."""
    names = [name for name in sorted(os.environ) if name.startswith("GIT_") and name.isidentifier()]
    unset = f"unset {' '.join(names)}; " if names else ""
    ours = " ".join(f"{name}={shlex.quote(value)}" for name, value in _ENVIRONMENT.items())
    return ("/bin/sh", "-c", f'{unset}export {ours}; exec "$0" "$@" 2>/dev/null')


def fits(scope: Scope) -> bool:
    """Not outside of projects: git says nothing before it has seen all there is, which may be a whole disk. Nor where a
    repository lies between the folder and where ignore files begin to count: git would begin anew there."""
    if scope.repository:
        return True
    base, top = Path(scope.base), Path(scope.top)
    if not base.is_relative_to(scope.root) or real(os.path.expanduser("~")).is_relative_to(base):
        return False
    between = (folder for folder in (base, *base.parents) if folder.is_relative_to(top))
    return not any(os.path.lexists(folder / ".git") for folder in between)


def shares(scope: Scope) -> bool:
    """Whether two list the files sooner than one: git walks with one thread, and the names behind `--`. In a small tree
    it takes longer to start another."""
    try:
        return scope.base == scope.top and os.path.getsize(os.path.join(scope.top, ".git", "index")) > LARGE
    except OSError:
        return False


def listing(program: str, scope: Scope) -> tuple[str, ...]:
    return (*_environment(), program, *SETTINGS, *_where(scope), "ls-files", "-z", "--others", "--exclude-standard")


def searching(program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
    expressions = (argument for each in patterns for argument in ("-e", each))
    return (*_environment(), program, *SETTINGS, *_where(scope), "grep", *BYTES, *expressions, "--", ".")


def _where(scope: Scope) -> tuple[str, ...]:
    return () if scope.repository else (f"--git-dir={EMPTY}", f"--work-tree={scope.top}")
