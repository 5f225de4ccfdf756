"""Liquid LFM2: `<|tool_call_start|>[NAME(KEY=VALUE), ...]<|tool_call_end|>`. Source: its chat template.

`<|tool_call_end|>` is Kimi's, too.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.dialects.llama import CALLS, JSON_CALLS

DIALECT = Dialect(
    name="lfm2",
    markers={"<|tool_call_start|>": Role.CALL_BEGIN, "<|tool_call_end|>": Role.CALL_END, "<|im_end|>": Role.STOP},
    forms={"<|tool_call_start|>": (JSON_CALLS, CALLS)},
)
