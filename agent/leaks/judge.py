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
from functools import cached_property, lru_cache
from typing import Any, Literal

from roundtrip.agent.leaks.arguments import read_arguments
from roundtrip.agent.leaks.dialect import WHITE, Dialect, Role
from roundtrip.agent.leaks.fit import fit
from roundtrip.agent.leaks.items import CallSpan
from roundtrip.agent.leaks.notation import CUT, Arguments
from roundtrip.agent.leaks.offer import Offer, called
from roundtrip.agent.leaks.resolve import Resolved, parameters, resolve
from roundtrip.agent.leaks.values import is_untyped, typed

Source = Literal["structured", "text", "reasoning"]

_WORD = re.compile(r"(?!\.$)[\w.:-]*")
_INDEXED = re.compile(r"[\w.-]+:\d+")


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
    "section": "markers of a section or a call were missing or doubled",
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
    "python_literals": "the arguments were spelt as Python writes them",
    "repaired_json": "commas, closing brackets or the quotes of keys were wrong in the arguments",
    "tags": "tags of the arguments were missing or doubled",
    "wrapped_arguments": "the arguments were wrapped in a parameter that the tool does not have",
    "frame": "markers that part a message into channels were stripped",
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
    dialect: name of the markup of a leaked call.
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
    dialect: str = ""


class Judge:
    """Judges the calls of one message, in order, and keeps the verdicts and the repairs."""

    def __init__(self, offers: tuple[Offer, ...], dialects: tuple[Dialect, ...]) -> None:
        self.offers = offers
        self.dialects = dialects
        self.calls: list[Verdict] = []
        self.repairs: list[Repair] = []
        self.names = tuple(name for offer in offers for name in (offer.name, *offer.aliases))
        self._unbounded = False

    def note(self, kind: str, raw: str) -> None:
        assert kind in REPAIRS, kind
        self.repairs.append(Repair(kind, raw))

    def meant(self, call: CallSpan) -> bool:
        """Whether a call was really begun, and its markers were not merely mentioned."""
        dialect = call.dialect or ANY
        an_id = dialect.nameless.fullmatch(call.header) and re.search(r"\d", call.header)
        named = bool(call.header) and bool(an_id or resolve(call.header, None, self.offers, dialect).offer)
        if not call.arguments.strip(WHITE):
            begun = (call.begun or not call.ended) and _WORD.fullmatch(call.header)
            return bool(named or begun or dialect.canonical.fullmatch(call.header))
        whole = call.begun and call.ended and _WORD.fullmatch(call.header)
        return bool(named or call.read.cut or call.read.value is not None or whole)

    def well_formed(self, call: CallSpan) -> bool:
        """Whether a call looks as a call should, whatever is offered."""
        dialect = call.dialect or ANY
        shapes = (dialect.canonical, dialect.nameless, _INDEXED)
        named = call.header and any(shape.fullmatch(call.header) for shape in shapes)
        return bool(named and (call.arguments.strip(WHITE) or call.ended) and call.read.value is not None)

    def leaked(self, call: CallSpan, source: Source, unless: str = "", changes: str = "") -> None:
        """A call found in a text channel. `unless` is a reason of the caller's not to run a call that could, `changes`
        one not to run a tool that does more than read."""
        read, dialect = call.read, call.dialect or ANY
        if read.cut:
            read = replace(read, value=None, problem=CUT, repairs=())
        found = resolve(call.header, read.value, self.offers, dialect)
        if found.offer is None and read.value and "" in read.value:
            found, read = self._unglued(call.header, found, read)
        found = replace(found, repair="") if call.dialect is None else found
        if read.cut and found.offer is None and not call.arguments.strip(WHITE):
            found = replace(found, name="")  # half a name is nobody's name
        verdict = Verdict(source, call.at, call.header, found.name, read.text, call.arguments, dialect=dialect.name)
        if self._unbounded:
            read = replace(read, value=None, problem="it follows a call that could not be read, and may be part of it")
        self._unbounded = self._unbounded or not read.bounded
        reads = found.offer is not None and found.offer.merely_reads
        self._conclude(verdict, found, read, unless or ("" if reads else changes))

    def _unglued(self, header: str, found: Resolved, read: Arguments) -> tuple[Resolved, Arguments]:
        """A tool's name with the first parameter's glued to it (vllm#47190): the longest name for which that holds."""
        for offer in sorted(self.offers, key=lambda offer: -len(offer.name)):
            key = header.removeprefix(offer.name)
            if key != header and key in parameters(offer) and read.value is not None:
                value = {key if name == "" else name: part for name, part in read.value.items()}
                return Resolved(offer, offer.name, "header"), replace(read, value=value)
        return found, read

    def structured(self, call: StructuredCall) -> None:
        """A call that the server parsed; its name may still be made up (vLLM takes a `name` argument for it)."""
        if not self.offers:
            self.note("not_allowed", call.name + call.arguments)
            return
        read = read_arguments(call.arguments)
        if call.cut and not call.arguments.strip(WHITE):
            read = Arguments(None, "", CUT, cut=True)
        known = called(self.offers, call.name)
        if known:
            found = Resolved(known, call.name)
        else:
            by_id = next((d for d in self.dialects if _IDS.fullmatch(call.id) and d.canonical.fullmatch(call.id)), None)
            repeated = _REPEATED.fullmatch(call.name)
            name = repeated[1] if repeated and called(self.offers, repeated[1]) else _BEHIND_NAME.sub("", call.name)
            found = resolve(call.id if by_id else name, read.value, self.offers, by_id or ANY)
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
            verdict = self._checked(verdict, found, read, read.value)
        if unless and not verdict.problem:
            verdict = replace(verdict, problem=unless)
        if verdict.problem:
            self.note("unresolved", verdict.header + verdict.raw)
        self.calls.append(verdict)

    def _checked(self, verdict: Verdict, found: Resolved, read: Arguments, value: dict[str, Any]) -> Verdict:
        """The last gates: a tool, no other call swallowed by the arguments, and arguments that fit."""
        spelt = value
        if found.drop_name_key:
            value = {key: part for key, part in value.items() if key != "name"}
        value = self._unwrapped(found.offer, value, verdict.raw)
        if is_untyped(value) or not verdict.arguments:
            value = typed(value, found.offer.schema if found.offer else None)
        if value is not spelt:
            verdict = replace(verdict, arguments=json.dumps(value, ensure_ascii=False))
        if found.offer is None:
            return replace(verdict, problem=found.reason)
        if self._swallowed(verdict.raw):
            return replace(verdict, problem="the arguments hold the beginning of another call")
        known = parameters(found.offer)
        doubtful = (set(read.guessed) - known) | (set(read.mentioned) & known) if known else set()
        if doubtful:
            return replace(verdict, problem=f"a value holds what looks like a parameter: {', '.join(sorted(doubtful))}")
        return replace(verdict, problem="; ".join(fit(found.offer, value).problems))

    def _unwrapped(self, offer: Offer | None, value: dict[str, Any], raw: str) -> dict[str, Any]:
        """Arguments in a parameter of that name (vLLM's deepseek_v4 knows it), if the tool has no such parameter."""
        key = next(iter(value)) if len(value) == 1 else ""
        if offer is None or key not in ("arguments", "input", "parameters") or key in parameters(offer):
            return value
        inner = value[key] if isinstance(value[key], dict) else read_arguments(str(value[key])).value
        if not inner or not set(inner) <= parameters(offer):
            return value
        self.note("wrapped_arguments", raw)
        return inner

    def _swallowed(self, raw: str) -> bool:
        """The end of an object, a header and its separator, but no beginning: two calls were glued (opencode#20650).
        A whole call in the arguments is data: somebody writes about calls."""
        return bool("}" in raw and _separators(self.dialects).search(raw) and self._glued.search(raw))

    @cached_property
    def _glued(self) -> re.Pattern[str]:
        names = "|".join(re.escape(name) for name in self.names)
        header = rf"{ANY.prefix}(?:{names}){ANY.index}\s{{0,64}}"
        return re.compile(rf"}}(?:\\u[0-9a-fA-F]{{4}}|[^\w\s<]){{0,8}}{header}(?:{_separators(self.dialects).pattern})")


@lru_cache(maxsize=16)
def _separators(dialects: tuple[Dialect, ...]) -> re.Pattern[str]:
    found = ({**{re.escape(text): role for text, role in d.markers.items()}, **d.spelt} for d in dialects)
    begins = [text for roles in found for text, role in roles.items() if role is Role.ARGUMENTS_BEGIN]
    return re.compile("|".join(begins) or "(?!)")


ANY = Dialect("any")
"""Rules for headers that belong to no dialect."""

_REPEATED = re.compile(r"(.{2,}?)\1+")
"""A name that the server has glued to itself (bifrost#1829)."""

_IDS = re.compile(r"functions\..*:\d+")
_BEHIND_NAME = re.compile(r"(?<=.)[<\[{(\s].*", re.DOTALL)
"""What a server left behind a structured name: channel tokens, arguments (vllm#32587, glm-5#84)."""
