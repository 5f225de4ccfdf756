"""How checkpoints and restores are told: shared by the front ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roundtrip.agent.frontends.words import age, printable
from roundtrip.agent.runtime.checkpoints.checkpoint_log import Record
from roundtrip.agent.runtime.checkpoints.restores import Outcome, Overview

_MOST: Final = 30
"""Files, or checkpoints, that are named."""

_ABOUT: Final = 70
_LEFT: Final = 5


def overview_lines(overview: Overview, now: float) -> list[str]:
    """The checkpoints, the latest last: number, age, the call that came next, and how many files it changed."""
    changes = overview.changes[-_MOST:]
    if not changes:
        return ["there is no checkpoint yet: one is made before each change"]
    lines = [f"{len(overview.changes) - _MOST} earlier ones are not shown"] if len(overview.changes) > _MOST else []
    lines += [
        f"{one.number:3}. {age(now - one.at):>6}  {_about(one.about)}  {_marks(one, overview)}" for one in changes
    ]
    if overview.left:
        named = ", ".join(f"{printable(path)} ({why})" for path, why in overview.left[:_LEFT])
        more = f" and {len(overview.left) - _LEFT} more" if len(overview.left) > _LEFT else ""
        lines.append(f"in no checkpoint: {named}{more}")
    return lines


def _marks(change: Record, overview: Overview) -> str:
    files = f"({change.files or 'no'} file{'' if change.files == 1 else 's'})"
    other = change.origin.session if overview.session and change.origin.session != overview.session else ""
    session = f" (session {printable(other)})" if other else ""
    return files + session + (" (taken back)" if change.number in overview.undone else "")


def outcome_lines(outcome: Outcome, again: str, back: str) -> list[str]:
    """What came of a restore. again: what does it in spite of a warning. back: what reverts it.

    Before these lines belongs the diff in `outcome.theirs`.
    """
    if outcome.problem:
        return [printable(outcome.problem)]
    if not outcome.done:
        return [*_warning(outcome, again, back), f"nothing was done; {again} does it all the same"]
    if not outcome.changes:
        return ["the files are as they were then"]
    calls = "; ".join(_some([_about(one.about) for one in outcome.changes]))
    lines = [f"{'brought back' if outcome.redo else 'taken back'}: {calls}"]
    lines += _files(outcome.files) or ["  the files were so already"] * (not outcome.failed)
    lines += _some([f"{printable(path)} was not put back: {why}" for path, why in outcome.failed])
    return [*lines, back]


def _warning(outcome: Outcome, again: str, back: str) -> list[str]:
    lines = [f"a command is running in this folder: {_about(outcome.busy)}"] if outcome.busy else []
    if outcome.overwrites:
        names = ", ".join(_some([printable(path) for path in outcome.overwrites]))
        lines.append(f"changed since{'' if outcome.since else ', and not by the agent'}: {names}")
        lines += _calls(outcome.since)
    mine = len(outcome.changes) - len(outcome.foreign)
    if outcome.foreign:
        lines.append(f"this was {'done since' if mine else 'done'} in another session, and would be taken back"
                     f"{', too' if mine else ''}:")  # fmt: skip
        lines += _calls(outcome.foreign)
    if outcome.mixed:
        lines.append("what others changed here meanwhile may be among it:")
        lines += _some([f"  {one.number}. {_about(one.about)} ({one.mixed})" for one in outcome.mixed])
    lines += [f"{again} would do this:", *_files(outcome.files)]
    if outcome.overwrites:
        lines.append(f"what was changed since would be lost with it, until {back}")
    return lines + _some([f"{printable(path)} can't be put back: {why}" for path, why in outcome.failed])


def _calls(records: Sequence[Record]) -> list[str]:
    return _some([f"  {one.number}. {_about(one.about)} (session {printable(one.origin.session)})" for one in records])


def _files(files: Sequence[tuple[str, str]]) -> list[str]:
    return _some([f"  {sign} {printable(path)}" for sign, path in files])


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], *([f"  … and {more} more"] if more > 0 else [])]


def _about(text: str) -> str:
    text = printable(text)
    return f"{text[:_ABOUT]}…" if len(text) > _ABOUT else text
