"""Calls whose markers a server has stripped (llama.cpp without `--special`, SGLang's own stripper).

Strategy. Every shape needs an exact offered name and complete arguments. A family's own header may stand at the end of
a message, several in a row; every other shape has to be the whole message. Prose looks like this, too: the caller lets
none of it change anything. The shapes, beside those that the dialects bring:

    NAME                            alone on its line, the object on the next
    NAME({...})                     a transcript that the model imitates (openclaw#41297)
    {"name": NAME, "arguments": {...}}, a list of these     Llama and whoever was trained like it
    [NAME(KEY=VALUE), ...]          the same in Python
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from roundtrip.agent.leaks.dialect import WHITE, Bare, Dialect
from roundtrip.agent.leaks.json_calls import ENVELOPES, JSON
from roundtrip.agent.leaks.notation import Notation, Written
from roundtrip.agent.leaks.offer import Offer
from roundtrip.agent.leaks.python_calls import PYTHON

_MOST_TRIES = 64
"""Headers that are tried in one message: each may scan to the end, so their number bounds the time."""

_SHAPES = (
    Bare(r"(?P<name>{name})[ \t]*\r?\n\s*(?=\{{)", JSON, explicit=False),
    Bare(r"(?P<name>{name})\((?=\{{)", JSON, explicit=False),
)
_WHOLE: tuple[tuple[str, Notation], ...] = (("{[", ENVELOPES), ("[", PYTHON))


@dataclass(frozen=True, slots=True)
class BareCall:
    """A call without markers. at: where it begins. explicit: no prose looks like it."""

    at: int
    written: Written
    explicit: bool


def bare_calls(text: str, offers: tuple[Offer, ...], dialects: tuple[Dialect, ...]) -> list[BareCall]:
    """The calls without markers that end the text; empty where there are none."""
    names = "|".join(re.escape(offer.name) for offer in sorted(offers, key=lambda offer: -len(offer.name)))
    if not names or not ("{" in text or "(" in text):
        return []
    for shape in (*_SHAPES, *(shape for dialect in dialects for shape in dialect.bare)):
        found = _shaped(text, names, shape)
        if found:
            return found
    return list(_self_named(text, {offer.name for offer in offers}))


def _shaped(text: str, names: str, shape: Bare) -> list[BareCall]:
    header = re.compile(shape.shape.format(name=names))
    if shape.anywhere:
        headers = list(header.finditer(text))[-_MOST_TRIES:]
        return next((calls for first in range(len(headers)) if (calls := _chain(text, headers[first:], shape))), [])
    whole = header.match(text, len(text) - len(text.lstrip(WHITE)))
    return _chain(text, [whole], shape) if whole else []


def _chain(text: str, headers: list[re.Match[str]], shape: Bare) -> list[BareCall]:
    """The calls at these headers if each follows the one before it and the last ends the text."""
    calls: list[BareCall] = []
    end = headers[0].start()
    for header in headers:
        if header.start() < end:  # in a string of the call before
            continue
        if text[end : header.start()].strip():
            return []
        scanner = shape.notation.scanner()
        end = scanner.feed(text, header.end(), True)
        if scanner.state != "done":
            return []
        word = header[0].strip() if shape.anywhere else header["name"]
        for call in shape.notation.read(word, text[header.end() : end], ended=True, closed=True):
            call = replace(call, offset=header.end() + call.offset)
            calls.append(BareCall(header.start(), call, shape.explicit))
        end += header[0].endswith("(") and text.startswith(")", end)
    return calls if not text[end:].strip(WHITE) else []


def _self_named(text: str, names: set[str]) -> Iterator[BareCall]:
    """A message that is nothing but calls which hold their names."""
    body = text.strip(WHITE)
    start = text.find(body) if body else 0
    for begins, notation in _WHOLE:
        if body[:1] and body[0] in begins:
            scanner = notation.scanner()
            end = scanner.feed(body, 0, True)
            whole = scanner.state == "done" and end == len(body)
            calls = notation.read("", body, ended=True, closed=True) if whole else ()
            if calls and all(call.header in names for call in calls):
                yield from (BareCall(start, replace(call, offset=start + call.offset), True) for call in calls)
                return
