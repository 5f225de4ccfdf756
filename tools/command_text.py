"""How the end of a command is told to a model. Pure."""

from __future__ import annotations

import signal

from roundtrip.agent.tooling import Job


def status(job: Job, seconds: int = 0) -> str:
    """How it stands, without a full stop. seconds: its time limit. No times are told: the same command must give the
    model the same text."""
    code = job.finished.code
    if job.state == "timed out":
        return f"killed after {seconds} s" if seconds else "killed at its time limit"
    if code is None:
        return job.state
    return f"ended by signal {-code} ({signal.strsignal(-code) or 'unknown'})" if code < 0 else f"exit code {code}"
