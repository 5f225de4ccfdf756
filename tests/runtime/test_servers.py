"""What is taken for a model server on this machine, against real sockets that say all kinds of things."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from roundtrip.agent.commands.scripted_server import ScriptedServer
from roundtrip.agent.runtime.servers import PORTS, Found, look

pytestmark = pytest.mark.once

Talk = Callable[[socket.socket, threading.Event], None]
"""What a server says on a connection. The event is set when the test is over."""

ENOUGH = 30.0
"""Seconds for what is not to run out of time."""


@contextmanager
def listening(talk: Talk) -> Iterator[int]:
    """The port of a server that talks so, behind the request."""
    over = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                requests.append(self.request.recv(65536))
                talk(self.request, over)
            except OSError:
                pass  # the client has gone, as it should where the server is too slow

    class Server(ThreadingTCPServer):
        daemon_threads = True

    requests: list[bytes] = []
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
    assert all(request.startswith(b"GET /v1/models HTTP/1.1\r\n") for request in requests)
    assert all(b"authorization" not in request.lower() for request in requests)


def says(body: bytes, status: int = 200, *headers: str) -> Talk:
    """Answers at once, and at length if need be."""
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers])
    return lambda connection, over: connection.sendall(f"{head}\r\n\r\n".encode() + body)


def lists(*ids: Any) -> Talk:
    return says(json.dumps({"object": "list", "data": [{"id": name} for name in ids]}).encode())


def raw(data: bytes) -> Talk:
    return lambda connection, over: connection.sendall(data)


def asked(talk: Talk, seconds: float = ENOUGH) -> Found | None:
    with listening(talk) as port:
        found = look({port: "it"}, seconds)
        assert [(one.base_url, one.usual) for one in found] in ([], [(f"http://127.0.0.1:{port}/v1", "it")])
        return found[0] if found else None


@contextmanager
def closed() -> Iterator[int]:
    """A port on which nothing listens, and nothing can while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_server_of_our_own_is_found() -> None:
    with ScriptedServer([], "Kimi-K2") as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        assert look({port: "llama.cpp"}, ENOUGH) == [Found(server.base_url, "llama.cpp", ("Kimi-K2",))]


def test_the_order_is_that_of_the_ports() -> None:
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(listening(lists(name))) for name in "abc")
        none = stack.enter_context(closed())
        for order in ((third, none, first, second), (first, second, third), (none, second)):
            found = look({port: str(port) for port in order}, ENOUGH)
            assert [one.usual for one in found] == [str(port) for port in order if port != none]


def test_the_ports_that_are_asked_by_default() -> None:
    assert list(PORTS) == [8080, 8000, 1234, 11434, 30000, 5000]
    assert look({}) == []


@pytest.mark.parametrize(
    ("listed", "models"),
    [
        ([], ()),
        (["b", "a", "/models/x y.gguf"], ("b", "a", "/models/x y.gguf")),
        (["a\x1b[31m", "b\n", "c\u202e", "\ud800", "", " ", "ok", 3, None, ["x"], {"id": "x"}], ("ok",)),
        ([f"m{n}" for n in range(500)], tuple(f"m{n}" for n in range(200))),
    ],
    ids=["none", "several", "not printable", "many"],
)
def test_names_of_models(listed: list[Any], models: tuple[str, ...]) -> None:
    found = asked(lists(*listed))
    assert found is not None
    assert found.models == models


def test_entries_that_are_none_are_passed_over() -> None:
    found = asked(says(b'{"data": [null, 1, "x", [], {}, {"id": "ok"}]}'))
    assert found is not None
    assert found.models == ("ok",)


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_a_key_is_there(status: int) -> None:
    found = asked(says(b'{"error": "x", "data": [{"id": "no"}]}', status))
    assert found is not None
    assert (found.models, found.wants_key) == ((), True)


GOOD = b'{"data": [{"id": "m"}]}'


def test_what_is_good_has_no_need_of_a_length() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    for answer in (chunked, b"HTTP/1.0 200 OK\r\n\r\n" + GOOD):
        found = asked(raw(answer))
        assert found is not None
        assert (found.models, found.wants_key) == (("m",), False)


@pytest.mark.parametrize(
    "talk",
    [
        says(b"<html>hello</html>"),
        says(b""),
        says(b"[]"),
        says(b"3"),
        says(b'{"data": {}}'),
        says(b'{"data": null}'),
        says(b'{"models": []}'),
        says(b'{"data": ['),
        says(b"\xff\xfe\xff"),
        says(b'{"data": ' + b"[" * 200_000),
        says(b'{"data": [], "n": ' + b"9" * 10_000 + b"}"),
        says(GOOD + b" " * 1_000_000),
        says(GOOD, 404),
        says(GOOD, 500),
        says(GOOD, 206),
        says(GOOD, 302, "Location: /v1/models"),
        says(b"", 403, "Server: AirTunes/760.20.1"),
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        raw(b"\x00" * 100),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n" + GOOD),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n" + GOOD),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD),
    ],
    ids=[
        "html", "empty", "array", "number", "object", "null", "other", "torn", "encoding", "deep", "digits", "long",
        "404", "500", "206", "redirect", "AirPlay", "hangs up", "ssh", "zeros", "line", "headers", "chunk",
    ],
)  # fmt: skip
def test_anything_else_is_passed_over(talk: Talk) -> None:
    assert asked(talk) is None


def test_where_nothing_listens_nothing_is_found() -> None:
    with closed() as port:
        assert look({port: "x", -1: "x", 99999: "x"}, ENOUGH) == []


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def dripping(beginning: bytes) -> Talk:
    """One byte now and then, for longer than a test may take, but not for ever: a test should fail, not hang."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        for _ in range(1000):
            if over.wait(0.02):
                return
            connection.sendall(b" ")

    return talk


def flooding(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    until = time.monotonic() + 20
    while not over.is_set() and time.monotonic() < until:
        connection.sendall(b" " * 65536)


SLOW = {
    "silent": silent,
    "status": dripping(b"HTTP/1.1 200 "),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "body": dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    "chunk": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"),
    "trailer": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "),
    "flood": flooding,
}


@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW.keys())
def test_nobody_is_waited_for_long(talk: Talk) -> None:
    begun = time.monotonic()
    assert asked(talk, 0.3) is None
    assert time.monotonic() - begun < 10


def test_one_that_hangs_does_not_keep_the_others() -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(listening(talk)) for talk in (*SLOW.values(), silent, silent, silent)]
        good = stack.enter_context(listening(lists("m")))
        begun = time.monotonic()
        found = look(dict.fromkeys((*slow, good), "x"), 3.0)
        assert [one.models for one in found] == [("m",)]
        assert time.monotonic() - begun < 15, "all are asked at the same time"


def test_not_more_is_read_than_a_list_may_be_long() -> None:
    sent: list[int] = []

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not over.is_set() and len(sent) < 1000:
            sent.append(connection.send(b" " * 100_000))

    assert asked(talk) is None
    assert 1_000_000 < sum(sent) < 50_000_000, "what the system keeps between the two is sent, too"


def test_no_time_is_no_error() -> None:
    for seconds in (0.0, -1.0):
        assert asked(lists("m"), seconds) is None


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert asked(lists("m")) is not None


def test_no_thread_stays() -> None:
    before = set(threading.enumerate())
    with listening(silent) as port:
        asking = set(threading.enumerate())
        look({port: "x"}, 0.3)
        names = {thread.name for thread in set(threading.enumerate()) - asking - before}
    assert not any("Executor" in name for name in names), names
