"""Qwen3-Coder's XML: Qwen3-Coder, Qwen3.5 and 3.6, Nemotron-3, Step-3.5, MiMo, Seed-OSS.

    <tool_call>
    <function=NAME>
    <parameter=KEY>
    VALUE
    </parameter>
    </function>
    </tool_call>

Values are raw, with one line break at each end that belongs to the tags; their types are the schema's. Source: the
chat template of Qwen3-Coder-480B-A35B-Instruct.

In the wild: the outer tag is missing in up to 40 % of the calls (ollama#16686, omlx#844), any end tag is
(macprovider#1599), `</parameter>` comes twice (llama-swap#856).
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, THINK, form, tag_forms
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_TAGS = Tags(
    opens=(r'<parameter(?:=|\s{1,4}name=)"?(?P<key>[^<>"\n]{1,128})"?>',),
    opening=beginnings(r'<parameter="?[^<>"\n]{0,128}"?>', r'<parameter\s{1,4}name="?[^<>"\n]{0,128}"?>'),
    heads=("<parameter=", "<parameter name="),
    closes=("</parameter>",),
    inner=("<parameter>",),
    calls=("<function=", "<tool_call>"),
    ends=("</function>",),
    outside=("</tool_call>", "</_call>"),
    framed="each",
)
_CALL = form(
    rf'"?(?P<word>[^<>"\s{{}}()]{{0,128}})"?(?:>{BLANK})?',
    r'"?(?P<word>[^<>"\s{}()]{0,128})"?>(?=\s{0,64}\S)',
    _TAGS,
)

DIALECT = Dialect(
    name="qwen_coder",
    markers={
        "<tool_call>": Role.SECTION_BEGIN,
        "</tool_call>": Role.SECTION_END,
        "<function=": Role.CALL_BEGIN,
        "<function ": Role.CALL_BEGIN,
        "</function>": Role.CALL_END,
        "</parameter>": Role.TAG,
        **THINK,
    },
    forms={"<function=": (_CALL,), "<function ": tag_forms(_TAGS)},
    live=("<tool_call>", "</tool_call>", "<think>", "</think>"),
)
