"""What is different between two states of some files, as git shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit
from roundtrip.agent.runtime.checkpoints.states import Change, Entry

_LONGEST: Final = 400
"""Lines."""


def differences(git: ShadowGit, changes: Mapping[str, Change], most_a_file: int = _LONGEST) -> str:
    """A diff of these files, "" if there is none. most_a_file: lines that are shown of each."""
    trees = [_tree(git, {path: change[side] for path, change in changes.items()}) for side in (0, 1)]
    words = ("diff-tree", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
    lines = git.run(*words, *trees).decode("utf-8", "replace").splitlines()
    files: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("diff --git "):
            files.append([])
        if not line.startswith("index "):
            files[-1].append(line)
    return "\n".join(_cut([line for file in files for line in _cut(file, most_a_file)], _LONGEST))


def _cut(lines: list[str], most: int) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], f"… {more} more line{'s' * (more > 1)} …"] if more > 0 else lines


def _tree(git: ShadowGit, files: Mapping[str, Entry | None]) -> str:
    """A tree of these files alone."""
    index = git.folder / "index.diff"
    index.unlink(missing_ok=True)
    lines = [f"{entry.mode} {entry.object}\t{path}\0" for path, entry in files.items() if entry]
    git.run("read-tree", "--empty", index=index)
    git.run("update-index", "-z", "--index-info", feed=[line.encode("utf-8", "surrogateescape") for line in lines],
            index=index)  # fmt: skip
    return git.run("write-tree", index=index).decode().strip()
