"""The parts of files that a call of `read_file` asks for, in the present or one of the older shapes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roundtrip.tools.habits.values import integer


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of a file that were asked for. offset as `read_window` takes it. limit: 0 for as many as may be."""

    path: str
    offset: int = 1
    limit: int = 0


def parts(arguments: Mapping[str, Any]) -> list[Part]:
    """What is asked for, in the present or one of the older shapes of the arguments."""
    if "files" in arguments:
        return [part for file in arguments["files"] for part in _parts_of(file)]
    return [Part(arguments["path"], arguments.get("offset", 1), max(arguments.get("limit", 0), 0))]


def _parts_of(file: str | Mapping[str, Any]) -> list[Part]:
    """One entry of `files`: a path, or a path with line ranges, [1, 50] or "1-50"."""
    if isinstance(file, str):
        return [Part(file)]
    ranges = [_numbers(lines)[:2] for lines in _as_list(file.get("line_ranges"))]
    whole = Part(file["path"], integer(file.get("offset")) or 1, max(integer(file.get("limit")) or 0, 0))
    return [_range(file["path"], *numbers) for numbers in ranges if numbers] or [whole]


def _as_list(ranges: object) -> list[object]:
    return ranges if isinstance(ranges, list) else [ranges]


def _numbers(lines: object) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", str(lines))]


def _range(path: str, start: int, end: int | None = None) -> Part:
    """Lines start to end, both included."""
    first = max(start, 1)
    return Part(path, first, 0 if end is None else max(end - first + 1, 1))
