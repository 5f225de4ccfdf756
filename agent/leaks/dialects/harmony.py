"""gpt-oss: Harmony.

    <|channel|>analysis<|message|>REASONING<|end|>
    <|start|>assistant<|channel|>commentary<|message|>TEXT BEFORE CALLS<|end|>
    <|start|>assistant<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{JSON object}<|call|>
    <|start|>assistant<|channel|>final<|message|>ANSWER<|return|>

The recipient may also stand before the channel; one call a message, no ids. Source: github.com/openai/harmony.

In the wild: the recipient is missing (TensorRT-LLM#9256), zero-width or no-break spaces stand behind it
(llama.cpp#15181), all tokens are stripped: `analysis...assistantfinal...` (macprovider#743) and
`commentary to=functions.NAME json{...}` (Rapid-MLX#480).
"""

from __future__ import annotations

import re

from roundtrip.agent.leaks.dialect import WHITE, Bare, Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, form
from roundtrip.agent.leaks.json_calls import JSON

_WORD = r"(?P<word>[\w.:-]{1,128}+)"
_REST = r"(?:[^\w<>{}.,;:!?\n]|<\|(?:constrain|channel)\|>|(?:json|code|commentary|analysis|final)(?!\w)){0,16}+"
_NAMED = form(
    rf"(?P<word>[\w.:-]{{0,128}}+){_REST}(?:<\|message\|>{BLANK}|<\|?[a-z]{{0,9}}\|?|[a-z]{{0,10}})",
    rf"{_WORD}{_REST}(?:<\|message\|>{BLANK}(?=[^{re.escape(WHITE)}])|(?=\{{))",
    JSON,
)
_NAMELESS = form(BLANK, rf"{BLANK}(?=\{{)", JSON)
_BEHIND = form(BLANK, rf"{BLANK}(?=[{{\[\"])", JSON)

_STARTS = ("", "<|start|>assistant")
_TO = tuple(f"{start}<|channel|>{channel} to=" for start in _STARTS for channel in ("commentary", "analysis"))
_COMMENTARY = tuple(f"{start}<|channel|>commentary<|message|>" for start in _STARTS)
_CONSTRAINED = tuple(
    rf"<\|channel\|>{channel} ?{constrain}json<\|message\|>"
    for channel in ("commentary", "analysis")
    for constrain in ("", r"<\|constrain\|>")
)

DIALECT = Dialect(
    name="harmony",
    markers={
        **{f"{start}<|channel|>analysis<|message|>": Role.THINK_BEGIN for start in _STARTS},
        **{f"{start}<|channel|>final<|message|>": Role.FRAME for start in _STARTS},
        **{f"{start}<|channel|>final <|constrain|>json<|message|>": Role.FRAME for start in _STARTS},
        **{f"{start}<|channel|>commentary to=assistant": Role.FRAME_END for start in _STARTS},
        **dict.fromkeys(_COMMENTARY, Role.ARGUMENTS_BEGIN),
        **dict.fromkeys(_TO, Role.CALL_BEGIN),
        "<|start|>assistant to=": Role.CALL_BEGIN,
        "<|start|>assistant": Role.FRAME_END,
        "<|end|>": Role.END,
        "<|call|>": Role.END,
        "<|return|>": Role.END,
    },
    spelt=dict.fromkeys(_CONSTRAINED, Role.ARGUMENTS_BEGIN),
    forms={
        **dict.fromkeys(_TO, (_NAMED,)),
        "<|start|>assistant to=": (_NAMED,),
        **dict.fromkeys(_COMMENTARY, (_NAMELESS,)),
        **dict.fromkeys(_CONSTRAINED, (_BEHIND,)),
    },
    prefix=r"(?:to=)?(?:functions?[._:]|functions)?",
    index=r"(?:[:._]?\d+(?:\.\d+)?)?(?:json)?",
    canonical=re.compile(r"functions\.(?P<name>[\w.-]+)"),
    bare=(
        Bare(
            r"(?:assistant)?(?:analysis|commentary)?\s*to=functions\.(?P<name>{name})\W{{0,8}}(?:json)?\s*(?=\{{)", JSON
        ),
    ),
    thought=re.compile(r"analysis(?P<thought>(?=\S).*?)(?:assistantfinal|assistant(?=commentary to=))", re.DOTALL),
    frames=frozenset(_COMMENTARY),
    live=("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>"),
)
