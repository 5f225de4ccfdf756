"""Kimi K3: XTML.

    [<|open|>think<|sep|>] REASONING <|close|>think<|sep|>
    <|open|>response<|sep|>TEXT<|close|>response<|sep|>
    <|open|>tools<|sep|>
      <|open|>call tool="NAME" index="1"<|sep|>
        <|open|>argument key="KEY" type="string"<|sep|>VALUE<|close|>argument<|sep|>
      <|close|>call<|sep|>
    <|close|>tools<|sep|>
    <|close|>message<|sep|><|end_of_msg|>

without the line breaks. Values of type string are raw, others JSON. Where the history's arguments are a string, the
template writes one `json` block, and models imitate that. No ids on the wire. Source: the chat template of Kimi-K3.

In the wild: `<|close|>think<|sep|>` is missing in up to 10 % of the turns (vllm#53246); detokenisers put spaces into
markers (vllm#50367); tags come half detokenised (oh-my-pi#8495).
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import form
from roundtrip.agent.leaks.json_calls import JSON
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_S = "[ \\n]{0,2}"
_SEP = r"<\|sep\|>"


def _open(name: str) -> str:
    return rf"<\|open\|>{_S}{name}{_S}{_SEP}"


def _close(name: str) -> str:
    return rf"<\|close\|>{_S}{name}{_S}{_SEP}"


_CALL_BEGINS = (rf"<\|open\|>{_S}call ", rf"<\|open\|>{_S}toolscall ", rf"<\|open\|>{_S}call{_SEP}")
_ARGUMENT = rf"<\|open\|>{_S}argument"
_JSON = (rf"<\|open\|>{_S}json type=\"object\"{_S}{_SEP}", _open("json"))

_TAGS = Tags(
    opens=(rf"{_ARGUMENT}(?P<attributes> [^<>]{{0,200}}){_SEP}",),
    opening=beginnings(rf"{_ARGUMENT} [^<>]{{0,200}}{_SEP}"),
    heads=(f"{_ARGUMENT} ",),
    closes=(_close("argument"),),
    calls=(*_CALL_BEGINS, _open("tools")),
    ends=(_close("call"),),
    outside=(_close("tools"),),
    escaped=True,
)
_NAME = r"(?:[^<>]{0,64}?tool=\"(?P<word>[^\"<>\n]{0,128})\"?)?[^<>]{0,64}"
_HEADER = rf"{_NAME}{beginnings(_SEP)}\s{{0,64}}"
_CALL = form(_HEADER, rf"{_NAME}{_SEP}(?=\s{{0,64}}\S)", _TAGS)
_WITH_JSON = form(
    _HEADER + beginnings(*_JSON) + r"\s{0,64}",
    rf"{_NAME}{_SEP}\s{{0,64}}(?:{'|'.join(_JSON)})\s{{0,64}}(?=[{{\"]|<)",
    JSON,
)
_BARE_CALL = form(r"\s{0,64}", r"(?=\s{0,64}\S)", _TAGS)

DIALECT = Dialect(
    name="kimi_k3",
    markers={
        "<|end_of_msg|>": Role.STOP,
        "<|close|>toolstoolsmessage<|sep|>": Role.SECTION_END,
        "<|close|>toolsmessage<|sep|>": Role.SECTION_END,
        "<|close|>think<|open|>response<|sep|>": Role.FRAME,
        "<|close|><|sep|>": Role.FRAME_END,  # without its name (senpi#537)
    },
    spelt={
        _open("tools"): Role.SECTION_BEGIN,
        _close("tools"): Role.SECTION_END,
        **dict.fromkeys(_CALL_BEGINS, Role.CALL_BEGIN),
        _close("call"): Role.CALL_END,
        _close("argument"): Role.TAG,
        _close("json"): Role.TAG,
        _open("think"): Role.THINK_BEGIN,
        _close("think"): Role.THINK_END,
        _open("response"): Role.FRAME,
        _close("response"): Role.FRAME_END,
        _close("message"): Role.STOP,
    },
    forms={**dict.fromkeys(_CALL_BEGINS[:2], (_WITH_JSON, _CALL)), _CALL_BEGINS[2]: (_BARE_CALL,)},
    live=("<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"),
)
