"""Arguments as tags around each value: `<parameter=path>src/a.py</parameter>` and its many relatives.

`tag_scanner` finds the parameters, `values` reads them; here is what a dialect's table needs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from roundtrip.agent.leaks.notation import CUT, Arguments, BodyScanner, Untyped, Written
from roundtrip.agent.leaks.tag_scanner import TagScanner
from roundtrip.agent.leaks.tag_table import TagTable
from roundtrip.agent.leaks.values import values_of

_CDATA = re.compile(r"\s*<!\[CDATA\[(?P<text>(?:(?!\]\]>).)*)\]\]>\s*", re.DOTALL)


class Tags(TagTable):
    """The notation of a table of tags."""

    def scanner(self) -> BodyScanner:
        """A scanner for one body."""
        return TagScanner(self)

    def read(self, header: str, raw: str, *, ended: bool, closed: bool) -> tuple[Written, ...]:
        """The one call of a body."""
        scanner = TagScanner(self)
        end = scanner.feed(raw, 0, True)
        if ended:
            scanner.finish()
        header = self.plain(header)
        return (Written(header, self._arguments(scanner, raw, end, ended), raw),)

    def _arguments(self, scanner: TagScanner, raw: str, end: int, ended: bool) -> Arguments:
        if scanner.in_value or (scanner.state == "open" and not ended):
            return Arguments(None, raw, CUT, cut=True, bounded=False)
        if scanner.doubtful:
            problem = "a value holds what looks like its end, so nobody can tell where it ends"
            return Arguments(None, raw, problem, bounded=False)
        if raw[end:].strip():
            near = raw[max(0, end - 20) : end + 40]
            return Arguments(None, raw, f"between the parameters stands what belongs to none, near {near!r}")
        repairs = ("tags",) if scanner.doubled or scanner.missing else ()
        guessed = tuple(part.key for part in scanner.parameters if part.guessed)
        read = values_of(scanner.parameters, raw, self._inside, repairs)
        return replace(read, guessed=guessed, mentioned=tuple(sorted(scanner.mentioned)))

    def _inside(self, text: str) -> Any:
        """A value that is made of tags itself."""
        cdata = _CDATA.fullmatch(text) if self.cdata else None
        if cdata:
            return Untyped(cdata["text"])
        if not self.nested or not self.compiled.heads.search(text):
            return Untyped(text)
        scanner = TagScanner(self)
        end = scanner.feed(text, 0, True)
        if scanner.in_value or text[end:].strip() or not scanner.parameters:
            return Untyped(text)
        parts = [(part.key, self._inside(part.text)) for part in scanner.parameters]
        return [value for _, value in parts] if {key for key, _ in parts} == {"item"} else dict(parts)
