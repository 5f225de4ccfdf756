"""MiniMax-M3: nested tags, each behind one special token.

    ]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="NAME">]<]minimax[>[<KEY>VALUE]<]minimax[>[</KEY>]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>

Objects are tags in tags, arrays are `item` tags, what is None is left out. Sources: MiniMax-M3#31, vllm#46042; the
reasoning stands in <mm:think>.
"""

from __future__ import annotations

import re

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, form
from roundtrip.agent.leaks.tags import Tags

_M = "]<]minimax[>["
_R = re.escape(_M)
_END = rf"{_R}</invoke>"
_TAGS = Tags(
    opens=(rf"{_R}<(?P<key>(?!invoke\b|tool_call>)[\w.-]{{1,128}})>",),
    opening=rf"{_R}<[\w.-]{{0,128}}",
    heads=(rf"{_R}<",),
    closes=(rf"{_R}</[\w.-]{{1,128}}>", r"</[\w.-]{1,128}>"),
    calls=(rf"{_R}<?invoke name=", rf"{_R}<tool_call>"),
    ends=(_END,),
    outside=(rf"{_R}</tool_call>",),
    nested=True,
)
_CALL = form(
    rf'(?:"(?P<word>[^"<>\n]{{0,128}})(?:"(?:>{BLANK})?)?)?',
    r'"(?P<word>[^"<>\n]{1,128})">(?=\s{0,64}\S)',
    _TAGS,
)

DIALECT = Dialect(
    name="minimax_m3",
    markers={
        f"{_M}<tool_call>": Role.SECTION_BEGIN,
        f"{_M}</tool_call>": Role.SECTION_END,
        f"{_M}</invoke>": Role.CALL_END,
        "<mm:think>": Role.THINK_BEGIN,
        "</mm:think>": Role.THINK_END,
        f"{_M}<mm:think>": Role.THINK_BEGIN,
        f"{_M}</mm:think>": Role.THINK_END,
        _M: Role.TAG,
    },
    spelt={rf"{_R}<?invoke name=": Role.CALL_BEGIN},
    forms={rf"{_R}<?invoke name=": (_CALL,)},
    live=(_M, "<mm:think>", "</mm:think>"),
)
