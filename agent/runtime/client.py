"""The model server, over the openai SDK used as a transport.

The SDK gives authentication, typed status errors and one HTTP stack; its own `Stream` is not used, because it dies of
a ping event and ends silently on a page of HTML (openai 3.52). What comes here is bytes, and `wire.Reply` reads them.

No time limit before the first byte unless the user sets one: a prefill of minutes is normal on local hardware.
Servers on this machine are reached without proxies: with HTTP_PROXY set, 127.0.0.1 would go through it. The SDK takes
organization, project and further headers from OPENAI_* variables, and describes the machine in headers of its own:
only the headers of `_HEADERS` go out, and a key only if it was given for this server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from roundtrip.agent import __version__
from roundtrip.agent.runtime import sdk
from roundtrip.agent.tooling import ModelFailure, Opened
from roundtrip.agent.wire.chunks import error_message, error_text
from roundtrip.agent.wire.facts import Facts, facts_of

if TYPE_CHECKING:
    import httpx2
    import openai

_CONNECT_SECONDS = 10.0
_LISTING_SECONDS = 30.0
_FACTS_SECONDS = 2.0
_LOOPBACK = ("localhost", "::1", "0.0.0.0")
_HEADERS = frozenset(
    ("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host", "user-agent",
     "x-stainless-raw-response")  # the SDK reads the last one off the request again
)  # fmt: skip


class OpenAIModel:
    """A chat-completions server at a base URL.

    read_seconds: longest silence between two bytes, None for no limit.
    """

    def __init__(self, base_url: str, api_key: str = "", read_seconds: float | None = None) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._read_seconds = read_seconds
        self._client: openai.AsyncOpenAI | None = None
        self._listed: dict[str, Any] | None = None
        """The models that the server listed last, by name; None if it was not asked."""

    async def exchange(self, body: Mapping[str, Any]) -> AsyncGenerator[Opened | bytes | ModelFailure, None]:
        """See `tooling.Model`."""
        client = await self._connected()
        import httpx2
        import openai

        opened = False
        try:
            async with client.chat.completions.with_streaming_response.create(**body) as response:
                opened = True
                yield Opened(response.headers.get("content-type", ""))
                async for block in response.iter_bytes():
                    yield block
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            yield self._failure(error, opened)

    async def models(self) -> list[str] | ModelFailure:
        """Names of the models that the server offers."""
        answer = await self._get("/models", _LISTING_SECONDS)
        if isinstance(answer, ModelFailure):
            return answer
        listed = answer.get("data") if isinstance(answer, dict) else None
        entries = listed if isinstance(listed, list) else []
        self._listed = {str(entry["id"]): entry for entry in entries if isinstance(entry, dict) and entry.get("id")}
        return list(self._listed)

    async def facts(self, model: str) -> Facts:
        """What the server says of itself and the model.

        Only a server without TLS, which is one nearby, is asked for it: for llama.cpp's /props, and where that does not
        tell the context, for the list of models. Of others it is known what the list said, if that was asked for.
        """
        props: Any = None
        await self._connected()  # on a busy machine the SDK may take longer to come than a server to answer
        with suppress(TimeoutError):
            async with asyncio.timeout(_FACTS_SECONDS):  # in all; the SDK's limits are for the time between two bytes
                if self._base_url.startswith("http://"):
                    props = await self._get(f"{self._base_url.rstrip('/').removesuffix('/v1')}/props", _FACTS_SECONDS)
                gone = isinstance(props, ModelFailure) and props.kind != "refused"
                if props is not None and self._listed is None and not gone and not facts_of(props, {}).context:
                    await self.models()
        return facts_of(props, (self._listed or {}).get(model))

    async def _get(self, path: str, seconds: float) -> Any:
        """The JSON at a path below the base URL, or at a URL; {} where the answer is none."""
        client = await self._connected()
        import httpx2
        import openai

        try:
            answer = await client.get(path, cast_to=object, options={"timeout": seconds})
        except (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError, RecursionError) as error:
            return self._failure(error, opened=False)
        try:  # the SDK leaves a body alone that is not called JSON
            return json.loads(answer) if isinstance(answer, str) else answer
        except (ValueError, RecursionError):
            return {}

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            await asyncio.to_thread(sdk.load)  # so that an interrupt is heard meanwhile
            import httpx2
            import openai

            host = urlsplit(self._base_url).hostname or ""
            local = host in _LOOPBACK or host.startswith("127.")
            self._client = openai.AsyncOpenAI(
                base_url=self._base_url,
                api_key=self._api_key or "none",
                max_retries=0,
                timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS, read=self._read_seconds),
                default_headers={"User-Agent": f"roundtrip/{__version__}"},
                http_client=openai.DefaultAsyncHttpxClient(
                    trust_env=not local, event_hooks={"request": [self._prune_headers]}
                ),
            )
        return self._client

    async def _prune_headers(self, request: httpx2.Request) -> None:
        unwanted = request.headers.keys() - _HEADERS
        for name in unwanted if self._api_key else unwanted | {"authorization"}:
            del request.headers[name]

    def _failure(self, error: Exception, opened: bool) -> ModelFailure:
        import httpx2
        import openai

        if isinstance(error, openai.APIStatusError):
            text = error_text(error.body) if error.body else error.response.reason_phrase
            seconds = _seconds(error.response.headers.get("retry-after"))
            return ModelFailure("refused", text, error.status_code, seconds, error_message(error.body))
        cause = error.__cause__ or error
        # Before the first byte it comes wrapped by the SDK, in the stream bare, with a cause below that of its own.
        limits = [one for one in (error, cause) if isinstance(one, httpx2.TimeoutException)]
        if limits or isinstance(error, openai.APITimeoutError):
            if any(isinstance(one, httpx2.ConnectTimeout) for one in limits):
                return ModelFailure("unreachable", f"no connection within {_CONNECT_SECONDS:.0f} s")
            seconds = self._read_seconds or _LISTING_SECONDS
            return ModelFailure("silent", f"no byte within {seconds:.0f} s")
        text = str(cause) or type(cause).__name__
        return ModelFailure("cut" if opened else "unreachable", text)


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; its date form is not worth a parser."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
