"""An OpenAI-compatible server whose model follows a script: for the demo, for tests, and for authors of clients.

    with ScriptedServer([{"chunks": ["Hello", "."]}]) as server:
        ...  # a client talks to server.base_url

Request n is answered with turn n, streamed as llama.cpp streams, one event for each recorded piece. What a turn is, and
what a request must hold, stands in `script`. A request that does not continue what was said is refused with HTTP 400
and not counted, so that the right one may follow; so is every request after the script's end. The server listens on
127.0.0.1 only, on a port that the system chooses.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final

from roundtrip.agent.commands.script import Request, Said, Turn, read_request, read_turn, violations
from roundtrip.agent.wire.defuse import defuse
from roundtrip.agent.wire.profiles import KIMI, MARKERS, Profile

_BYTES_PER_TOKEN: Final = 4
"""A guess, for the usage that is reported; there is no tokenizer here."""


class ScriptedServer:
    """A context manager; the server runs inside of it.

    turns: plain data, see `script`. profile: whose rules the ids follow. pause: seconds before each event, which may
    be changed. bodies: of all requests, also of refused ones. refusals: why those were refused. played: turns that
    were said.
    """

    def __init__(
        self,
        turns: Sequence[Mapping[str, Any]],
        model: str = "Kimi-K2-Thinking",
        profile: Profile = KIMI,
        pause: float = 0.0,
    ) -> None:
        self.model = model
        self.bodies: list[str] = []
        self.refusals: list[str] = []
        self.played = 0
        self.turns = tuple(read_turn(turn) for turn in turns)
        self._profile = profile
        self.pause = pause
        self._said: Said | None = None
        self._taking = threading.Lock()
        self._closing = threading.Event()
        self._http: _Http | None = None

    def __enter__(self) -> ScriptedServer:
        self._http = _Http(self)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._http is not None
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def base_url(self) -> str:
        assert self._http is not None, "the server runs inside of `with`"
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def over(self) -> bool:
        """Whether every turn was said."""
        return self.played == len(self.turns)

    def take(self, body: str) -> tuple[Turn, Mapping[str, Any]] | str:
        """The turn that answers a request, with its usage; or why it is refused, in words without live markup."""
        with self._taking:
            self.bodies.append(body)
            request = read_request(body)
            refusal = self._refusal(request)
            if request is None or refusal:
                self.refusals.append(defuse(refusal, MARKERS))
                return self.refusals[-1]
            turn, said = self.turns[self.played], self._said
            self.played += 1
            self._said = Said(request, turn)
            return turn, _usage(request, said, turn)

    def _refusal(self, request: Request | None) -> str:
        if request is None:
            return "the body is no JSON object with a list of messages"
        if self.over:
            return "the script is over"
        return "; ".join(violations(request, self._said, self._profile))

    def wait(self) -> bool:
        """Makes the pause before an event; False if the server is closing."""
        return not self._closing.wait(self.pause) if self.pause else True


def _usage(request: Request, said: Said | None, turn: Turn) -> dict[str, Any]:
    """As many tokens as there may be; those of the last request are cached, because this one begins with it."""
    prompt = len(request.text) // _BYTES_PER_TOKEN
    cached = len(said.request.text) // _BYTES_PER_TOKEN if said else 0
    return {
        "completion_tokens": len(turn.deltas),
        "prompt_tokens": prompt,
        "total_tokens": prompt + len(turn.deltas),
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def _events(turn: Turn, usage: Mapping[str, Any], model: str) -> Iterator[str]:
    """The data of each event, in the order of llama.cpp."""
    frame = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": model}
    choices = [
        *({"index": 0, "delta": delta, "finish_reason": None} for delta in (_ROLE, *turn.deltas)),
        {"index": 0, "delta": {}, "finish_reason": turn.finish_reason},
    ]
    for choice in choices:
        yield json.dumps({"choices": [choice], **frame})
    yield json.dumps({"choices": [], **frame, "usage": usage})
    yield "[DONE]"


_ROLE: Final = {"role": "assistant", "content": None}


class _Http(ThreadingTCPServer):
    """Not `ThreadingHTTPServer`, which looks up the name of the address, and that can take seconds."""

    daemon_threads = True

    def __init__(self, scripted: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripted = scripted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up whenever it has heard enough; anything else is a bug, and is printed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # each event is one small write, which must not wait for the next
    server: _Http

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(200, {"object": "list", "data": [{"id": self.server.scripted.model, "object": "model"}]})
        else:
            self._send(404, _error(404, "there is only /v1/models and /v1/chat/completions"))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        data = self.rfile.read(length)
        if len(data) < length:  # the client is gone
            self.close_connection = True
            return
        body = data.decode("utf-8", "replace")
        if self.path != "/v1/chat/completions":
            self._send(404, _error(404, "there is only /v1/models and /v1/chat/completions"))
            return
        taken = self.server.scripted.take(body)
        if isinstance(taken, str):
            self._send(400, _error(400, taken))
        else:
            self._stream(_events(*taken, self.server.scripted.model))

    def _stream(self, events: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            if not self.server.scripted.wait():
                self.close_connection = True
                return
            self._chunk(f"data: {event}\n\n".encode())
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing: what was refused is kept in `refusals`."""


def _error(status: int, text: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": text, "type": "invalid_request_error"}}
