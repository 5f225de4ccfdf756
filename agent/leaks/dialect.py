"""A dialect is one model family's markup for reasoning and tool calls, as a table.

The scanner knows roles, not tokens: a new family is a new file with one `Dialect` in it, listed in `DIALECTS`
(`leaks/__init__.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

WHITE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\u200b\u200c\u200d\u2060\ufeff"
"""White space, and what has no width: both stand between markers without meaning anything."""


class Role(Enum):
    """What a marker does."""

    SECTION_BEGIN = "section begin"
    SECTION_END = "section end"
    CALL_BEGIN = "call begin"
    ARGUMENTS_BEGIN = "arguments begin"
    CALL_END = "call end"
    THINK_BEGIN = "think begin"
    THINK_END = "think end"
    STOP = "stop"


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One family's markup.

    markers: the literal tokens, with their roles.
    header: what may stand between CALL_BEGIN and the arguments; anything else shows that the marker was
        merely mentioned. It must match every beginning of a header, too, and bound its length.
    prefix, index: regular expressions for what may surround the tool's name in a header.
    nameless: a header that holds no name.
    canonical: a header as the family's chat template writes it; group `name`.
    bare: the shape that is left when a server strips all markers; `{name}` stands for an offered name.
        "" where the family has no shape that can be told from prose.
    """

    name: str
    markers: Mapping[str, Role]
    header: re.Pattern[str]
    prefix: str
    index: str
    nameless: re.Pattern[str]
    canonical: re.Pattern[str]
    bare: str = ""
    control: tuple[str, ...] = field(default=())
    """Further control tokens of the family: no call markup, but live in a prompt."""
