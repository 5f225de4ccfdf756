"""What is different between two states of some files, as git shows it: the beginning of it, where it is long.

Git's output is read as it comes. What is not shown is counted as far as that takes no time; then git is ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Final

from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit
from roundtrip.agent.runtime.checkpoints.states import Change, Entry

LONGEST: Final = 400
WHOLE: Final = 100_000
"""Lines."""

_WIDEST: Final = 2000
"""Bytes of a line."""

_READ: Final = 16 * 1024 * 1024
"""Bytes of git's output that are not shown."""

_RENAMES: Final = "-l100"
"""Where more than 100 by 100 files may be renamed ones, git takes for such only those with the same content."""


def differences(
    git: ShadowGit, changes: Mapping[str, Change], most_a_file: int = WHOLE, most: int = LONGEST, rest: str = ""
) -> str:
    """A diff of these files, "" if there is none. most_a_file: lines that are shown of each. rest: a command that shows
    what is cut off at the end."""
    trees = [_tree(git, {path: change[side] for path, change in changes.items()}) for side in (0, 1)]
    words = ("diff-tree", "-p", "-M", _RENAMES, "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
    with closing(git.lines(*words, *trees, longest=_WIDEST)) as lines:
        shown, hidden = _shown(lines, most_a_file, most)
    hint = f" ({rest} shows them)" if rest else ""
    return "\n".join([*shown, f"… {hidden}{hint} …"] if hidden else shown)


def _shown(pieces: Iterator[bytes], most_a_file: int, most: int) -> tuple[list[str], str]:
    """The lines that are shown, and how many more follow, "" for none. pieces: of lines; the last of each ends it."""
    shown: list[str] = []
    unseen = of_file = hidden = 0
    begins = True
    for piece in pieces:
        first, begins = begins, piece.endswith(b"\n")
        if first and piece.startswith(b"index "):
            continue
        if first and piece.startswith(b"diff --git ") and len(shown) < most:
            shown += [f"… {_more(hidden)} …"] if hidden else []
            of_file = hidden = 0
        of_file += first
        if first and of_file <= most_a_file and len(shown) < most:
            shown.append(piece.decode("utf-8", "replace").rstrip("\r\n") if begins else _cut(piece))
            continue
        hidden += first
        unseen += len(piece)
        if unseen > _READ:
            return shown, f"more than {_more(hidden)}" if hidden else "more lines"
    return shown, _more(hidden)


def _more(lines: int) -> str:
    return f"{lines} more line{'s' * (lines > 1)}" if lines else ""


def _cut(piece: bytes) -> str:
    """The beginning of a long line; a character may have been cut, too."""
    return piece.decode("utf-8", "replace").rstrip("\ufffd") + "…"


def _tree(git: ShadowGit, files: Mapping[str, Entry | None]) -> str:
    """A tree of these files alone."""
    index = git.folder / "index.diff"
    index.unlink(missing_ok=True)
    lines = [f"{entry.mode} {entry.object}\t{path}\0" for path, entry in files.items() if entry]
    git.run("read-tree", "--empty", index=index)
    git.run("update-index", "-z", "--index-info", feed=[line.encode("utf-8", "surrogateescape") for line in lines],
            index=index)  # fmt: skip
    return git.run("write-tree", index=index).decode().strip()
