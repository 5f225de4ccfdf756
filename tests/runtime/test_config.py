"""Which source a setting comes from, which key may go to which address, and what is written to the config file."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from roundtrip.agent.runtime.config import (
    OPENAI_URL,
    ConfigError,
    NoServerError,
    Settings,
    config_path,
    normal_url,
    resolve,
    settings,
    state_path,
    unsent_keys,
    write_server,
)

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
    ("flags", "environment", "source"),
    [
        ({"model": "m"}, {"AGENT_MODEL": "a"}, "--model"),
        ({"model": None}, {"AGENT_MODEL": "a", "OPENAI_MODEL": "o"}, "AGENT_MODEL"),
        ({}, {"AGENT_MODEL": "", "OPENAI_MODEL": "o"}, "OPENAI_MODEL"),
        ({}, {}, "FILE"),
    ],
)
def test_the_source_of_the_model_is_named(
    tmp_path: Path, flags: dict[str, str | None], environment: dict[str, str], source: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    assert settings(flags, environment, path).model_source == source.replace("FILE", str(path))
    assert settings({"base_url": A}, {}, tmp_path / "none").model_source == ""


@pytest.mark.parametrize(
    ("environment", "source"),
    [
        ({"AGENT_API_KEY": "a"}, "AGENT_API_KEY"),
        ({"OPENAI_BASE_URL": A, "OPENAI_API_KEY": "o"}, "OPENAI_API_KEY"),
        ({}, "FILE"),
        ({"AGENT_BASE_URL": A}, ""),
    ],
)
def test_the_source_of_the_key_is_named(tmp_path: Path, environment: dict[str, str], source: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    assert settings({}, environment, path).key_source == source.replace("FILE", str(path))


def test_settings_may_be_made_without_the_sources() -> None:
    assert Settings(A, "m", "k", "demo") == Settings(A, "m", "k", "demo", "", "")


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
    assert isinstance(raised.value, NoServerError)
    for word in ("--base-url", "AGENT_BASE_URL=http://", "OPENAI_BASE_URL", str(tmp_path), "agent demo", "run `agent`"):
        assert word in str(raised.value)


def test_without_a_server_the_rest_may_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('model = "file"\napi_key = "of-file"\n', encoding="utf-8")
    environment = {"AGENT_API_KEY": "a"}
    found = resolve({}, environment, path)
    assert found == Settings("", "file", "", "", str(path), "")
    notes = unsent_keys(found, environment, path)
    assert [note.split(" is set")[0] for note in notes] == ["AGENT_API_KEY", "api_key in the config file"]
    assert all("no server" in note for note in notes)


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
    assert not isinstance(raised.value, NoServerError)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("3", "an integer"),
        ("3.5", "a float"),
        ("true", "a boolean"),
        ('["x"]', "an array"),
        ('{ url = "x" }', "a table"),
        ("2026-01-31", "a date"),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path: Path, value: str, what: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"model = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"config\.toml: model is {what}.* should be a string"):
        settings({"base_url": A}, {}, path)


@pytest.mark.parametrize(
    ("key", "meant"),
    [("base-url", "base_url"), ("baseurl", "base_url"), ("apikey", "api_key"), ("models", "model"), ("colour", "")],
)
def test_an_unknown_key_is_named_with_the_ones_that_there_are(tmp_path: Path, key: str, meant: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'{key} = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"'{key}'") as raised:
        settings({"base_url": A}, {}, path)
    said = str(raised.value)
    assert "there are: base_url, model, api_key" in said
    assert (f"do you mean {meant}?" in said) if meant else ("do you mean" not in said)


def test_too_deep_a_file_is_an_error_like_others(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("x = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ConfigError, match="no valid TOML"):
        settings({"base_url": A}, {}, path)


def test_reading_the_settings_imports_no_big_library(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from roundtrip.agent.runtime.config import settings\n"
        "print(settings({}, {}, Path(sys.argv[1])).base_url, {'pydantic', 'openai', 'asyncio'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert ended.stdout == f"{C} set()\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_where_state_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert state_path() == tmp_path / "state" / "roundtrip"
    assert config_path() == tmp_path / "config" / "roundtrip" / "config.toml"


OTHERS = '# mine\napi_key = "k" # secret\n\n[table]\nbase_url = "t"\nmodel = "t"\n'
LONG = 'text = """\nbase_url = "in a text"\n[no table]\n"""\n'


@pytest.mark.parametrize(
    ("before", "model", "after"),
    [
        ("", "", f'base_url = "{A}"\n'),
        ("", "m", f'base_url = "{A}"\nmodel = "m"\n'),
        (OTHERS, "m", f'base_url = "{A}"\nmodel = "m"\n{OTHERS}'),
        (f'base_url = "b"\n{OTHERS}', "", f'base_url = "{A}"\n{OTHERS}'),
        (f'# 1\nmodel = "x"\n{OTHERS}', "", f'base_url = "{A}"\n# 1\nmodel = "x"\n{OTHERS}'),
        ('# 1\nmodel = "x"\n# 2\nbase_url = "b"', "m", f'# 1\nmodel = "m"\n# 2\nbase_url = "{A}"'),
        (f'base_url = "{A}"\nmodel = "m"\n', "m", f'base_url = "{A}"\nmodel = "m"\n'),
        ('# base_url = "b"\n', "", f'base_url = "{A}"\n# base_url = "b"\n'),
        ('base_url = "b#1"  # mine "#2"\n', "", f'base_url = "{A}"  # mine "#2"\n'),
        ("  'base_url'='b'\t# mine\r\napi_key = 'k'\r\n", "", f"base_url = \"{A}\"\t# mine\r\napi_key = 'k'\r\n"),
        ("api_key = 'k'\r\n", "", f"base_url = \"{A}\"\r\napi_key = 'k'\r\n"),
        ('base_url = 3\napi_key = "k"\n', "", f'base_url = "{A}"\napi_key = "k"\n'),
        ('base_url = """\nb\n# c\n""" # d\napi_key = "k"\n', "", f'base_url = "{A}" # d\napi_key = "k"\n'),
        (LONG, "", f'base_url = "{A}"\n{LONG}'),
        (f'{LONG}base_url = "b"\n{OTHERS}', "", f'{LONG}base_url = "{A}"\n{OTHERS}'),
        ('# \u2028base_url = 1\nbase_url = "b"\n', "", f'# \u2028base_url = 1\nbase_url = "{A}"\n'),
        ('base_url = "b\u2028b" # ü\napi_key = "k"\n', "", f'base_url = "{A}" # ü\napi_key = "k"\n'),
        (f'"base\\u005furl" = "{A}"\n', "", f'"base\\u005furl" = "{A}"\n'),
    ],
)
def test_only_the_lines_of_the_server_are_written(tmp_path: Path, before: str, model: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())
    write_server(path, A, model)
    assert path.read_bytes().decode() == after
    written = tomllib.loads(after)
    assert written["base_url"] == A
    assert not model or written["model"] == model


@example('\x7f\x00\t\n\r"\\', "\u2028\x85")
@given(st.text(min_size=1), st.text())
def test_what_is_written_is_read_again(base_url: str, model: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        for before in ("", OTHERS, f'model = "x"\nbase_url = "b"\n{OTHERS}'):
            path.write_text(before, encoding="utf-8")
            write_server(path, base_url, model)
            expected = tomllib.loads(before) | {"base_url": base_url} | ({"model": model} if model else {})
            assert tomllib.loads(path.read_text(encoding="utf-8")) == expected


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    before = os.umask(0)
    try:
        write_server(path, A)
    finally:
        os.umask(before)
    modes = [one.stat().st_mode & 0o777 for one in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    assert settings({}, {}, path).base_url == A


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    path.chmod(0o640)
    write_server(path, A)
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, exists: bool) -> None:
    target, path = tmp_path / "dotfiles" / "mine.toml", tmp_path / "config.toml"
    if exists:
        target.parent.mkdir()
        target.write_text(FILE, encoding="utf-8")
    path.symlink_to(target)
    write_server(path, A)
    assert path.is_symlink()
    assert tomllib.loads(target.read_text(encoding="utf-8"))["base_url"] == A


@pytest.mark.parametrize(
    ("before", "base_url", "said"),
    [
        (b"base_url = [", A, "TOML"),
        (b"\xff", A, "can't be written"),
        (b"", "http://\ud800", "can't be written"),
        (b'[base_url]\nx = "y"\n', A, "by hand"),
        (b'"base\\u005furl" = "b"\n', A, "by hand"),
    ],
    ids=["broken", "encoding", "surrogate", "table", "escaped"],
)
def test_what_can_not_be_written_leaves_the_file_alone(tmp_path: Path, before: bytes, base_url: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before)
    with pytest.raises(ConfigError, match=said) as raised:
        write_server(path, base_url)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path, tmp_path / "file" / "config.toml", tmp_path / "loop"):
        with pytest.raises(ConfigError, match="can't be written"):
            write_server(path, A)
    assert (tmp_path / "loop").is_symlink()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    code = (
        "import resource, sys; from pathlib import Path; from roundtrip.agent.runtime.config import *\n"
        "import json, tempfile, tomllib  # none of them may have to be compiled below\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try: write_server(Path(sys.argv[1]), 'http://a/v1')\n"
        "except ConfigError as error: print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    assert f"{path} can't be written" in ended.stdout
    assert path.read_text(encoding="utf-8") == FILE
    assert list(tmp_path.iterdir()) == [path]
