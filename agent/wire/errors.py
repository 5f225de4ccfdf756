"""What a server's error says about its own model.

A server that can't parse what its model wrote answers with an error, and some put the model's text into it: exo sends
the markup itself as the message (exo#2281), ik_llama.cpp "Failed to parse input at pos N: " and the rest of the text.
"""

from __future__ import annotations

import re

from roundtrip.agent.leaks import DIALECTS, Kind, Offer, Role, Scanner, decide

_PARSE_FAILURES = (
    "peg-native format",  # llama.cpp since 2026-06
    "Failed to parse input at pos",  # ik_llama.cpp, llama.cpp before that
    "Failed to parse tool call",
    "<|tool_call",  # exo#2281: the message of the error is the markup itself
)
_QUOTED = re.compile(r"Failed to parse input at pos \d+: ?")
_BEGINS = (Role.SECTION_BEGIN, Role.CALL_BEGIN, Role.ARGUMENTS_BEGIN)


def is_parse_failure(text: str) -> bool:
    """Whether a server's error says that it could not parse what its own model wrote."""
    return any(sign in text for sign in _PARSE_FAILURES) and "arguments as JSON" not in text


def calls_in(message: str, offers: tuple[Offer, ...]) -> str:
    """The part of an error's message that is the model's text, if all calls in it can run; else ""."""
    found = _QUOTED.search(message)
    text = message[found.end() if found else _first_call(message) :]
    scanner = Scanner(DIALECTS)
    decision = decide([*scanner.feed(text), *scanner.finish()], (), (), offers, DIALECTS)
    leaked = any(repair.kind == "leaked_call" for repair in decision.repairs)
    return text if leaked and not any(call.problem for call in decision.calls) else ""


def _first_call(message: str) -> int:
    """Where the first call begins; the end of the message where there is none."""
    scanner = Scanner(DIALECTS)
    at = 0
    for piece in [*scanner.feed(message), *scanner.finish()]:
        if piece.kind is Kind.MARK and piece.role in _BEGINS:
            return at
        at += len(piece.raw)
    return at
