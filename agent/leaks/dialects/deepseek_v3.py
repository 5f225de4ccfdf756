"""DeepSeek R1, V3 and V3.1.

R1 and V3:  <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME
            ```json
            {JSON object}
            ```<｜tool▁call▁end｜> ... <｜tool▁calls▁end｜><｜end▁of▁sentence｜>
V3.1:       <｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{JSON object}<｜tool▁call▁end｜>

The bars are U+FF5C and the low lines U+2581; retyped markers with `|`, `_` and spaces go round (ik_llama.cpp#628 shows
them, and models learn them). Sources: the chat templates of DeepSeek-R1 and DeepSeek-V3.1.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import ARGUMENTS, BLANK, NAME, THINK, form
from roundtrip.agent.leaks.json_calls import FENCED, JSON
from roundtrip.agent.leaks.marks import beginnings

_BAR, _GAP = "[｜|]", r"\\?[▁_ ]"


def _mark(*words: str) -> str:
    return f"<{_BAR}{_GAP.join(words)}{_BAR}>"


_HEADER = rf"{BLANK}(?!null[^\w.:-])(?:{NAME})?{BLANK}{beginnings('```json')}{BLANK}"
_CALL = form(_HEADER, rf"{BLANK}(?P<word>{NAME})?{BLANK}(?=\{{)", JSON)
_FENCED = form(_HEADER, rf"{BLANK}(?P<word>{NAME})?{BLANK}```(?:json)?{BLANK}(?=\{{)", FENCED)
_BEGIN = _mark("tool", "call", "begin")
_SEPARATOR = _mark("tool", "sep")

DIALECT = Dialect(
    name="deepseek_v3",
    markers={
        **THINK,
        "<｜end▁of▁sentence｜>": Role.STOP,
        "<|end▁of▁sentence|>": Role.STOP,
        "<｜User｜>": Role.STOP,
        "<｜Assistant｜>": Role.STOP,
    },
    spelt={
        _mark("tool", "calls", "begin"): Role.SECTION_BEGIN,
        _mark("tool", "calls"): Role.SECTION_BEGIN,
        _mark("tool", "calls", "end"): Role.SECTION_END,
        _BEGIN: Role.CALL_BEGIN,
        _SEPARATOR: Role.ARGUMENTS_BEGIN,
        _mark("tool", "call", "end"): Role.CALL_END,
    },
    forms={_BEGIN: (_CALL, _FENCED), _SEPARATOR: (_CALL, _FENCED, ARGUMENTS)},
    live=(
        *("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),
        *("<｜tool▁sep｜>", "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>", "<｜tool▁output▁begin｜>"),
        *("<｜tool▁output▁end｜>", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        *("<think>", "</think>"),
    ),
)
