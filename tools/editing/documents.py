"""A text file as an editor must see it: characters with plain newlines, and the way back to every byte. Pure.

Strategy: the bytes are decoded in a way that can be undone exactly, and CRLF is read as LF. A change names a span of
that text; it is carried out on the bytes, so what lies outside of the span stays as it is, whatever it is.

Where the encoding is not certain, a file has two readings, and the text to change is looked for in both.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from roundtrip.tools.diffs import shared
from roundtrip.tools.reading.encodings import WIDE, is_binary, narrow, wide

ALIGNED = 250_000
"""Pairs of lines up to which old and new lines are compared with each other."""

LITTLE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE)

READINGS = {
    "utf-8": (("utf-8", "strict"),),
    "damaged": (("utf-8", "surrogateescape"), ("latin-1", "strict")),
    "latin-1": (("latin-1", "strict"), ("utf-8", "surrogateescape")),
    "cp1252": (("cp1252", "strict"), ("utf-8", "surrogateescape")),
}
"""For what `encodings.narrow` says: how to decode, the likeliest way first. Each keeps every byte."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Exchange [start, end) of a document's text for `written`, whose line ends are meant as they are."""

    start: int
    end: int
    written: str


@dataclass(frozen=True, slots=True)
class Document:
    """text: what the bytes mean, with LF for CRLF. mark: the byte order mark. breaks: where in `text` an LF is CRLF."""

    data: bytes
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    breaks: tuple[int, ...] = ()

    def raw(self, start: int, end: int) -> str:
        """A span of the text with its own line ends."""
        if not self.breaks:
            return self.text[start:end]
        first, last = bisect_left(self.breaks, start), bisect_left(self.breaks, end)
        cuts = (start, *self.breaks[first:last], end)
        return "\r".join(self.text[a:b] for a, b in pairwise(cuts))

    def ending(self, at: int) -> str:
        """How lines end around an offset: the line's own end, else that of the line before, else "\\n"."""
        newline = self.text.find("\n", at)
        newline = newline if newline >= 0 else self.text.rfind("\n", 0, at)
        place = bisect_left(self.breaks, newline)
        return "\r\n" if newline >= 0 and self.breaks[place : place + 1] == (newline,) else "\n"

    def line(self, offset: int) -> int:
        """The number of the line that an offset lies in, from 1."""
        return self.text.count("\n", 0, offset) + 1

    def unencodable(self, text: str) -> str:
        """The first character that the file's encoding has no bytes for, "" if there is none."""
        try:
            self._encode(text)
        except UnicodeEncodeError as error:
            return text[error.start]
        return ""

    def spliced(self, splices: Sequence[Splice]) -> bytes:
        """The file's bytes with spans exchanged, which are in order and don't overlap. Raises UnicodeEncodeError."""
        result: list[bytes] = []
        done, done_bytes = 0, len(self.mark)
        result.append(self.mark)
        for splice in splices:
            assert done <= splice.start <= splice.end, "in order, and apart"
            start = done_bytes + len(self._bytes(done, splice.start))
            result += self.data[done_bytes:start], self._encode(splice.written)
            done, done_bytes = splice.end, start + len(self._bytes(splice.start, splice.end))
        return b"".join((*result, self.data[done_bytes:]))

    def _bytes(self, start: int, end: int) -> bytes:
        return self._encode(self.raw(start, end))

    def _encode(self, text: str) -> bytes:
        return text.encode(self.encoding, "surrogateescape" if self.encoding == "utf-8" else "strict")


def documents(data: bytes) -> tuple[Document, ...]:
    """How the bytes of a file may be read, first as `read_file` shows them; none where they are no text."""
    name = wide(data)
    if name:
        mark = next(mark for mark, kind in WIDE if kind == name and data.startswith(mark))
        order = "le" if mark in LITTLE else "be"
        return (_document(data, data[len(mark) :].decode(f"{name}-{order}"), f"{name}-{order}", mark),)
    if is_binary(data):
        return ()
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    readings = READINGS[narrow((data,))]
    return tuple(_document(data, data[len(mark) :].decode(*reading), reading[0], mark) for reading in readings)


def _document(data: bytes, text: str, encoding: str, mark: bytes = b"") -> Document:
    if "\r\n" not in text:
        return Document(data, text, encoding, mark)
    breaks = tuple(found.start() - number for number, found in enumerate(re.finditer("\r\n", text)))
    return Document(data, text.replace("\r\n", "\n"), encoding, mark, breaks)


def sane(text: str) -> str:
    """Surrogates that come in pairs made into the character they mean, others replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def no_bytes_for(document: Document, text: str) -> str:
    """Why a text can't be put into a document, "" if it can."""
    strange = document.unencodable(text)
    return strange and f"the file is {document.encoding}, which has no character {strange!r}; write it in another way"


def in_style(document: Document, text: str) -> tuple[bytes, str]:
    """The bytes of a text that replaces a whole document, in the document's style as far as the text has none of its
    own and can have that; and a word about it, "" where there is nothing to say."""
    kept: list[str] = []
    if 0 < len(document.breaks) == document.text.count("\n") and "\n" in text and "\r" not in text:
        text = text.replace("\n", "\r\n")
        kept.append("CRLF line ends")
    fits = not document.unencodable(text)
    encoding = document.encoding if fits else "utf-8"
    mark = document.mark if fits and not text.startswith("\ufeff") else b""
    kept += (
        ["byte order mark"] if mark == codecs.BOM_UTF8 else [f"encoding ({encoding})"] if encoding != "utf-8" else []
    )
    notes = [f"it kept its {' and '.join(kept)}"] if kept else []
    mixed = 0 < len(document.breaks) < document.text.count("\n") and "\r" not in text
    notes += ["its lines end with LF now, some had CRLF"] if mixed else []
    notes += [] if fits else [f"it is UTF-8 now, and was {document.encoding}"]
    return mark + text.encode(encoding), "; ".join(notes)


def exchange(document: Document, start: int, end: int, old: str, new: str) -> Splice:
    """The span, which was found as the lines of `old`, becomes the lines of `new`.

    A line that `new` has from `old` keeps the file's own spelling and line end, for it was not meant to change;
    the others are written as given, and end as the lines that they replace.
    """
    own = re.split(r"(\r?\n)", document.raw(start, end))
    contents, ends = own[::2], own[1::2]
    before, after = old.split("\n"), new.split("\n")
    usual = ends[0] if ends else document.ending(start - (start == end > 0))  # what is put in ends as what precedes it
    if len(contents) != len(before):
        return Splice(start, end, usual.join(after))
    kept, replaced = _aligned(before, after)
    written: list[str] = []
    for number, line in enumerate(after):
        source = kept.get(number, replaced.get(number, len(ends)))
        usual = ends[source] if source < len(ends) else usual
        written += contents[kept[number]] if number in kept else line, usual
    return Splice(start, end, "".join(written[:-1]))


def _aligned(before: list[str], after: list[str]) -> tuple[dict[int, int], dict[int, int]]:
    """For lines of `after`: the line of `before` that each is, and the one that each stands in place of."""
    head, tail = shared(before, after)
    kept = {n: n for n in range(head)}
    kept |= {len(after) - 1 - n: len(before) - 1 - n for n in range(tail)}
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(old) * len(new) > ALIGNED:
        return kept, {}
    replaced: dict[int, int] = {}
    for kind, a, a_end, b, b_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        pairs = {head + b + n: head + a + n for n in range(min(a_end - a, b_end - b))}
        if kind == "equal":
            kept |= pairs
        elif kind == "replace":
            replaced |= pairs
    return kept, replaced
