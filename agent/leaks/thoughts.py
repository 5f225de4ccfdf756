"""Which part of a message is reasoning, and where the message really ends.

Strategy. A message begins with at most one run of reasoning:

    <think> REASONING </think>       opened and ended
    REASONING </think>               the opener was in the prompt; only if no field of the server's holds the reasoning
    <think> REASONING <call>         never ended: it ends at the first call (vllm#32216), or where the answer begins
    REASONING <channel of answer>    both markers are missing, and the answer's stands
    analysis...assistantfinal...     without any marker, where a dialect knows such a form

More reasoning may stand behind a call, or behind another marker; anywhere else `<think>` is a word. What stands in
code or in quotation marks counts for nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from roundtrip.agent.leaks.context import in_sentence, literal
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role
from roundtrip.agent.leaks.items import Item
from roundtrip.agent.leaks.scanner import Kind, Piece, Scanner, cut_at, joined

Note = Callable[[str, str], None]

THINK = (Role.THINK_BEGIN, Role.THINK_END)
FRAMES = (Role.FRAME, Role.FRAME_END)
NO_CALL = (*THINK, *FRAMES, Role.STOP)


def without_ends(
    pieces: list[Piece], dialects: tuple[Dialect, ...], note: Note, *, calls: bool
) -> tuple[list[Piece], list[str]]:
    """The message without its stop tokens, which mean something at the very end only; and what was taken.

    Half a marker counts as one behind a part of a call: the message was cut. calls: calls are allowed.
    """
    end = len(pieces)
    if calls and end > 1 and pieces[-2].kind is not Kind.TEXT and pieces[-2].role not in NO_CALL:
        half = pieces[-1].raw.strip(WHITE) if pieces[-1].kind is Kind.TEXT else ""
        if half and Scanner(dialects).is_half(half):
            note("stray_marker", half)
            return pieces[:-1], [pieces[-1].raw]
    while end and (pieces[end - 1].role is Role.STOP or not pieces[end - 1].raw.strip(WHITE)):
        end -= 1
    tail = pieces[end:]
    raw = "".join(piece.raw for piece in tail if piece.role is Role.STOP)
    if not raw:
        return pieces, []
    note("stop_token", raw)
    return pieces[:end], [piece.raw for piece in tail]


def plain_html(pieces: list[Piece]) -> list[Piece]:
    """The pieces with `</s>` as text where an `<s>` stands before it: then it is HTML's."""
    opened = False
    result = []
    for piece in pieces:
        opened = opened or (piece.kind is Kind.TEXT and "<s>" in piece.raw)
        html = opened and piece.role is Role.STOP and piece.raw == "</s>"
        result.append(Piece(Kind.TEXT, piece.raw) if html else piece)
    return joined(result)


def split(
    pieces: list[Piece], first_call: Callable[[list[Piece]], int], *, has_field: bool
) -> tuple[list[Piece], list[Piece]]:
    """(reasoning, the rest); the markers of thinking go with the reasoning.

    first_call: where in the raw text of some pieces the first call begins, -1 for nowhere.
    has_field: the server sent reasoning in a field of its own.
    """
    marks = [(n, role) for n, role in unquoted_roles(pieces) if role in (*THINK, Role.FRAME)]
    first = next((n for n, piece in enumerate(pieces) if piece.raw.strip(WHITE)), len(pieces))
    opened = first < len(pieces) and pieces[first].role is Role.THINK_BEGIN
    end = next((n for n, role in marks if role is not Role.THINK_BEGIN), -1)
    if opened and end < 0:  # a stray backtick may quote the end, but never the beginning
        end = next((n for n, piece in enumerate(pieces) if piece.role is Role.THINK_END), -1)
    ended = bool(marks) and marks[0][0] == end and (not has_field or end == first)
    if opened and end < 0:
        at = first_call(pieces)
        return cut_at(pieces, at) if at >= 0 else (pieces, [])
    if not opened and not (ended and end >= 0 and _ends_something(pieces, end)):
        return [], pieces
    if pieces[end].role is Role.FRAME:
        return pieces[:end], pieces[end:]
    end += 1
    while end < len(pieces) and pieces[end].role is Role.THINK_END:
        end += 1
    return pieces[:end], pieces[end:]


def _ends_something(pieces: list[Piece], end: int) -> bool:
    """Whether what no marker has begun ends there: text, and not a sentence that speaks of the marker."""
    before, after = pieces[:end], "".join(piece.raw for piece in pieces[end + 1 : end + 2])
    if pieces[end].role is Role.FRAME and any(piece.kind is not Kind.TEXT for piece in before):
        return False
    return not in_sentence("".join(piece.raw for piece in before[-1:]), after)


def stripped(pieces: list[Piece], dialects: tuple[Dialect, ...]) -> list[Piece]:
    """The pieces with markers of thinking where a dialect knows what is left of a message without any."""
    if len(pieces) != 1 or pieces[0].kind is not Kind.TEXT:
        return pieces
    raw = pieces[0].raw
    for dialect in dialects:
        found = dialect.thought.match(raw) if dialect.thought else None
        if found:
            (start, end), said = found.span("thought"), found.end()
            return [
                Piece(Kind.MARK, raw[:start], Role.THINK_BEGIN, dialect),
                Piece(Kind.TEXT, raw[start:end]),
                Piece(Kind.MARK, raw[end:said], Role.THINK_END, dialect),
                Piece(Kind.TEXT, raw[said:]),
            ]
    return pieces


def answer_in_field(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """A reasoning field in which the answer's channel begins (sglang#32567): (the reasoning, the answer)."""
    at = next((n for n, role in unquoted_roles(pieces) if role is Role.FRAME), len(pieces))
    return pieces[:at], pieces[at:]


def unquoted_roles(pieces: list[Piece]) -> list[tuple[int, Role]]:
    """The marks that stand outside of code and quotations, with their numbers in `pieces`."""
    numbers = {}
    at = 0
    for number, piece in enumerate(pieces):
        numbers[at] = number
        at += len(piece.raw)
    found: list[tuple[int, Role]] = []
    at = 0
    for piece in literal(pieces)[0]:
        if piece.role:
            found.append((numbers[at], piece.role))
        at += len(piece.raw)
    return found


def later_thoughts(items: list[Item]) -> set[int]:
    """Reasoning that goes on: numbers of the items from <think> directly behind a call, or behind another marker, to
    </think>."""
    ends = [number for number, item in enumerate(items) if item.role is Role.THINK_END]
    found: set[int] = set()
    behind = True
    for number, item in enumerate(items):
        next_end = bisect_left(ends, number)
        if behind and item.role is Role.THINK_BEGIN and next_end < len(ends):
            found.update(range(number, ends[next_end] + 1))
        if item.raw.strip(WHITE):
            behind = item.kind == "block" or item.role in (*FRAMES, Role.THINK_END, Role.STOP)
    return found
