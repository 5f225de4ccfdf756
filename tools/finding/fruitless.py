"""Why a regex finds nothing that was meant to find something: it was written for another program. Pure.

These are no errors, for there may be a text that such a regex matches; so they are said only where it has no match.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

HINTS: Final = (
    (r"\\\|", r"\| is a bar itself here, alternatives are a|b"),
    (r"\[:\^?\w+:\]", r"classes such as [:space:] are not known here, \s, \w and \d are"),
    (r"\\[<>]", r"\< and \> are no edges of a word here, \b is"),
    (r"\\\\[sSwWdDbB.()\[\]{}*+?|]", r"\\ is a backslash itself; leave one out to mean \s, \. and the like"),
    (r"\A/.+/[a-z]*\Z", "the slashes around it are searched for, too; leave them out, and write (?i) for /i"),
    (r"(?s)\A([\"'`]).+\1\Z", "the quotes around it are searched for, too; leave them out if they are not meant"),
    (r"\A--?[a-zA-Z][\w-]* ", "an option of grep's is no part of a regex; (?i) before it ignores case"),
    (r"&(?:lt|gt|amp|quot|apos|#\d+);", "entities are searched for as they stand; write < > & and quotes themselves"),
    (r"\A[\w./-]+\.[a-z]{1,5}\Z", "the names of files are not searched; list_files finds them, with pattern"),
)
"""Part of a regex -> what is said of it."""

_GLOB: Final = re.compile(r"\*[\w.*/?{},-]+")


def hint(regex: str) -> str:
    """What may be wrong with a regex that has no match, "" if nothing looks so."""
    return next((said for found, said in HINTS if re.search(found, regex)), "")


def as_glob(regex: str) -> str:
    """The glob that a regex is which is none, "" if it is no glob either."""
    return f"**/{regex.removeprefix('**/')}" if _GLOB.fullmatch(regex) else ""


def in_any_case(regex: str) -> str:
    """The same regex with letters in any case; "" where that is no difference. The regex is a valid one."""
    letters = re.sub(r"\\.", "", regex, flags=re.DOTALL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = re.compile(regex).flags & re.IGNORECASE
    return f"(?i){regex}" if not folds and letters.lower() != letters.upper() else ""
