"""What a call of `edit_file` makes of a file, and whether the model knows the file well enough for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roundtrip.tools.editing.documents import sane
from roundtrip.tools.editing.files import SMALL, Opened
from roundtrip.tools.editing.misses import NUL, Miss
from roundtrip.tools.editing.planning import Draft, Edit, draft, plan_lines, same_reading, written


def edits_of(arguments: Mapping[str, Any]) -> tuple[Edit, ...]:
    return tuple(_one_edit(one) for one in arguments.get("edits", (arguments,)))


def _one_edit(one: Mapping[str, Any]) -> Edit:
    first, expected = one.get("start_line", 0), one.get("expected_replacements", 0)
    every = one.get("replace_all", expected > 1)
    old, new = sane(one.get("old_string", "")), sane(one["new_string"])
    return Edit(old, new, every, first, one.get("end_line", first), expected)


def drafted_of(opened: Opened, arguments: Mapping[str, Any]) -> Draft | Miss:
    """What a call makes of a file."""
    edits = edits_of(arguments)
    if not edits:
        return Miss("wrong", "there is no edit in the list")
    if len(edits) == 1 and not edits[0].old:
        return _without_old(opened, edits[0])
    if not all(edit.old for edit in edits):
        return Miss("wrong", "old_string is empty; give the text of the file that is to be replaced")
    if any(edit.old == edit.new for edit in edits):
        return Miss("wrong", "old_string and new_string are the same, so there is nothing to change")
    return draft(opened.documents, edits)


def _without_old(opened: Opened, edit: Edit) -> Draft | Miss:
    """Lines instead of a text; or a file that is there, but empty."""
    document = opened.documents[0]
    if not edit.first and document.text:
        reason = (
            "old_string is empty, and the file exists; give the text to replace, or use write_to_file for all of it"
        )
        return Miss("wrong", reason)
    if "\0" in edit.new:
        return Miss("wrong", NUL)
    if not edit.first:
        return Draft(opened.data, document.mark + edit.new.encode(document.encoding), "", edit.new)
    answer = plan_lines(document, edit.first, edit.last, edit.new)
    if isinstance(answer, Miss):
        return answer
    after = same_reading(document, written(document, (answer,)))
    return Draft(document.data, after.data, document.text, after.text)


def new_text(arguments: Mapping[str, Any]) -> str | None:
    """What the file will hold if it is not there yet; None if it should be."""
    edits = edits_of(arguments)
    return edits[0].new if len(edits) == 1 and not edits[0].old and "start_line" not in arguments else None


def is_ready(opened: Opened, drafted: Draft | Miss, arguments: Mapping[str, Any]) -> bool:
    """Whether it can be written, and the model knows the file well enough."""
    return isinstance(drafted, Draft) and (not opened.stale or _may_be_unread(opened, drafted, arguments))


def _may_be_unread(opened: Opened, drafted: Draft, arguments: Mapping[str, Any]) -> bool:
    """Whether the old text itself shows that the model knows the file: a small one, found exactly and once. Of an empty
    file there is nothing to know."""
    edits = edits_of(arguments)
    exact = not drafted.how and drafted.places == 1 and len(edits) == 1 and bool(edits[0].old)
    return not opened.data or (exact and opened.lines <= SMALL)


def first_change(drafted: Draft) -> int:
    """The number of the first line that differs."""
    pairs = zip(drafted.old.split("\n"), drafted.new.split("\n"), strict=False)
    return next((number for number, (old, new) in enumerate(pairs, 1) if old != new), 1)
