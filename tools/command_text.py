"""How the end of a command is told to a model. Pure."""

from __future__ import annotations

import re
import signal
from typing import Final

from roundtrip.agent.tooling import Job

_LOST: Final = re.compile(
    r"\s*(?:(?:(?:cd|pushd|popd|export|unset|alias|source|set)\b|\.\s)[^|<>`()]*|(?:[A-Za-z_]\w*=[^\s'\"|<>`()]*\s*)+)"
)
"""A part of a script that changes its own shell, and does nothing else."""


def lost(command: str) -> str:
    """What a model should know whose command only prepares the next one, "" where it does more."""
    parts = [part for part in re.split(r"&&|[;\n&]", command) if part.strip()]
    if not parts or not all(_LOST.fullmatch(part) for part in parts):
        return ""
    return "each command has a new shell, so this has no effect on the next one; use cwd, or cd … && … in one command"


def status(job: Job, seconds: int = 0) -> str:
    """How it stands, without a full stop. seconds: its time limit. No times are told: the same command must give the
    model the same text."""
    code = job.finished.code
    if job.state == "timed out":
        return f"killed after {seconds} s" if seconds else "killed at its time limit"
    if code is None:
        return job.state
    return f"ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})" if code < 0 else f"exit code {code}"
