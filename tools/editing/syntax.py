"""A cheap look at whether a changed file can still be parsed. Pure.

Only where Python itself can tell, and only about what the change has broken: a file that could not be parsed before
either is a template, or in a dialect, or somebody else's work.
"""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Final

LARGEST: Final = 256 * 1024
"""Characters of the largest text that is parsed: about a quarter of a second of Python."""


def _python(text: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        ast.parse(text)


PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    ".py": _python,
    ".pyi": _python,
    ".json": json.loads,
    ".toml": tomllib.loads,
}


def broken(path: PurePath, old: str, new: str) -> str:
    """A warning if the old text could be parsed and the new one can't, else ""."""
    parse = PARSERS.get(path.suffix.lower())
    if parse is None or max(len(old), len(new)) > LARGEST or not new.strip():
        return ""
    problem = _problem(parse, new)
    if not problem or _problem(parse, old):
        return ""
    return f"Warning: {path.name} can't be parsed{' any more' if old.strip() else ''}: {problem}"


def _problem(parse: Callable[[str], object], text: str) -> str:
    if not text.strip():
        return ""  # a new file
    try:
        parse(text)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError) as error:  # JSON and TOML raise ValueErrors, with their place
        return str(error) or "it is nested too deeply"
    return ""
