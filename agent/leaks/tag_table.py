"""What a family's tags look like, as a table, and its regular expressions, compiled when they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from roundtrip.agent.leaks.marks import Marks


class Compiled:
    """The regular expressions of a table."""

    def __init__(self, tags: TagTable) -> None:
        self._opens = tuple(map(re.compile, tags.opens))
        self.opening = re.compile(tags.opening)
        self.closes, self.calls, self.ends, self.outside = map(_any, (tags.closes, tags.calls, tags.ends, tags.outside))
        words = "|".join(sorted({word for close in tags.closes for word in re.findall("[a-z_]{5,}", close)})) or "(?!)"
        self.half_end = re.compile(rf"<[/|｜\w]|(?:</?|/?(?:{words})>?)\s*\Z")
        """What may be left of an end tag at the end of a value that has none; and tags, whatever they are."""
        self.heads, self.inner = _any(tags.heads), _any(tags.inner)
        self.marks = Marks((*tags.closes, *tags.calls, *tags.ends, *tags.outside, *tags.heads, *tags.inner))

    def opens(self, text: str, at: int) -> re.Match[str] | None:
        """The beginning of a value that stands there."""
        if text.find(">", at) < 0:
            return None
        return next((found for regex in self._opens if (found := regex.match(text, at))), None)

    def opens_in(self, text: str) -> Iterator[re.Match[str]]:
        """The beginnings of values that stand anywhere in it."""
        return (found for regex in self._opens for found in regex.finditer(text))


def _any(spellings: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(spellings) or "(?!)")


@dataclass(frozen=True, eq=False)
class TagTable:
    """One family's tags. heads, closes, calls, ends, outside: spellings of the small kind of `marks`.

    opens: regular expressions of what begins a value. Groups: `key`; or `attributes`, which hold it as `name` or `key`,
        and perhaps its type as `type` (of JSON) or as `string` ("true" or "false"). In a tag that closes itself
        (`closed`) any other `string` is the value.
    opening: matches every beginning of that. heads: what it begins with.
    closes: ends a value. calls: begins a call or a section. ends: ends a call. outside: ends a section.
    inner: what a closing tag may also belong to, inside a value.
    framed: line breaks around a value belong to the tags: at each end, or only where there is one at both.
    cdata: a value may stand in <![CDATA[...]]>.
    escaped: `&` and `"` are escaped in names and keys, and nothing else is.
    nested: a value may be made of tags again: objects, and lists of `item`.
    """

    opens: tuple[str, ...]
    opening: str
    heads: tuple[str, ...]
    closes: tuple[str, ...]
    calls: tuple[str, ...]
    ends: tuple[str, ...]
    outside: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    framed: Literal["", "each", "both"] = ""
    cdata: bool = False
    escaped: bool = False
    nested: bool = False

    @cached_property
    def compiled(self) -> Compiled:
        """Its regular expressions; most conversations need those of one family."""
        return Compiled(self)

    def plain(self, text: str) -> str:
        """A name or a key without escapes."""
        return text.replace("&quot;", '"').replace("&amp;", "&") if self.escaped else text
