"""Assembles the calls that a server parsed itself, from whatever deltas it sends.

Rules, each for a server that does it (ids of the incident corpus):
- the first id and the first name that are not empty win; "", null and "null" are no id and no name (litellm-12513);
- an index may be missing: then a known id decides, else the call before goes on, by the same rules as at one index;
- all calls may have index 0 (dynamo-4723): another name, or another id with a name, begins another call; another id
  without a name does so only when the call is complete, because some servers send a new id each time (glm4-194);
- arguments may be null (nothing), an object (its JSON), or a string (appended);
- complete objects one behind the other in one call are as many calls (openinterp-315), unless they are equal: then
  the server said the same again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from roundtrip.agent.leaks import JsonScanner, StructuredCall
from roundtrip.agent.wire.surrogates import Halves, encodable

_GLUED = re.compile(r"\}\s*\{")
_SPACE = re.compile(r"\s*")


class Grown(NamedTuple):
    """What a delta did to a call. begun: it can be seen just now."""

    number: int
    name: str
    text: str
    begun: bool


class _Slot:
    """A call under assembly. `number` is its place in the step."""

    def __init__(self, number: int, index: int | None) -> None:
        self.number = number
        self.index = index
        self.id = ""
        self.name = ""
        self.parts: list[str] = []
        self.seen = False
        self.halves = Halves()
        self._scanner = JsonScanner()
        self._scanned = 0
        self._rest = ""

    @property
    def complete(self) -> bool:
        """Whether the arguments are one whole JSON value. Looks at each part once, and only when somebody asks."""
        text = self._rest + "".join(self.parts[self._scanned :])
        self._scanned = len(self.parts)
        self._rest = text[self._scanner.feed(text) :].lstrip()[:1]  # half an escape, or what should not be there
        return self._scanner.state == "done" and not self._rest

    def is_other(self, call_id: str, name: str) -> bool:
        """Whether a delta with this id and name, at this slot's index, belongs to another call."""
        if not call_id or not self.id:
            return bool(name and self.name) and name != self.name
        if call_id != self.id:
            return bool(name) or self.complete
        return bool(name) and name != self.name and self.complete


class NativeCalls:
    """The structured calls of one message. repairs: (kind, raw) of what was not taken as it came."""

    def __init__(self) -> None:
        self.repairs: list[tuple[str, str]] = []
        self._slots: list[_Slot] = []

    def feed(self, delta: Mapping[str, Any], number: int) -> Grown:
        """Takes one call delta; a new call gets `number`."""
        function = delta.get("function")
        if not isinstance(function, dict):
            function = delta
        call_id, name, index = delta.get("id"), function.get("name"), delta.get("index")
        slot = self._slots[-1] if self._slots else None
        if slot is None or call_id or name or index != slot.index or index is None:
            slot = self._slot(number, _index(index), _word(call_id), _word(name))
        text = function.get("arguments")
        if text:
            text = slot.halves.whole(text if isinstance(text, str) else _dumped(text))
            slot.parts.append(text)
        begun = not slot.seen and bool(text or slot.name)
        slot.seen = slot.seen or begun
        return Grown(slot.number, slot.name, text or "", begun)

    def _slot(self, number: int, index: int | None, call_id: str, name: str) -> _Slot:
        """The call that a delta belongs to, a new one if need be."""
        here = [slot for slot in self._slots if slot.index == index or index is None]
        same = [slot for slot in here if call_id and slot.id == call_id]
        found = (same or here)[-1:]
        if not found or found[0].is_other(call_id, name):
            found = [_Slot(number, index)]
            self._slots += found
        slot = found[0]
        slot.id, slot.name = slot.id or call_id, slot.name or name
        return slot

    def calls(self, cut: bool, take: Callable[[], int]) -> tuple[StructuredCall, ...]:
        """The calls as they stand. `cut`: the message was cut. `take` numbers calls that nobody has seen yet."""
        found: list[StructuredCall] = []
        for slot in self._slots:
            text = "".join(slot.parts) + slot.halves.rest()
            whole, *others = self._documents(text)
            if slot.name or text.strip():
                found.append(StructuredCall(slot.number, slot.id, slot.name, whole, cut and slot is self._slots[-1]))
                found += [StructuredCall(take(), "", slot.name, other) for other in others]
        return tuple(self._without_copies(found))

    def _without_copies(self, calls: list[StructuredCall]) -> list[StructuredCall]:
        """A call that comes twice under one id is one call (agno-2640)."""
        kept: dict[object, StructuredCall] = {}
        for call in calls:
            key = (call.id, call.name, call.arguments) if call.id else call.index
            if key in kept:
                self.repairs.append(("repeated_call", call.name + call.arguments))
            kept.setdefault(key, call)
        return list(kept.values())

    def _documents(self, text: str) -> list[str]:
        """The objects that stand one behind the other, or the whole text where it is not that."""
        if not _GLUED.search(text):
            return [text]
        found: list[str] = []
        at = 0
        while at < len(text):
            scanner = JsonScanner()
            end = scanner.feed(text, at)
            if text[at] != "{" or scanner.state != "done":
                return [text]
            found.append(text[at:end])
            at = _SPACE.match(text, end).end()  # type: ignore[union-attr]  # matches the empty string, too
        different = [document for document, _ in groupby(found)]
        if len(found) > 1:
            self.repairs.append(("glued_calls" if len(different) > 1 else "repeated_arguments", text))
        return different

    @property
    def all_complete(self) -> bool:
        """Whether there are calls, all of them named and with complete arguments."""
        return bool(self._slots) and all(slot.complete and slot.name for slot in self._slots)


def _word(value: Any) -> str:
    return encodable(value) if isinstance(value, str) and value != "null" else ""


def _index(value: Any) -> int | None:
    whole = isinstance(value, int) or (isinstance(value, str) and value.isdecimal())
    return int(value) if whole or (isinstance(value, float) and value.is_integer()) else None


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(too deep)"  # no JSON, so the model is told
