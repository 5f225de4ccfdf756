"""`agent undo`, `agent diff` and `agent checkpoints`: the checkpoints of a folder, without a session."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

from roundtrip.agent.frontends.words import printable
from roundtrip.agent.frontends.words_undo import outcome_lines, overview_lines
from roundtrip.agent.runtime.checkpoints.differences import LONGEST, WHOLE
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.checkpoints.restores import Outcome
from roundtrip.agent.tooling import Refusal


def undo(folder: Path, root: Path, out: TextIO, *, redo: bool = False, yes: bool = False) -> int:
    """Takes back the last change, or brings it back. Returns the exit code: 1 if nothing was done."""
    checkpoints = Checkpoints(folder, root, lambda text: None)
    restored = checkpoints.redo(yes=yes, output=_tell) if redo else checkpoints.undo(yes=yes, output=_tell)
    outcome = asyncio.run(restored)
    return _told(outcome, f"agent undo{' --redo' * redo} --yes", out)


def restore(folder: Path, root: Path, out: TextIO, number: int, *, yes: bool = False) -> int:
    """Goes back to before the change with this number. Returns the exit code: 1 if nothing was done."""
    outcome = asyncio.run(Checkpoints(folder, root, lambda text: None).restore(number, yes=yes, output=_tell))
    return _told(outcome, f"agent checkpoints {number} --yes", out)


def _told(outcome: Outcome, again: str, out: TextIO) -> int:
    """again: what does it in spite of a warning."""
    back = "agent undo takes it back again" if outcome.redo else "agent undo --redo brings it back"
    lines = [printable(outcome.theirs)] * bool(outcome.theirs) + outcome_lines(outcome, again, back)
    print("\n".join(lines), file=out if outcome.done else sys.stderr)
    return 0 if outcome.done and not outcome.failed else 1


def diff(folder: Path, root: Path, out: TextIO, number: int | None) -> int:
    """Shows what was changed since a checkpoint, or in the last turn that changed anything; in a terminal
    the beginning of it."""
    checkpoints = Checkpoints(folder, root, lambda text: None)
    most = LONGEST if out.isatty() else WHOLE
    return _print(asyncio.run(checkpoints.diff(number, most=most, output=_tell)), out)


def list_checkpoints(folder: Path, root: Path, out: TextIO) -> int:
    """Lists them."""
    overview = asyncio.run(Checkpoints(folder, root, lambda text: None).overview())
    return _print(overview if isinstance(overview, Refusal) else "\n".join(overview_lines(overview, time.time())), out)


def _tell(text: str) -> None:
    """How far it is."""
    print(text, end="", file=sys.stderr, flush=True)


def _print(text: str | Refusal, out: TextIO) -> int:
    if isinstance(text, Refusal):
        print(f"agent: {printable(text.reason)}", file=sys.stderr)
        return 1
    if text:
        print(printable(text) if out.isatty() else text, file=out)
    return 0
