"""The values of tagged parameters, and their types.

The wire of these families has no types, so the tool's schema decides: what is a string stays one, whatever it looks
like (`42`, `null`, `True`); anything else is JSON, or Python's spelling of it, because templates print values with
Python. What fits neither stays text, and the tool's schema refuses it. Where the wire has types (DSML's `string`,
K3's `type`), they win.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from roundtrip.agent.leaks.arguments import loads, python_tree
from roundtrip.agent.leaks.fit import types_of
from roundtrip.agent.leaks.notation import Arguments, Untyped


class Parameter(NamedTuple):
    """One value as it stands. type: what the wire says of it, "" for nothing. guessed: it began in another's value."""

    key: str
    type: str
    text: str
    guessed: bool = False


def values_of(
    parameters: Iterable[Parameter],
    raw: str,
    inside: Callable[[str], Any],
    repairs: tuple[str, ...],
) -> Arguments:
    """The arguments that these parameters make. inside: reads a value without a type."""
    value: dict[str, Any] = {}
    for parameter in parameters:
        read = _value(parameter, inside)
        if isinstance(read, _Nothing):
            return Arguments(None, raw, f"the value of {parameter.key!r} is not valid JSON")
        if value.get(parameter.key, read) != read:
            return Arguments(None, raw, f"the parameter {parameter.key!r} is given twice")
        value[parameter.key] = read
    return Arguments(value, "", repairs=repairs)


def _value(parameter: Parameter, inside: Callable[[str], Any]) -> Any:
    text = parameter.text
    if parameter.type in ("string", "true"):
        return text
    if not parameter.type:
        return inside(text)
    said = next((value for value in (_json(text.strip()), _python(text.strip())) if value is not _NOTHING), _NOTHING)
    return Untyped(text) if said is _NOTHING and text.strip()[:1] not in ("[", "{") else said


def typed(value: Any, schema: Any, root: Any = None) -> Any:
    """The value with the types of its schema; None is a schema that says nothing. root: where references lead."""
    root = schema if root is None else root
    said = _referred(schema, root) if isinstance(schema, Mapping) else {}
    if isinstance(value, Untyped):
        return _scalar(str(value), said)
    if isinstance(value, dict):
        known = said.get("properties")
        known = known if isinstance(known, Mapping) else {}
        return {key: typed(part, known.get(key, {}), root) for key, part in value.items()}
    return [typed(part, said.get("items", {}), root) for part in value] if isinstance(value, list) else value


def _referred(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any]:
    """The schema that a local reference means; one step, because two may go round in a circle."""
    path = schema.get("$ref")
    if not isinstance(path, str) or not path.startswith("#/"):
        return schema
    found = root
    for part in path[2:].split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else schema


def is_untyped(value: Any) -> bool:
    """Whether a part of the value has no type yet."""
    if isinstance(value, (dict, list)):
        return any(map(is_untyped, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Untyped)


def _scalar(text: str, schema: Mapping[str, Any]) -> Any:
    wanted = types_of(schema)
    choices = schema.get("enum")
    if isinstance(choices, list) and wanted == {""}:
        wanted = {_type(choice) for choice in choices}
    if wanted & {"string", ""}:
        return text
    bare = text.strip()
    if bare.lower() in ("true", "false") and "boolean" in wanted:
        return bare.lower() == "true"
    for value in (_json(bare), _python(bare)):
        if _type(value) in wanted or (_type(value) == "integer" and "number" in wanted):
            return value
    return text


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def _type(value: Any) -> str:
    return "null" if value is None else _TYPES.get(type(value), "")


class _Nothing:
    """Stands for a text that says no value."""


_NOTHING = _Nothing()


def _json(text: str) -> Any:
    value = loads(text)[0]
    return _NOTHING if value is None and text != "null" else value


def _python(text: str) -> Any:
    tree = python_tree(text) if text.startswith(("[", "{", "(", "None", "True", "False")) else None
    try:
        return json.loads(json.dumps(ast.literal_eval(tree), allow_nan=False)) if tree else _NOTHING
    except (ValueError, TypeError, MemoryError, RecursionError):
        return _NOTHING
