"""What JSON arguments say.

Strategy. `json.loads` first. What it refuses is mended step by step, and each step is reported:

    raw line breaks in strings        models write them; the text is certain
    a JSON string that holds JSON     opened once (MoonshotAI/Kimi-K2#26)
    Python's spelling                 read by `ast`, exactly
    structure                         by json-repair, and only if all strings, literals and brackets are in the raw text
                                      as well, in their order: commas, closing brackets at the end and the quotes of
                                      keys may be mended, nothing that is a value is ever guessed

Rules: nothing that was cut is completed: structure is mended only where a marker shows that the model had finished.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from roundtrip.agent.leaks.dialect import WHITE
from roundtrip.agent.leaks.json_scanner import DEEPEST, JsonScanner
from roundtrip.agent.leaks.notation import CUT, Arguments

_MOST_MENDED, _MOST_REPAIRED = 200_000, 20_000
"""Characters that Python's parser and json-repair are given. What is longer would take them too long."""


def read_arguments(raw: str, *, ended: bool = False) -> Arguments:
    """Reads the argument text of a call. `ended`: it is certain that the model had finished. Never raises."""
    text = raw.strip(WHITE)
    if text in ("", "null"):
        return Arguments({}, "{}", repairs=("empty_arguments",))
    value, repairs = loads(text)
    if isinstance(value, str):
        inner, more = loads(value.strip())
        if isinstance(inner, dict):
            return _object(inner, value.strip(), more, (*repairs, *more, "double_encoded"))
    if isinstance(value, dict):
        return _object(value, text, repairs, repairs)
    if value is not None:
        return Arguments(None, text, "the arguments are valid JSON, but not an object")
    mended, kind = _mended(text, ended)
    if mended is not None:
        return _object(mended, text, (kind,), (kind,))
    scanner = JsonScanner()
    end = scanner.feed(text)
    if scanner.state == "open":
        return Arguments(None, text, CUT, cut=True, bounded=False)
    near = text[max(0, end - 20) : end + 20]
    problem = f"the arguments are not valid JSON near {near!r}"
    if scanner.state == "done" and text[end:].strip():
        problem = "there is text after the JSON object of the arguments"
    return Arguments(None, text, problem, bounded='"' not in text or not text[end:].strip("]},; \t\r\n"))


def _object(value: dict[str, Any], text: str, changes: tuple[str, ...], repairs: tuple[str, ...]) -> Arguments:
    return Arguments(value, json.dumps(value, ensure_ascii=False) if changes else text, repairs=repairs)


_LONE = re.compile("[\ud800-\udfff]")


def loads(text: str) -> tuple[Any, tuple[str, ...]]:
    """(value, repairs); (None, ()) where it is no JSON. Half of a surrogate pair is legal in JSON's grammar, and fatal
    to servers that decode it."""
    if too_deep(text):
        return None, ()
    for strict, repairs in ((True, ()), (False, ("raw_control_characters",))):
        try:
            value = json.loads(
                text, strict=strict, parse_constant=_refused, parse_float=_finite, object_pairs_hook=once
            )
        except ValueError:
            continue
        whole = json.dumps(value, ensure_ascii=False) if "\\u" in text or not text.isascii() else ""
        if _LONE.search(whole):
            return json.loads(_LONE.sub("\ufffd", whole)), (*repairs, "lone_surrogate")
        return value, repairs
    return None, ()


def _mended(text: str, ended: bool) -> tuple[dict[str, Any] | None, str]:
    """(the object, the kind of repair) where only the spelling or the structure is damaged, else (None, "")."""
    if len(text) > _MOST_MENDED or text.count("{") + text.count("[") > DEEPEST or text[:1] != "{":
        return None, ""
    for kind, read in (("python_literals", _python), ("repaired_json", _repaired if ended else _python)):
        value = read(text)
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            try:
                return loads(json.dumps(value))[0], kind
            except (TypeError, ValueError):
                continue
    return None, ""


_STRANGE = re.compile(r"""\\(?![\\"'bfnrtu])""")
"""An escape that JSON does not know: what it means would be a guess."""


def _python(text: str) -> Any:
    tree = None if _STRANGE.search(text.replace("\\\\", "")) else python_tree(text)
    try:
        return ast.literal_eval(tree) if tree else None
    except (ValueError, TypeError, MemoryError, RecursionError):
        return None


def python_tree(text: str) -> ast.expr | None:
    """What a text says in Python's syntax; None where it says nothing for certain."""
    if len(text) > _MOST_MENDED:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text.strip(), mode="eval").body
        return None if _ambiguous(text.strip(), tree) else tree
    except (ValueError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError):
        return None


def _ambiguous(text: str, tree: ast.expr) -> bool:
    """Whether Python reads more into its own syntax than the model may have meant: `"a" "b"` is one string to it, and
    of a key that is given twice it takes the last."""
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text).readline)]
    dicts = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = ([ast.dump(key) for key in node.keys if key is not None] for node in dicts)
    glued = any(pair == (tokenize.STRING, tokenize.STRING) for pair in pairwise(kinds))
    return glued or any(len(set(names)) < len(names) for names in keys)


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|(?<![\w-])[A-Za-z_][\w-]*+(?=\s*:)', re.DOTALL)
_PLAUSIBLE = re.compile(r"(?:[\[\]{}:s]|true|false|null|-?\d[\d.e+-]*+)*+")
"""What the skeleton of JSON is made of. json-repair takes quadratic time over what is not."""

_CLOSED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BLANK = re.compile(r"[\s,]+")


def _repaired(text: str) -> Any:
    from json_repair import repair_json

    skeleton = _skeleton(text)
    if len(text) > _MOST_REPAIRED or not _PLAUSIBLE.fullmatch(skeleton):
        return None
    if any(found[0].startswith('"') and not _CLOSED.fullmatch(found[0]) for found in _TOKEN.finditer(text)):
        return None
    try:
        value = repair_json(text, return_objects=True)
    except Exception:  # foreign code over foreign data
        return None
    strings = [_decoded(found[0]) for found in _TOKEN.finditer(text)]
    same = skeleton == _skeleton(json.dumps(value)) and strings == list(_strings(value))
    return value if same else None


def _skeleton(text: str) -> str:
    """Brackets, colons and literals; strings are one character, and what closes the end does not count."""
    return _BLANK.sub("", _TOKEN.sub("s", text)).lower().rstrip("}]")


def _decoded(token: str) -> str:
    value = loads(token)[0] if token.startswith('"') else token
    return value if isinstance(value, str) else token


def _strings(value: Any) -> Iterator[str]:
    """All strings of a value, keys included, in their order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def too_deep(text: str) -> bool:
    """Whether brackets stand too deep in brackets for programs that recurse, or it is broken before that shows."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    scanner = JsonScanner()
    scanner.feed(text)
    return scanner.state == "broken"


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are given once. Raises ValueError for one that has two values: Python would take the
    last, others the first, and nobody knows which the model meant."""
    value = dict(pairs)
    if len(value) < len(pairs) and any(value[key] != part for key, part in pairs):
        raise ValueError("a key is given twice")
    return value


def _refused(word: str) -> None:
    """NaN and Infinity are Python's, not JSON's: a server that parses the history would refuse it for ever."""
    raise ValueError(word)


def _finite(word: str) -> float:
    """A number that is too great becomes Infinity, and that could not be sent."""
    if not math.isfinite(number := float(word)):
        raise ValueError(word)
    return number
