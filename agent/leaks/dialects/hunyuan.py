"""Hunyuan: GLM's tags, with `<tool_sep>` behind the name, in `<tool_calls>`; the older form is a JSON list in
that. Source: sglang's hunyuan_detector."""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.dialects.glm import TAGS
from roundtrip.agent.leaks.forms import BLANK, ENVELOPE, NAME, form
from roundtrip.agent.leaks.marks import beginnings

_CALL = form(
    rf"{BLANK}(?:{NAME})?{BLANK}{beginnings('<tool_sep>')}{BLANK}",
    rf"{BLANK}(?P<word>{NAME}){BLANK}<tool_sep>(?=\s{{0,64}}\S)",
    TAGS,
)

DIALECT = Dialect(
    name="hunyuan",
    markers={
        "<tool_calls>": Role.SECTION_BEGIN,
        "</tool_calls>": Role.SECTION_END,
        "<tool_call>": Role.SECTION_BEGIN,
        "</tool_call>": Role.SECTION_END,
    },
    forms={"<tool_call>": (_CALL,), "<tool_calls>": (ENVELOPE,)},
)
