"""What a conversation is made of.

Frozen values, neutral to any server: how they look on the wire is the business of `wire.render`.
Ids do not occur here except as a note of what the server sent, because ids exist on the wire only;
inside, a call is keyed by (step, index).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Effect = Literal["reads", "edits", "runs", "network"]
"""What a tool may do to the world; `reads` changes nothing and may run in parallel."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model, the leak parser and the dispatcher know it.

    `parameters` is the JSON Schema of the arguments object. `aliases` are other names that models use for
    the same tool, `parameter_aliases` maps other parameter names to ours, and each schema in `legacy` is an
    older shape of the arguments that the tool still understands. `adapt` brings what other agents' tools take into our
    shape where names alone can't (other units, nested objects), or says to the model why that can't be done; it is pure
    and never raises. A tool that is not `offered` is accepted
    when it is called, but never described to the model. `example` is one correct arguments object, for errors.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    effect: Effect = "reads"
    aliases: tuple[str, ...] = ()
    parameter_aliases: Mapping[str, str] = field(default_factory=dict)
    legacy: tuple[Mapping[str, Any], ...] = ()
    offered: bool = True
    example: str = "{}"
    adapt: Callable[[Mapping[str, Any]], Mapping[str, Any] | str] = dict


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of an assistant message.

    index: number of the call in its step, in order of appearance; calls that were dropped leave gaps.
    name: the tool's name as the model wrote it, or as it was resolved where the model wrote none.
    arguments: the text of a JSON object, byte for byte what the model wrote where that was one.
    raw: the model's own argument text, which may be no JSON at all.
    id: the id that the server sent, "" for none.
    problem: not empty means that the call must not run; it is what the model is told instead.
    header: what stood in the name's place in leaked markup, "" for a structured call.
    """

    index: int
    name: str
    arguments: str
    raw: str = ""
    id: str = ""
    problem: str = ""
    header: str = ""

    @property
    def parsed(self) -> dict[str, Any]:
        """The arguments as a dict."""
        value = json.loads(self.arguments, strict=False)
        assert isinstance(value, dict), "Call.arguments is always an object"
        return value


@dataclass(frozen=True, slots=True)
class System:
    content: str


@dataclass(frozen=True, slots=True)
class User:
    content: str


@dataclass(frozen=True, slots=True)
class Assistant:
    """What the model said. `reasoning_field` is the name under which the server sent the reasoning."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    reasoning_field: str = "reasoning_content"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for a model that takes pictures. media_type: such as image/png. data: its bytes in base64."""

    media_type: str
    data: str

    @property
    def sound(self) -> bool:
        """Whether both are what they should be. A server refuses a history with any other image for ever."""
        known = re.fullmatch(r"image/[a-z0-9.+-]{1,40}", self.media_type)
        digits = self.data.rstrip("=").encode("ascii", "replace")
        return bool(known and digits) and not digits.translate(None, _BASE64)


@dataclass(frozen=True, slots=True)
class Result:
    """The one result of a call; it stands directly behind its assistant message, in call order."""

    content: str
    images: tuple[Image, ...] = ()


Message = System | User | Assistant | Result


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returns: `content` for the model, `details` for the person who watches.

    images: what the content speaks of, only if the model takes images (`tooling.Situation`).
    A tool whose `answer` is not None ends the turn with that answer (`attempt_completion`).
    refused: part of what it was to do was not, for want of permission (`new_task`).
    """

    content: str
    details: str = ""
    failed: bool = False
    answer: str | None = None
    images: tuple[Image, ...] = ()
    refused: bool = False
