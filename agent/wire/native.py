"""Assembles the calls that a server parsed itself, from whatever deltas it sends.

Rules, each for a server that does it (ids of the incident corpus):
- the first id and the first name that are not empty win; "", null and "null" are no id and no name (litellm-12513);
- an index may be missing: then the id decides, else a name begins a call, else the last call goes on;
- all calls may have index 0 (dynamo-4723): another id, or another name, begins another call; the same name without
  an id does so only when the call's arguments are complete, because some servers repeat the name (glm4-194);
- arguments may be null (nothing), an object (its JSON), or a string (appended).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from roundtrip.agent.leaks import JsonScanner, StructuredCall


class Grown(NamedTuple):
    """What a delta did to a call. begun: its name has become known just now."""

    number: int
    name: str
    text: str
    begun: bool


class _Slot:
    """A call under assembly. `number` is its place in the step."""

    def __init__(self, number: int, wire_index: Any) -> None:
        self.number = number
        self.wire_index = wire_index
        self.id = ""
        self.name = ""
        self.parts: list[str] = []
        self._scanner = JsonScanner()
        self._rest = ""

    def append(self, text: str) -> None:
        self.parts.append(text)
        text = self._rest + text
        self._rest = text[self._scanner.feed(text) :]

    @property
    def complete(self) -> bool:
        return self._scanner.state == "done" and not self._rest.strip()

    def is_other(self, call_id: str, name: str) -> bool:
        """Whether a delta with this id and name, at this slot's index, belongs to another call."""
        if call_id and self.id and call_id != self.id:
            return bool(name) or self.complete
        if not name or not self.name:
            return False
        return name != self.name or (not call_id and self.complete)


class NativeCalls:
    """The structured calls of one message."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []

    def feed(self, delta: Mapping[str, Any], number: int) -> Grown:
        """Takes one call delta; a new call gets `number`."""
        function = delta.get("function")
        function = function if isinstance(function, dict) else delta
        call_id, name = _word(delta.get("id")), _word(function.get("name"))
        slot = self._find(delta.get("index"), call_id, name)
        if slot is None:
            slot = _Slot(number, delta.get("index"))
            self._slots.append(slot)
        slot.id = slot.id or call_id
        begun = bool(name) and not slot.name
        slot.name = slot.name or name
        text = _arguments(function.get("arguments"))
        if text:
            slot.append(text)
        return Grown(slot.number, slot.name, text, begun)

    def _find(self, index: Any, call_id: str, name: str) -> _Slot | None:
        if not isinstance(index, int):
            by_id = [slot for slot in self._slots if call_id and slot.id == call_id]
            return by_id[-1] if by_id else self._slots[-1] if self._slots and not (call_id or name) else None
        at_index = [slot for slot in self._slots if slot.wire_index == index]
        if not at_index:
            return None
        same = [slot for slot in at_index if call_id and slot.id == call_id]
        slot = same[-1] if same else at_index[-1]
        return None if slot.is_other(call_id, name) else slot

    def calls(self, cut: bool) -> tuple[StructuredCall, ...]:
        """The calls as they stand. `cut`: the server says that the message was cut by its length."""
        found = (StructuredCall(s.number, s.id, s.name, "".join(s.parts), cut) for s in self._slots)
        return tuple(call for call in found if call.name or call.id or call.arguments.strip())

    @property
    def all_complete(self) -> bool:
        """Whether there are calls, all of them named and with complete arguments."""
        return bool(self._slots) and all(slot.complete and slot.name for slot in self._slots)


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value != "null" else ""


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
