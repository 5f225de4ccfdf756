"""One GET request of a page, and the guard of where it goes.

Strategy. A name is resolved once, its addresses are checked (`urls`), and the request goes to the address that was
checked, with the name in its Host header and in TLS; through a proxy, where one is set, the name goes to the proxy.
Nothing is kept between two requests, neither cookies nor connections; nothing is sent but the URL. The body is read up
to a limit, which holds for what comes out of the compression, too; what is no text is not read at all.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from roundtrip.agent.tooling import Refusal
from roundtrip.tools.web.detached import detached
from roundtrip.tools.web.pages import is_text
from roundtrip.tools.web.urls import Address, Target, address_of, is_public

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS: Final = 10.0
_MOST_ADDRESSES: Final = 3
_HEADERS: Final = {
    "User-Agent": "roundtrip-agent (a coding agent in a terminal)",
    "Accept": "text/markdown, text/html;q=0.9, text/plain;q=0.9, application/json;q=0.9, */*;q=0.5",
    "Accept-Encoding": "gzip",
}
_COMPRESSED: Final = ("gzip", "x-gzip", "deflate")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent. cut: the body is longer. location: where it sends us instead, "" if it does not."""

    status: int
    content_type: str
    data: bytes = b""
    cut: bool = False
    location: str = ""


async def get(target: Target, *, private: bool, largest: int) -> Answer | Refusal:
    """What the server answers, or why there is nothing. private: whether it may lead to this machine or its network.
    largest: bytes of a body that are read."""
    import httpx2

    proxy = "" if private else await detached(_proxy, target)
    addresses = await _addresses(target, private)
    if isinstance(addresses, Refusal):
        return addresses
    if not addresses and not proxy:
        return Refusal(f"{target.url} can't be fetched: nobody knows a host called {target.host}.")
    places = [target.url] if proxy else [target.at(address) for address in addresses[:_MOST_ADDRESSES]]
    problem = ""
    for place in places:
        try:
            async with _sent(target, place, proxy) as response:
                return await _read(target, response, largest)
        except (httpx2.HTTPError, httpx2.StreamError, zlib.error, OSError) as error:
            problem = one_line(str(error)) or type(error).__name__
            if not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                break
    return Refusal(f"{target.url} can't be fetched: {problem}.")


def one_line(text: str) -> str:
    """A foreign text as part of a line of ours."""
    return " ".join(text.split())[:300].rstrip(".")


def _proxy(target: Target) -> str:
    """The proxy that the environment names, "" for none."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return "" if proxy_bypass(target.host) else proxies.get(target.scheme) or proxies.get("all") or ""


async def _addresses(target: Target, private: bool) -> list[Address] | Refusal:
    """Where the name leads, as far as we may go there; [] if nobody knows it."""
    known = address_of(target.host)
    found = [known] if known else await detached(_resolve, target.host, target.port)
    allowed = [address for address in found if private or is_public(address)]
    if allowed or not found:
        return allowed
    return Refusal(
        f"{target.url} is not fetched: {target.host} leads to {found[0]}, on this machine or in its network. "
        "If that is meant, fetch it by that address: then the user sees where it leads, and is asked."
    )


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for a label that is too long
        return []
    addresses = (address_of(str(where[0]).partition("%")[0]) for *_, where in found)
    return list(dict.fromkeys(address for address in addresses if address))


@asynccontextmanager
async def _sent(target: Target, place: str, proxy: str) -> AsyncIterator[httpx2.Response]:
    """A request that was sent to that place, and whose body follows."""
    import httpx2

    certificates = httpx2.create_ssl_context()  # of the system, or those that SSL_CERT_FILE names
    limits = httpx2.Timeout(None, connect=_CONNECT_SECONDS)
    async with httpx2.AsyncClient(verify=certificates, proxy=proxy or None, timeout=limits, trust_env=False) as client:
        headers = _HEADERS | {"Host": target.authority}
        named = {"sni_hostname": target.host}
        async with client.stream("GET", place, headers=headers, extensions=named, follow_redirects=False) as response:
            yield response


async def _read(target: Target, response: httpx2.Response, largest: int) -> Answer | Refusal:
    """The answer, its body as far as it is wanted. Raises zlib.error."""
    headers, status = response.headers, response.status_code
    kind = headers.get("content-type", "")
    if 300 <= status < 400 and headers.get("location"):
        return Answer(status, kind, location=headers["location"])
    if kind and not is_text(kind):
        size = headers.get("content-length", "")
        what = f"{one_line(kind)}{f', {size} bytes' if size.isdecimal() else ''}"
        return Refusal(
            f"{target.url} is no text ({what}). If you need the file, save it with execute_command and curl."
        )
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", *_COMPRESSED):
        return Refusal(f"{target.url} comes compressed as {one_line(encoding)}, which was not asked for.")
    unpack = zlib.decompressobj(wbits=47) if encoding in _COMPRESSED else None
    data = bytearray()
    async for block in response.aiter_raw():
        room = largest + 1 - len(data)
        data += (unpack.decompress(block, room) if unpack else block)[:room]
        if len(data) > largest:
            break
    return Answer(status, kind, bytes(data[:largest]), len(data) > largest)
