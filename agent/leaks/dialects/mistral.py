"""Mistral: Nemo, Small, Devstral, Ministral, Magistral, Large.

    v3       [TOOL_CALLS][{"name": "NAME", "arguments": {...}, "id": "9 characters"}]</s>
    v11      [TOOL_CALLS]NAME{...}
    Small 3.2  [TOOL_CALLS]NAME[CALL_ID]ID[ARGS]{...}
    v13      [TOOL_CALLS]NAME[ARGS]{...}[TOOL_CALLS]NAME[ARGS]{...}

Ids have exactly nine alphanumeric characters in the template. Reasoning stands in [THINK]. Sources: the chat templates
of Mistral-Nemo, Mistral-Small-3.2, Ministral-3.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import ARGUMENTS, BLANK, ENVELOPE, NAME, form
from roundtrip.agent.leaks.json_calls import JSON

_NAMED = form(
    rf"{BLANK}(?P<word>{NAME})?(?:\[[\w\[\]]{{0,80}})?{BLANK}",
    rf"{BLANK}(?P<word>{NAME})(?:\[CALL_ID\]\w{{1,64}})?(?:\[ARGS\])?{BLANK}(?=\{{)",
    JSON,
)

DIALECT = Dialect(
    name="mistral",
    markers={
        "[TOOL_CALLS]": Role.SECTION_BEGIN,
        "[/TOOL_CALLS]": Role.SECTION_END,
        "[ARGS]": Role.ARGUMENTS_BEGIN,
        "[THINK]": Role.THINK_BEGIN,
        "[/THINK]": Role.THINK_END,
        "</s>": Role.STOP,
    },
    forms={"[TOOL_CALLS]": (ENVELOPE, _NAMED), "[ARGS]": (ARGUMENTS,)},
    live=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
          "[TOOL_CONTENT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[INST]", "[/INST]", "[SYSTEM_PROMPT]",
          "[/SYSTEM_PROMPT]", "<s>", "</s>"),
)  # fmt: skip
