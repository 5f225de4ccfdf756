"""Parts of dialects that several families share."""

from __future__ import annotations

import re

from roundtrip.agent.leaks.dialect import WHITE, Form, Role
from roundtrip.agent.leaks.json_calls import ENVELOPES, FENCED, JSON
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.notation import Notation

BLANK = rf"[{re.escape(WHITE)}]{{0,64}}"
"""White space between markers and what belongs to them; it is held back, so it is bounded."""

NAME = r"[\w.:-]{1,128}"

THINK = {"<think>": Role.THINK_BEGIN, "</think>": Role.THINK_END}


def form(header: str, begins: str, notation: Notation) -> Form:
    """A form from its regular expressions."""
    return Form(re.compile(header), re.compile(begins), notation)


_TAG_NAME = r"(?:[^<>]{0,64}?name\s{0,2}=\s{0,2}[\"'“”](?P<word>[^\"'“”<>\n]{0,128})[\"'“”]?)?[^<>]{0,64}"


def tag_forms(tags: Notation) -> tuple[Form, ...]:
    """What may follow `<invoke`: attributes, one of them the name; then tags, or an object, or nothing at all."""
    return (
        form(rf"{_TAG_NAME}(?:>{BLANK})?", rf"{_TAG_NAME}(?<!/)>(?=\s{{0,64}}[^\s{{])", tags),
        form(rf"{_TAG_NAME}(?:>{BLANK})?", rf"{_TAG_NAME}(?<!/)>{BLANK}(?=\{{)", JSON),
        form(_TAG_NAME, rf"{_TAG_NAME}(?<=/)(?P<closes>>)", tags),
    )


ENVELOPE = form(BLANK, rf"{BLANK}(?=[{{\[])", ENVELOPES)
"""JSON that holds the name, directly behind the marker."""

FENCED_ENVELOPE = form(rf"{BLANK}{beginnings('```json')}{BLANK}", rf"{BLANK}```(?:json)?{BLANK}(?=\{{)", FENCED)
"""The same in a code fence, which belongs to the call."""

ARGUMENTS = form(BLANK, rf"{BLANK}(?=[{{\[\"])", JSON)
"""The arguments, behind a marker that parts them from the header."""
