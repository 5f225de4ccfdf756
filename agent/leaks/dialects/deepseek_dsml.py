"""DeepSeek V3.2, V4 and V4.1: DSML.

    <｜DSML｜tool_calls>                         V3.2: function_calls, V4.1: ` calls`
    <｜DSML｜invoke name="NAME">
    <｜DSML｜parameter name="KEY" string="true">VALUE</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜tool_calls>

string="true" is raw text, "false" is JSON; without it the schema decides. Sources: the chat templates of
DeepSeek-V3.2 and V4, sglang's deepseekv41_detector.

In the wild: bars doubled, as `‖` or as `|` (GenericAgent#804), with spaces around them (cherry-studio#14714), without
the word (hermes-agent#113737), plain `<parameter name=...>` between DSML tags (sglang#39435), curly quotes
(paper-chat#28), parameters as invokes that close themselves and hold the value as an attribute (codex-relay#49), the
`>` of the wrapper missing (opencode#24566), no wrapper at all (sglang#40236).
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import tag_forms
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_BARS = " ?[｜|‖] ?[｜|‖]? ?"
_NAMED, _BARE = f"{_BARS}DSML{_BARS}", "[｜‖]{1,2} ?"
_WORDS = (_NAMED, _BARE)
_SECTIONS = ("tool_calls", "function_calls", "toolcalls", "calls")
_BEGINS = (
    *(f"<{_NAMED}{name} ?>?" for name in _SECTIONS),
    *(f"<{_BARE}{name}>" for name in _SECTIONS),
    f"<{_NAMED}tool>",
)
_ENDS = tuple(begin.replace("<", "</", 1) for begin in _BEGINS)
_CALLS = (*(f"<{word}invoke " for word in _WORDS), f"<{_NAMED}tool ")
_CALL_ENDS = tuple(f"</{word}{name}>" for word in _WORDS for name in ("invoke", "tool"))
_PARAMETERS = tuple(f"<{word}parameter " for word in _WORDS)
_CLOSES = (*(f"</{word}parameter>" for word in _WORDS), "</parameter>")
_IN_TAG = '(?:[^<>"]{0,64}"[^"]{0,400}"){0,4}[^<>"]{0,64}'
_PART = '(?:[^<>"]{0,64}"[^"]{0,400}"){0,4}[^<>"]{0,64}(?:"[^"]{0,400})?'
_HEADS = (*_PARAMETERS, "<parameter ", *(f"<{word}invoke " for word in _WORDS))
_INVOKES = tuple(f"<{word}invoke " for word in _WORDS)

_TAGS = Tags(
    opens=(
        rf"(?:{'|'.join((*_PARAMETERS, '<parameter '))})(?P<attributes>{_IN_TAG})>",
        rf"(?:{'|'.join(_INVOKES)})(?P<attributes>{_IN_TAG}?)(?P<closed>/>)",
    ),
    opening=rf"{beginnings(*_HEADS)}|(?:{'|'.join(_HEADS)}){_PART}",
    heads=_PARAMETERS,
    closes=_CLOSES,
    inner=("<parameter ", "<parameter>"),
    calls=(*_CALLS, *_BEGINS),
    ends=_CALL_ENDS,
    outside=_ENDS,
    cdata=True,
)
DIALECT = Dialect(
    name="deepseek_dsml",
    spelt={
        **dict.fromkeys(_BEGINS, Role.SECTION_BEGIN),
        **dict.fromkeys(_ENDS, Role.SECTION_END),
        **dict.fromkeys(_CALLS, Role.CALL_BEGIN),
        **dict.fromkeys(_CALL_ENDS, Role.CALL_END),
        **dict.fromkeys(_CLOSES, Role.TAG),
    },
    forms=dict.fromkeys(_CALLS, tag_forms(_TAGS)),
    live=("｜DSML｜",),
)
