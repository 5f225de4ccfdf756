"""Gemma 4.

    <|tool_call>call:NAME{KEY:<|"|>TEXT<|"|>,n:42,b:true,o:{...},l:[...]}<tool_call|>

Keys are bare, strings stand between pairs of `<|"|>` and nothing in them is escaped. Reasoning stands in
<|channel>thought ... <channel|>. Source: the chat template of gemma-4-31B-it.

In the wild: all special tokens are stripped (openclaude#380: `call:NAME{...}`), `thought` leaks (vllm#39885).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from roundtrip.agent.leaks.arguments import read_arguments
from roundtrip.agent.leaks.dialect import Bare, Dialect, Role
from roundtrip.agent.leaks.forms import BLANK, form
from roundtrip.agent.leaks.json_scanner import DEEPEST
from roundtrip.agent.leaks.marks import Marks
from roundtrip.agent.leaks.notation import CUT, Arguments, BodyScanner, State, Written

_QUOTE = '<|"|>'
_END = "<tool_call|>"
_PLAIN = re.compile(r"[^<\"{}\[\]]++|<(?!\|\"\|>|tool_call\|>)")
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_KEY = r"(?<![\w.$-])(?P<key>[A-Za-z_$][\w.$-]*+)(?=\s*:)"
_TOKEN = re.compile(rf'<\|"\|>(?P<text>.*?)<\|"\|>|"(?:[^"\\]++|\\.)*+"|{_KEY}', re.DOTALL)
_QUOTES, _MARKS = Marks([re.escape(_QUOTE)]), Marks([re.escape(_QUOTE), re.escape(_END)])
_PAIRS = {"}": "{", "]": "["}


class _Scanner:
    """The end of an object with bare keys."""

    def __init__(self) -> None:
        self.state: State = "open"
        self._stack: list[str] = []
        self._quote = ""

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """As BodyScanner says."""
        while at < len(text) and self.state == "open":
            next_at = self._string(text, at) if self._quote else self._between(text, at, final)
            if next_at < 0:
                break
            at = next_at
        return at

    def _string(self, text: str, at: int) -> int:
        if self._quote == '"':
            end = _STRING.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string, too
            size = 1
        else:
            end, size = text.find(_QUOTE, at), len(_QUOTE)
            end = end if end >= 0 else _QUOTES.half_from(text, at)
        if text.startswith(self._quote, end):
            self._quote = ""
            return end + size
        return end if end > at else -1

    def _between(self, text: str, at: int, final: bool) -> int:
        if not final and text[at] == "<" and _MARKS.half_from(text, at) == at:
            return -1
        plain = _PLAIN.match(text, at)
        if plain:
            return plain.end()
        if text.startswith(_QUOTE, at):
            self._quote = _QUOTE
            return at + len(_QUOTE)
        char = text[at]
        if char == '"':
            self._quote = char
        elif char in "{[" and len(self._stack) < DEEPEST:
            self._stack.append(char)
        elif self._stack and _PAIRS.get(char) == self._stack[-1]:
            self._stack.pop()
            self.state = "open" if self._stack else "done"
        else:
            self.state = "broken"
            return at
        return at + 1


class _BareKeys:
    """Gemma's own notation. What it says is said in JSON, and read as that."""

    def scanner(self) -> BodyScanner:
        """A scanner for one body."""
        return _Scanner()

    def read(self, header: str, raw: str, *, ended: bool, closed: bool) -> tuple[Written, ...]:
        """The one call of a body."""
        scanner = _Scanner()
        scanner.feed(raw, 0, True)
        if scanner.state == "open" and raw.strip() and not closed:
            return (Written(header, Arguments(None, raw, CUT, cut=True, bounded=False), raw),)
        read = read_arguments(_TOKEN.sub(_as_json, raw), ended=closed)
        return (Written(header, replace(read, text=read.text if read.value is not None else raw), raw),)


def _as_json(found: re.Match[str]) -> str:
    said = found["text"] if found["text"] is not None else found["key"]
    return found[0] if said is None else json.dumps(said, ensure_ascii=False)


_NOTATION = _BareKeys()
_CALL = form(
    rf"{BLANK}[\w.:-]{{0,160}}{BLANK}", rf"{BLANK}(?:call:)?(?P<word>[\w.-]{{1,128}}){BLANK}(?=\{{)", _NOTATION
)

DIALECT = Dialect(
    name="gemma",
    markers={
        "<|tool_call>": Role.CALL_BEGIN,
        "<tool_call|>": Role.CALL_END,
        "<|channel>thought": Role.THINK_BEGIN,
        "<channel|>": Role.THINK_END,
        "<turn|>": Role.STOP,
        "<|turn>": Role.STOP,
    },
    forms={"<|tool_call>": (_CALL,)},
    bare=(Bare(r"call:(?P<name>{name})(?=\{{)", _NOTATION),),
    live=(
        *(
            "<|tool_call>",
            "<tool_call|>",
            _QUOTE,
            "<|channel>",
            "<channel|>",
            "<|turn>",
            "<turn|>",
            "<|tool>",
            "<tool|>",
        ),
        *("<|tool_response>", "<tool_response|>", "<|think|>", "<bos>", "<eos>"),
    ),
)
