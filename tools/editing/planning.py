"""What an edit would make of a file: the spans it changes, or why it can't be made and what the file has instead. Pure.

Both edit tools plan everything before anything is written, and say the same things when a plan fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from roundtrip.tools.diffs import lines_of, shared
from roundtrip.tools.editing.documents import Document, Splice, documents, exchange, no_bytes_for
from roundtrip.tools.editing.elision import left_out
from roundtrip.tools.editing.hunks import Hunk
from roundtrip.tools.editing.matching import TOO_MANY, ByLines, Span, cached_lines, find
from roundtrip.tools.editing.misses import APPLIED, NUL, Miss, absent, several


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement. every: of all occurrences. first, last: the lines among which the right one of several begins;
    0 where that is not known. expected: how many occurrences there should be, 0 where that is not said."""

    old: str
    new: str
    every: bool = False
    first: int = 0
    last: int = 0
    expected: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Spans to exchange, in order and apart. how: what was forgiven to find them."""

    spans: tuple[Span, ...]
    how: str = ""


def plan(document: Document, edit: Edit, what: str = "old_string") -> Plan | Miss:
    """Where an edit changes a document. what: the name of the text that is looked for, in errors."""
    found = find(document.text, edit.old, edit.new, every=edit.every)
    spans = found.spans
    if len(spans) > 1 and not edit.every and edit.first:
        lines = range(edit.first, max(edit.last, edit.first) + 1)
        spans = tuple(span for span in spans if document.line(span.start) in lines) or spans
    if not spans:
        return absent(document, edit.old, edit.new, what, every=edit.every)
    many = spans[0].problem == TOO_MANY
    if edit.expected > 0 and not many and len(spans) != edit.expected and (edit.every or len(spans) < edit.expected):
        return several(document, spans, what, edit.expected)
    if len(spans) > 1 and not edit.every:
        return several(document, spans, what)
    return _possible(document, Plan(spans, found.how))


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it was and as it would be: bytes, and what they mean. how: what was forgiven. places: spans changed."""

    before: bytes
    after: bytes
    old: str
    new: str
    how: tuple[str, ...] = ()
    places: int = 1


def draft(read: Sequence[Document], edits: Sequence[Edit]) -> Draft | Miss:
    """What a file becomes by edits, each of which works on what the one before has left. read: its readings."""
    misses: list[Miss] = []
    for document in read:
        answer = _draft(document, edits)
        if isinstance(answer, Draft) or answer.kind != "absent":
            return answer
        misses.append(answer)
    return misses[0]


def _draft(first: Document, edits: Sequence[Edit]) -> Draft | Miss:
    document, plans, applied = first, list[Plan](), list[Miss]()
    for number, edit in enumerate(edits, 1):
        what = "old_string" if len(edits) == 1 else f"old_string of edit {number}"
        answer = plan(document, edit, what)
        if isinstance(answer, Miss) and (answer.kind != "applied" or len(edits) == 1):
            return answer
        if isinstance(answer, Plan):
            plans.append(answer)
            document = same_reading(document, written(document, (answer,)))
        else:
            applied.append(answer)
    if not plans:
        return next((miss for miss in applied if miss.presumed), applied[0])
    how = tuple(dict.fromkeys(one.how for one in plans if one.how))
    return Draft(first.data, document.data, first.text, document.text, how, sum(len(one.spans) for one in plans))


def same_reading(document: Document, data: bytes) -> Document:
    """What a document has become, read as before; plain ASCII reads alike in all ways but one."""
    read = documents(data)
    return next((one for one in read if one.encoding == document.encoding), read[0])


def plan_lines(document: Document, first: int, last: int, new: str) -> Plan | Miss:
    """The lines first to last, from 1 and both included, become `new`. With last = first - 1 there are none, and it is
    put before the first."""
    lines = document.text.split("\n")
    total = len(lines) - (not lines[-1])
    if not 1 <= first <= last + 1 <= total + 1:
        there = f"is no line {last}" if last == first - 1 else f"are no lines {first} to {last}"
        return Miss("wrong", f"there {there}; the file has {total}", min(max(first, 1), total))
    start = sum(len(line) + 1 for line in lines[: first - 1])
    text = new.replace("\r\n", "\n")
    if last < first:
        open_end = first > len(lines)
        text = "\n" + text.removesuffix("\n") if open_end else text.removesuffix("\n") + "\n"
        return _possible(document, Plan((Span(start - open_end, start - open_end, "", text),)))
    old = "\n".join(lines[first - 1 : last]) + ("\n" if last < len(lines) else "")
    text = text + "\n" if text and old.endswith("\n") and not text.endswith("\n") else text
    return _possible(document, Plan((Span(start, start + len(old), old, text),)))


def plan_hunks(document: Document, hunks: Sequence[Hunk], ordered: bool) -> list[Plan | Miss]:
    """One answer for each hunk; they are looked for in the document as it is, and must not overlap."""
    answers, taken = list[Plan | Miss](), list[tuple[Span, int]]()
    by_lines = cached_lines()
    for number, hunk in enumerate(hunks, 1):
        after = max((span.end for span, _ in taken), default=0) if ordered else 0
        answer = _hunk(document, hunk, after, ordered, by_lines)
        if isinstance(answer, Plan):
            spans = tuple(_narrowed(document.text, span) for span in answer.spans)
            other = next((n for span, n in taken for new in spans if _overlap(span, new)), 0)
            answer = Plan(spans, answer.how)
            taken += [(span, number) for span in spans]
            if other:
                answer = Miss("wrong", f"blocks {other} and {number} change the same lines; make one block of them")
        answers.append(answer)
    return answers


def written(document: Document, plans: Sequence[Plan]) -> bytes:
    """The bytes of the file when all plans are carried out."""
    return document.spliced(_splices(document, plans))


def _splices(document: Document, plans: Sequence[Plan]) -> list[Splice]:
    spans = sorted((span for one in plans for span in one.spans), key=lambda span: (span.start, span.end))
    return [exchange(document, span.start, span.end, span.old, span.new) for span in spans]


def _hunk(document: Document, hunk: Hunk, after: int, ordered: bool, by_lines: ByLines) -> Plan | Miss:
    text, what = document.text, "its old text"
    if not hunk.old:
        if text and not hunk.at_end:
            return Miss("wrong", f"{what} is empty; give lines of the file between which the new ones belong")
        missing = "\n" if text and not text.endswith("\n") else ""
        return _possible(document, Plan((Span(len(text), len(text), "", missing + hunk.new),)))
    padded = text if text.endswith("\n") else f"{text}\n"  # a line is a line, also the last one without a newline
    found = find(padded, hunk.old, hunk.new, whole=True, by_lines=by_lines)
    spans = tuple(_within(text, span) for span in found.spans)
    if len(spans) > 1:
        spans = _chosen(document, hunk, spans, after if ordered else -1)
    if not spans:
        return absent(document, hunk.old, hunk.new, what)
    return several(document, spans, what) if len(spans) > 1 else _possible(document, Plan(spans, found.how))


def _within(text: str, span: Span) -> Span:
    """A span that was found with a newline behind the text."""
    if span.end <= len(text):
        return span
    return Span(span.start, len(text), span.old.removesuffix("\n"), span.new.removesuffix("\n"), span.problem)


def _chosen(document: Document, hunk: Hunk, spans: tuple[Span, ...], after: int) -> tuple[Span, ...]:
    """The one of several places that the hunk's own hints name; all of them if these don't."""
    named = [span for span in spans if hunk.line and document.line(span.start) == hunk.line]
    last = [span for span in spans if hunk.at_end and span.end >= len(document.text.rstrip("\n"))]
    anchored = _anchored(document.text, hunk.anchors, max(after, 0))
    below = [span for span in spans if anchored is not None and span.start >= anchored][:1]
    behind = [span for span in spans if span.start >= after > 0]
    return next((tuple(hits) for hits in (named, last, below, behind) if len(hits) == 1), spans)


def _anchored(text: str, anchors: Sequence[str], at: int) -> int | None:
    """Behind the lines that `@@` names, one after the other; None if there are none, or one is not a single line."""
    for anchor in anchors:
        places = list(re.finditer(rf"^[ \t]*{re.escape(anchor)}.*\n?", text, re.MULTILINE))
        behind = [place for place in places if place.start() >= at]
        if len(behind) != 1:
            return None
        at = behind[0].end()
    return at if anchors else None


def _narrowed(text: str, span: Span) -> Span:
    """Without the lines at its ends that stay as they are, which neighbouring hunks may share."""
    own, old, new = (lines_of(part) for part in (text[span.start : span.end], span.old, span.new))
    if len(own) != len(old):
        return span
    head, tail = shared(old, new)
    return Span(
        span.start + sum(map(len, own[:head])),
        span.end - sum(map(len, own[len(own) - tail :])),
        "".join(old[head : len(old) - tail]),
        "".join(new[head : len(new) - tail]),
        span.problem,
    )


def _overlap(a: Span, b: Span) -> bool:
    return a.start < b.end and b.start < a.end


def _possible(document: Document, planned: Plan) -> Plan | Miss:
    line = document.line(planned.spans[0].start)
    problems = (span.problem or left_out(span.old, span.new) for span in planned.spans)
    problem = next(filter(None, problems), "")
    if problem:
        return Miss("wrong", problem, line)
    if any("\0" in span.new for span in planned.spans):
        return Miss("wrong", NUL, line)
    splices = _splices(document, (planned,))
    reason = no_bytes_for(document, "".join(splice.written for splice in splices))
    if reason:
        return Miss("wrong", reason, line)
    return planned if document.spliced(splices) != document.data else Miss("applied", APPLIED, line)
