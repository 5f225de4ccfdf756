"""Control tokens that no dialect needs to read, and that act, or do harm, where they stand in a prompt.

From the tokenizers' lists of special tokens. A token that is there twice, or that a dialect has too, costs nothing.
Left out are tokens that merely stand for themselves, such as `<pad>`, `<unk>` and `[MASK]`: code is full of them.
"""

from __future__ import annotations

from typing import Final

CONTROL_TOKENS: Final[dict[str, tuple[str, ...]]] = {
    "llama.cpp": ("<__media__>",),  # stands for a picture: one too many, and the request is refused (tools/mtmd)
    "qwen": (
        *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
        *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>"),
        *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
        *("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
    ),
    "deepseek": (
        *("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", "<｜▁pad▁｜>", "<｜System｜>", "<|EOT|>"),
        *("<｜search▁begin｜>", "<｜search▁end｜>", "<｜latest_reminder｜>"),
    ),
    "glm": (
        *("<eop>", "[sMASK]", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
        *("<|begin_of_audio|>", "<|end_of_audio|>", "<|image|>", "<|video|>", "<|code_prefix|>", "<|code_middle|>"),
        *("<|code_suffix|>", "<|begin_of_box|>", "<|end_of_box|>", "<|begin_of_transcription|>"),
    ),
    "gemma": (
        *("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"),
        *("<|image>", "<image|>", "<|audio>", "<audio|>", "<|image|>", "<|audio|>"),
    ),
    "llama": ("<|finetune_right_pad_id|>", "<|image|>", "<|image_start|>", "<|image_end|>", "<|patch|>"),
    "mistral": (
        *("[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[MODEL_SETTINGS]"),
        *("[/MODEL_SETTINGS]", "[BEGIN_AUDIO]", "[AUDIO]"),
    ),
    "cohere": (
        *("<BOS_TOKEN>", "<EOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"),
        *("<|SYSTEM_TOKEN|>", "<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>"),
    ),
    "gpt-oss": ("<|startoftext|>", "<|endofprompt|>", "<|refusal|>"),
    "lfm2": (
        *("<|startoftext|>", "<|tool_list_start|>", "<|tool_list_end|>", "<|tool_response_start|>"),
        *("<|tool_response_end|>", "<|image_start|>", "<|image_end|>"),
    ),
    "hunyuan": (
        *("<｜hy_begin▁of▁sentence｜>", "<｜hy_end▁of▁sentence｜>", "<｜hy_User｜>", "<｜hy_Assistant｜>"),
        *("<｜hy_place▁holder▁no▁2｜>", "<｜hy_place▁holder▁no▁3｜>", "<|eos|>", "<|extra_0|>", "<|extra_4|>"),
    ),
    "minimax": ("<beginning_of_sentence>", "<end_of_sentence>", "]<]image[>[", "]<]video[>[", "]<]speech[>["),
    "phi": ("<|placeholder1|>", "<|tool|>", "<|/tool|>", "<|tool_response|>", "<|/tool_call|>"),
}
"""Whose tokens, and how they are spelt."""
