"""Which source a setting comes from, and which key may go to which address."""

from pathlib import Path

import pytest
from roundtrip.agent.runtime.config import OPENAI_URL, ConfigError, normal_url, settings

A, B, C = "http://a/v1", "http://b/v1", "http://c/v1"
FILE = f'base_url = "{C}"\nmodel = "file"\napi_key = "of-file"\n'


def resolved(folder: Path, file: str = "", **values: str) -> tuple[str, str, str]:
    """base URL, model, key; small names are flags, others the environment."""
    path = folder / "config.toml"
    if file:
        path.write_text(file, encoding="utf-8")
    flags = {name: value for name, value in values.items() if name.islower()}
    found = settings(flags, {name: value for name, value in values.items() if name.isupper()}, path)
    return found.base_url, found.model, found.api_key


@pytest.mark.parametrize(
    ("file", "values", "url"),
    [
        (FILE, {"base_url": A, "AGENT_BASE_URL": B, "OPENAI_BASE_URL": "http://d"}, A),
        (FILE, {"AGENT_BASE_URL": B, "OPENAI_BASE_URL": A}, B),
        (FILE, {"OPENAI_BASE_URL": A, "OPENAI_API_KEY": "k"}, A),
        (FILE, {"OPENAI_API_KEY": "k"}, C),
        ("", {"OPENAI_API_KEY": "k"}, OPENAI_URL),
        (FILE, {"AGENT_BASE_URL": ""}, C),
    ],
    ids=["flag", "agent", "openai", "file", "key alone", "empty is not set"],
)
def test_where_the_base_url_comes_from(tmp_path: Path, file: str, values: dict[str, str], url: str) -> None:
    assert resolved(tmp_path, file, **values)[0] == url


@pytest.mark.parametrize(
    ("values", "model"),
    [
        ({"model": "flag", "AGENT_MODEL": "agent", "OPENAI_MODEL": "openai"}, "flag"),
        ({"AGENT_MODEL": "agent", "OPENAI_MODEL": "openai"}, "agent"),
        ({"OPENAI_MODEL": "openai"}, "openai"),
        ({}, "file"),
    ],
)
def test_where_the_model_comes_from(tmp_path: Path, values: dict[str, str], model: str) -> None:
    assert resolved(tmp_path, FILE, **values)[1] == model


def test_the_source_is_named(tmp_path: Path) -> None:
    assert settings({"base_url": A}, {}, tmp_path / "none").source == "--base-url"
    assert settings({}, {"AGENT_BASE_URL": A}, tmp_path / "none").source == "AGENT_BASE_URL"


@pytest.mark.parametrize(
    ("file", "values", "key"),
    [
        ("", {"base_url": A, "OPENAI_API_KEY": "o"}, ""),
        ("", {"base_url": A, "OPENAI_BASE_URL": A, "OPENAI_API_KEY": "o"}, "o"),
        ("", {"base_url": f"{A}/", "OPENAI_BASE_URL": "a", "OPENAI_API_KEY": "o"}, "o"),
        ("", {"AGENT_BASE_URL": B, "OPENAI_BASE_URL": A, "OPENAI_API_KEY": "o"}, ""),
        ("", {"base_url": "https://api.openai.com", "OPENAI_API_KEY": "o"}, "o"),
        ("", {"base_url": "https://api.openai.com.evil.example/v1", "OPENAI_API_KEY": "o"}, ""),
        ("", {"base_url": "http://api.openai.com/v1", "OPENAI_API_KEY": "o"}, ""),
        ("", {"base_url": A, "AGENT_API_KEY": " a\n", "OPENAI_API_KEY": "o"}, "a"),
        ("", {"base_url": A, "OPENAI_BASE_URL": A, "AGENT_API_KEY": " ", "OPENAI_API_KEY": "o"}, "o"),
        (FILE, {}, "of-file"),
        (FILE, {"base_url": A}, ""),
        (FILE, {"base_url": "http://c/v1/"}, "of-file"),
        (FILE, {"AGENT_API_KEY": "a"}, "a"),
        ('api_key = "of-file"\n', {"base_url": A}, ""),
        ('base_url = "nonsense ://"\napi_key = "of-file"\n', {"base_url": A}, ""),
    ],
)
def test_a_key_goes_only_where_it_was_meant_to_go(tmp_path: Path, file: str, values: dict[str, str], key: str) -> None:
    assert resolved(tmp_path, file, **values)[2] == key


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a\x00b"])
def test_a_key_that_can_not_stand_in_a_header_is_refused_but_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="AGENT_API_KEY holds") as raised:
        resolved(tmp_path, base_url=A, AGENT_API_KEY=key)
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("localhost", "http://localhost/v1"),
        (" http://a/ ", "http://a/v1"),
        ("http://a/v1/", "http://a/v1"),
        ("http://a/v1/chat/completions", "http://a/v1"),
        ("https://host/api/openai", "https://host/api/openai"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_addresses_as_people_write_them(url: str, normal: str) -> None:
    assert normal_url(url, "x") == normal
    assert normal_url(normal, "x") == normal


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "http://",
        "http:",
        "http:///v1",
        "a:",
        "://",
        "http://a b",
        "http://a:99999",
        "http://a:x",
        "http://[",
        "file:///etc",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match=r"--base-url: .* is no server address; it looks like http://127"):
        normal_url(url, "--base-url")


def test_without_a_server_it_says_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        resolved(tmp_path)
    for word in ("--base-url", "AGENT_BASE_URL=http://", "OPENAI_BASE_URL", str(tmp_path), "agent demo"):
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("file", "said"),
    [(b"x = [", "TOML"), (b"base_url = 3", "base_url"), (b'urls = "x"', "urls"), (b"\xff", "can't be read")],
    ids=["toml", "type", "unknown", "encoding"],
)
def test_a_broken_file_is_named(tmp_path: Path, file: bytes, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(file)
    with pytest.raises(ConfigError, match=said) as raised:
        settings({"base_url": A}, {}, path)
    assert str(path) in str(raised.value)
