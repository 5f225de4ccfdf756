"""Calls whose markers a server has stripped (llama.cpp without `--special`, SGLang's own stripper).

Only two shapes, both with an exact offered name and a complete JSON object: the family's own header at the very end
of the message (`functions.read_file:0{"path": "a"}`, several in a row), and a message that is nothing but
`NAME` and the object on the next line. Prose looks like this too: the caller lets none of it change anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from roundtrip.agent.leaks.arguments import JsonScanner
from roundtrip.agent.leaks.dialect import Dialect
from roundtrip.agent.leaks.offer import Offer

_MOST_TRIES = 64
"""Headers that are tried in one message: each may scan to the end, so their number bounds the time."""


@dataclass(frozen=True, slots=True)
class BareCall:
    at: int
    end: int
    header: str
    name: str
    arguments: str


def bare_calls(text: str, offers: tuple[Offer, ...], dialect: Dialect) -> list[BareCall]:
    """The calls without markers that end the text; empty where there are none."""
    names = "|".join(re.escape(offer.name) for offer in sorted(offers, key=lambda offer: -len(offer.name)))
    if not names or "{" not in text:
        return []
    whole = re.compile(rf"\s*(?P<name>{names})[ \t]*\r?\n\s*(?=\{{)").match(text)
    if whole:
        return _chain(text, [whole])
    if not dialect.bare:
        return []
    headers = list(re.finditer(dialect.bare.format(name=names) + r"(?=\{)", text))[-_MOST_TRIES:]
    return next((calls for first in range(len(headers)) if (calls := _chain(text, headers[first:]))), [])


def _chain(text: str, headers: list[re.Match[str]]) -> list[BareCall]:
    """The calls at these headers if each follows the one before it and the last ends the text."""
    calls: list[BareCall] = []
    end = headers[0].start()
    for header in headers:
        if text[end : header.start()].strip():
            return []
        scanner = JsonScanner()
        end = scanner.feed(text, header.end())
        if scanner.state != "done":
            return []
        calls.append(BareCall(header.start(), end, header[0].strip(), header["name"], text[header.end() : end]))
    return calls if not text[end:].strip() else []
