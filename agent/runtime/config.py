"""Where the settings come from: flags, then AGENT_*, then OPENAI_*, then the user's config file. Nothing else.

A project's files are never asked: a cloned repository must not choose the server that gets the code and the key.
A key goes only where it was meant to go: OPENAI_API_KEY to OPENAI_BASE_URL or to OpenAI itself, the key of the
config file to the base URL of the config file. Every setting says where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from roundtrip.agent.runtime.config_file import ConfigError as ConfigError
from roundtrip.agent.runtime.config_file import read_settings
from roundtrip.agent.runtime.config_file import write_server as write_server

OPENAI_URL = "https://api.openai.com/v1"


class NoServerError(ConfigError):
    """Nothing is wrong, but no server is set: the user may be asked for one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """model is "" if the server is to be asked. source: where the base URL came from.

    model_source, key_source: where those came from, "" if they are not set. A source is the name of a flag or of a
    variable, or the path of the config file.
    """

    base_url: str
    model: str
    api_key: str
    source: str
    model_source: str = ""
    key_source: str = ""


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that is set. fits: whether it may go to the server. home: where it may go, in words."""

    source: str
    value: str
    fits: bool
    home: str


def config_path() -> Path:
    """The user's config file; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("roundtrip", appauthor=False)) / "config.toml"


def state_path() -> Path:
    """The folder of what the program keeps between runs, such as sessions; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_state_dir("roundtrip", appauthor=False))


def settings(flags: Mapping[str, str | None], environment: Mapping[str, str], path: Path) -> Settings:
    """Resolves the settings. `flags` may hold base_url and model. Raises ConfigError, NoServerError among them."""
    found = resolve(flags, environment, path)
    if not found.base_url:
        raise NoServerError(_no_server(path))
    return found


def resolve(flags: Mapping[str, str | None], environment: Mapping[str, str], path: Path) -> Settings:
    """As `settings`, but where no server is set, base_url, api_key and their sources are "". Raises ConfigError."""
    file = _strings(path)
    source, url = _first(
        ("--base-url", flags.get("base_url")),
        ("AGENT_BASE_URL", environment.get("AGENT_BASE_URL")),
        ("OPENAI_BASE_URL", environment.get("OPENAI_BASE_URL")),
        (str(path), file.get("base_url")),
        ("OPENAI_API_KEY", OPENAI_URL if environment.get("OPENAI_API_KEY") else None),
    )
    model_source, model = _first(
        ("--model", flags.get("model")),
        ("AGENT_MODEL", environment.get("AGENT_MODEL")),
        ("OPENAI_MODEL", environment.get("OPENAI_MODEL")),
        (str(path), file.get("model")),
    )
    base_url = normal_url(url, source) if url else ""
    key = next((key for key in _keys(base_url, environment, file, path) if key.fits), _Key("", "", False, ""))
    if not (key.value.isascii() and key.value.isprintable()):
        holder = f"api_key in {path}" if key.source == str(path) else key.source
        raise ConfigError(f"{holder} holds characters that no key has")
    return Settings(base_url, model, key.value, source, model_source, key.source)


def unsent_keys(chosen: Settings, environment: Mapping[str, str], path: Path) -> list[str]:
    """The keys that are set, but do not go to the chosen server: which, and why, in words. Raises ConfigError."""
    notes = []
    for key in _keys(chosen.base_url, environment, _strings(path), path):
        name = "api_key in the config file" if key.source == str(path) else key.source
        if not chosen.base_url:
            notes.append(f"{name} is set, but there is no server that it could go to")
        elif not key.fits:
            notes.append(f"{name} is set, but does not go to this server: it goes only to {key.home}")
        elif key.source != chosen.key_source:
            notes.append(f"{name} is set, but not used: {chosen.key_source} comes first")
    return notes


def _first(*sources: tuple[str, str | None]) -> tuple[str, str]:
    """The first source that has a value, with it; empty is not set."""
    return next(((source, value) for source, value in sources if value), ("", ""))


def _keys(base_url: str, environment: Mapping[str, str], file: Mapping[str, str], path: Path) -> Iterator[_Key]:
    """The keys that are set, first the one that is asked first."""
    openai = (OPENAI_URL, environment.get("OPENAI_BASE_URL", ""))
    candidates = (
        ("AGENT_API_KEY", environment.get("AGENT_API_KEY"), (base_url,), "the server that is set"),
        ("OPENAI_API_KEY", environment.get("OPENAI_API_KEY"), openai, "OPENAI_BASE_URL or to OpenAI itself"),
        (str(path), file.get("api_key"), (file.get("base_url", ""),), "the base_url of that file"),
    )
    for source, key, homes, words in candidates:
        if key and key.strip():
            yield _Key(source, key.strip(), any(_same(home, base_url) for home in homes), words)


def _same(url: str, base_url: str) -> bool:
    try:
        return bool(url) and normal_url(url, "") == base_url
    except ConfigError:
        return False


def normal_url(url: str, source: str) -> str:
    """The base URL as the API wants it: with a scheme, and with /v1 where only a host was given.

    Raises ConfigError if it is no http address.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        valid = valid and not parts.netloc.endswith(":")  # "http:" would be a host of that name
    except ValueError:
        valid = False
    if not valid or not text.isprintable() or " " in text:
        raise ConfigError(f"{source}: {url!r} is no server address; it looks like http://127.0.0.1:8080/v1")
    text = text.rstrip("/").removesuffix("/chat/completions")
    return text if urlsplit(text).path else f"{text}/v1"


def _strings(path: Path) -> dict[str, str]:
    """The settings in the config file that concern the server. Raises ConfigError."""
    return {key: value for key, value in read_settings(path).items() if isinstance(value, str)}


def _no_server(path: Path) -> str:
    return (
        "no model server is set.\n"
        f"  tried: --base-url, AGENT_BASE_URL, OPENAI_BASE_URL, OPENAI_API_KEY, {path}\n"
        "  set one, for example: export AGENT_BASE_URL=http://127.0.0.1:8080/v1\n"
        "  or run `agent` in a terminal: it looks for servers on this machine, and asks which to use\n"
        "  to see the agent work without a model: agent demo"
    )
