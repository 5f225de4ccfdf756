"""What the edit tools do alike with files: open them whole, show them before they are changed unseen, count how often
the model has failed on them, and report what was changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roundtrip.agent.files import whole
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.tooling import Workspace
from roundtrip.tools.caps import Caps
from roundtrip.tools.diffs import compare
from roundtrip.tools.editing.documents import Document, documents
from roundtrip.tools.editing.doubts import doubts
from roundtrip.tools.editing.misses import Miss
from roundtrip.tools.editing.planning import Draft
from roundtrip.tools.paths import failure, unfit_file
from roundtrip.tools.read_file import read
from roundtrip.tools.reading.parts import Part

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest file that is edited."""

SMALL: Final = 200
"""Lines up to which a file is shown whole, and may be changed unread where the text is found exactly once."""

AROUND: Final = 30
"""Lines before and after a place that are shown where a file is shown in part."""

UNSEEN: Final = 8
"""Lines around a change to a file that the model had not seen."""

DIFF: Final = 40
"""Lines of the diff that the model gets."""

ADVICE: Final = {
    "absent": "Copy the text exactly as the file has it, without the line numbers, and {again}.",
    "several": "Add lines before or after it until it fits one place only, and {again}.",
    "number": "If all of these are meant, give their number as expected_replacements; else add lines to old_string.",
}
SAID: Final = {
    "absent": "the text to replace is not there",
    "several": "the text to replace is there more than once",
    "number": "the text to replace is there more or less often than expected",
}
"""For people, whom a parameter's name tells nothing."""

REPLACE_ALL: Final = ' To change all of them, set "replace_all": true.'


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's readings, the likeliest first. stale: why it should be shown before it is changed, "" if it need not."""

    path: Path
    name: str
    documents: tuple[Document, ...]
    stale: str

    @property
    def data(self) -> bytes:
        return self.documents[0].data

    @property
    def lines(self) -> int:
        return self.documents[0].text.count("\n") + 1


_ENDING: Final = {2: "nd", 3: "rd"}

Failures = Counter[Path]
"""How often in a row the model could not edit a file, with whichever tool."""


class Files:
    """again: what to do when an edit has failed, in words that suit whatever name the tool was called by."""

    def __init__(self, workspace: Workspace, again: str, failures: Failures | None, caps: Caps) -> None:
        self._workspace = workspace
        self._again = again
        self._caps = caps
        self._failures = Failures() if failures is None else failures

    def open(self, path: Path) -> Opened | ToolResult:
        """Reads a file, or says why it can't be edited. Raises OSError."""
        name = self._workspace.shown(path)
        reason = unfit_file(self._workspace, path)
        if not reason and path.stat().st_size > LARGEST:
            reason = f"{name} is too large to be edited here. Use execute_command, for example with sed -i."
        if reason:
            return failure(reason)
        stale = self._workspace.stale(path)
        found = documents(whole(path))
        binary = f"{name} is a binary file, so it can't be edited as text."
        return Opened(path, name, found, stale) if found else failure(binary)

    async def show_first(self, opened: Opened, miss: Miss | None, line: int, left: str = "") -> ToolResult:
        """Reads the file for the model, which saves it a step; with that it counts as seen. left: what was not done
        besides."""
        seen = await self._window(opened, line)
        trouble = f", and {_ended(miss.reason)}" if miss else f"{left}."
        advice = f"Here it is as it is now. {self._again.capitalize()}, with what you see here."
        return ToolResult(
            f"Not edited: {opened.stale}{trouble}\n{advice}\n\n{seen}", f"not edited: {opened.stale}", failed=True
        )

    async def failed(self, opened: Opened, miss: Miss, *, may_replace_all: bool = False) -> ToolResult:
        """What the model is told when an edit can't be made: more of it, the more often that happens."""
        self._failures[opened.path] += 1
        times = self._failures[opened.path]
        advice = ADVICE.get(miss.kind, "").format(again=self._again)
        advice += REPLACE_ALL * (miss.kind == "several" and may_replace_all)
        parts = [f"Not edited: {_ended(miss.reason)}", advice]
        if times > 2:
            parts[1] = self._other_way(opened)
        if times > 1:
            parts.append(f"\n{await self._window(opened, miss.line)}")
        said = SAID.get(miss.kind, miss.reason.partition("\n")[0])
        said = f"not edited: {said}" + (f", for the {times}{_ENDING.get(times, 'th')} time" if times > 1 else "")
        return ToolResult("\n".join(filter(None, parts)), said, failed=True)

    def succeeded(self, path: Path) -> None:
        del self._failures[path]

    def _other_way(self, opened: Opened) -> str:
        times = f"This has failed {self._failures[opened.path]} times, so take another way: "
        if opened.lines <= SMALL:
            return f"{times}write the whole file with write_to_file."
        return (
            f"{times}call edit_file with start_line and end_line in place of old_string; new_string then replaces "
            "these lines, both included."
        )

    async def _window(self, opened: Opened, line: int) -> str:
        """The file as `read_file` shows it, a large one only around a line."""
        whole = Part(opened.name)
        part = whole if opened.lines <= SMALL else Part(opened.name, max(line - AROUND, 1), 2 * AROUND + 1)
        return (await read(self._workspace, opened.path, part, self._caps, anyhow=True)).content


def _ended(reason: str) -> str:
    return reason if "\n" in reason else f"{reason}."


def report(opened: Opened, path: Path, draft: Draft, name: str = "") -> tuple[str, str]:
    """What a change has come to, for the model and for people. path, name: of the file, which may have moved."""
    comparison, name = compare(draft.old, draft.new), name or opened.name
    places = f" in {draft.places} places" if draft.places > 1 else ""
    lines = [f"edited {name}{places}{f' ({comparison.count})' if comparison.count else ''}"]
    lines += [f"(the old text was found {how})" for how in draft.how]
    if opened.stale:
        lines.append(f"({opened.stale}; this is how it is around the edit)")
    lines.append(comparison.numbered(UNSEEN if opened.stale else 1, DIFF))
    warning = doubts(path, draft.old, draft.new)
    return "\n".join([*lines, *([warning] if warning else [])]), comparison.unified(name)
