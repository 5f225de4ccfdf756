"""Which tool a call means: from its header, its arguments and what was offered. Never a guess.

Order, the first that decides wins:
1. the header is a name, exactly;
2. the header is a name in the family's wrapping, also with separators damaged or swallowed; longest name first;
3. the header holds no name (`call_<hex>`, a counter), but a `name` key in the arguments holds an offered one, and is no
   parameter of that tool (vllm#32146);
4. nothing holds a name: the one offered tool that the arguments fit as they stand.
   Among several the one with most required parameters, and only if it merely reads; a tie is unresolved, and an empty
   object proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from roundtrip.agent.leaks.dialect import Dialect
from roundtrip.agent.leaks.fit import fits_as_it_stands
from roundtrip.agent.leaks.offer import Offer, called, folded


@dataclass(frozen=True, slots=True)
class Resolved:
    """offer: the tool, None if there is none for sure. name: what the history shall call it, "" for no name.
    repair: kind of what was done to find it, "" for nothing. reason: why there is no tool, for the model."""

    offer: Offer | None
    name: str
    repair: str = ""
    reason: str = ""
    drop_name_key: bool = False


def resolve(header: str, arguments: Mapping[str, Any] | None, offers: tuple[Offer, ...], dialect: Dialect) -> Resolved:
    """Finds the tool of a call. `arguments` is None where they could not be read."""
    found = called(offers, header)
    if found:
        regular = dialect.canonical.fullmatch(header)
        return Resolved(found, found.spelt(header), "" if regular and regular["name"] == header else "header")
    found, name = _in_header(header, offers, dialect)
    if found:
        regular = dialect.canonical.fullmatch(header)
        return Resolved(found, name, "" if regular and regular["name"] == name else "header")
    nameless = dialect.nameless.fullmatch(header)
    key = arguments.get("name") if arguments and nameless else None
    found = called(offers, key) if isinstance(key, str) else None
    if found and isinstance(key, str) and "name" not in parameters(found):
        return Resolved(found, found.spelt(key), "name_from_arguments", drop_name_key=True)
    if nameless:
        return _by_arguments(arguments, offers)
    name = _bare_name(header)
    known = ", ".join(offer.name for offer in offers if not offer.silent)
    return Resolved(None, name, reason=f"there is no tool called {name or header!r}; the tools are: {known}")


def _in_header(header: str, offers: tuple[Offer, ...], dialect: Dialect) -> tuple[Offer | None, str]:
    exact, loose = _headers(tuple((o.name, *o.aliases) for o in offers), dialect.prefix, dialect.index)
    name = next((name for name, regex in exact if regex.fullmatch(header)), "")
    if not name:
        found = [name for name, regex in loose if regex.fullmatch(header)]
        longest = {_plain(name) for name in found[:1]}
        meant = {offer.name for name in found if _plain(name) in longest and (offer := called(offers, name))}
        name = found[0] if len(meant) == 1 else ""
    return (called(offers, name), name) if name else (None, "")


def _plain(name: str) -> str:
    return folded(name).replace(".", "")


_Patterns = tuple[tuple[str, re.Pattern[str]], ...]


@lru_cache(maxsize=64)
def _headers(names: tuple[tuple[str, ...], ...], prefix: str, index: str) -> tuple[_Patterns, _Patterns]:
    """Names with their header patterns: in their exact spelling, and with other separators; the longest first."""
    flat = sorted({name for group in names for name in group if name}, key=lambda name: (-len(folded(name)), name))
    plain = [name for name in flat if re.fullmatch(r"[\w.-]+", name)]
    # a digit that is glued to a digit is none of an index: `tool_1` is not meant by tool_10
    exact = ((name, re.compile(rf"{prefix}{re.escape(name)}(?!(?<=\d)\d){index}")) for name in flat)
    parts = ((name, re.sub(r"[._-]", "[._-]?", name)) for name in plain)
    loose = ((name, re.compile(rf"{prefix}{part}(?!(?<=\d)\d){index}", re.IGNORECASE)) for name, part in parts)
    return tuple(exact), tuple(loose)


def _bare_name(header: str) -> str:
    """The name that the model seems to have meant, although nothing of that name was offered; "" where it is no name
    that a server would take back in the history."""
    name = re.sub(r"^functions?[._:]", "", header)
    name = re.sub(r"(?:[:.]\d+(?:\.\d+)?|[:._-])$", "", name) or header
    return name if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) else ""


def parameters(offer: Offer) -> set[str]:
    """Names of the tool's parameters."""
    properties = (offer.schema or {}).get("properties")
    return set(properties) if isinstance(properties, Mapping) else set()


def _by_arguments(arguments: Mapping[str, Any] | None, offers: tuple[Offer, ...]) -> Resolved:
    if arguments is None:
        return Resolved(None, "", reason="the call names no tool")
    verdicts = [(offer, fits_as_it_stands(offer, arguments)) for offer in offers]
    fitting = [offer for offer, fits in verdicts if fits]
    if any(fits is None for _, fits in verdicts) or not fitting:
        return Resolved(None, "", reason="the call names no tool, and its arguments fit none for certain")
    best = max(fitting, key=lambda offer: len(offer.required))
    rivals = [offer for offer in fitting if len(offer.required) == len(best.required)]
    certain = len(fitting) == 1 or (len(rivals) == 1 and best.merely_reads)
    if certain and arguments:  # an empty object says nothing
        return Resolved(best, best.name, "name_from_schema")
    names = ", ".join(sorted(offer.name for offer in fitting))
    return Resolved(None, "", reason=f"the call names no tool, and its arguments do not tell which is meant: {names}")
