"""The families' ways to write a turn, as their chat templates do."""

from __future__ import annotations

from typing import Any

from leaks.grammar import (
    Family,
    M,
    cohere,
    enclosed,
    envelope,
    gemma_call,
    glm,
    headed,
    minimax_m3,
    pythonic,
    qwen,
    tagged,
)


def deepseek(*call: str, end: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "call": headed("<｜tool▁call▁begin｜>", *call, end=(*end, "<｜tool▁call▁end｜>")),
        "begin": ("<｜tool▁calls▁begin｜>",),
        "end": ("<｜tool▁calls▁end｜>",),
        "stop": "<｜end▁of▁sentence｜>",
    }


def dsml(section: str, blank: str = "") -> dict[str, Any]:
    mark = f"｜DSML｜{blank}"
    head, close = f'<{mark}parameter name="KEY" string="TRUE">', f"</{mark}parameter>\n"
    return {
        "call": tagged(f'<{mark}invoke name="NAME">\n', head, close, f"</{mark}invoke>"),
        "begin": (f"<{mark}{section}>", "\n"),
        "end": ("\n", f"</{mark}{section}>"),
        "raw": ("DSML", "<![CDATA[", "parameter"),
    }


def invoke(space: str = "") -> dict[str, Any]:
    head, close = f'<{space}parameter name="KEY">', f"</{space}parameter>\n"
    call = tagged(f'<{space}invoke name="NAME">\n', head, close, f"</{space}invoke>")
    return {"call": call, "raw": ("parameter", "invoke", "tool_call", "function_calls", "<![CDATA[")}


def k3(tag: str, *inside: str) -> str:
    return "".join((f"<|open|>{tag}<|sep|>", *inside))


GLM: dict[str, Any] = {"raw": ("<arg_", "</arg_", "tool_call", "<![CDATA["), "framed": True, "between": ""}
HARMONY = "<|start|>assistant<|channel|>"
TO = f"{HARMONY}commentary to=functions.NAME <|constrain|>json<|message|>"
MAGISTRAL = ("[THINK]", "[/THINK]")
LONGCAT = ("<longcat_think>", "</longcat_think>")
COHERE = ("<|START_THINKING|>", "<|END_THINKING|>")
STEP3 = tagged(
    '<steptml:invoke name="NAME">\n', '<steptml:parameter name="KEY">', "</steptml:parameter>\n", "</steptml:invoke>"
)

FAMILIES = (
    Family(
        "kimi_k2",
        headed("<|tool_call_begin|>", "functions.NAME:N9", "<|tool_call_argument_begin|>", end=("<|tool_call_end|>",)),
        begin=("<|tool_calls_section_begin|>",),
        between="",
        end=("<|tool_calls_section_end|>",),
        stop="<|im_end|>",
        think=("<think>", "</think>"),
        glue="",
    ),
    Family(
        "kimi_k3",
        tagged(
            k3('call tool="NAME" index="N9"'),
            k3('argument key="KEY" type="TYPE"'),
            "<|close|>argument<|sep|>",
            "<|close|>call<|sep|>",
        ),
        begin=(k3("tools"),),
        between="",
        end=("<|close|>tools<|sep|>",),
        stop="<|close|>message<|sep|><|end_of_msg|>",
        think=(k3("think"), "<|close|>think<|sep|>"),
        said=(k3("response"), "<|close|>response<|sep|>"),
        glue="",
        raw=("<|open|>", "<|close|>", "<|sep|>", "<![CDATA["),
    ),
    Family("hermes", enclosed("<tool_call>\n", envelope("arguments"), "\n</tool_call>"), stop="<|im_end|>"),
    Family("qwen_coder", qwen, raw=("parameter", "function", "tool_call", "<![CDATA["), framed=True),
    Family("deepseek_r1", **deepseek("function<｜tool▁sep｜>", "NAME", "\n```json\n", end=("\n```",))),
    Family("deepseek_v3.1", **deepseek("NAME", "<｜tool▁sep｜>"), think=("<think>", "</think>")),
    Family("deepseek_v3.2", **dsml("function_calls")),
    Family("deepseek_v4", **dsml("tool_calls")),
    Family("deepseek_v4.1", **dsml("calls", " ")),
    Family("glm_4.6", glm("\n"), **GLM),
    Family("glm_4.7", glm(""), **GLM),
    Family(
        "hunyuan", glm("\n", "<tool_call>NAME<tool_sep>"), begin=("<tool_calls>\n",), end=("\n</tool_calls>",), **GLM
    ),
    Family("minimax_m2", begin=("<minimax:tool_call>\n",), end=("\n</minimax:tool_call>",), stop="[e~[", **invoke()),
    Family("invoke", begin=("<function_calls>\n",), end=("\n</function_calls>",), **invoke()),
    Family("antml", begin=("<function_calls>\n",), end=("\n</function_calls>",), **invoke("antml:")),
    Family(
        "minimax_m3",
        minimax_m3,
        begin=(f"{M}<tool_call>\n",),
        end=(f"\n{M}</tool_call>",),
        think=("<mm:think>", "</mm:think>"),
        raw=("]<]", "</", "<![CDATA["),
        whole=True,
    ),
    Family(
        "step3",
        enclosed("<｜tool_call_begin｜>function<｜tool_sep｜>", STEP3, "<｜tool_call_end｜>"),
        begin=("<｜tool_calls_begin｜>",),
        end=("<｜tool_calls_end｜>",),
        think=None,
        raw=("steptml:", "tool_call", "<![CDATA["),
    ),
    Family(
        "harmony",
        headed(TO, end=("<|call|>",)),
        between="",
        think=("<|channel|>analysis<|message|>", "<|end|>"),
        said=(f"{HARMONY}final<|message|>", "<|end|>"),
        glue="",
    ),
    Family(
        "mistral_v3", envelope("arguments", ', "id": "9ch4rs001"'), ("[TOOL_CALLS][",), ", ", ("]",), "</s>", MAGISTRAL
    ),
    Family("mistral_v11", headed("[TOOL_CALLS]", "NAME"), between="", think=MAGISTRAL),
    Family(
        "mistral_small", headed("[TOOL_CALLS]", "NAME", "[CALL_ID]", "9ch4rs001", "[ARGS]"), between="", think=MAGISTRAL
    ),
    Family("mistral_v13", headed("[TOOL_CALLS]", "NAME", "[ARGS]"), between="", think=MAGISTRAL),
    Family("llama_3", envelope("parameters"), ("<|python_tag|>",), "; ", (), "<|eom_id|>", None),
    Family("llama_4", pythonic, ("<|python_start|>", "["), ", ", ("]", "<|python_end|>"), "<|eot|>", None),
    Family("gemma", gemma_call, between="", think=("<|channel>thought\n", "<channel|>"), raw=('<|"|>',)),
    Family(
        "longcat", enclosed("<longcat_tool_call>\n", envelope("arguments"), "\n</longcat_tool_call>"), think=LONGCAT
    ),
    Family(
        "cohere", cohere, ("<|START_ACTION|>", "[\n"), ",\n", ("\n]", "<|END_ACTION|>"), "<|END_OF_TURN_TOKEN|>", COHERE
    ),
    Family("lfm2", pythonic, ("<|tool_call_start|>", "["), ", ", ("]", "<|tool_call_end|>"), "<|im_end|>", None),
)
