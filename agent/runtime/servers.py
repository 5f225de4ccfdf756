"""Looks for model servers on this machine, for a user who has set none.

Whatever answers there may be no model server, and may be broken or malicious: what it says is bounded in size and in
time, and what does not look like a list of models is passed over. Proxies and redirections are not followed.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from roundtrip.agent import __version__

PORTS: Final[Mapping[int, str]] = {
    8080: "llama.cpp",
    8000: "vLLM",
    1234: "LM Studio",
    11434: "Ollama",
    30000: "SGLang",
    5000: "a local server",
}
"""The ports that are asked, in this order, and what usually listens there."""

_HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 1_000_000
_MOST_MODELS: Final = 200
_HEADERS: Final = {"Accept": "application/json", "Connection": "close", "User-Agent": f"roundtrip/{__version__}"}


@dataclass(frozen=True, slots=True)
class Found:
    """A server that is there. usual: what usually listens on its port. models: none if it wants a key, or lists none.

    wants_key: it did not answer without one.
    """

    base_url: str
    usual: str
    models: tuple[str, ...]
    wants_key: bool = False


def look(ports: Mapping[int, str] = PORTS, seconds: float = 1.0) -> list[Found]:
    """The servers on these ports of 127.0.0.1, in the order of the ports. All are asked at the same time.

    seconds: the time for each one in all, from the connection to the last byte. Never raises.
    """
    try:
        with ThreadPoolExecutor(max_workers=max(1, len(ports))) as threads:
            answers = list(threads.map(lambda port: _ask(port, ports[port], seconds), ports))
    except RuntimeError:  # the system gives no more threads
        return []
    return [found for found in answers if found is not None]


def _ask(port: int, usual: str, seconds: float) -> Found | None:
    try:
        status, body = _get(port, time.monotonic() + seconds)
        models = _models(body) if status == 200 else ()
    except Exception:  # anything may listen there, and say anything: then it is no model server
        return None
    return Found(f"http://{_HOST}:{port}/v1", usual, models, status != 200)


def _get(port: int, deadline: float) -> tuple[int, bytes]:
    """The status, which is 200, 401 or 403, and the body of a 200. Raises one thing or another for anything else."""
    with _LimitedSocket(deadline) as connected, closing(HTTPConnection(_HOST, port)) as connection:
        connected.connect((_HOST, port))
        connection.sock = connected
        connection.request("GET", "/v1/models", headers=_HEADERS)
        with connection.getresponse() as response:
            if response.status in (401, 403) and not response.headers.get("Server", "").startswith("AirTunes"):
                return response.status, b""  # a Mac's AirPlay, on port 5000, refuses everything like this
            if response.status != 200:
                raise ValueError(response.status)
            body = response.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise ValueError("too long")
    return 200, body


def _models(body: bytes) -> tuple[str, ...]:
    """The names in a list of models. Raises ValueError or RecursionError if it is none.

    A name that is not printable is passed over, not mended: the server would not know it.
    """
    answer = json.loads(body)
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no list of models")
    names = (entry.get("id") for entry in entries if isinstance(entry, dict))
    return tuple(name for name in names if isinstance(name, str) and name.strip() and name.isprintable())[:_MOST_MODELS]


class _LimitedSocket(socket.socket):
    """A socket that works until a point in time. The limit of a plain one is for the silence between two bytes, and a
    server that sends one byte now and then never meets it."""

    def __init__(self, deadline: float) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self._deadline = deadline

    def connect(self, address: Any) -> None:
        """See `socket.socket`. Raises TimeoutError at the deadline, as the others do."""
        self._limit()
        super().connect(address)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """See `socket.socket`."""
        self._limit()
        super().sendall(data, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """See `socket.socket`. Files made of a socket read with it."""
        self._limit()
        return super().recv_into(buffer, nbytes, flags)

    def _limit(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        self.settimeout(left)
