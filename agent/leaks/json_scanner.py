"""Where a JSON value ends.

Strategy. A JSON value ends where its grammar says so; a marker inside a string is data, so nobody searches for end
markers. `JsonScanner` carries its state over chunks (the stack of open brackets, inside a string or not, what is
expected next) and looks at each character once. It is lenient where models are (raw line breaks in strings) and
leaves the spelling of numbers and literals to the final `json.loads`; a structural error is noticed at once.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from roundtrip.agent.leaks.notation import State

_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*+")
_LITERAL = re.compile(r"[-+.\w]++")
DEEPEST = 100
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
        self.state: State = "open"
        self._expect = _Expect.VALUE
        self._stack: list[str] = []
        self._in_string = False
        self._key = False
        self._literal = False

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
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
        elif char in _OPENS and self._expect in _VALUES and len(self._stack) < DEEPEST:
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
