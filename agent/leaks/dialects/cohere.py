"""Cohere Command: `<|START_ACTION|>[{"tool_call_id": "0", "tool_name": ..., "parameters": {...}}]<|END_ACTION|>`.

Source: the chat template of Command A.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import ENVELOPE

DIALECT = Dialect(
    name="cohere",
    markers={
        "<|START_ACTION|>": Role.SECTION_BEGIN,
        "<|END_ACTION|>": Role.SECTION_END,
        "<|START_THINKING|>": Role.THINK_BEGIN,
        "<|END_THINKING|>": Role.THINK_END,
        "<|START_RESPONSE|>": Role.FRAME,
        "<|END_RESPONSE|>": Role.FRAME_END,
        "<|END_OF_TURN_TOKEN|>": Role.STOP,
    },
    forms={"<|START_ACTION|>": (ENVELOPE,)},
)
