"""`agent sessions`: which sessions there are, the latest first."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO

from roundtrip.agent.frontends.words import session_lines
from roundtrip.agent.runtime.sessions import summaries


def list_sessions(folder: Path, workspace: str, out: TextIO) -> int:
    """Prints a line for each session of a workspace, "" meaning all. Returns the exit code."""
    found = summaries(folder, workspace)
    for line in session_lines(found, time.time(), everywhere=not workspace):
        out.write(f"{line}\n")
    if found:
        out.write(f"go on with one: agent --resume ID; they are kept in {folder}\n")
    else:
        out.write("there is no session in this folder yet: begin one with: agent (others: agent sessions --all)\n")
    return 0
