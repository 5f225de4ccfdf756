"""`web_fetch`: the text of a page.

Redirects are followed on the same host only: where else a page leads is for the model to ask for, and for the user to
allow. The page that was fetched last is kept, so that a long one can be read on without another request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from roundtrip.agent.messages import ToolResult, ToolSpec
from roundtrip.agent.tooling import Intent, Output, Refusal
from roundtrip.tools.caps import DEFAULT, Caps
from roundtrip.tools.paths import failure
from roundtrip.tools.web.detached import detached
from roundtrip.tools.web.fetching import Answer, get, one_line
from roundtrip.tools.web.pages import Page, read_page
from roundtrip.tools.web.urls import Target, read_url

LARGEST = 4 * 1024 * 1024
"""Bytes of a body that are read."""

SECONDS = 30.0
"""Until the page must be there."""

_MOST_REDIRECTS: Final = 5
_SHOWN_OF_ERROR: Final = 500
SPEC = ToolSpec(
    name="web_fetch",
    description="Fetch a web page and return its text.",
    parameters={
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "offset": {"type": "integer", "description": "first character, to go on with a page that was cut"},
        },
        "required": ["url"],
    },
    effect="network",
    aliases=("fetch", "fetch_url", "read_url", "open_url"),
    parameter_aliases={"uri": "url", "link": "url"},
    example='{"url": "https://docs.python.org/3/library/asyncio-task.html"}',
)


class WebFetch:
    """server: base URL of the model's server, which no page may make us talk to; "" for none.
    largest, seconds: see `LARGEST`, `SECONDS`."""

    spec = SPEC

    def __init__(
        self, server: str = "", *, caps: Caps = DEFAULT, largest: int = LARGEST, seconds: float = SECONDS
    ) -> None:
        self._server = urlsplit(server).hostname or ""
        self._most, self._largest, self._seconds = caps.found, largest, seconds
        self._last: tuple[str, str, Page] | None = None
        """What was asked for last, where that led to, and the page."""

    def intent(self, arguments: Mapping[str, Any]) -> Intent:
        target = read_url(arguments["url"])
        if isinstance(target, Refusal):
            return Intent("network", refusal=target)
        return Intent("network", url=target.url, private=self._private(target), preview=lambda: target.url)

    def _private(self, target: Target) -> bool:
        return target.private or target.host == self._server

    async def run(self, arguments: Mapping[str, Any], output: Output) -> ToolResult:
        target = read_url(arguments["url"])
        if isinstance(target, Refusal):
            return failure(target.reason)
        offset = max(arguments.get("offset", 0), 0)
        if self._last is None or self._last[0] != target.url or not offset:
            try:
                async with asyncio.timeout(self._seconds):
                    found = await self._fetch(target)
            except TimeoutError:
                return failure(f"{target.url} was not there within {self._seconds:.0f} s.")
            if isinstance(found, Refusal):
                return failure(found.reason)
            self._last = (target.url, *found)
        return self._render(self._last[1], self._last[2], offset)

    async def _fetch(self, target: Target) -> tuple[str, Page] | Refusal:
        """The page, and where redirects led to."""
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await get(target, private=self._private(target), largest=self._largest)
            if isinstance(answer, Refusal):
                return answer
            if not answer.location:
                page = await _page(target, answer)
                return page if isinstance(page, Refusal) else (target.url, page)
            there = read_url(urljoin(target.url, answer.location))
            if isinstance(there, Refusal):
                return Refusal(f"{target.url} redirects to {one_line(answer.location)}. {there.reason}")
            if not target.leads_to(there):
                return Refusal(f"{target.url} redirects to another place, {there.url} . Fetch that if you want it.")
            target = there
        return Refusal(f"{target.url} redirects more than {_MOST_REDIRECTS} times.")

    def _render(self, url: str, page: Page, offset: int) -> ToolResult:
        """A part of a page, cut at the end of a line where there is one near."""
        total = len(page.text)
        if offset >= total:
            return failure(f"Offset {offset} is behind the end: {url} has {total} characters.")
        text = page.text[offset : offset + self._most]
        newline = text.rfind("\n") + 1
        if offset + len(text) < total and newline > len(text) // 2:
            text = text[:newline]
        end = offset + len(text)
        shown = f"{total} characters" if len(text) == total else f"characters {offset}-{end} of {total}"
        rest = f'\n… cut here; to go on: {{"url": "{url}", "offset": {end}}}' if end < total else ""
        return ToolResult(f"{url} ({page.kind}): {shown}.\n{text.rstrip()}{rest}", f"{page.kind}, {shown}")


async def _page(target: Target, answer: Answer) -> Page | Refusal:
    """What there is to read in an answer."""
    page = await detached(read_page, answer.data, answer.content_type, target.url)
    if answer.status >= 400:
        said = f" It says: {one_line(page.text[:_SHOWN_OF_ERROR])}" if page.text else ""
        return Refusal(f"{target.url} answers HTTP {answer.status}.{said}")
    if page.problem:
        size = f"{'more than ' * answer.cut}{len(answer.data)} bytes"
        return Refusal(f"{target.url} can't be shown ({size}): {page.problem}.")
    if answer.cut:
        return replace(
            page, text=f"{page.text}\n\n(The page has more than {len(answer.data)} bytes; these are its first.)"
        )
    return page
