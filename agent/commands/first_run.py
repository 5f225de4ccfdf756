"""The first run: no server is set. Looks for one on this machine, asks which to use, and writes it down.

Nobody is asked who can't answer, nothing is written that was not chosen, and what a server says about itself reaches
the terminal only as printable text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO, TypeVar

from roundtrip.agent.frontends.words import printable
from roundtrip.agent.runtime.config import ConfigError, Settings, normal_url, settings, write_server
from roundtrip.agent.runtime.servers import PORTS, Found, look

T = TypeVar("T")
Ask = Callable[[str], str]
"""Reads one line, behind a prompt. Raises EOFError if there is none."""

_TRIES: Final = 5
_MOST_LISTED: Final = 30
_MOST_SHOWN: Final = 100
"""Characters of a model's name; with some servers it is the path of a file."""

_NONE: Final = ("q", "quit", "exit")
_ONCE: Final = "this run only"
_START: Final = "llama-server -m model.gguf --jinja --port 8080"
_ANOTHER: Final = "export AGENT_BASE_URL=http://127.0.0.1:8080/v1"


def first_run(
    path: Path, ask: Ask | None, out: TextIO, ports: Mapping[int, str] = PORTS, seconds: float = 1.0
) -> Settings | None:
    """The server that the user chooses, written to the config file at `path`; None if none was chosen.

    ask: None if nobody can be asked; then it is only said what there is. KeyboardInterrupt passes through.
    ports, seconds: see `look`.
    """
    numbers = ", ".join(map(str, ports))
    _say(out, f"No model server is set. Looking once at the usual ports of this machine: {numbers} …")
    found = look(ports, seconds)
    _list(out, found)
    if not found:
        _say_what_to_do(out, ask is not None)
    if ask is None:
        for one in found:
            _say(out, f"To use it: --base-url {one.base_url}")
        return None
    server = _choose_server(ask, out, found)
    model = _choose_model(ask, out, server.models) if server else None
    if server is None or model is None:
        _say(out, "No server was chosen; nothing is written.")
        return None
    return _keep(out, path, server, model)


def _list(out: TextIO, found: Sequence[Found]) -> None:
    """A numbered line for each server."""
    _say(out, "Found:" if found else "No model server answers there.")
    for number, server in enumerate(found, 1):
        more = f" and {len(server.models) - 1} more" if len(server.models) > 1 else ""
        models = f"{_short(server.models[0])}{more}" if server.models else "it lists no models"
        offer = "it wants a key" if server.wants_key else models
        _say(out, f"  {number}  {server.base_url}  ({server.usual})  {offer}")


def _say_what_to_do(out: TextIO, asking: bool) -> None:
    _say(out, f"  Start one, and run this again; for example: {_START}")
    if asking:
        _say(out, "  Or type the address of one here.")
    _say(out, f"  Or set it: {_ANOTHER}")
    _say(out, "  Or see the agent work without a model: agent demo")


def _choose_server(ask: Ask, out: TextIO, found: Sequence[Found]) -> Found | None:
    prompt = "Use which? [1] " if found else "Address of a server (Enter: none) "
    numbered = {str(number): server for number, server in enumerate(found, 1)}
    numbered |= {server.base_url: server for server in found}

    def read(text: str) -> Found | None:
        if text.lower() in _NONE or not (text or found):
            return None
        if not text or text in numbered:
            return numbered[text or "1"]
        if text.isdecimal() and found:
            raise ConfigError(f"there is no number {_short(text)}; there are 1 to {len(found)}")
        if text != "localhost" and not any(char in text for char in ".:/"):  # "y" would be the name of a host
            what = "neither a number of the list nor an address" if found else "no address"
            raise ConfigError(f"{_short(text)!r} is {what} such as http://127.0.0.1:8080/v1 (q: none)")
        url = normal_url(text, "what you typed")
        return numbered.get(url, Found(url, "", ()))

    return _asked(ask, out, prompt, read)


def _choose_model(ask: Ask, out: TextIO, models: Sequence[str]) -> str | None:
    """The model's name, "" for the first that the server lists, None if nothing is to be chosen at all."""
    if len(models) < 2:
        return ""
    for number, model in enumerate(models[:_MOST_LISTED], 1):
        _say(out, f"  {number}  {_short(model)}")
    if len(models) > _MOST_LISTED:
        _say(out, f"  … and {len(models) - _MOST_LISTED} more, up to number {len(models)}")
    numbered = {"": ""} | {model: model for model in models}
    numbered |= {str(number): model for number, model in enumerate(models, 1)}

    def read(text: str) -> str | None:
        if text.lower() in _NONE:
            return None
        if text not in numbered:
            raise ConfigError(f"there is no model {_short(text)!r}; type a number from 1 to {len(models)}, or a name")
        return numbered[text]

    return _asked(ask, out, "Which model? [the first that the server lists] ", read)


def _asked(ask: Ask, out: TextIO, prompt: str, read: Callable[[str], T | None]) -> T | None:
    """What `read` makes of an answer; None at the end of the input, or if it never makes sense.

    read: raises ConfigError to say what is wrong.
    """
    for _ in range(_TRIES):
        try:
            return read(ask(prompt).strip())
        except EOFError:
            out.write("\n")  # the prompt still stands on its line
            return None
        except ConfigError as error:
            _say(out, str(error))
    _say(out, f"That were {_TRIES} tries.")
    return None


def _keep(out: TextIO, path: Path, server: Found, model: str) -> Settings:
    """Writes the choice, and reads it as every later run will: the file may hold a key for it, or a model."""
    if server.wants_key:
        _say(out, "This server wants a key; if none is set: export AGENT_API_KEY=…")
    try:
        write_server(path, server.base_url, model)
        _say(out, f"wrote {path}; change it there, or look with: agent config")
        chosen = settings({}, {}, path)
        if chosen.model != model:
            _say(out, f"the model is {_short(chosen.model)}, as that file has it")
        return chosen
    except ConfigError as error:
        _say(out, f"{error}\nThe choice holds for {_ONCE}.")
        return Settings(server.base_url, model, "", _ONCE, _ONCE if model else "")


def _say(out: TextIO, text: str) -> None:
    out.write(f"{printable(text)}\n")
    out.flush()


def _short(text: str) -> str:
    text = printable(" ".join(text.split()))
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
