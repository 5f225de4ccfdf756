"""Values of arguments as models spell them: the name in camel case, the number as text, the list in a string. Pure."""

from __future__ import annotations

import json
import re
from typing import Any


def folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def pop(arguments: dict[str, Any], *names: str) -> Any:
    """Takes a parameter out under the first of its names (folded) that has a value; None where there is none."""
    found = [key for key in arguments if folded(key) in names]
    values = [arguments.pop(key) for key in found]
    return next((value for value in values if value is not None), None)


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def integer(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,15}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if is_integer(value) else None


def truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def loaded(value: Any) -> Any:
    """The list or object in a JSON string, else the value itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
