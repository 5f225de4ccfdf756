"""What a body that was fetched says: bytes and their type in, text out. Pure, but for the extractor it stands on."""

from __future__ import annotations

import codecs
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from roundtrip.tools.reading.encodings import WIDE

LARGEST_PAGE: Final = 1024 * 1024
"""Characters of HTML whose article is looked for, which takes seconds; of more, the text is taken as it comes."""

MISSING: Final = "the extractor for web pages is not there; ask the user to run: pip install 'roundtrip-agent[web]'"

_SNIFFED: Final = 1024
_HTML: Final = ("text/html", "application/xhtml+xml")
_TEXT: Final = re.compile(
    r"text/.*|application/(.*\+)?(json5?|ld\+json|xml|yaml|x-yaml|toml|javascript|ecmascript|x-javascript|typescript"
    r"|x-sh|sql|graphql|x-ndjson|jsonl|x-httpd-php|rtf)|image/svg\+xml|message/.*"
)
_LOOKS_LIKE_HTML: Final = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body)\b", re.I | re.S)
_CHARSET: Final = re.compile(rb"<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.I)
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), *WIDE)
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"})
"""Codecs of Python that no page means, and that take long or raise."""

_AS_ON_THE_WEB: Final = {"iso8859-1": "cp1252", "ascii": "cp1252"}
"""What these names mean on the web (WHATWG encoding standard)."""

_TALKATIVE: Final = ("trafilatura", "htmldate", "courlan", "justext", "readability")
_ANCHOR: Final = re.compile(r" ?\[[§¶#🔗ⓘ]?\]\([^()\s]*\)")
"""A sign beside a heading that leads to this very heading."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to read. kind: its media type. problem: why there is nothing, "" if there is."""

    kind: str
    text: str = ""
    problem: str = ""


def read_page(data: bytes, content_type: str, url: str) -> Page:
    """The text of a body. content_type: as the server sent it, may be empty. Takes seconds for a large page."""
    kind = _kind(content_type) or _sniffed(data)
    text = _decoded(data, content_type) if is_text(kind) else None
    if text is None:
        return Page(kind, problem="it holds binary data")
    if kind in _HTML:
        extracted = _article(text, url)
        if extracted is None:
            return Page(kind, problem=MISSING)
        text = _ANCHOR.sub("", extracted)
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    empty = "it holds no text; it may be made by a script in the browser" if kind in _HTML else "it is empty"
    return Page(kind, text, "" if text else empty)


def is_text(content_type: str) -> bool:
    """Whether a body of this type can be read."""
    kind = _kind(content_type)
    return kind in _HTML or bool(_TEXT.fullmatch(kind))


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _sniffed(data: bytes) -> str:
    """The type of a body whose server says none."""
    if _LOOKS_LIKE_HTML.match(data[:_SNIFFED]):
        return "text/html"
    marked = any(data.startswith(mark) for mark, _ in _MARKS)
    return "application/octet-stream" if b"\0" in data and not marked else "text/plain"


def _decoded(data: bytes, content_type: str) -> str | None:
    """The text, by the mark at its beginning, what the server says, what the page says, or UTF-8; None for no text."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    said = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", content_type, re.I)
    within = _CHARSET.search(data[:_SNIFFED]) if data.lstrip().startswith(b"<") else None
    names = (marked, said[1] if said else "", within[1].decode() if within else "", "utf-8")
    charset = next(filter(None, map(_known, names)))
    if b"\0" in data[:_SNIFFED] and not charset.startswith(("utf-16", "utf-32")):
        return None
    try:
        return data.decode(charset)
    except UnicodeError:
        guessed = "cp1252" if charset.startswith("utf-8") and not _nearly_utf8(data) else charset
        return data.decode(guessed, "replace")


def _known(name: str) -> str:
    """Python's name of a charset, "" if it knows none that is fit for text."""
    try:
        found = codecs.lookup(name).name if name else ""
        b"a".decode(found or "utf-8", "replace")  # refuses codecs that are not for text, such as hex
    except (LookupError, UnicodeError):
        return ""
    return "" if found in _NO_CHARSETS else _AS_ON_THE_WEB.get(found, found)


def _nearly_utf8(data: bytes) -> bool:
    """Whether a body that is not UTF-8 is so only in places: cut in a character, or mixed."""
    return data.decode("utf-8", "replace").count("\ufffd") <= 1 + len(data) // 1000


def _article(html: str, url: str) -> str | None:
    """What a page says, as Markdown; None without the extractor."""
    try:
        import trafilatura
        from trafilatura.settings import use_config
    except ImportError:
        return None
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if not logger.handlers:  # or what they think of a page is written to the terminal
            logger.addHandler(logging.NullHandler())
    settings = use_config()
    settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", "20")  # short pages are articles, too
    article = None
    with suppress(Exception):  # foreign parsers on foreign pages fail in every way there is
        if len(html) <= LARGEST_PAGE:
            article = trafilatura.extract(
                html, url=url, output_format="markdown", include_links=True, include_comments=False, config=settings
            )
    with suppress(Exception):
        return article or str(trafilatura.html2txt(html) or "")
    return ""
