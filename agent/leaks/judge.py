"""The verdict on one call, wherever it stood: it runs, or there is a reason for the model why not.

A call runs only if it resolves to exactly one offered tool and its arguments are a complete JSON object that fits.
A call behind one whose arguments have no certain end does not run either: it may stand in a string of theirs, because
models forget to escape quotes when they copy a file that shows calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from roundtrip.agent.leaks.arguments import Arguments, read_arguments
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role
from roundtrip.agent.leaks.fit import fit
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.resolve import Resolved, resolve
from roundtrip.agent.leaks.spans import CallSpan

Source = Literal["structured", "text", "reasoning"]

_WORD = re.compile(r"(?!\.$)[\w.:-]*")
_INDEXED = re.compile(r"[\w.-]+:\d+")
_CUT = "the call was cut off before its arguments were complete"


@dataclass(frozen=True, slots=True)
class StructuredCall:
    """A call that the server parsed itself. cut: the server says that the message was cut by its length."""

    index: int
    id: str
    name: str
    arguments: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Repair:
    """What was not taken as it came: `kind` is one of `REPAIRS`, `raw` is what stood there."""

    kind: str
    raw: str


REPAIRS: Mapping[str, str] = {
    "leaked_call": "a call stood in the text as markup and was read from there",
    "call_in_reasoning": "the call stood in the reasoning",
    "bare_call": "a call stood in the text without any markers",
    "section": "markers of a section or a call were missing",
    "section_noise": "text inside a section, but outside its calls, was stripped",
    "empty_section": "a section without calls was stripped",
    "stray_marker": "a marker that belongs to nothing was stripped",
    "stop_token": "stop tokens at the end were stripped",
    "reasoning_in_text": "reasoning stood in the text",
    "header": "the call's header was not as the model's template writes it",
    "name_from_arguments": "the header held no name; a name key in the arguments did",
    "name_from_schema": "the header held no name; only one tool takes these arguments",
    "suspect_name": "the server sent a structured call with a name that was never offered",
    "empty_arguments": "the arguments were empty and were taken as an empty object",
    "double_encoded": "the arguments were a JSON string that held JSON",
    "raw_control_characters": "strings in the arguments held raw line breaks or other control characters",
    "lone_surrogate": "strings in the arguments held half a surrogate pair",
    "duplicate_of_structured": "the text held a copy of a structured call, which was stripped",
    "not_allowed": "a call was stripped because this request allows none",
    "unresolved": "a call could not be read or trusted, and the model is told",
}
"""Every kind of repair the parser makes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one call. `problem` is empty if it runs; else it is what the model is told.

    source, at: the channel and where its arguments begin there; for a structured call its index.
    name: "" if nobody can tell. arguments: JSON text of an object if `readable`, else as they came.
    """

    source: Source
    at: int
    header: str
    name: str
    arguments: str
    raw: str
    problem: str = ""
    id: str = ""
    readable: bool = True


class Judge:
    """Judges the calls of one message, in order, and keeps the verdicts and the repairs."""

    def __init__(self, offers: tuple[Offer, ...], dialect: Dialect) -> None:
        self.offers = offers
        self.dialect = dialect
        self.calls: list[Verdict] = []
        self.repairs: list[Repair] = []
        self.names = tuple(name for offer in offers for name in (offer.name, *offer.aliases))
        self._unbounded = False

    def note(self, kind: str, raw: str) -> None:
        assert kind in REPAIRS, kind
        self.repairs.append(Repair(kind, raw))

    def meant(self, call: CallSpan) -> bool:
        """Whether a call was really begun, and its markers were not merely mentioned."""
        header = call.header
        an_id = self.dialect.nameless.fullmatch(header) and re.search(r"\d", header)
        named = bool(header) and bool(an_id or self._resolve(header).offer)
        if not call.arguments.strip(WHITE):
            begun = not call.ended and _WORD.fullmatch(header)
            return bool(named or begun or self.dialect.canonical.fullmatch(header))
        read = read_arguments(call.arguments)
        return named or read.cut or read.value is not None

    def well_formed(self, call: CallSpan) -> bool:
        """Whether a call looks as a call should, whatever is offered."""
        shapes = (self.dialect.canonical, self.dialect.nameless, _INDEXED)
        named = call.header and any(shape.fullmatch(call.header) for shape in shapes)
        return bool(named and call.arguments.strip(WHITE) and read_arguments(call.arguments).value is not None)

    def _resolve(self, header: str, arguments: Mapping[str, Any] | None = None) -> Resolved:
        return resolve(header, arguments, self.offers, self.dialect)

    def leaked(self, call: CallSpan, source: Source, unless: str = "", changes: str = "") -> None:
        """A call found in a text channel. `unless` is a reason of the caller's not to run a call that could, `changes`
        one not to run a tool that does more than read."""
        read = read_arguments(call.arguments)
        if read.cut or (not call.arguments.strip(WHITE) and not call.ended):
            read = replace(read, value=None, problem=_CUT, repairs=())
        found = self._resolve(call.header, read.value)
        verdict = Verdict(source, call.at, call.header, found.name, read.text, call.arguments)
        if self._unbounded:
            read = replace(read, value=None, problem="it follows a call that could not be read, and may be part of it")
        self._unbounded = self._unbounded or not read.bounded
        reads = found.offer is not None and found.offer.merely_reads
        self._conclude(verdict, found, read, unless or ("" if reads else changes))

    def structured(self, call: StructuredCall) -> None:
        """A call that the server parsed; its name may still be made up (vLLM takes a `name` argument for it)."""
        if not self.offers:
            self.note("not_allowed", call.name + call.arguments)
            return
        read = read_arguments(call.arguments)
        if call.cut and not call.arguments.strip(WHITE):
            read = replace(read, value=None, problem=_CUT, repairs=())
        known = called(self.offers, call.name)
        if known:
            found = Resolved(known, known.spelt(call.name))
        else:
            by_id = self.dialect.canonical.fullmatch(call.id)
            found = self._resolve(call.id if by_id else call.name, read.value)
            self.note("suspect_name", call.name)
        verdict = Verdict("structured", call.index, call.name, found.name, read.text, call.arguments, id=call.id)
        self._conclude(verdict, replace(found, repair=""), read, "")

    def _conclude(self, verdict: Verdict, found: Resolved, read: Arguments, unless: str) -> None:
        for kind in read.repairs:
            self.note(kind, verdict.raw)
        if found.repair:
            self.note(found.repair, verdict.header)
        if read.value is None:
            verdict = replace(verdict, problem=read.problem, readable=False)
        else:
            verdict = self._checked(verdict, found, read.value)
        if unless and not verdict.problem:
            verdict = replace(verdict, problem=unless)
        if verdict.problem:
            self.note("unresolved", verdict.header + verdict.raw)
        self.calls.append(verdict)

    def _checked(self, verdict: Verdict, found: Resolved, value: dict[str, Any]) -> Verdict:
        """The last gates: a tool, no other call swallowed by the arguments, and arguments that fit."""
        if found.drop_name_key:
            value = {key: part for key, part in value.items() if key != "name"}
            verdict = replace(verdict, arguments=json.dumps(value, ensure_ascii=False))
        if found.offer is None:
            return replace(verdict, problem=found.reason)
        if self._swallowed(verdict.raw):
            return replace(verdict, problem="the arguments hold the beginning of another call")
        return replace(verdict, problem="; ".join(fit(found.offer, value).problems))

    def _swallowed(self, raw: str) -> bool:
        """The end of an object, a header and its separator, but no beginning: two calls were glued (opencode#20650).
        A whole call in the arguments is data: somebody writes about calls."""
        separators = self._marks(Role.ARGUMENTS_BEGIN)
        if not re.search(separators, raw):
            return False
        names = "|".join(re.escape(name) for name in self.names)
        header = rf"{self.dialect.prefix}(?:{names}){self.dialect.index}\s{{0,64}}"
        return bool(re.search(rf"}}(?:\\u[0-9a-fA-F]{{4}}|[^\w\s<]){{0,8}}{header}(?:{separators})", raw))

    def _marks(self, wanted: Role) -> str:
        return "|".join(re.escape(text) for text, role in self.dialect.markers.items() if role is wanted)
