"""The regular expressions of searches, which are Python's, and what can be known of their matches beforehand. Pure."""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from roundtrip.tools.finding.loose import LONGEST, NEWLINE, flagged, loosened, trees

RETURN: Final = 13


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regex that Python understands. lines: the search goes line by line. returns: it names carriage returns.

    loose: the looser pattern for bytes, in ASCII; "" where every file may match. literal: ASCII that stands in every
    match, "" for none; to look for it first saves time, a great deal of it where the regex is slow on a long line.
    """

    compiled: re.Pattern[str]
    lines: bool = True
    returns: bool = False
    loose: str = ""
    literal: str = ""


def read_pattern(regex: str) -> Pattern | str:
    """The pattern, or what is wrong with it. A search goes line by line, unless the regex names a line break or lets a
    dot match it."""
    if not regex:
        return "it is empty"
    if len(regex) > LONGEST:
        return f"it has {len(regex)} characters, and {LONGEST} is the most"
    try:
        with warnings.catch_warnings():  # of what a future Python may read differently
            warnings.simplefilter("ignore")
            tree = _parse(regex)
            named = frozenset(_named(tree)) if tree is not None else frozenset()
            lines = NEWLINE not in named and not (tree is not None and _dot_is_all(tree))
            compiled = re.compile(regex, 0 if lines else re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error) or type(error).__name__
    if tree is None:
        return Pattern(compiled, lines, True)
    literal = max(_literals(tree, bool(tree.state.flags & re.IGNORECASE)), key=len, default="")
    return Pattern(compiled, lines, RETURN in named, loosened(tree, lines=lines), literal)


def _parse(regex: str) -> Any:
    """Python's own tree of the regex; None in a Python that has no such module. Raises re.error."""
    try:
        parser = importlib.import_module("re._parser")
    except ImportError:
        return None
    return parser.parse(regex)


def _named(tree: Iterable[tuple[Any, Any]]) -> Iterator[int]:
    """The characters that are named outside of negated sets."""
    for operator, argument in tree:
        if str(operator) == "LITERAL":
            yield argument
        elif str(operator) == "IN":
            if str(argument[0][0]) != "NEGATE":
                yield from _named(argument)
        else:
            for below in trees(argument):
                yield from _named(below)


def _dot_is_all(tree: Any) -> bool:
    """Whether a dot is told to match line breaks anywhere."""
    return bool(tree.state.flags & re.DOTALL) or any(_dotted(item) for item in tree)


def _dotted(item: tuple[Any, Any]) -> bool:
    operator, argument = item
    if str(operator) == "SUBPATTERN" and argument[1] & re.DOTALL:
        return True
    return any(_dotted(each) for tree in trees(argument) for each in tree)


def _literals(tree: Iterable[tuple[Any, Any]], icase: bool) -> Iterator[str]:
    """Runs of plain characters that every match holds."""
    run = ""
    for item, argument in tree:
        operator = str(item)
        if operator == "LITERAL" and argument < 128 and argument != NEWLINE and not icase:
            run += chr(argument)
            continue
        if operator == "AT":
            continue
        yield run
        run = ""
        if operator == "SUBPATTERN":
            yield from _literals(argument[3], flagged(argument, icase))
        elif operator == "ATOMIC_GROUP":
            yield from _literals(argument, icase)
        elif operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and int(argument[0]) > 0:
            yield from _literals(argument[2], icase)
    yield run
