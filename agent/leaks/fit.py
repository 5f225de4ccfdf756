"""Whether arguments fit a tool, and what they look like to the tool.

The one place for parameter aliases, legacy shapes and coercion: the leak parser asks before it lets a call run, the
dispatcher again before it runs one. Rules, from what models really send (`None` is "absent", "5" is 5, one object
where a list is wanted is a list of one):

    named call      aliases, then the shapes of other agents (`Offer.adapt`), then legacy shapes, then coercion; what is
                    still unknown is dropped with a note
    nameless call   aliases only: the arguments are the only evidence for the tool, so they must fit as they stand

A schema that can't be evaluated proves nothing: it makes no named call wrong, and no nameless call right.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from roundtrip.agent.leaks.offer import Offer, folded, required


@dataclass(frozen=True, slots=True)
class Fit:
    """Canonical arguments, what was changed on the way (for the model to read), and what is wrong with them."""

    arguments: dict[str, Any]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def fit(offer: Offer, arguments: Mapping[str, Any]) -> Fit:
    """Arguments of a call that names its tool."""
    if offer.schema is None:
        return Fit(dict(arguments))
    schemas = (offer.schema, *offer.legacy)
    adapted = offer.adapt(_respelt(offer, {name for schema in schemas for name in _properties(schema)}, arguments))
    if isinstance(adapted, str):
        return Fit(dict(arguments), problems=(adapted,))
    shapes = [_shaped(schema, adapted) for schema in schemas]
    best = min(shapes, key=lambda shape: (_lost(adapted, shape), len(shape.problems), len(shape.notes)))
    # what fits none is told what the offered shape lacks, unless it has arguments of another one
    return shapes[0] if best.problems and _lost(adapted, shapes[0]) == _lost(adapted, best) else best


def fits_as_it_stands(offer: Offer, arguments: Mapping[str, Any]) -> bool | None:
    """Arguments of a call without a name; None where the schema can't tell."""
    if offer.schema is None:
        return True
    renamed = _renamed(offer.parameter_aliases, arguments)
    known = _properties(offer.schema)
    unknown = "properties" in offer.schema and not set(renamed) <= set(known)
    if unknown or len(renamed) < len(arguments) or not set(required(offer.schema)) <= set(renamed):
        return False
    problem = _violation(offer.schema, renamed)
    return None if problem is None else not problem


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _renamed(aliases: Mapping[str, str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {aliases.get(key, key): value for key, value in arguments.items()}
    return {**renamed, **{key: value for key, value in arguments.items() if key not in aliases}}


def _lost(arguments: Mapping[str, Any], shape: Fit) -> int:
    """How many arguments a shape has no place for. It tells which shape was meant, also where a value does not fit."""
    return sum(key not in shape.arguments for key, value in arguments.items() if value is not None)


def _respelt(offer: Offer, own: set[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under the names that the tool has for them; its `own` names stay, and win if they hold a value.
    What has lost against another keeps the name it came with, so that something may be made of it, or said about it."""
    names = {folded(alias): name for alias, name in offer.parameter_aliases.items()}
    names |= {} if _is_open_ended(offer.schema or {}) else {folded(name): name for name in own}
    others: dict[str, Any] = {}
    for key, value in arguments.items():
        name = names.get(folded(key), key)
        first = arguments.get(name) if name in own else None
        taken = others.get(name) if first is None else first
        if key not in own and taken is None:
            others[name] = value
        elif key not in own and value is not None and value != taken:
            others[key] = value  # two values for one thing: the other one is not forgotten
    given = {key: value for key, value in arguments.items() if key in own and not (value is None and key in others)}
    return {**others, **given}


def _is_open_ended(schema: Mapping[str, Any]) -> bool:
    """Whether the tool takes parameters that its schema does not name."""
    extra = schema.get("additionalProperties") not in (None, False)
    return not _properties(schema) or extra or bool(_ELSEWHERE & set(schema))


def _shaped(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Fit:
    known = _properties(schema)
    shaped: dict[str, Any] = {}
    notes: list[str] = []
    for key, value in arguments.items():
        if key not in known:
            if _is_open_ended(schema):
                shaped[key] = value
            elif value is not None:
                notes.append(f"unknown parameter {key!r} was ignored")
        elif value is not None or _takes_null(known[key]):
            shaped[key] = _coerced(key, known[key], value)
            if shaped[key] is not value:
                notes.append(f"{key!r} was taken as {_type(known[key])}")
    missing = [name for name in required(schema) if name not in shaped]
    problems = [f"missing required parameter {name!r}" for name in missing]
    if not problems:
        problem = _violation(schema, shaped)
        problems = [problem] if problem else []
    return Fit(shaped, tuple(notes), tuple(problems))


_ELSEWHERE = {"patternProperties", "allOf", "anyOf", "oneOf", "$ref", "$dynamicRef", "if", "dependentSchemas"}
"""Where a schema may name parameters beside `properties`."""


def _type(schema: Any) -> str:
    """The one type of a schema, null apart; "" where there are several, or none is said."""
    others = types_of(schema) - {"null"}
    return others.pop() if len(others) == 1 else ""


def types_of(schema: Any) -> set[str]:
    """The JSON types of a schema; "" stands for one that is not said."""
    if not isinstance(schema, Mapping):
        return {""}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        return {found for choice in choices for found in types_of(choice)}
    said = schema.get("type")
    return {one if isinstance(one, str) else "" for one in (said if isinstance(said, list) else [said])}


def _takes_null(schema: Any) -> bool:
    """Whether null is a value of the schema's. A schema that says nothing of types takes all; `$ref` and the like are
    the validator's business."""
    if not isinstance(schema, Mapping):
        return schema is not False
    if "enum" in schema or "const" in schema:
        return None in (schema.get("enum") or ()) or ("const" in schema and schema["const"] is None)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        return any(_takes_null(choice) for choice in choices)
    types = schema.get("type", "null")
    return schema.get("nullable") is True or "null" in (types if isinstance(types, list) else [types])


def _coerced(name: str, schema: Any, value: Any) -> Any:
    """The value as the schema's type, or itself where there is no harmless way."""
    wanted = _type(schema)
    if wanted == "string" and name in _COMMANDS and isinstance(value, list) and len(value) > 1:
        return shlex.join(value) if all(isinstance(word, str) for word in value) else value
    coerce = _COERCIONS.get(wanted)
    return coerce(value) if coerce else value


_COMMANDS = ("command", "cmd")
"""Strings that are given as a list of words (gpt-oss, Codex). Any other list of strings is several values."""


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _parsed(value, int) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return _parsed(value, (int, float)) if isinstance(value, str) else value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def _string(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value


def _array(value: Any) -> Any:
    if isinstance(value, str):
        parsed = _parsed(value, list)
        return parsed if parsed is not value else [value]
    return [value] if isinstance(value, dict) else value


def _object(value: Any) -> Any:
    return _parsed(value, dict) if isinstance(value, str) else value


def _parsed(value: str, wanted: type | tuple[type, ...]) -> Any:
    """The value of a JSON text if it has a wanted type, else the text itself."""
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, wanted) and not isinstance(parsed, bool) else value


_COERCIONS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "array": _array,
    "object": _object,
}


def _violation(schema: Mapping[str, Any], arguments: dict[str, Any]) -> str | None:
    """What is wrong by the schema, "" for nothing, None where it can't be evaluated."""
    try:
        text = json.dumps({**schema, "additionalProperties": schema.get("additionalProperties") or True})
    except (TypeError, ValueError, RecursionError):
        return None
    validate = _compiled(text)
    return None if validate is None else validate(arguments)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Callable[[dict[str, Any]], str | None] | None:
    if '"$ref": "' in text.replace('"$ref": "#', ""):
        return None  # a remote schema would be fetched
    import fastjsonschema

    try:
        validate = fastjsonschema.compile(json.loads(text), use_default=False, use_formats=False)
    except Exception:  # foreign schemas fail in every way there is
        return None

    def violation(arguments: dict[str, Any]) -> str | None:
        try:
            validate(arguments)
        except fastjsonschema.JsonSchemaValueException as error:
            return str(error.message).replace("data.", "", 1)
        except Exception:  # as above: generated code over foreign data
            return None
        return ""

    return violation
