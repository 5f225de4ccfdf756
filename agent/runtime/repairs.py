"""What each kind of repair means, for people. `agent/EVENTS.md` has the same words (kept by a test)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from roundtrip.agent.leaks import REPAIRS

MEANING: Final[Mapping[str, str]] = {
    **REPAIRS,
    "glued_calls": "the server joined the arguments of several structured calls",
    "repeated_arguments": "the server sent the arguments of a structured call more than once",
    "repeated_call": "the server sent a structured call twice under one id",
    "unreadable_event": "an event of the stream was no JSON object and was passed over",
    "no_end": "the stream ended without a finish reason and without [DONE]: it may have been broken off",
    "error_with_calls": "the server reported that it could not parse its model, and the error held the calls",
    "error_after_calls": "the server reported that it could not parse its model, after it had sent all calls complete",
    "server_parse_failure": "the server could not parse its model, and the request was sent again without its parser",
}
