"""Calls in JSON: arguments behind a header, or envelopes that hold the name, too.

    functions.read_file:0 {"path": "a"}                                     arguments behind a header
    {"name": "read_file", "arguments": {"path": "a"}}                       an envelope
    [{"name": ..., "arguments": ...}, ...]   {...}; {...}   {...} {...}     several

Strategy. What arguments say is `arguments`' business, envelopes are only opened here: names and arguments are cut out
of the raw text as they stand, so that the history keeps the model's own bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from roundtrip.agent.leaks.arguments import once, read_arguments, too_deep
from roundtrip.agent.leaks.json_scanner import JsonScanner
from roundtrip.agent.leaks.notation import BodyScanner, State, Written

_NAMES = ("name", "tool_name", "tool", "function", "function_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "params", "kwargs")
_BESIDE = {"id", "type", "tool_call_id", "index", "call_id"}
_NAME_BEGUN = re.compile(
    r'\s*\[?\s*\{(?:\s*"\w{1,32}"\s*:\s*"[^"\\]{0,128}"\s*,){0,3}'
    r"\s*[\"']?(?:tool_)?name[\"']?\s*:\s*[\"']?(?P<name>[\w.:-]{1,128})[\"',]"
)
_FENCE = "```"
_BETWEEN = re.compile(r"[\s;,]*+")
_LISTS = re.compile(r"[\[\s]*+")
_CLOSERS = "]},; \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*+")
_SOME_SPACE = re.compile(r"\s{0,64}+")
_decode = json.JSONDecoder(strict=False, object_pairs_hook=once).raw_decode


class SequenceScanner:
    """The end of JSON values that stand one behind the other, with white space, `;` or `,` between them."""

    def __init__(self) -> None:
        self.state: State = "open"
        self._inner = JsonScanner()

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """As BodyScanner says."""
        while True:
            at = self._inner.feed(text, at, final)
            if self._inner.state != "done":
                self.state = self._inner.state
                return at
            behind = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # matches the empty string, too
            if behind == len(text) and not final:
                return at
            if text[behind : behind + 1] != "{":
                self.state = "done"
                return at
            self._inner, at = JsonScanner(), behind


class FencedScanner:
    """The end of a JSON value, and of the code fence that it stands in."""

    def __init__(self) -> None:
        self.state: State = "open"
        self._inner = JsonScanner()

    def feed(self, text: str, at: int = 0, final: bool = False) -> int:
        """As BodyScanner says."""
        at = self._inner.feed(text, at, final)
        if self._inner.state != "done":
            self.state = self._inner.state
            return at
        behind = _SOME_SPACE.match(text, at).end()  # type: ignore[union-attr]
        if not final and _FENCE.startswith(text[behind : behind + len(_FENCE)]) and len(text) < behind + len(_FENCE):
            return at
        self.state = "done"
        return behind + len(_FENCE) if text.startswith(_FENCE, behind) else at


class Json:
    """Arguments as one JSON value. several: envelopes may stand one behind the other. fenced: in a code fence."""

    def __init__(self, *, several: bool = False, fenced: bool = False) -> None:
        self._scanner = SequenceScanner if several else FencedScanner if fenced else JsonScanner

    def scanner(self) -> BodyScanner:
        """A scanner for one body."""
        return self._scanner()

    def read(self, header: str, raw: str, *, ended: bool, closed: bool) -> tuple[Written, ...]:
        """The calls of a whole body."""
        if self._scanner is FencedScanner:
            raw = raw.rstrip().removesuffix(_FENCE)
        if header or not raw.strip():
            return (Written(header, read_arguments(raw, ended=closed), raw),)
        return tuple(_calls(raw, closed)) or (Written(header, read_arguments(raw), raw),)


JSON, ENVELOPES, FENCED = Json(), Json(several=True), Json(fenced=True)


def _calls(raw: str, ended: bool) -> Iterator[Written]:
    at = _BETWEEN.match(raw).end()  # type: ignore[union-attr]
    deep = too_deep(raw)
    while at < len(raw):
        try:
            value, end = _decode(raw, at if not deep else len(raw))
        except ValueError:
            yield from _damaged(raw, at, ended)
            return
        yield from _opened(raw, at, value)
        at = _BETWEEN.match(raw, end).end()  # type: ignore[union-attr]
        if not raw[at:].strip(_CLOSERS):
            return


def _opened(raw: str, at: int, value: Any) -> Iterator[Written]:
    """The calls of a valid JSON value that begins at `at`."""
    if isinstance(value, list) and value:
        for start, part in _elements(raw, at):
            yield from _opened(raw, start, part)
        return
    found = _envelope(raw, at, value) if isinstance(value, dict) else None
    end = _decode(raw, at)[1]
    yield found or Written("", read_arguments(raw[at:end]), raw[at:end], at)


def _elements(raw: str, at: int) -> Iterator[tuple[int, Any]]:
    """(where it begins, value) of an array's elements."""
    at = _SPACE.match(raw, at + 1).end()  # type: ignore[union-attr]
    while raw[at] != "]":
        value, end = _decode(raw, at)
        yield at, value
        at = _BETWEEN.match(raw, end).end()  # type: ignore[union-attr]


def _members(raw: str, at: int) -> Iterator[tuple[str, int, int, Any]]:
    """(key, where its value begins and ends, value) of an object's members."""
    at = _SPACE.match(raw, at + 1).end()  # type: ignore[union-attr]
    while raw[at] != "}":
        key, end = _decode(raw, at)
        start = _SPACE.match(raw, raw.index(":", end) + 1).end()  # type: ignore[union-attr]
        value, end = _decode(raw, start)
        yield key, start, end, value
        at = _BETWEEN.match(raw, end).end()  # type: ignore[union-attr]


def _envelope(raw: str, at: int, value: Mapping[str, Any]) -> Written | None:
    """The call in an object that names a tool and holds its arguments."""
    inner = value.get("function")
    if isinstance(inner, dict) and set(value) <= {"function", *_BESIDE}:
        return next(_envelope(raw, start, inner) for key, start, _, _ in _members(raw, at) if key == "function")
    name = next((key for key in _NAMES if isinstance(value.get(key), str)), "")
    held = next((key for key in _ARGUMENTS if key in value), "")
    if not (name or held) or set(value) - {name, held, *_BESIDE} or not (name or set(value) - {held}):
        return None
    if not held:
        return Written(value[name], read_arguments(""), "", at)
    start, end = next((start, end) for key, start, end, _ in _members(raw, at) if key == held)
    return Written(value.get(name, ""), read_arguments(raw[start:end]), raw[start:end], start)


def _damaged(raw: str, at: int, ended: bool) -> Iterator[Written]:
    """What can be said of envelopes that are no valid JSON: the whole is mended, or nothing runs."""
    read = read_arguments(raw[at:], ended=ended)
    if read.value is not None:
        for call in _opened(read.text, 0, read.value):
            arguments = replace(call.arguments, repairs=(*call.arguments.repairs, *read.repairs))
            yield replace(call, arguments=arguments, offset=at + call.offset)
        return
    inner = _LISTS.match(raw, at).end()  # type: ignore[union-attr]
    if inner > at and raw[inner : inner + 1] == "{":  # a list that is cut: the calls before the cut are whole
        yield from (replace(call, offset=inner + call.offset) for call in _calls(raw[inner:], ended))
        return
    found = _NAME_BEGUN.match(raw, at)
    yield Written(found["name"] if found else "", read, raw[at:], at)
