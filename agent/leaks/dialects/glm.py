"""GLM-4.5, 4.6, 4.7, 5 and 5.x.

    <tool_call>NAME
    <arg_key>KEY</arg_key>
    <arg_value>VALUE</arg_value>
    </tool_call>

with line breaks up to 4.6 and without from 4.7 on. Strings are raw, other types JSON; the schema decides. Sources: the
chat templates of GLM-4.6 and GLM-4.7-Flash.

In the wild: `<arg_key>` is missing (vllm#47190) or written as a second `<tool_call>` (sigit#95); role tokens end the
text (openclaw#40573).
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, NAME, THINK, form
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_KEY = r"[^<>\n]{1,128}"
_OPENS = rf"(?:<arg_key>|<tool_call>)?\s{{0,8}}(?P<key>{_KEY}?)\s{{0,8}}</arg_key>{BLANK}<arg_value>"
_PAIR = rf"\s{{0,8}}{_KEY}\s{{0,8}}</arg_key>{BLANK}<arg_value>"
_GLUED = rf"</arg_key>{BLANK}<arg_value>"
_OPENING = beginnings(_PAIR, "<arg_key>" + _PAIR, "<tool_call>" + _PAIR, _GLUED)

TAGS = Tags(
    opens=(_OPENS, "(?P<key>)" + _GLUED),
    opening=_OPENING,
    heads=("<arg_key>",),
    closes=("</arg_value>",),
    inner=("<arg_value>",),
    calls=("<tool_call>",),
    ends=("</tool_call>",),
    outside=("</tool_calls>",),
    framed="both",
)
_NAMED = form(
    rf"{BLANK}(?:{NAME})?{BLANK}"
    + beginnings("<arg_key>", f"<tool_call>{_KEY}</arg_key>", r"[\w.-]{1,128}</arg_key>", "</arg_key>"),
    rf"{BLANK}(?P<word>{NAME})?{BLANK}"
    rf"(?=<arg_key>|<tool_call>{_KEY}</arg_key>|(?<=\s)[\w.-]{{1,128}}</arg_key>|</arg_key>)",
    TAGS,
)
_ALONE = form(rf"{BLANK}(?:{NAME})?{BLANK}", rf"{BLANK}(?P<word>{NAME}){BLANK}(?=</tool_call>)", TAGS)

DIALECT = Dialect(
    name="glm",
    markers={
        "<tool_call>": Role.SECTION_BEGIN,
        "</tool_call>": Role.SECTION_END,
        "</arg_value>": Role.TAG,
        "<arg_value>": Role.TAG,
        "</arg_key>": Role.TAG,
        **THINK,
        "<|user|>": Role.STOP,
        "<|assistant|>": Role.STOP,
        "<|system|>": Role.STOP,
        "<|observation|>": Role.STOP,
        "<|endoftext|>": Role.STOP,
    },
    forms={"<tool_call>": (_NAMED, _ALONE)},
    live=("<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>",
          "</think>", "<|user|>", "<|assistant|>", "<|system|>", "<|observation|>", "<|endoftext|>", "[gMASK]",
          "<sop>", "<tool_response>", "</tool_response>"),
)  # fmt: skip
