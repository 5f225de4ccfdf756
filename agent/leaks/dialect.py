"""A dialect is one model family's markup for reasoning and tool calls, as a table.

The scanner knows roles, not tokens: a new family is a new file in `dialects/` with one `Dialect` in it, called
`DIALECT`. Which dialect a message is written in, its markers tell; where families share one (`<tool_call>`), what
stands behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules

from roundtrip.agent.leaks.notation import Notation

WHITE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\u200b\u200c\u200d\u2060\ufeff"
"""White space, and what has no width: both stand between markers without meaning anything."""


class Role(Enum):
    """What a marker does. One marker has one role in all dialects that share it."""

    SECTION_BEGIN = "section begin"
    SECTION_END = "section end"
    CALL_BEGIN = "call begin"
    ARGUMENTS_BEGIN = "arguments begin"
    CALL_END = "call end"
    THINK_BEGIN = "think begin"
    THINK_END = "think end"
    TAG = "tag"
    """Belongs into a call's arguments; on its own it is what is left of a damaged call."""
    FRAME = "frame"
    """Begins the channel of the answer."""
    FRAME_END = "frame end"
    END = "end"
    """Ends whatever was begun last: thinking, a call, or the message."""
    STOP = "stop"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One way in which a call may go on behind a marker.

    header: matches all that may stand between the marker and the arguments, and every beginning of that; it bounds
        its length. Once it does not match, the marker was merely mentioned, or another marker follows.
    begins: the whole of it, with a look ahead at what the arguments begin with, so that it can't match too early;
        group `word` is the header proper, if there is one; group `closes` ends the call, without arguments (a tag that
        closes itself).
    notation: how the arguments are written.
    """

    header: re.Pattern[str]
    begins: re.Pattern[str]
    notation: Notation


@dataclass(frozen=True, slots=True)
class Bare:
    """What is left of a call when a server strips its markers.

    shape: regular expression up to the arguments; `{name}` stands for an offered name.
    anywhere: it need not be the whole message, if it ends it.
    explicit: no prose looks like it, so a call that may not run is refused aloud.
    """

    shape: str
    notation: Notation
    anywhere: bool = False
    explicit: bool = True


_NAMELESS = (
    r"(?:functions?[._:])?"
    r"(?:(?:call[_-](?=[\w-]*\d)[0-9a-zA-Z-]{4,}|(?:chatcmpl-tool|toolu?|fc)[_-](?=[\w-]*\d)[0-9a-zA-Z-]{8,})"
    r"|(?:call[_-]?)?\d+|(?=[a-f-]*\d)[0-9a-f-]{16,}|)"
    r"(?::\d+)?"
)


@dataclass(frozen=True, eq=False)
class Dialect:
    """One family's markup.

    markers: the literal tokens, with their roles.
    spelt: markers with variants, as regular expressions of the small kind of `marks`.
    forms: marker or spelling -> the ways in which a call may go on behind it.
    prefix, index: regular expressions for what may surround the tool's name in a header; `resolve` asks them. The
        defaults are OpenAI's and Kimi's ways, which models of all families imitate.
    nameless: a header that holds no name; `resolve` asks it, too.
    canonical: a header as the family's chat template writes it, group `name`: any other is reported as a repair.
    bare: what is left of its calls without markers.
    thought: the same for reasoning, up to what is said; group `thought`.
    frames: markers that begin a call if an object follows, and else the channel of the answer.
    live: control tokens that act in a prompt, and so are defused in all that is sent; None for all markers.
    """

    name: str
    markers: Mapping[str, Role] = field(default_factory=dict)
    forms: Mapping[str, tuple[Form, ...]] = field(default_factory=dict)
    spelt: Mapping[str, Role] = field(default_factory=dict)
    prefix: str = r"(?:functions?[._:]|functions)?"
    index: str = r"(?:[:._]?\d+(?:\.\d+)?|[:._])?"
    nameless: re.Pattern[str] = re.compile(_NAMELESS)
    canonical: re.Pattern[str] = re.compile(r"(?P<name>[\w.-]+)")
    bare: tuple[Bare, ...] = ()
    thought: re.Pattern[str] | None = None
    frames: frozenset[str] = frozenset()
    live: tuple[str, ...] | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """What must not stand in a string that is sent."""
        return tuple(self.markers) if self.live is None else self.live


def dialects_in(package: str, path: Iterable[str]) -> tuple[Dialect, ...]:
    """The dialects of all modules of a package, in the order of their names."""
    names = sorted(module.name for module in iter_modules(path))
    return tuple(import_module(f"{package}.{name}").DIALECT for name in names)
