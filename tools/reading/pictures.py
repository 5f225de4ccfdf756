"""Which pictures models take, told by a file's first bytes, and how large they are. Pure.

Sources: the PNG specification (IHDR), ITU-T T.81 B.2.2 (JPEG's SOF), GIF89a, and Google's WebP container specification.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of the largest picture that is sent; servers refuse larger ones."""

FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's segments that say how large the picture is."""


@dataclass(frozen=True, slots=True)
class Picture:
    """width and height: in pixels, 0 where they could not be read."""

    media_type: str
    width: int = 0
    height: int = 0

    def __str__(self) -> str:
        return f"{self.media_type}, {self.width}×{self.height}" if self.width else self.media_type


def picture(data: bytes) -> Picture | None:
    """data: the file, or its beginning. None for what is no picture of a kind that models take."""
    for magic, media_type, size in KINDS:
        if magic.match(data):
            try:
                width, height = size(data)
            except (struct.error, IndexError):
                width = height = 0
            return Picture(media_type, width, height)
    return None


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        if data[at + 1] in FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int(struct.unpack_from("<I", data, 21)[0])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


KINDS: Final[tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], tuple[int, int]]], ...]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", _png),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", _jpeg),
    (re.compile(rb"GIF8[79]a"), "image/gif", _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", _webp),
)
"""How a file of each kind begins."""
