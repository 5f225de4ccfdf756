"""How checkpoints and restores are told: shared by the front ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roundtrip.agent.frontends.words import age, printable
from roundtrip.agent.runtime.checkpoints.restores import Item, Outcome, Overview

_MOST: Final = 30
"""Files, or checkpoints, that are named."""

_ABOUT: Final = 70
_LEFT: Final = 5


def overview_lines(overview: Overview, now: float) -> list[str]:
    """The checkpoints, the latest last: number, age, the call that came next, and how many files it changed."""
    items = overview.items[-_MOST:]
    if not items:
        return ["there is no checkpoint yet: one is made before each change"]
    lines = [f"{len(overview.items) - _MOST} earlier ones are not shown"] if len(overview.items) > _MOST else []
    ages = [age(now - item.at) for item in items]
    lines += [
        f"{item.number:3}. {when:>6}  {_about(item.about)}  {_marks(item, overview)}"
        for item, when in zip(items, ages, strict=True)
    ]
    if overview.left:
        named = ", ".join(f"{printable(path)} ({why})" for path, why in overview.left[:_LEFT])
        more = f" and {len(overview.left) - _LEFT} more" if len(overview.left) > _LEFT else ""
        lines.append(f"in no checkpoint: {named}{more}")
    return lines


def _marks(item: Item, overview: Overview) -> str:
    files = f"({item.files} file{'' if item.files == 1 else 's'})"
    other = item.origin.session if overview.session and item.origin.session != overview.session else ""
    return files + (f" (session {printable(other)})" if other else "") + (" (taken back)" if item.undone else "")


def outcome_lines(outcome: Outcome, again: str, back: str) -> list[str]:
    """What came of a restore. again: what does it in spite of a warning. back: what reverts it."""
    if outcome.problem:
        return [outcome.problem]
    calls = _some([_about(about) for about in outcome.about])
    if not outcome.done:
        return [*_warning(outcome, calls), *_files(outcome.files), f"nothing was done; {again} does it all the same"]
    lines = [f"{'brought back' if outcome.redo else 'taken back'}: {'; '.join(calls)}"] if calls else []
    lines += _files(outcome.files)
    lines += [f"{printable(path)} was not put back: {why}" for path, why in outcome.failed]
    return [*lines, back] if calls else [*lines, "the files are as they were then"]


def _warning(outcome: Outcome, calls: Sequence[str]) -> list[str]:
    lines = []
    if outcome.foreign:
        lines.append(f"this was done in another session ({printable(outcome.foreign)}): {'; '.join(calls)}")
    if outcome.overwrites:
        names = ", ".join(_some([printable(path) for path in outcome.overwrites]))
        lines.append(f"changed since, and not by the agent: {names}")
    return [*lines, "this would be done:"]


def _files(files: Sequence[tuple[str, str]]) -> list[str]:
    return _some([f"  {sign} {printable(path)}" for sign, path in files])


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], *([f"  … and {more} more"] if more > 0 else [])]


def _about(text: str) -> str:
    text = printable(text)
    return f"{text[:_ABOUT]}…" if len(text) > _ABOUT else text
