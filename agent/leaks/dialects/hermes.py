"""Hermes JSON: Qwen2.5, Qwen3 and the many models that were trained on the Hermes format.

    [<think> REASONING </think>] CONTENT
    <tool_call>
    {"name": "NAME", "arguments": {JSON object}}
    </tool_call> ... <|im_end|>

No ids. `<tool_call>` is one token in Qwen's vocabulary, and shared with Qwen3-Coder and GLM: what follows tells them
apart. Sources: the chat templates of NousResearch/Hermes-3 and Qwen3.

In the wild:
    <tool_call id="..." name="NAME">{...}    the name in the tag (memoh#435)
    {"name": ..., "arguments": {...}         the last brace is missing (hermes-agent#5315, vllm#22885)
    {"name": ..., "parameters": ...}         Llama's key (sglang's base detector takes it, too)
    </_call>                                 half a token (atlas#206)
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, ENVELOPE, FENCED_ENVELOPE, THINK, form
from roundtrip.agent.leaks.json_calls import JSON

_IN_TAG = r"[^<>]{0,200}"
_NAMED = form(
    rf"{_IN_TAG}(?:>{BLANK})?",
    rf'(?:[^<>]{{0,120}} )?name="(?P<word>[^"<>]{{1,128}})"[^<>]{{0,120}}>{BLANK}(?=\{{)',
    JSON,
)

DIALECT = Dialect(
    name="hermes",
    markers={
        "<tool_call>": Role.SECTION_BEGIN,
        "</tool_call>": Role.SECTION_END,
        "</_call>": Role.SECTION_END,
        "<tool_call ": Role.CALL_BEGIN,
        "<function_call>": Role.SECTION_BEGIN,
        "</function_call>": Role.SECTION_END,
        **THINK,
        "<|im_end|>": Role.STOP,
        "<|im_start|>": Role.STOP,
        "<|endoftext|>": Role.STOP,
    },
    forms={"<tool_call>": (ENVELOPE, FENCED_ENVELOPE), "<function_call>": (ENVELOPE,), "<tool_call ": (_NAMED,)},
    live=("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>", "<|im_end|>",
          "<|im_start|>", "<|endoftext|>"),
)  # fmt: skip
