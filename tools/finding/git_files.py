"""The engine `git`, for files in a repository.

Strategy. git is shown an empty index: then every file is untracked to it, and all of them go by the ignore files,
tracked or not, as for the other engines. A repository further down comes as a path that ends with `/`; whoever asks
must ask again there. Symbolic links come too, and must be left out.
Sources: git-ls-files(1), git-grep(1), gitignore(5).
"""

from __future__ import annotations

import os
import shutil
from typing import Final

from roundtrip.tools.finding.ignore import Scope

ENVIRONMENT: Final = (
    *("/bin/sh", "-c", 'exec "$0" "$@" 2>/dev/null'),  # warnings must not stand between the paths
    "/usr/bin/env",
    *("-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_COMMON_DIR", "-u", "GIT_CEILING_DIRECTORIES"),
    "GIT_INDEX_FILE=/nonexistent/index",
    "LC_ALL=C",  # patterns are about bytes
)
SETTINGS: Final = (
    "--no-optional-locks",
    "--literal-pathspecs",
    "--no-pager",
    *("-c", "core.excludesFile=/dev/null"),
    *("-c", "core.fsmonitor=false"),  # may name a program to run
    *("-c", "grep.fullName=false", "-c", "submodule.recurse=false"),
)
BYTES: Final = ("--untracked", "--files-with-matches", "--null", "--text", "--no-color", "--perl-regexp")


def find() -> str:
    """The path of git, "" if there is none."""
    found = shutil.which("git") or ""
    return found if os.path.isabs(found) else ""


def fits(scope: Scope) -> bool:
    return scope.repository


def listing(program: str, scope: Scope) -> tuple[str, ...]:
    return (*ENVIRONMENT, program, *SETTINGS, "ls-files", "-z", "--others", "--exclude-standard")


def searching(program: str, scope: Scope, patterns: tuple[str, ...]) -> tuple[str, ...]:
    expressions = (argument for each in patterns for argument in ("-e", each))
    return (*ENVIRONMENT, program, *SETTINGS, "grep", *BYTES, *expressions, "--", ".")
