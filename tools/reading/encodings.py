"""What the bytes of a text file mean. Pure.

Strategy. A byte order mark says what a file is. Without one it is UTF-8 if all of it can be; else it is read as UTF-8
with some damage, or in an encoding of one byte a character, whichever needs fewer excuses.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import Final

SNIFFED: Final = 8000
"""A NUL in so many first bytes makes a file binary, as in git."""

WIDE: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks of encodings whose texts are full of NULs, and their names."""

NAMES: Final = {
    "utf-32": "UTF-32",
    "utf-16": "UTF-16",
    "cp1252": "not UTF-8, shown as Windows-1252",
    "latin-1": "not UTF-8, shown as latin-1",
    "damaged": "UTF-8 with invalid bytes, shown as \ufffd",
}
"""What a reader should know of a file that is no plain UTF-8: "it is …"."""


def wide(data: bytes) -> str:
    """utf-16 or utf-32, where the byte order mark says so and all of the file is such text; else ""."""
    for mark, name in WIDE:
        if data.startswith(mark):
            try:
                text = data.decode(name)
            except UnicodeDecodeError:
                continue
            return "" if "\0" in text else name
    return ""


def is_binary(head: bytes) -> bool:
    """head: the beginning of a file that is not `wide`."""
    return b"\0" in head[:SNIFFED]


def narrow(chunks: Iterable[bytes]) -> str:
    """utf-8, damaged, cp1252 or latin-1. chunks: the file in pieces, of which only the first bad one counts."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        held = decoder.getstate()[0]
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return _not_utf8(held + chunk)
    held = decoder.getstate()[0]
    return _not_utf8(held) if held else "utf-8"


def text_of(data: bytes) -> str:
    """All of a file that is no binary one, without its byte order mark."""
    name = wide(data) or narrow((data,))
    if name == "damaged":
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return data.decode("utf-8-sig" if name == "utf-8" else name, "replace")


def _not_utf8(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    bad = len(re.findall("[\\udc80-\\udcff]", text))
    good = len(re.findall("[^\\0-\\x7f\\udc80-\\udcff]", text))
    if bad < good:
        return "damaged"
    if not re.search(rb"[\x80-\x9f]", data):
        return "latin-1"
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
