"""Writes a GGUF file that is all vocabulary: the 256 bytes and the control tokens one asks for. Its weights are zero.

What a server's tokenizer makes of a text needs no model that can speak.
"""

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from llama.scripted_weights import CONTROL, ID, tokenizer

WIDTH, HEAD = 32, 32


def write(path: Path, control: Sequence[str]) -> None:
    """`control`: control tokens beside those of `scripted_weights`."""
    tokens = list(dict.fromkeys([*CONTROL, *control]))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("vocabulary")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(256 + len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokenizer(writer, tokens)
    for name, shape in _shapes(256 + len(tokens)).items():
        writer.add_tensor(f"{name}.weight", np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def is_control(token: int) -> bool:
    """Whether the tokenizer took it for more than text; `[BOS]`, which it puts first, does not count."""
    return token >= 256 and token != ID["[BOS]"]


def _shapes(size: int) -> dict[str, tuple[int, ...]]:
    square, norms = (WIDTH, WIDTH), ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    parts = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    return {
        "token_embd": (size, WIDTH),
        "output": (size, WIDTH),
        **dict.fromkeys(norms, (WIDTH,)),
        **{f"blk.0.{part}": square for part in parts},
    }
