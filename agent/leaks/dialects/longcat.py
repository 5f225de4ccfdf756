"""LongCat: `<longcat_tool_call>{"name": ..., "arguments": ...}</longcat_tool_call>`. Source: vLLM's parser for it."""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import ENVELOPE

DIALECT = Dialect(
    name="longcat",
    markers={
        "<longcat_tool_call>": Role.SECTION_BEGIN,
        "</longcat_tool_call>": Role.SECTION_END,
        "<longcat_think>": Role.THINK_BEGIN,
        "</longcat_think>": Role.THINK_END,
    },
    forms={"<longcat_tool_call>": (ENVELOPE,)},
)
