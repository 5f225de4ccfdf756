"""Pages from a real server on loopback, which a user has allowed; and what must not be fetched whoever asks."""

import asyncio
import gzip
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.tooling import Refusal
from roundtrip.tools.caps import Caps
from roundtrip.tools.web.pages import read_page
from roundtrip.tools.web.urls import address_of, is_public, read_url
from roundtrip.tools.web_fetch import WebFetch

pytestmark = pytest.mark.once

ARTICLE = (
    "<html><head><title>T</title><script>var hidden = 1</script></head><body><nav><a href='/x'>elsewhere</a></nav>"
    "<article><h1>Header</h1><p>This is a paragraph with <a href='/more'>a link</a>, and enough words to be one.</p>"
    "<pre><code>x = 1\ny = 2</code></pre></article><footer>imprint</footer></body></html>"
)
HTML = {"Content-Type": "text/html; charset=utf-8"}
TEXT = {"Content-Type": "text/plain"}
LINES = "".join(f"line {number}\n" for number in range(1000))
Route = tuple[int, dict[str, str], bytes]
ROUTES: dict[str, Route] = {
    "/article": (200, HTML, ARTICLE.encode()),
    "/json": (200, {"Content-Type": "application/json"}, b'{"a": [1, 2]}'),
    "/markdown": (200, {"Content-Type": "text/markdown"}, b"# Title\n\ntext\n"),
    "/untyped": (200, {}, b"just text"),
    "/untyped-page": (200, {}, b"<!DOCTYPE html><html><body><p>Hello there</p></body></html>"),
    "/untyped-binary": (200, {}, b"\0\1\2"),
    "/control": (200, TEXT, b"a\x1b[31mb\x01c\x07\r\nd\xc2\x9b"),
    "/empty": (200, TEXT, b""),
    "/script": (200, HTML, b"<html><body><script>render()</script></body></html>"),
    "/image": (200, {"Content-Type": "image/png"}, b"\x89PNG" + b"x" * 96),
    "/zeros": (200, TEXT, b"\0" * 100),
    "/missing": (404, HTML, b"<html><body><p>There is no such page.</p></body></html>"),
    "/error": (500, TEXT, b""),
    "/lines": (200, TEXT, LINES.encode()),
    "/query?a=1&b=%C3%BC": (200, TEXT, b"found"),
    "/gzip": (200, TEXT | {"Content-Encoding": "gzip"}, gzip.compress(b"was small")),
    "/deflate": (200, TEXT | {"Content-Encoding": "deflate"}, zlib.compress(b"was small")),
    "/bomb": (200, TEXT | {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 50_000_000)),
    "/torn": (200, TEXT | {"Content-Encoding": "gzip"}, b"this is no gzip"),
    "/brotli": (200, TEXT | {"Content-Encoding": "br"}, b"xx"),
    "/here": (302, {"Location": "json"}, b""),
    "/twice": (301, {"Location": "/here"}, b""),
    "/round": (302, {"Location": "/round"}, b""),
    "/away": (302, {"Location": "https://example.com/page"}, b""),
    "/file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/login": (302, {"Location": "http://user:secret@127.0.0.1/"}, b""),
    "/nowhere": (302, {}, b"a redirect without a place"),
    "/cookie": (302, {"Location": "/json", "Set-Cookie": "a=b"}, b""),
}


class Server(ThreadingHTTPServer):
    """Answers from `routes`, and keeps what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes = dict(ROUTES)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.scheme = "http"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever does not read to the end closes the connection."""

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        if self.path == "/slow":
            time.sleep(30)
        status, headers, body = self.server.routes.get(self.path, (404, TEXT, b"no route"))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None: ...


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server(running: Server) -> Server:
    running.asked.clear()
    return running


def fetch(url: str, tool: WebFetch | None = None, **more: Any) -> ToolResult:
    tool = tool or WebFetch()
    return asyncio.run(tool.run({"url": url, **more}, lambda text: None))


def test_an_article_is_told_from_what_surrounds_it(server: Server) -> None:
    content = fetch(server.url("/article")).content
    first, _, text = content.partition("\n")
    assert first == f"{server.url('/article')} (text/html): {len(text)} characters."
    assert text.startswith("# Header\n")
    assert f"[a link](http://127.0.0.1:{server.port}/more)" in text
    assert "```\nx = 1\ny = 2\n```" in text
    assert not any(word in text for word in ("imprint", "hidden"))


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/json", "application/json", '{"a": [1, 2]}'),
        ("/markdown", "text/markdown", "# Title\n\ntext"),
        ("/untyped", "text/plain", "just text"),
        ("/untyped-page", "text/html", "Hello there"),
        ("/control", "text/plain", "a[31mbc\nd"),
        ("/query?a=1&b=ü", "text/plain", "found"),
        ("/gzip", "text/plain", "was small"),
        ("/deflate", "text/plain", "was small"),
    ],
)
def test_what_is_text_is_shown(server: Server, path: str, kind: str, text: str) -> None:
    result = fetch(server.url(path))
    where = server.url(path.replace("ü", "%C3%BC"))
    assert (result.content, result.failed) == (f"{where} ({kind}): {len(text)} characters.\n{text}", False)
    assert result.details == f"{kind}, {len(text)} characters"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/image", "is no text (image/png, 100 bytes). If you need the file, save it with execute_command and curl."),
        ("/zeros", "can't be shown (100 bytes): it holds binary data."),
        ("/untyped-binary", "can't be shown (3 bytes): it holds binary data."),
        ("/empty", "can't be shown (0 bytes): it is empty."),
        ("/script", "it holds no text; it may be made by a script in the browser."),
        ("/missing", "answers HTTP 404. It says: There is no such page"),
        ("/error", "answers HTTP 500."),
        ("/torn", "can't be fetched: Error -3 while decompressing data: incorrect header check."),
        ("/brotli", "comes compressed as br, which was not asked for."),
        ("/round", "redirects more than 5 times."),
        ("/away", "redirects to another place, https://example.com/page . Fetch that if you want it."),
        (
            "/file",
            "redirects to file:///etc/passwd. Only http and https can be fetched, not file; for a file use read_",
        ),
        ("/login", "The URL holds a user name or a password, which is not sent."),
    ],
)
def test_what_is_none_is_a_result_that_says_why(server: Server, path: str, said: str) -> None:
    result = fetch(server.url(path))
    assert result.failed
    assert said in result.content
    assert result.content.startswith(server.url(path))


@pytest.mark.parametrize("path", ["/here", "/twice", "/cookie"])
def test_redirects_on_the_same_host_are_followed(server: Server, path: str) -> None:
    assert fetch(server.url(path)).content.startswith(f"{server.url('/json')} (application/json)")
    assert [headers.get("cookie") for _, headers in server.asked] == [None] * len(server.asked)


def test_another_port_is_another_place(server: Server) -> None:
    server.routes["/port"] = (302, {"Location": f"http://127.0.0.1:{server.port + 1}/v1/models"}, b"")
    assert "redirects to another place" in fetch(server.url("/port")).content


def test_a_redirect_without_a_place_is_an_answer(server: Server) -> None:
    server.routes["/nowhere"] = (302, TEXT, b"a redirect without a place")
    assert fetch(server.url("/nowhere")).content.endswith("\na redirect without a place")


def test_who_asks_and_for_what(server: Server) -> None:
    fetch(f"http://localhost:{server.port}/json")
    [(path, headers)] = server.asked
    assert path == "/json"
    assert headers["host"] == f"localhost:{server.port}"
    assert headers["user-agent"].startswith("roundtrip-agent")
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_a_long_page_comes_in_parts(server: Server) -> None:
    tool, offset, text, told = WebFetch(caps=Caps(found=2000)), 0, "", ""
    while True:
        content = fetch(server.url("/lines"), tool, offset=offset).content
        first, _, part = content.partition("\n")
        assert len(part) < 2100
        part, cut, told = part.partition("\n… cut here; to go on: ")
        text += f"{part}\n"
        if not cut:
            break
        assert told == f'{{"url": "{server.url("/lines")}", "offset": {len(text)}}}'
        assert first == f"{server.url('/lines')} (text/plain): characters {offset}-{len(text)} of {len(LINES) - 1}."
        offset = len(text)
    assert text == LINES
    assert len(server.asked) == 1, "a page that is read on is not fetched again"
    fetch(server.url("/lines"), tool)
    assert len(server.asked) == 2, "from its beginning it is"
    assert "is behind the end" in fetch(server.url("/lines"), tool, offset=10**6).content


def test_what_is_too_large_is_cut_while_it_comes(server: Server) -> None:
    for path in ("/lines", "/bomb"):
        result = fetch(server.url(path), WebFetch(largest=1000))
        assert result.content.endswith("\n\n(The page has more than 1000 bytes; these are its first.)")
        assert len(result.content) < 1200


def test_the_time_limit(server: Server) -> None:
    result = fetch(server.url("/slow"), WebFetch(seconds=0.3))
    assert (result.content, result.failed) == (f"{server.url('/slow')} was not there within 0 s.", True)


def test_it_can_be_interrupted(server: Server) -> None:
    async def interrupted() -> bool:
        task = asyncio.create_task(WebFetch().run({"url": server.url("/slow")}, lambda text: None))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(interrupted())


def test_nobody_listens(server: Server) -> None:
    with Server() as gone:
        url = gone.url("/")
    assert fetch(url).content.startswith(f"{url} can't be fetched: ")


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0"])
def test_a_name_may_not_lead_to_this_machine(server: Server, host: str) -> None:
    url = f"http://{host}:{server.port}/json"
    assert not WebFetch().intent({"url": url}).private, "nobody can see where it leads"
    result = fetch(url)
    assert result.failed
    assert "on this machine or in its network. If that is meant, fetch it by that address" in result.content
    assert server.asked == []


def test_a_name_that_nobody_knows() -> None:
    url = f"http://{'a' * 70}.example/"
    assert fetch(url).content == f"{url} can't be fetched: nobody knows a host called {'a' * 70}.example."


def test_through_a_proxy_the_name_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server.routes["http://93.184.215.14/page"] = (200, TEXT, b"by way of the proxy")
    assert fetch("http://93.184.215.14/page").content.endswith("\nby way of the proxy")
    assert fetch(server.url("/json")).content.endswith('{"a": [1, 2]}'), "what is near needs none"
    assert fetch(f"http://127.1:{server.port}/json").failed, "what may not be fetched may not by a proxy either"
    assert [path for path, _ in server.asked] == ["http://93.184.215.14/page", "/json"]


@pytest.mark.skipif(which("openssl") is None, reason="needs openssl")
def test_tls_asks_for_the_name_and_checks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = (
        f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {key} -out {certificate} -days 2"
    )
    extra = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *words.split(), *extra], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str | None] = []
    context.sni_callback = lambda connection, name, _: asked.append(name)
    with Server() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"https://localhost:{server.port}/json"
        assert "CERTIFICATE_VERIFY_FAILED" in fetch(url).content
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetch(url).content.endswith('{"a": [1, 2]}')
        assert asked == ["localhost", "localhost"]
        assert "CERTIFICATE_VERIFY_FAILED" in fetch(f"https://127.0.0.1:{server.port}/json").content, "another name"
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://Example.com", "https://example.com/"),
        ("example.com/a?b=c#d", "https://example.com/a?b=c"),
        ("//example.com", "https://example.com/"),
        ("example.com:8080", "https://example.com:8080/"),
        ("http://example.com:80/", "http://example.com/"),
        ("HTTPS://example.com:443/A%20b", "https://example.com/A%20b"),
        ("http://exämple.com/ü", "http://xn--exmple-cua.com/%C3%BC"),
        ("  http://[2001:db8::1]:8080/ ", "http://[2001:db8::1]:8080/"),
        ("http://example.com./", "http://example.com/"),
        ("ftp://example.com", "not ftp"),
        ("file:///etc/passwd", "for a file use read_file"),
        ("javascript:alert(1)", "not javascript"),
        ("http://a b/", "encode them"),
        ("http://a\\@b/", "encode them"),
        ("http://a/\r\nHost: b", "encode them"),
        ("http://user@example.com/", "user name"),
        ("http://:secret@example.com/", "password"),
        ("http://@example.com/", "user name"),
        ("http://", "no host"),
        ("http://exa$mple.com", "no host"),
        ("http://h:99999/", "is no URL"),
        ("http://[::1/", "is no URL"),
        ("http://[fe80::1%25eth0]/", "no host"),
        ("", "no host"),
    ],
)
def test_what_a_url_means(url: str, meant: str) -> None:
    read = read_url(url)
    assert meant in read.reason if isinstance(read, Refusal) else read.url == meant


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://example.com/", False),
        ("http://93.184.215.14/", False),
        ("http://127.0.0.1/", True),
        ("http://localhost:8080/", True),
        ("http://a.localhost/", True),
        ("http://192.168.1.1/", True),
        ("http://[::1]/", True),
        ("http://models.example.com:9999/", True),
    ],
)
def test_what_is_asked_for_by_itself(url: str, private: bool) -> None:
    intent = WebFetch("https://models.example.com/v1").intent({"url": url})
    assert (intent.effect, intent.url, intent.private, intent.refusal) == ("network", url, private, None)
    assert intent.preview() == url


def test_what_is_no_url_is_refused_before_anybody_is_asked() -> None:
    assert WebFetch().intent({"url": "file:///etc/passwd"}).refusal is not None
    assert fetch("file:///etc/passwd").failed


PRIVATE = """
127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1
100.100.100.200 168.63.129.16 192.0.0.192 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 203.0.113.1
::1 :: fe80::1 fc00::1 fd00:ec2::254 fec0::1 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2002:c0a8:101::1 2001:0:4136:e378:8000:63bf:f5ff:fffe
"""
PUBLIC = """
1.1.1.1 8.8.8.8 93.184.215.14 172.32.0.1 192.167.255.255 11.0.0.1 2606:4700:4700::1111 2a00:1450:4001::1
64:ff9b::808:808 2002:808:808::1 ::ffff:8.8.8.8
"""


@pytest.mark.parametrize(
    ("text", "public"), [(a, False) for a in PRIVATE.split()] + [(a, True) for a in PUBLIC.split()]
)
def test_which_addresses_lie_in_the_internet(text: str, public: bool) -> None:
    address = address_of(text)
    assert address is not None
    assert is_public(address) == public


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("ü€".encode(), "text/plain; charset=utf-8", "ü€"),
        ("ü".encode("latin-1"), "text/plain; charset=ISO-8859-1", "ü"),
        (b"\x80", "text/plain; charset=iso-8859-1", "€"),
        ("“ü”".encode("cp1252"), "text/plain", "“ü”"),
        ("ü" * 500, "text/plain", "ü" * 500),
        (("ü" * 2000).encode()[:-1], "text/plain", "ü" * 1999 + "\ufffd"),
        ("日本".encode("shift_jis"), 'text/plain; charset="Shift_JIS"', "日本"),
        ("日本".encode("euc-jp"), "text/plain; charset=nonsense", None),
        (b"\xef\xbb\xbfhi", "text/plain", "hi"),
        ("hi".encode("utf-16"), "text/plain", "hi"),
        ("hi".encode("utf-16-le"), "text/plain; charset=utf-16le", "hi"),
        ("hi".encode("utf-32"), "", "hi"),
        (b"abc", "text/plain; charset=hex", "abc"),
        (b"abc", "text/plain; charset=zlib", "abc"),
        (b"abc", "text/plain; charset=undefined", "abc"),
        (b"+AGE-", "text/plain; charset=utf-7", "+AGE-"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xfc</a>', "application/xml",
         '<?xml version="1.0" encoding="iso-8859-1"?><a>ü</a>'),
        ("<html><head><meta charset='windows-1251'></head><body><p>Привет, мир</p></body></html>".encode("cp1251"),
         "text/html", "Привет, мир"),
        ("how to write <meta charset='windows-1251'>: ü".encode(), "text/plain",
         "how to write <meta charset='windows-1251'>: ü"),
        (b"<svg/>", "image/svg+xml", "<svg/>"),
        (b"a: 1", "application/yaml", "a: 1"),
        (b"{}", "application/vnd.api+json; charset=utf-8", "{}"),
    ],
    ids=str,
)  # fmt: skip
def test_how_bytes_are_read(data: Any, content_type: str, text: str | None) -> None:
    page = read_page(data.encode() if isinstance(data, str) else data, content_type, "http://example.com/")
    assert page.problem == ""
    assert text is None or page.text == text


def test_without_the_extractor_it_is_said_what_to_install(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)  # as if it could not be imported
    result = fetch(server.url("/article"))
    assert result.failed
    assert result.content.endswith("ask the user to run: pip install 'roundtrip-agent[web]'.")
    assert not fetch(server.url("/json")).failed, "which needs none"


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.one_of(st.binary(max_size=60), st.text("<>/ab p=\"'!-&;", max_size=60).map(str.encode)),
    st.sampled_from(["text/html", "text/plain", "", "text/html; charset=utf-16", "text/plain; charset=idna", "x/y"]),
)
def test_no_body_raises(data: bytes, content_type: str) -> None:
    page = read_page(data, content_type, "http://example.com/")
    assert bool(page.problem) != bool(page.text)
    assert not any(ord(char) < 32 and char not in "\t\n" for char in page.text)
