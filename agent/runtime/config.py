"""Where the settings come from: flags, then AGENT_*, then OPENAI_*, then the user's config file. Nothing else.

A project's files are never asked: a cloned repository must not choose the server that gets the code and the key.
A key goes only where it was meant to go: OPENAI_API_KEY to OPENAI_BASE_URL or to OpenAI itself, the key of the
config file to the base URL of the config file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"


class ConfigError(Exception):
    """The user's configuration can't be used. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """model is "" if the server is to be asked. source: where the base URL came from."""

    base_url: str
    model: str
    api_key: str
    source: str


def config_path() -> Path:
    """The user's config file; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("roundtrip", appauthor=False)) / "config.toml"


def settings(flags: Mapping[str, str | None], environment: Mapping[str, str], path: Path) -> Settings:
    """Resolves the settings. `flags` may hold base_url and model. Raises ConfigError."""
    file = _read(path)
    sources = (
        ("--base-url", flags.get("base_url")),
        ("AGENT_BASE_URL", environment.get("AGENT_BASE_URL")),
        ("OPENAI_BASE_URL", environment.get("OPENAI_BASE_URL")),
        (str(path), file.get("base_url")),
        ("OPENAI_API_KEY", OPENAI_URL if environment.get("OPENAI_API_KEY") else None),
    )
    source, url = next(((source, url) for source, url in sources if url), ("", ""))
    if not url:
        raise ConfigError(_no_server(path))
    base_url = normal_url(url, source)
    model = (
        flags.get("model") or environment.get("AGENT_MODEL") or environment.get("OPENAI_MODEL") or file.get("model")
    )
    return Settings(base_url, model or "", _key(base_url, environment, file), source)


def _key(base_url: str, environment: Mapping[str, str], file: Mapping[str, str]) -> str:
    """The key that may go to this address. Raises ConfigError for one that can't stand in a header."""
    openai = (OPENAI_URL, environment.get("OPENAI_BASE_URL", ""))
    candidates = (
        ("AGENT_API_KEY", environment.get("AGENT_API_KEY"), (base_url,)),
        ("OPENAI_API_KEY", environment.get("OPENAI_API_KEY"), openai),
        ("api_key", file.get("api_key"), (file.get("base_url", ""),)),
    )
    for source, key, homes in candidates:
        if key and key.strip() and any(_same(home, base_url) for home in homes):
            if not (key.strip().isascii() and key.strip().isprintable()):
                raise ConfigError(f"{source} holds characters that no key has")
            return key.strip()
    return ""


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


def _read(path: Path) -> dict[str, str]:
    """The config file's values; an absent file has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    import tomllib

    from pydantic import BaseModel, ConfigDict, ValidationError

    class File(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        base_url: str = ""
        model: str = ""
        api_key: str = ""

    try:
        return File.model_validate(tomllib.loads(text)).model_dump()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _no_server(path: Path) -> str:
    return (
        "no model server is set.\n"
        f"  tried: --base-url, AGENT_BASE_URL, OPENAI_BASE_URL, OPENAI_API_KEY, {path}\n"
        "  set one, for example: export AGENT_BASE_URL=http://127.0.0.1:8080/v1\n"
        "  to see the agent work without a model: agent demo"
    )
