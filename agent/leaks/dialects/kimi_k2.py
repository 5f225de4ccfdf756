"""Kimi K2 (K2-Instruct, -0905, K2-Thinking, K2.5 to K2.7).

A turn, as the family's chat template renders it:

    [<think>] REASONING </think> CONTENT
    <|tool_calls_section_begin|>
      <|tool_call_begin|>functions.NAME:IDX<|tool_call_argument_begin|>{JSON object}<|tool_call_end|> ...
    <|tool_calls_section_end|><|im_end|>

without the line breaks; providers add white space between all markers. IDX counts the calls of the whole
conversation from 0. The five tool tokens are not flagged as special in the tokenizer, so that servers that skip
special tokens show them all the same. Only the plural section tokens are in the vocabulary; models and older
parsers also write the singular. Sources: the chat templates of Kimi-K2-Instruct and Kimi-K2-Thinking and the
tool_call_guidance document of MoonshotAI/Kimi-K2.

Headers in the wild (issue or pull request), which `resolve` reads with the defaults of `Dialect`:
    search:2            the prefix is missing (vLLM blog 2025-10-28)
    functions_bash_2    sanitised by a gateway (exo#2281, llama.cpp#24658)
    functionsexec5      separators swallowed (sglang#21377)
    call_59adf5614c...  an OpenAI id, imitated from the history: there is no name (Kimi-K2 "Non-Standard tool_call_id")
    call00003, 3        a counter, no name (sglang#25358)
"""

from __future__ import annotations

import re

from roundtrip.agent.leaks.dialect import Bare, Dialect, Role
from roundtrip.agent.leaks.forms import ARGUMENTS, BLANK, THINK, form
from roundtrip.agent.leaks.json_calls import JSON

_HEADER = rf"{BLANK}[^\s<{{]{{0,200}}{BLANK}"
_CALL = form(_HEADER, rf"(?P<word>{_HEADER})(?=\{{)", JSON)

DIALECT = Dialect(
    name="kimi_k2",
    markers={
        "<|tool_calls_section_begin|>": Role.SECTION_BEGIN,
        "<|tool_call_section_begin|>": Role.SECTION_BEGIN,
        "<|tool_calls_section_end|>": Role.SECTION_END,
        "<|tool_call_section_end|>": Role.SECTION_END,
        "<|tool_call_begin|>": Role.CALL_BEGIN,
        "<|tool_call_argument_begin|>": Role.ARGUMENTS_BEGIN,
        "<|tool_call_end|>": Role.CALL_END,
        **THINK,
        "◁think▷": Role.THINK_BEGIN,  # Kimi-VL and the thinking preview
        "◁/think▷": Role.THINK_END,
        "<|im_end|>": Role.STOP,
        "<|im_start|>": Role.STOP,
        "<|im_system|>": Role.STOP,
        "<|im_user|>": Role.STOP,
        "<|im_assistant|>": Role.STOP,
        "<|im_middle|>": Role.STOP,
        "[EOS]": Role.STOP,
        "[EOT]": Role.STOP,
    },
    forms={"<|tool_call_begin|>": (_CALL,), "<|tool_call_argument_begin|>": (ARGUMENTS,)},
    canonical=re.compile(r"functions\.(?P<name>[\w.-]+):\d+"),
    bare=(Bare(r"functions\.(?P<name>{name}):\d+\s*(?=\{{)", JSON, anywhere=True),),
    live=(
        *("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_begin|>", "<|tool_call_end|>"),
        *("<|tool_call_argument_begin|>", "<|tool_call_section_begin|>", "<|tool_call_section_end|>"),
        *("<think>", "</think>", "◁think▷", "◁/think▷", "[BOS]", "[EOS]", "[EOT]", "<|im_end|>", "<|im_start|>"),
        *("<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|start_header_id|>"),
        *("<|end_header_id|>", "<|media_begin|>", "<|media_content|>", "<|media_end|>", "<|media_pad|>"),
    ),
)
