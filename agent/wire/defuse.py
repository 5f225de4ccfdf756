"""Keeps protocol markup that is data from acting as markup.

A control token in a tool result or a user's text is one token to the server's tokenizer, and it acts (measured with
llama.cpp: `<|im_end|>` in a file ends the turn). With a zero-width space behind its first character it is ordinary
text. A marker that already has n of them gets n + 1, so the way back is exact: `restore(defuse(x)) == x` for every x.

A marker in a JSON text may be spelt with escapes (`\\u003c|im_end|>`): text here, and a marker once a template has
parsed it. So JSON is treated string by string, and only strings that need it are spelt anew; numbers, order, white
space and all other strings keep their bytes, however deep or strange the document is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

BREAKER = "\u200b"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_read = json.JSONDecoder(strict=False).decode


@lru_cache(maxsize=16)
def _pattern(markers: tuple[str, ...]) -> re.Pattern[str]:
    rests: dict[str, list[str]] = {}
    for marker in markers:
        rests.setdefault(marker[0], []).append(re.escape(marker[1:]))
    return re.compile("|".join(f"{re.escape(c)}{BREAKER}*+(?={'|'.join(rest)})" for c, rest in rests.items()))


def defuse(text: str, markers: tuple[str, ...]) -> str:
    """The text with every marker broken."""
    return _pattern(markers).sub(lambda found: found[0] + BREAKER, text)


def restore(text: str, markers: tuple[str, ...]) -> str:
    """What `defuse` was given."""
    if BREAKER not in text:
        return text
    return _pattern(markers).sub(lambda found: found[0][0] + found[0][2:], text)


def is_live(text: str, markers: tuple[str, ...]) -> bool:
    """Whether the text holds a marker that acts."""
    return any(marker in text for marker in markers)


def defuse_json(text: str, markers: tuple[str, ...]) -> str:
    """A JSON text with every marker broken in its strings."""
    return _in_strings(text, lambda string: defuse(string, markers))


def restore_json(text: str, markers: tuple[str, ...]) -> str:
    """What `defuse_json` was given, up to the spelling of escapes."""
    if BREAKER not in text and "\\u200" not in text:
        return text
    return _in_strings(text, lambda string: restore(string, markers))


def _in_strings(text: str, change: Callable[[str], str]) -> str:
    """Changes the strings of a JSON text; the spelling of a string stays where the change can be made in it."""

    def changed(found: re.Match[str]) -> str:
        spelt = change(found[0])
        if not _hides(spelt):
            return spelt
        try:
            wanted = change(_read(found[0]))
            return spelt if _read(spelt) == wanted else json.dumps(wanted, ensure_ascii=False)
        except ValueError:
            return spelt

    return _STRING.sub(changed, text) if _hides(text) else change(text)


def _hides(text: str) -> bool:
    """Whether characters of a marker may be spelt with escapes; no other escape stands for one. Gemma's holds `"`."""
    return "\\u" in text or "\\/" in text or '\\"' in text
