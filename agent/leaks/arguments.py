"""Where a call's arguments end, and what they say.

Strategy. A JSON value ends where its grammar says so; a marker inside a string is data, so nobody searches for end
markers. `JsonScanner` carries its state over chunks (the stack of open brackets, inside a string or not, what is
expected next) and looks at each character once. It is lenient where models are (raw line breaks in strings) and
leaves the spelling of numbers and literals to the final `json.loads`; a structural error is noticed at once.

Rules: nothing that was cut is ever completed; a JSON string that holds JSON is opened once.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

from roundtrip.agent.leaks.dialect import WHITE

_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*+")
_LITERAL = re.compile(r"[-+.\w]++")
_DEEPEST = 100
"""Brackets in brackets. Nobody needs more, and what is nested a thousand deep stops every program that recurses."""


class _Expect(Enum):
    VALUE = auto()
    FIRST_VALUE = auto()
    FIRST_KEY = auto()
    KEY = auto()
    COLON = auto()
    NEXT = auto()


_OPENS = {"{": _Expect.FIRST_KEY, "[": _Expect.FIRST_VALUE}
_CLOSES = {"}": ("{", _Expect.FIRST_KEY), "]": ("[", _Expect.FIRST_VALUE)}
_VALUES = (_Expect.VALUE, _Expect.FIRST_VALUE)
_KEYS = (_Expect.KEY, _Expect.FIRST_KEY)


class JsonScanner:
    """Finds the end of one JSON object, array or string, fed in pieces.

    `state` is "open" until the value is "done", or "broken" by a character that can't stand there.
    """

    __slots__ = ("_expect", "_in_string", "_key", "_literal", "_stack", "state")

    def __init__(self) -> None:
        self.state: Literal["open", "done", "broken"] = "open"
        self._expect = _Expect.VALUE
        self._stack: list[str] = []
        self._in_string = False
        self._key = False
        self._literal = False

    def feed(self, text: str, at: int = 0) -> int:
        """Takes characters from index `at`; returns the index behind the last one taken.

        Less than all is taken when the value is done or broken, or when the text ends in half an escape:
        that character must come again with the next piece.
        """
        size = len(text)
        while at < size and self.state == "open":
            if self._in_string:
                at = _STRING.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string, too
                if at == size or text[at] == "\\":
                    return at
                at += 1
                self._in_string = False
                self._after_string()
                continue
            at = self._between(text, at)
        return at

    def _between(self, text: str, at: int) -> int:
        """Takes one token outside a string."""
        if self._literal:
            at = self._rest_of_literal(text, at)
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if at == len(text):
            return at
        char = text[at]
        if char == '"' and self._expect in (*_VALUES, *_KEYS):
            self._key = self._expect in _KEYS
            self._in_string = True
        elif char in _OPENS and self._expect in _VALUES and len(self._stack) < _DEEPEST:
            self._stack.append(char)
            self._expect = _OPENS[char]
        elif char in _CLOSES and self._stack and self._may_close(char):
            self._stack.pop()
            self._value_done()
        elif char == "," and self._expect is _Expect.NEXT:
            self._expect = _Expect.KEY if self._stack[-1] == "{" else _Expect.VALUE
        elif char == ":" and self._expect is _Expect.COLON:
            self._expect = _Expect.VALUE
        elif self._stack and self._expect in _VALUES and _LITERAL.match(char):
            self._literal = True
            self._value_done()
        else:
            self.state = "broken"
            return at
        return at + 1

    def _rest_of_literal(self, text: str, at: int) -> int:
        found = _LITERAL.match(text, at)
        end = found.end() if found else at
        self._literal = end == len(text)
        return end

    def _may_close(self, char: str) -> bool:
        opener, empty = _CLOSES[char]
        return self._stack[-1] == opener and self._expect in (_Expect.NEXT, empty)

    def _after_string(self) -> None:
        if self._key:
            self._expect = _Expect.COLON
        else:
            self._value_done()

    def _value_done(self) -> None:
        if self._stack:
            self._expect = _Expect.NEXT
        else:
            self.state = "done"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call's argument text says.

    value: the object, None where it is none. text: the JSON text of that object, byte for byte where it was valid.
    problem: why `value` is None, in words for the model. cut: the text ended too early. repairs: kinds.
    bounded: it is certain that the arguments end where they were thought to end. Where a string may still be open,
        what follows may be part of it.
    """

    value: dict[str, Any] | None
    text: str
    problem: str = ""
    cut: bool = False
    repairs: tuple[str, ...] = ()
    bounded: bool = True


def read_arguments(raw: str) -> Arguments:
    """Reads the complete argument text of a call. Never raises."""
    text = raw.strip(WHITE)
    if text in ("", "null"):
        return Arguments({}, "{}", repairs=("empty_arguments",))
    value, repairs = _loads(text)
    if isinstance(value, str):
        inner, more = _loads(value.strip())
        if isinstance(inner, dict):
            return _object(inner, value.strip(), more, (*repairs, *more, "double_encoded"))
    if isinstance(value, dict):
        return _object(value, text, repairs, repairs)
    if value is not None:
        return Arguments(None, text, "the arguments are valid JSON, but not an object")
    scanner = JsonScanner()
    end = scanner.feed(text)
    if scanner.state == "open":
        problem = "the call was cut off before its arguments were complete"
        return Arguments(None, text, problem, cut=True, bounded=False)
    near = text[max(0, end - 20) : end + 20]
    problem = f"the arguments are not valid JSON near {near!r}"
    if scanner.state == "done" and text[end:].strip():
        problem = "there is text after the JSON object of the arguments"
    return Arguments(None, text, problem, bounded=not text[end:].strip("]},; \t\r\n"))


def _object(value: dict[str, Any], text: str, changes: tuple[str, ...], repairs: tuple[str, ...]) -> Arguments:
    return Arguments(value, json.dumps(value, ensure_ascii=False) if changes else text, repairs=repairs)


_LONE = re.compile("[\ud800-\udfff]")


def _loads(text: str) -> tuple[Any, tuple[str, ...]]:
    """(value, repairs); (None, ()) where it is no JSON. Half of a surrogate pair is legal in JSON's grammar, and fatal
    to servers that decode it."""
    if text.count("{") + text.count("[") > _DEEPEST and _too_deep(text):
        return None, ()
    for strict, repairs in ((True, ()), (False, ("raw_control_characters",))):
        try:
            value = json.loads(text, strict=strict, parse_constant=_refused, parse_float=_finite)
        except ValueError:
            continue
        whole = json.dumps(value, ensure_ascii=False) if "\\u" in text or not text.isascii() else ""
        if _LONE.search(whole):
            return json.loads(_LONE.sub("\ufffd", whole)), (*repairs, "lone_surrogate")
        return value, repairs
    return None, ()


def _too_deep(text: str) -> bool:
    scanner = JsonScanner()
    scanner.feed(text)
    return scanner.state == "broken"


def _refused(word: str) -> None:
    """NaN and Infinity are Python's, not JSON's: a server that parses the history would refuse it for ever."""
    raise ValueError(word)


def _finite(word: str) -> float:
    """A number that is too great becomes Infinity, and that could not be sent."""
    if not math.isfinite(number := float(word)):
        raise ValueError(word)
    return number
