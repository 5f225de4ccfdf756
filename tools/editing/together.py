"""Several files are written and removed, all of them or none, as far as the disk lets us."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roundtrip.agent.tooling import Workspace


@dataclass(frozen=True, slots=True)
class Becomes:
    """What becomes of a file. before, after: its content, None where there is no file. like: the file whose mode and
    owner a new one gets."""

    path: Path
    before: bytes | None
    after: bytes | None
    like: Path | None = None


def write_together(workspace: Workspace, files: Sequence[Becomes]) -> str:
    """What is written comes first, what is removed last. Returns what went wrong, "" if nothing."""
    done: list[tuple[Becomes, os.stat_result | None]] = []
    try:
        for file in sorted(files, key=lambda file: file.after is None):
            like = file.like or (file.path if file.after is None else None)
            status = like.stat() if like else None
            _make(workspace, file.path, file.before, file.after, status)
            done.append((file, status))
    except OSError as error:
        stays = _take_back(workspace, done)
        why = error.strerror or error
        if stays:
            return f"Applied in part only: {why}. What could not be taken back: {'; '.join(stays)}."
        return f"Nothing was applied: {why}."
    return ""


def _make(
    workspace: Workspace, path: Path, now: bytes | None, wanted: bytes | None, like: os.stat_result | None
) -> None:
    """Raises OSError."""
    if now is None and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "it has just been made by somebody else")
    if wanted is None:
        workspace.remove(path, over=now)
    else:
        workspace.replace(path, wanted, over=now, like=like)


def _take_back(workspace: Workspace, done: Sequence[tuple[Becomes, os.stat_result | None]]) -> list[str]:
    """Returns what stays as it was made, and why."""
    stays = []
    for file, status in reversed(done):
        try:
            _make(workspace, file.path, file.after, file.before, status)
        except OSError as error:
            what = "is removed" if file.after is None else "is changed" if file.before is not None else "is new"
            stays.append(f"{workspace.shown(file.path)} {what} ({error.strerror or error})")
    return stays
