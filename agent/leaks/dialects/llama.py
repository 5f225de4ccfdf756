"""Llama 3.x and 4.

    [<|python_tag|>]{"name": "NAME", "parameters": {...}}; {...}<|eom_id|>
    <|python_tag|>NAME.call(KEY="VALUE")
    <|python_start|>[NAME(KEY=VALUE), ...]<|python_end|>        Llama 4, and the same list without its markers

Sources: the chat templates of Llama-3.1 and Llama-4, vllm#16214.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, ENVELOPE, form
from roundtrip.agent.leaks.python_calls import PYTHON

CALLS = form(
    rf"{BLANK}\[?{BLANK}[\w.-]{{0,128}}[ ]{{0,4}}",
    rf"{BLANK}(?=\[?{BLANK}[A-Za-z_][\w.-]{{0,127}}[ ]{{0,4}}\()",
    PYTHON,
)
JSON_CALLS = form(ENVELOPE.header.pattern + r"\[?" + BLANK, rf"{BLANK}(?=\{{|\[{BLANK}\{{)", ENVELOPE.notation)

DIALECT = Dialect(
    name="llama",
    markers={
        "<|python_tag|>": Role.SECTION_BEGIN,
        "<|python_start|>": Role.SECTION_BEGIN,
        "<|python_end|>": Role.SECTION_END,
        "<|eot_id|>": Role.STOP,
        "<|eom_id|>": Role.STOP,
        "<|eot|>": Role.STOP,
        "<|eom|>": Role.STOP,
    },
    forms={"<|python_tag|>": (JSON_CALLS, CALLS), "<|python_start|>": (JSON_CALLS, CALLS)},
    live=("<|python_tag|>", "<|python_start|>", "<|python_end|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|eom|>",
          "<|start_header_id|>", "<|end_header_id|>", "<|header_start|>", "<|header_end|>", "<|begin_of_text|>",
          "<|end_of_text|>"),
)  # fmt: skip
