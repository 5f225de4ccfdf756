"""What each kind of repair means, as /repairs tells it. `agent/EVENTS.md` has the same words (kept by a test)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANING: Final[Mapping[str, str]] = {
    "leaked_call": "a call stood in the text as markup and was read from there",
    "call_in_reasoning": "the call stood in the reasoning",
    "bare_call": "a call stood in the text without any markers",
    "section": "markers of a section or a call were missing or doubled",
    "section_noise": "text inside a section, but outside its calls, was stripped",
    "empty_section": "a section without calls was stripped",
    "stray_marker": "a marker that belongs to nothing was stripped",
    "stop_token": "stop tokens at the end were stripped",
    "reasoning_in_text": "reasoning stood in the text",
    "header": "the call's header was not as the model's template writes it",
    "name_from_arguments": "the header held no name; a name key in the arguments did",
    "name_from_schema": "the header held no name; only one tool takes these arguments",
    "suspect_name": "the server sent a structured call with a name that was never offered",
    "empty_arguments": "the arguments were empty and were taken as an empty object",
    "double_encoded": "the arguments were a JSON string that held JSON",
    "raw_control_characters": "strings in the arguments held raw line breaks or other control characters",
    "python_literals": "the arguments were spelt as Python writes them",
    "repaired_json": "commas, closing brackets or the quotes of keys were wrong in the arguments",
    "tags": "tags of the arguments were missing or doubled",
    "wrapped_arguments": "the arguments were wrapped in a parameter that the tool does not have",
    "frame": "markers that part a message into channels were stripped",
    "lone_surrogate": "strings in the arguments held half a surrogate pair",
    "duplicate_of_structured": "the text held a copy of a structured call, which was stripped",
    "not_allowed": "a call was stripped because this request allows none",
    "unresolved": "a call could not be read or trusted, and the model is told",
    "glued_calls": "the server joined the arguments of several structured calls",
    "repeated_arguments": "the server sent the arguments of a structured call more than once",
    "repeated_call": "the server sent a structured call twice under one id",
    "unreadable_event": "an event of the stream was no JSON object and was passed over",
    "no_end": "the stream ended without a finish reason and without [DONE]: it may have been broken off",
    "error_with_calls": "the server reported that it could not parse its model, and the error held the calls",
    "error_after_calls": "the server reported that it could not parse its model, after it had sent all calls complete",
    "server_parse_failure": "the server could not parse its model, and the request was sent again without its parser",
}
