"""Arguments as they may go back into the history: always the text of a JSON object that every server can read again.

One string that is none makes llama.cpp answer 500 to each later request of the conversation.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from math import isinf

from roundtrip.agent.leaks import read_arguments
from roundtrip.agent.wire.surrogates import encodable

_DEEPEST = 100
"""Levels of brackets; parsers everywhere stand a few hundred."""

_MOST_TO_REPAIR = 65536
"""Characters of broken arguments that json-repair is given; it takes half a second for 100 kB."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def object_text(raw: str) -> str:
    """What a model wrote if that is such a text, else a repaired one."""
    read = read_arguments(raw)
    return repaired_object(raw) if read.value is None or unreadable(read.text) else read.text


def unreadable(arguments: str) -> str:
    """Why the JSON text of an object can't be read everywhere, "" if it can: parsers have limits that Python's lacks
    (llama.cpp answers 500 to 1e999), and Python's own depends on who calls it."""
    nested = _STRING.sub("", arguments) if arguments.count("[") + arguments.count("{") > _DEEPEST else ""
    depth = max(accumulate(_STEPS.get(char, 0) for char in nested), default=0)
    if depth > _DEEPEST:
        return f"the arguments are nested more than {_DEEPEST} levels deep"
    try:
        json.loads(arguments, parse_float=_finite)
    except ValueError as error:
        return f"the arguments hold a number that is too large: {error}"
    return ""


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError(digits[:40])
    return number


def repaired_object(raw: str) -> str:
    """JSON text of an object that says as much as possible of what broken arguments said."""
    from json_repair import repair_json

    try:
        value = repair_json(raw, return_objects=True, skip_json_loads=True) if len(raw) <= _MOST_TO_REPAIR else {}
        text = json.dumps(value if isinstance(value, dict) else {}, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return "{}"
    return "{}" if unreadable(text) else encodable(text)
