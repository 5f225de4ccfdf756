"""The three forms in which models write changes to files: SEARCH/REPLACE blocks (blocks.py), Codex' patch envelope,
unified diffs. Pure.

Strategy: each form is parsed by itself, line by line, into the same thing: files, and hunks of old and new text. What
a hunk says of line numbers is a hint at most; it is found by its text, as `matching` finds any. What is lenient here
are the edges (fences, heredocs, headers that count wrongly, a missing end), never the texts themselves.

    *** Begin Patch       Codex; also Add File, Delete File, Move to
    *** Update File: a.py
    @@ def f():           optional: an earlier line that tells where
     same
    -old
    +new
    *** End Patch

    --- a/a.py            diff -u, git diff
    +++ b/a.py
    @@ -1,2 +1,2 @@
     same
    -old
    +new
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Final

from roundtrip.agent.tooling import Refusal
from roundtrip.tools.editing.blocks import END, START, blocks
from roundtrip.tools.editing.hunks import FENCE, Change, Patch, hunks_of

HEADER: Final = re.compile(r"\*\*\* (Add|Update|Delete) File: *(.+?) *")
MOVE: Final = re.compile(r"\*\*\* Move to: *(.+?) *")
HEREDOC: Final = re.compile(r"(?:apply_?patch[ \t]*)?<<[ \t]*(['\"]?)(\w+)\1[ \t]*")
GIT: Final = re.compile(
    r"(?:diff --git|index|old mode|new mode|new file mode|deleted file mode|similarity index|"
    r"dissimilarity index) .*"
)

DIFF: Final = re.compile(rf"(?:{GIT.pattern}\r?\n)*--- .+\n\+\+\+ .+\n@@ ")
BODY: Final = (" ", "+", "-", "@@", "\\")

NOTHING: Final = (
    "the diff has no SEARCH/REPLACE block. Write:\n<<<<<<< SEARCH\nlines as they are in the file\n=======\n"
    "lines to put there\n>>>>>>> REPLACE"
)


ENCODED: Final = (
    (re.compile(r"(?:&lt;){5}|(?:&gt;){5}"), "its markers are written with &lt; and &gt;; write < and > themselves"),
    (re.compile(r"(?:SEARCH|\*\*\* |@@).*\\n"), r"its line breaks are written as \n; write line breaks themselves"),
)
"""Texts that were encoded once too often, and what is said of them. It is not undone: the new text may mean it."""

CDATA: Final = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)


def parse(text: str) -> Patch:
    """Reads a patch in whichever form it is."""
    wrapped = CDATA.fullmatch(text)
    lines = (wrapped[1] if wrapped else text).replace("\r\n", "\n").split("\n")
    if any(START.fullmatch(line) for line in lines):
        return blocks(lines)
    lines = _unwrapped(lines)
    if lines[:1] == ["*** Begin Patch"] or any(HEADER.fullmatch(line) for line in lines):
        return _envelope(lines)
    if any(line.startswith(("@@", "diff --git ")) for line in lines):
        return _unified(lines)
    found = next((said for sign, said in ENCODED if sign.search(text.strip())), "")
    return Patch(problem=f"the diff can't be read, for {found}" if found else NOTHING)


def is_whole(text: str) -> bool:
    """Whether a text is a patch from its first line to its last, and so hardly anything else."""
    lines = text.strip().replace("\r\n", "\n").split("\n")
    block = START.fullmatch(lines[0]) and END.fullmatch(lines[-1])
    unified = DIFF.match(text.lstrip()) and all(line.startswith(BODY) or not line or GIT.match(line) for line in lines)
    envelope = lines[0].strip() == "*** Begin Patch" and lines[-1].strip() == "*** End Patch"
    return bool(block or unified or envelope)


# Codex


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Without blank edges, a code fence and a heredoc around it."""
    inside = list(lines)
    while True:
        while inside and not inside[0].strip():
            del inside[0]
        while inside and not inside[-1].strip():
            del inside[-1]
        heredoc = HEREDOC.fullmatch(inside[0].strip()) if inside else None
        closed = heredoc and inside[-1].strip() == heredoc[2]
        if not closed and not (len(inside) > 1 and FENCE.fullmatch(inside[0]) and FENCE.fullmatch(inside[-1])):
            break
        inside = inside[1:-1]
    for edge, marker in ((0, "*** Begin Patch"), (-1, "*** End Patch")):
        if inside and inside[edge].strip() == marker:
            inside[edge] = marker
    return inside


def _envelope(lines: Sequence[str]) -> Patch:
    inside = [line for line in lines if line not in ("*** Begin Patch", "*** End Patch")]
    heads = [number for number, line in enumerate(inside) if HEADER.fullmatch(line)]
    if not heads or any(line.strip() for line in inside[: heads[0]]):
        return Patch(problem='the patch must begin with "*** Add File: ", "*** Update File: " or "*** Delete File: "')
    changes: list[Change] = []
    for start, end in zip(heads, [*heads[1:], len(inside)], strict=True):
        change = _section(inside[start], inside[start + 1 : end])
        if isinstance(change, str):
            return Patch(problem=f"{inside[start].removeprefix('*** ')}: {change}")
        changes.append(change)
    return Patch(tuple(changes))


def _section(head: str, lines: Sequence[str]) -> Change | str:
    found = HEADER.fullmatch(head)
    assert found, "sections begin with their headers"
    path = found[2]
    if found[1] == "Delete":
        return Change(path, "delete") if not any(map(str.strip, lines)) else "a file that is deleted has no lines"
    if found[1] == "Add":
        trimmed = lines[:-1] if lines and not lines[-1].strip() else lines
        if any(line and not line.startswith("+") for line in trimmed):
            return "each line of a new file begins with +"
        return Change(path, "add", content="".join(line[1:] + "\n" for line in trimmed))
    move = MOVE.fullmatch(lines[0]) if lines else None
    hunks = tuple(
        replace(hunk, at_end=hunk.at_end or not (hunk.old or hunk.anchors))  # what only adds, adds at the end
        for hunk in hunks_of(lines[1:] if move else lines)
    )
    return Change(path, "update", hunks, "", move[1] if move else "", True) if hunks or move else "it has no hunk"


# Unified diffs


def _unified(lines: Sequence[str]) -> Patch:
    changes: list[Change] = []
    section = _Section()
    for line, following in pairwise((*lines, "diff --git ", "")):
        head = line.startswith("--- ") and following.startswith("+++ ")
        if (head and section.body) or line.startswith("diff --git "):
            changes += section.changes()
            section = _Section()
        if head:
            section.names = [_path(line), _path(following)]
        elif line.startswith(("rename from ", "rename to ")):
            section.renamed.append(line.split(" ", 2)[2].strip())
        elif section.body or line.startswith("@@"):
            section.body += [line] if not GIT.fullmatch(line) else []
    return Patch(tuple(changes)) if changes else Patch(problem=NOTHING)


@dataclass(slots=True)
class _Section:
    """What a unified diff says of one file, as far as it was read."""

    names: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    def changes(self) -> list[Change]:
        if not self.body and len(self.renamed) < 2:
            return []
        old, new = self.names or self.renamed or ["", ""]
        if (old.startswith("a/") and new.startswith("b/")) or "/dev/null" in (old, new):
            old, new = (name[2:] if name[:2] in ("a/", "b/") else name for name in (old, new))
        hunks = tuple(hunks_of(self.body))
        if old == "/dev/null":
            return [Change(new, "add", content="".join(hunk.new for hunk in hunks))]
        if new == "/dev/null":
            return [Change(old, "delete", hunks)]
        return [Change(old, "update", hunks, "", new if new != old else "", True)]


def _path(line: str) -> str:
    return line[4:].split("\t")[0].strip().strip('"')


def target_of(change: Change, given: str, *, alone: bool) -> str | Refusal:
    """Which file a change is about: the patch says it, or the call, and they must not contradict each other."""
    if not change.path and not given:
        return Refusal("it does not say which file it is for; give the path")
    if not change.path or not given or not alone:
        return change.path or given
    long, short = (PurePosixPath(normpath(name)).parts for name in (given, change.path))
    long, short = (long, short) if len(long) >= len(short) else (short, long)
    if not short or long[-len(short) :] != short:
        return Refusal(f"the path is {given}, but the diff is for {change.path}")
    return given
