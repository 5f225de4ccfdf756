"""A looser pattern than a regex: one that other programs can be given, to find the files that may match.

Strategy. Whether a line matches is decided by Python's `re` alone. To keep it from reading every file, a looser
pattern is derived from the tree that Python makes of the regex: one that finds something in every file in which the
regex does, and that means the same to Python, Rust and PCRE. It works on bytes, so it holds for text in UTF-8,
latin-1 and cp1252 alike. Rules:
1. A set of characters becomes a set of bytes; where it may hold characters beyond ASCII, all bytes from 0x80 on.
2. What only narrows a match is dropped: look-around, anchors, word boundaries but for those beside a plain letter.
3. What the programs don't share (back-references, conditions, repeated groups) becomes "anything up to the line's
   end"; so a looser pattern has no nested repetitions, and no program takes exponential time for it.
4. A match over several lines is looked for by its longest piece between two places where a line could end.
5. In doubt there is no looser pattern (""), and Python reads all the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

LONGEST: Final = 10_000
"""Characters of the longest regex, and of the longest looser pattern, that is tried."""

REPEATED: Final = 50
"""Repetitions that are counted; beyond that it is "or more", because large counts are slow to compile."""

UTF8_BYTES: Final = 4
"""Bytes that a character may take."""

NEWLINE: Final = 10
ASCII: Final = frozenset(range(128)) - {NEWLINE}
DIGITS: Final = frozenset(map(ord, "0123456789"))
LETTERS: Final = frozenset(code for code in ASCII if chr(code).isalpha())
WORD: Final = LETTERS | DIGITS | {ord("_")}
SPACE: Final = frozenset(map(ord, " \t\n\r\f\v"))
BLANK: Final = SPACE | {0x1C, 0x1D, 0x1E, 0x1F}
CATEGORIES: Final = {
    "CATEGORY_DIGIT": DIGITS,
    "CATEGORY_NOT_DIGIT": ASCII - DIGITS,
    "CATEGORY_SPACE": BLANK,  # of these, (?a) takes SPACE only
    "CATEGORY_NOT_SPACE": ASCII - SPACE,
    "CATEGORY_WORD": WORD,
    "CATEGORY_NOT_WORD": ASCII - WORD,
}
"""What categories mean within ASCII; beyond it each may mean anything."""

FOREIGN_CASES: Final = frozenset(map(ord, "iksIKS"))
"""Letters that match characters beyond ASCII where case is ignored: the dotless i, the Kelvin sign, the long s."""

ANYTHING: Final = r"[\x00-\x09\x0b-\xff]*"
ENCODINGS: Final = ("utf-8", "latin-1", "cp1252")


class _Unknown(Exception):
    """No looser pattern can be given for this."""


def trees(argument: Any) -> Iterator[Any]:
    """The trees in an operator's argument."""
    if hasattr(argument, "state"):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for part in argument:
            yield from trees(part)


def loosened(tree: Any, *, lines: bool) -> str:
    """tree: of Python's `re._parser`. lines: matches don't go beyond a line. The pattern is for bytes, in ASCII."""
    flags = tree.state.flags
    icase, dotall = bool(flags & re.IGNORECASE), bool(flags & re.DOTALL)
    try:
        pieces = [_sequence(tree, icase)] if lines else list(_pieces(tree, icase, dotall))
        loose = max(pieces, key=_weight, default="")
        if len(loose) > LONGEST or re.compile(loose.encode()).search(b""):
            return ""
    except (_Unknown, re.error, OverflowError, RecursionError):
        return ""
    return loose


def _weight(piece: str) -> int:
    """How selective a piece is: its characters, without sets and repetitions."""
    return len(re.sub(r"\[[^]]*\]|\{[^}]*\}|\\x", "", piece))


def _pieces(tree: Iterable[tuple[Any, Any]], icase: bool, dotall: bool) -> Iterator[str]:
    """What stands between two places where a line may end."""
    run: list[tuple[Any, Any]] = []
    for item in tree:
        if not _crosses(item, dotall):
            run.append(item)
            continue
        yield _sequence(run, icase)
        run = []
        operator, argument = item
        if str(operator) == "SUBPATTERN" and not argument[1] and not argument[2]:
            yield from _pieces(argument[3], icase, dotall)
    yield _sequence(run, icase)


def _crosses(item: tuple[Any, Any], dotall: bool) -> bool:
    """Whether this may match a line break."""
    operator, argument = str(item[0]), item[1]
    if operator == "LITERAL":
        return bool(argument == NEWLINE)
    if operator == "NOT_LITERAL":
        return bool(argument != NEWLINE)
    if operator == "ANY":
        return dotall
    if operator == "IN":
        return True  # of the sets few can't, and to tell them apart is not worth it
    if operator == "AT":
        return False
    if operator == "SUBPATTERN":
        dotall = dotall or bool(argument[1] & re.DOTALL)
    below = list(trees(argument))
    return not below or any(_crosses(each, dotall) for tree in below for each in tree)


def _sequence(tree: Iterable[tuple[Any, Any]], icase: bool) -> str:
    items = list(tree)
    parts: list[str] = []
    for number, (operator, argument) in enumerate(items):
        if str(operator) == "AT":
            beside = (*items[max(number - 1, 0) : number], *items[number + 1 : number + 2])
            part = r"\b" if str(argument) == "AT_BOUNDARY" and any(_plain(item, icase) for item in beside) else ""
        else:
            part = _item(str(operator), argument, icase)
        if part != ANYTHING or parts[-1:] != [ANYTHING]:
            parts.append(part)
    return "".join(parts)


def _plain(item: tuple[Any, Any], icase: bool) -> bool:
    """Whether this is a letter beside which every program sees the same word boundaries."""
    operator, argument = item
    return str(operator) == "LITERAL" and argument in WORD and not (icase and argument in FOREIGN_CASES)


def _item(operator: str, argument: Any, icase: bool) -> str:
    if operator == "LITERAL" and (argument >= 128 and not icase):
        return _foreign(argument)
    if operator in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return _set(*_bytes(operator, argument, icase))
    if operator in ("ASSERT", "ASSERT_NOT"):
        return ""
    if operator in ("GROUPREF", "GROUPREF_EXISTS"):
        return ANYTHING
    if operator == "BRANCH":
        return f"(?:{'|'.join(_sequence(branch, icase) for branch in argument[1])})"
    if operator == "ATOMIC_GROUP":
        return f"(?:{_sequence(argument, icase)})"
    if operator == "SUBPATTERN":
        return f"(?:{_sequence(argument[3], flagged(argument, icase))})"
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _repeat(argument[0], argument[1], argument[2], icase)
    raise _Unknown


def _repeat(least: int, most: int, body: Any, icase: bool) -> str:
    least, most = int(least), int(most)
    while len(body) == 1 and str(body[0][0]) == "SUBPATTERN":
        icase, body = flagged(body[0][1], icase), body[0][1][3]
    operator, argument = body[0] if len(body) == 1 else (None, None)
    if most == 0:
        return ""
    if str(operator) in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return _set(*_bytes(str(operator), argument, icase), least, most)
    once = f"(?:{_sequence(body, icase)})"
    if most == 1:
        return once if least else f"{once}?"
    return once + ANYTHING if least else ANYTHING


def _bytes(operator: str, argument: Any, icase: bool) -> tuple[frozenset[int], bool]:
    """The ASCII characters that this operator for one character matches at most, and whether others too."""
    if operator == "ANY":
        return ASCII, True
    if operator == "NOT_LITERAL":
        return ASCII - {argument}, True
    if operator == "LITERAL":
        return _cased({argument}, icase)
    negated = str(argument[0][0]) == "NEGATE"
    members: set[int] = set()
    foreign = negated
    for kind, value in argument[negated:]:
        if str(kind) == "LITERAL":
            members.add(value)
        elif str(kind) == "RANGE":
            members |= set(range(value[0], min(value[1], 128) + 1))
        elif str(kind) == "CATEGORY":
            members |= _excluded(str(value)) if negated else CATEGORIES[str(value)]
            foreign = True
        else:
            raise _Unknown
    if negated:
        return ASCII - members, True
    ascii_members, more = _cased(members, icase)
    return ascii_members, foreign or more


def _excluded(category: str) -> frozenset[int]:
    """What a negated set with this category can't match, whichever the flags are."""
    return {"CATEGORY_SPACE": SPACE, "CATEGORY_NOT_SPACE": ASCII - BLANK}.get(category, CATEGORIES[category])


def _cased(members: Iterable[int], icase: bool) -> tuple[frozenset[int], bool]:
    members = frozenset(members)
    foreign = any(member >= 128 for member in members)
    if not icase:
        return members & ASCII, foreign
    both = {ord(case) for member in members & LETTERS for case in (chr(member).lower(), chr(member).upper())}
    others = FOREIGN_CASES if foreign else frozenset()
    return (members & ASCII) | both | others, foreign or bool(both & FOREIGN_CASES)


def _foreign(code: int) -> str:
    """A character beyond ASCII, in each encoding that has it."""
    forms = set()
    for encoding in ENCODINGS:
        try:
            forms.add("".join(f"\\x{byte:02x}" for byte in chr(code).encode(encoding)))
        except UnicodeEncodeError:
            continue
    if not forms:
        raise _Unknown  # half of a surrogate pair
    return f"(?:{'|'.join(sorted(forms))})"


def _set(members: frozenset[int], foreign: bool, least: int = 1, most: int = 1) -> str:
    """So many bytes out of a set; a character beyond ASCII takes up to four of them."""
    members -= {NEWLINE}
    if not members and not foreign:
        raise _Unknown  # nothing on a line can match
    most = most * UTF8_BYTES if foreign else most
    count = "" if least == most == 1 else f"{{{min(least, REPEATED)},{most if most <= REPEATED else ''}}}"
    if len(members) == 1 and not foreign:
        return _byte(*members) + count
    ranges = (*_ranges(sorted(members)), *((r"\x80-\xff",) if foreign else ()))
    return f"[{''.join(ranges)}]{count}"


def _ranges(codes: Sequence[int]) -> Iterator[str]:
    start = 0
    for end, code in enumerate(codes):
        if codes[end + 1 : end + 2] != [code + 1]:
            first = codes[start]
            yield f"\\x{first:02x}" if first == code else f"\\x{first:02x}-\\x{code:02x}"
            start = end + 1


def _byte(code: int) -> str:
    return chr(code) if code in WORD else f"\\x{code:02x}"


def flagged(argument: Sequence[Any], icase: bool) -> bool:
    """Whether case is ignored within a group."""
    _, on, off, _ = argument
    return bool((icase or on & re.IGNORECASE) and not off & re.IGNORECASE)
