"""What the leak parser knows about a tool. Its own small type, so that the parser can be used alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Adapt = Callable[[Mapping[str, Any]], Mapping[str, Any] | str]
"""Arguments as other agents' tools take them, into those of this tool, or why that can't be done, for the model.

Pure, and never raises, whatever the arguments hold. What it does not know it leaves as it is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that was described to the model in this request.

    schema: JSON Schema of the arguments; None accepts any object.
    aliases: other names for it; they compare without case, `_` and `-`.
    parameter_aliases: other parameter names, to the schema's own; they compare like names.
    legacy: schemas of older shapes of the arguments that the tool still takes.
    merely_reads: the tool changes nothing, so a call with less evidence may run.
    adapt: what names alone can't say: other units, other shapes. For calls that name the tool.
    silent: it is accepted, but was not described; errors don't name it.
    """

    name: str
    schema: Mapping[str, Any] | None = None
    aliases: tuple[str, ...] = ()
    parameter_aliases: Mapping[str, str] = field(default_factory=dict)
    legacy: tuple[Mapping[str, Any], ...] = ()
    merely_reads: bool = False
    adapt: Adapt = dict
    silent: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required parameters."""
        return required(self.schema or {})

    def spelt(self, name: str) -> str:
        """A name of the tool's as the model was told it, where this one is spelt otherwise."""
        return name if name in (self.name, *self.aliases) else self.name

    def answers_to(self, name: str) -> bool:
        """Whether this is the tool's name, or an alias of it."""
        return name == self.name or (bool(name) and folded(name) in {folded(known) for known in self.aliases})


def required(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of a schema's required parameters; old schemas say `true` there."""
    listed = schema.get("required")
    return tuple(str(name) for name in listed) if isinstance(listed, (list, tuple)) else ()


def folded(name: str) -> str:
    """A name as aliases compare it."""
    return name.replace("_", "").replace("-", "").casefold()


def called(offers: tuple[Offer, ...], name: str) -> Offer | None:
    """The offer of that name: an exact name wins over an alias, and either over another spelling of a name."""
    exact = [offer for offer in offers if offer.name == name]
    alias = [offer for offer in offers if offer.answers_to(name)]
    spelt = [offer for offer in offers if name and folded(offer.name) == folded(name)]
    return next((found[0] for found in (exact, alias, spelt) if len(found) == 1), None)
