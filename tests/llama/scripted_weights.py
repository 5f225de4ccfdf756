"""Writes a GGUF file whose weights play a script: in any conversation, the k-th assistant turn is turns[k - 1].

Why: a test against the real llama.cpp server wants a model that says an exact text in Kimi K2's control tokens,
with no download. A grammar can't do it (the server refuses one beside tools), and a proxy would not be the server.

Strategy: a llama transformer of two layers, its weights written by hand. The vocabulary is the 256 bytes and
the control tokens, so a text has one tokenisation. A token's embedding is a word of the extended Golay code:
24 places of ±1, of which any two words differ in at least 8.

  attention 1   one head per offset o copies the code of the token o places back (rotary phases do the counting),
                and the last head averages over [BOS] and all <|im_assistant|>, which reads 1 / (1 + turn)
  feed-forward 1  1 / (1 + turn)  →  one feature per turn
  feed-forward 2  one unit per token of the script: in turn k, after these tokens at these offsets  →  the next one

Rules:
- Where no unit fires the model says <|im_end|>.
- The offsets are chosen so that the script is unambiguous; a script that repeats itself over more than ~400 bytes
  is refused when it is written.
- What is not meant to be seen ends in an exact zero, never in denormal numbers: those are slow.
- All embeddings have the same norm, so what RMSNorm multiplies by is a constant, which the weights divide out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

CONTROL = [
    *("[BOS]", "[EOS]", "<|im_end|>", "<|im_user|>", "<|im_assistant|>", "<|im_system|>", "<|im_middle|>"),
    *("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<think>", "</think>", "[UNK]", "[PAD]"),
    *("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
]
ID = {token: 256 + number for number, token in enumerate(CONTROL)}
HEADER = [ID["<|im_assistant|>"], *b"assistant", ID["<|im_middle|>"]]
SIZE = 256 + len(CONTROL)

CODE, HEAD = 24, 32  # places of a token's code; dimensions of an attention head
MOST_OFFSETS, FARTHEST = 24, 400
CONTEXT = 32_768
ROPE_BASE = 10_000.0
# Rotary frequencies whose sum of cosines has one peak, at 0, and stays GAP below it up to 131,072 places away.
FREQUENCIES = [
    *(0.0577179, 0.0593373, 0.0599504, 0.0836112, 0.0906499, 0.1027699, 0.2111782, 0.4569191),
    *(0.5415583, 0.8865344, 1.105443, 1.3777565, 1.5272889, 1.6575777, 1.9466386),
]
GAP = 4.74


def write(path: Path, turns: Sequence[str]) -> None:
    """Writes the weights that play `turns`, texts in which control tokens are spelt out."""
    if any("<|im_assistant|>" in turn for turn in turns):
        raise ValueError("a turn can't hold <|im_assistant|>: it would be counted as a turn")
    offsets, units = plan([[*tokens(turn), ID["<|im_end|>"]] for turn in turns])
    weights = Weights(offsets, units, len(turns))
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, weights)
    tokenizer(writer, CONTROL)
    for name, array in weights.tensors().items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokens(text: str) -> list[int]:
    found: list[int] = []
    for part in re.split("(" + "|".join(map(re.escape, CONTROL)) + ")", text):
        found += [ID[part]] if part in ID else part.encode()
    return found


@dataclass(frozen=True)
class Unit:
    """In turn `turn`, where these tokens stand at these offsets (0 is the newest), `then` comes next."""

    turn: int
    behind: dict[int, int]
    then: int


def plan(turns: Sequence[Sequence[int]]) -> tuple[list[int], list[Unit]]:
    """The offsets at which to look back so that each next token is certain, and a unit for each of them."""
    scripts = [np.array([*HEADER, *turn]) for turn in turns]
    offsets = [*range(8), 10]
    while found := [(script, *clash) for script in scripts for clash in _clashes(script, offsets)]:
        votes: Counter[int] = Counter()
        for script, one, other in found[:200]:
            votes.update(_telling(script, one, other, offsets))
        if not votes or len(offsets) == MOST_OFFSETS:
            script, one, _ = found[0]
            near = bytes(token for token in script[:one][-40:] if token < 256)
            raise ValueError(f"the script repeats itself too much near {near!r}")
        offsets = sorted([*offsets, max(votes, key=lambda offset: (votes[offset], -offset))])
    units = [
        Unit(turn, {o: int(t) for o, t in zip(offsets, row, strict=True) if t >= 0}, int(script[place]))
        for turn, script in enumerate(scripts, 1)
        for place, row in enumerate(_behind(script, offsets), len(HEADER))
    ]
    return offsets, units


def _behind(script: np.ndarray, offsets: Sequence[int]) -> np.ndarray:
    """For each place after the header the tokens at the offsets, -1 for before the start."""
    at = np.arange(len(HEADER), len(script))[:, None] - 1 - np.array(offsets)
    return np.where(at >= 0, script[np.maximum(at, 0)], -1)


def _clashes(script: np.ndarray, offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of places where the unit of the first also fires at the second and says something else."""
    rows, then = _behind(script, offsets), script[len(HEADER) :]
    fires = np.ones((len(then), len(then)), bool)
    for column in rows.T:
        fires &= (column[:, None] == -1) | (column[:, None] == column)
    asks = (rows >= 0).sum(1)  # of two units that fire, the one that asks for more wins
    wrong = fires & (then[:, None] != then) & (asks[:, None] >= asks)
    return [(int(one) + len(HEADER), int(other) + len(HEADER)) for one, other in np.argwhere(wrong)]


def _telling(script: np.ndarray, one: int, other: int, known: Sequence[int]) -> list[int]:
    """The offsets that tell two places apart."""
    return [
        offset
        for offset in range(8, min(max(one, other), FARTHEST))
        if offset not in known
        and other > offset
        and (one <= offset or script[one - 1 - offset] != script[other - 1 - offset])
    ]


def golay_codes(count: int) -> np.ndarray:
    """`count` words of the extended Golay code, as rows of ±1."""
    generator = 0b101011100011  # of the cyclic [23, 12, 7] code; a parity bit makes it [24, 12, 8]
    basis = np.array([[(generator << row) >> bit & 1 for bit in range(23)] for row in range(12)])
    messages = np.random.default_rng(1).permutation(4096)[:count]
    bits = (messages[:, None] >> np.arange(12) & 1) @ basis % 2
    return (1 - 2 * np.c_[bits, bits.sum(1) % 2]).astype(np.float32)


class Weights:
    """The tensors. `at` says where in the residual stream a feature lies; an offset's code lies under its number."""

    def __init__(self, offsets: Sequence[int], units: Sequence[Unit], turns: int) -> None:
        self.offsets, self.units, self.turns = offsets, units, turns
        self.codes = golay_codes(SIZE)
        sizes: dict[str | int, int] = {0: CODE, "one": 1, "counted": 1, "first": 1, "share": 1, "turn": turns}
        sizes |= {"next": CODE} | dict.fromkeys(offsets[1:], CODE)
        ends = np.cumsum(list(sizes.values()))
        self.at = {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}
        self.one, self.share = self.at["one"].start, self.at["share"].start
        self.width = -(-int(ends[-1]) // 32) * 32
        self.hidden = -(-max(len(units), 2 * turns + 2) // 32) * 32
        self.heads = len(offsets)  # the offset 0 needs none, and the last one counts

    def tensors(self) -> dict[str, np.ndarray]:
        attention = self._attention()
        first = attention | self._turn_number()
        second = {name: np.zeros_like(array) for name, array in attention.items()} | self._script()
        output = np.zeros((SIZE, self.width), np.float32)
        output[:, self.at["next"]] = self.codes
        output[ID["<|im_end|>"], self.one] = 50
        # llama.cpp divides its own rotary frequencies by these factors; the last pair (of the counter) does not turn.
        own = ROPE_BASE ** (-np.arange(HEAD // 2) * 2 / HEAD)
        factors = (own / np.append(FREQUENCIES, 1e-9)).astype(np.float32)
        tensors = {"token_embd": self._embedding(), "output": output, "rope_freqs": factors}
        tensors |= {f"blk.0.{name}": array for name, array in first.items()}
        tensors |= {f"blk.1.{name}": array for name, array in second.items()}
        norms = ["output_norm", *(f"blk.{layer}.{part}_norm" for layer in (0, 1) for part in ("attn", "ffn"))]
        tensors |= {name: np.ones(self.width, np.float32) for name in norms}
        return {f"{name}.weight": array for name, array in tensors.items()}

    def _gain(self, squares: int) -> float:
        """What RMSNorm multiplies by where the stream holds that many features of ±1."""
        return float(np.sqrt(self.width / squares))

    def _embedding(self) -> np.ndarray:
        table = np.zeros((SIZE, self.width), np.float32)
        table[:, self.at[0]] = self.codes
        table[:, self.one] = 1
        table[:, self.at["counted"]] = table[:, self.at["first"]] = -1
        table[[ID["[BOS]"], ID["<|im_assistant|>"]], self.at["counted"]] = 1
        table[ID["[BOS]"], self.at["first"]] = 1
        return table

    def _attention(self) -> dict[str, np.ndarray]:
        """All heads share one key and one value: the offset is in the query, and the counter has a pair of its own."""
        gain, last = self._gain(CODE + 3), (self.heads - 1) * HEAD
        query, out = np.zeros((self.heads * HEAD, self.width)), np.zeros((self.width, self.heads * HEAD))
        key, value = np.zeros((HEAD, self.width)), np.zeros((HEAD, self.width))
        strength = np.sqrt(16 / GAP * np.sqrt(HEAD))  # the right place wins by 16 nats or more
        key[0 : HEAD - 2 : 2, self.one] = strength / gain
        value[:CODE, self.at[0]] = np.eye(CODE) / gain
        for number, offset in enumerate(self.offsets[1:]):
            head, angles = number * HEAD, np.multiply(FREQUENCIES, offset)
            turned = np.stack([np.cos(angles), -np.sin(angles)], 1).ravel()
            query[head : head + HEAD - 2, self.one] = strength * turned / gain
            out[self.at[offset], head : head + CODE] = np.eye(CODE)
        sharp = np.sqrt(14 * np.sqrt(HEAD))
        query[last + HEAD - 2, self.one] = sharp / gain
        key[HEAD - 2, self.at["counted"]] = sharp / gain
        value[CODE, self.at["first"]] = value[CODE, self.one] = 0.5 / gain  # 1 at [BOS], elsewhere 0
        out[self.share, last + CODE] = 1
        named = {"attn_q": query, "attn_k": key, "attn_v": value, "attn_output": out}
        return {name: array.astype(np.float32) for name, array in named.items()}

    def _feed_forward(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shape = (self.hidden, self.width)
        return np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape[::-1], np.float32)

    def _turn_number(self) -> dict[str, np.ndarray]:
        """Two steep units make a step at each threshold; a turn's feature is the difference of two steps."""
        gain, steep = self._gain(CODE * self.heads + 3), 4e4
        gate, up, down = self._feed_forward()
        turn = self.at["turn"].start
        thresholds = [0.75, *((1 / (1 + k) + 1 / (2 + k)) / 2 for k in range(1, self.turns + 1))]
        for number, threshold in enumerate(thresholds):
            for unit, shift, sign in ((2 * number, 1.0, 1), (2 * number + 1, 0.0, -1)):
                gate[unit, self.share] = steep / gain
                gate[unit, self.one] = (shift - steep * threshold) / gain
                up[unit, self.one] = 1 / gain
                if number > 0:
                    down[turn + number - 1, unit] = sign
                if number < self.turns:
                    down[turn + number, unit] = -sign
        return {"ffn_gate": gate, "ffn_up": up, "ffn_down": down}

    def _script(self) -> dict[str, np.ndarray]:
        gain = self._gain(CODE * self.heads + 4)
        gate, up, down = self._feed_forward()
        fewest = min(len(unit.behind) for unit in self.units)
        for number, unit in enumerate(self.units):
            for offset, token in unit.behind.items():
                gate[number, self.at[offset]] = self.codes[token]
            gate[number, self.at["turn"].start + unit.turn - 1] = 16
            gate[number, self.one] = -(CODE * len(unit.behind) + 16 - 8)
            gate[number] *= 5 / gain  # a full match gives 40; one token off -40, two -120, which silu makes 0
            up[number, self.one] = 1 / gain
            down[self.at["next"], number] = self.codes[unit.then] * 2.0 ** (len(unit.behind) - fewest)
        return {"ffn_gate": gate, "ffn_up": up, "ffn_down": down}


def _describe(writer: gguf.GGUFWriter, weights: Weights) -> None:
    writer.add_name("scripted-kimi-k2")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(weights.width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(weights.hidden)
    writer.add_head_count(weights.heads)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(1e-9)
    writer.add_vocab_size(SIZE)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def tokenizer(writer: gguf.GGUFWriter, control: Sequence[str]) -> None:
    """Bytes under the printable stand-ins that byte-level BPE gives them, then the control tokens, `CONTROL` first."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    names = [chr(byte if byte in printable else next(spare)) for byte in range(256)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("kimi-k2")
    writer.add_token_list([*names, *control])
    writer.add_token_merges([f"{names[0]} {names[1]}"])  # one is asked for; NUL + SOH never occurs
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(control))
    writer.add_bos_token_id(ID["[BOS]"])
    writer.add_eos_token_id(ID["<|im_end|>"])
    writer.add_pad_token_id(ID["[PAD]"])
    writer.add_add_bos_token(True)
