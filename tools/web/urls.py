"""Where a URL leads: what of it may be fetched at all, and what lies on this machine or in its network.

Rules. A name that is an address, or `localhost`, says openly where it leads, so that whoever approves of it knows. Any
other name must lead into the internet: a page must not make us fetch `http://wiki.example/`, which its owner lets point
to 127.0.0.1 (DNS rebinding). So a name is resolved once, and the address that was checked is the one that is used.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from roundtrip.agent.tooling import Refusal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All that there is of the internet in IPv6."""

_NOT_PUBLIC: Final = tuple(ipaddress.ip_network(one) for one in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"))
"""Public by their numbers, or by what some versions of Python say of them, but services of clouds (Azure, Oracle) for
their own machines, and relays."""

_SAFE: Final = "%/?:@!$&'()*+,;=-._~[]"
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be fetched. host: without brackets, in lower case. path: with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if PORTS[self.scheme] == self.port else f"{host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether it says of itself that it leads to this machine or its network."""
        address = address_of(self.host)
        return is_local_name(self.host) if address is None else not is_public(address)

    def at(self, address: Address) -> str:
        """The URL with the address in the place of the name."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def leads_to(self, other: Target) -> bool:
        """Whether a redirect to the other stays where it was: same host and port, or from http to https."""
        upgrade = (self.scheme, self.port, other.scheme, other.port) == ("http", 80, "https", 443)
        return self.host == other.host and (upgrade or (self.scheme, self.port) == (other.scheme, other.port))


def read_url(text: str) -> Target | Refusal:
    """What a URL means, or why it can't be fetched, for the model. Without a scheme, https is meant."""
    text = text.strip()
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", text):
        text = f"https://{text.removeprefix('//')}"
    if _UNFIT.search(text):
        return Refusal("The URL holds spaces, backslashes or control characters; encode them (%20).")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return Refusal(f"{text!r} is no URL. A correct one is, for example, https://example.com/page")
    if parts.scheme not in PORTS:
        return Refusal(f"Only http and https can be fetched, not {parts.scheme}; for a file use read_file.")
    if parts.username is not None or parts.password is not None:
        return Refusal("The URL holds a user name or a password, which is not sent. Fetch it without.")
    host = _ascii(host.rstrip("."))
    if not host:
        return Refusal("The URL names no host. A correct one is, for example, https://example.com/page")
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path)


def _ascii(host: str) -> str:
    """The host as DNS knows it, "" if it can't be one."""
    try:
        spelt = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return spelt.lower() if re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", spelt) else ""


def address_of(host: str) -> Address | None:
    """The address that a host is, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_local_name(host: str) -> bool:
    """Whether a name stands for this machine."""
    return host == "localhost" or host.endswith(".localhost")


def is_public(address: Address) -> bool:
    """Whether an address lies in the internet, and so does the one that it may hide."""
    hidden = _hidden(address)
    if hidden is not None:
        return is_public(hidden)
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC)


def _hidden(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
