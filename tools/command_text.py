"""How the output and the end of a command are told to a model. Pure."""

from __future__ import annotations

import re
import signal

from roundtrip.agent.tooling import Job

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # window titles, links
    r"|\x1b[@-Z\\-_]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


def readable(text: str) -> str:
    """Without control sequences; of a line that was written over, as progress bars do, only the last state."""
    lines = _CONTROL.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def status(job: Job, seconds: int = 0) -> str:
    """How it stands, without a full stop. seconds: its time limit. No times are told: the same command must give the
    model the same text."""
    code = job.finished.code
    if job.state == "timed out":
        return f"killed after {seconds} s" if seconds else "killed at its time limit"
    if code is None:
        return job.state
    return f"ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})" if code < 0 else f"exit code {code}"
