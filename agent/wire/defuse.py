"""Keeps protocol markup that is data from acting as markup.

A control token in a tool result or a user's text is one token to the server's tokenizer, and it acts (measured with
llama.cpp: `<|im_end|>` in a file ends the turn). With a zero-width space behind its first character it is ordinary
text. A marker that already has n of them gets n + 1, so the way back is exact: `restore(defuse(x)) == x` for every x.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

BREAKER = "\u200b"


@lru_cache(maxsize=16)
def _pattern(markers: tuple[str, ...]) -> re.Pattern[str]:
    rests: dict[str, list[str]] = {}
    for marker in markers:
        rests.setdefault(marker[0], []).append(re.escape(marker[1:]))
    return re.compile("|".join(f"(?<={re.escape(c)}){BREAKER}*+(?={'|'.join(rest)})" for c, rest in rests.items()))


def defuse(text: str, markers: tuple[str, ...]) -> str:
    """The text with every marker broken."""
    return _pattern(markers).sub(lambda found: found[0] + BREAKER, text)


def restore(text: str, markers: tuple[str, ...]) -> str:
    """What `defuse` was given."""
    if BREAKER not in text:
        return text
    return _pattern(markers).sub(lambda found: found[0][1:], text)


def is_live(text: str, markers: tuple[str, ...]) -> bool:
    """Whether the text holds a marker that acts."""
    return any(marker in text for marker in markers)


def defuse_json(text: str, markers: tuple[str, ...]) -> str:
    """A JSON text with every marker broken in its strings; the bytes around them stay as they are.

    A marker spelt with escapes (`\\u003c|im_end|>`) is text here and a marker once a template has parsed it, so such
    a document is written anew.
    """
    text = defuse(text, markers)
    if "\\" not in text:
        return text
    value = json.loads(text, strict=False)
    return json.dumps(_defused(value, markers), ensure_ascii=False) if _any_live(value, markers) else text


def _any_live(value: Any, markers: tuple[str, ...]) -> bool:
    if isinstance(value, str):
        return is_live(value, markers)
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(_any_live(part, markers) for part in parts)


def _defused(value: Any, markers: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return defuse(value, markers) if is_live(value, markers) else value
    if isinstance(value, dict):
        return {_defused(key, markers): _defused(part, markers) for key, part in value.items()}
    return [_defused(part, markers) for part in value] if isinstance(value, list) else value
