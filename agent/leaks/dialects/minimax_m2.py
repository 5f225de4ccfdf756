"""MiniMax-M2, M2.1 to M2.7: the `invoke` form in tags of its own, and its stop tokens.

    <minimax:tool_call>
    <invoke name="NAME">
    <parameter name="KEY">VALUE</parameter>
    </invoke>
    </minimax:tool_call>[e~[

Source: the chat template of MiniMax-M2, which prefills `<think>`.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import THINK

DIALECT = Dialect(
    name="minimax_m2",
    markers={
        "<minimax:tool_call>": Role.SECTION_BEGIN,
        "</minimax:tool_call>": Role.SECTION_END,
        **THINK,
        "[e~[": Role.STOP,
        "]~b]": Role.STOP,
        "]~!b[": Role.STOP,
    },
)
