"""What `agent config` says: each setting with where it comes from, and of a key no more than it must."""

import io
from pathlib import Path

import pytest
from roundtrip.agent.commands.config import show
from roundtrip.agent.commands.permissions import projects_folder
from roundtrip.agent.rules.approvals import Grant
from roundtrip.agent.runtime.config import state_path
from roundtrip.agent.runtime.preferences import project_file
from roundtrip.agent.runtime.projects import Projects

A, B = "http://a/v1", "http://b/v1"
KEY = "sk-0123456789-abcdefghijklmnopqrstuvwxyz-WXYZ"
ELSEWHERE = "is set, but does not go to this server: it goes only to"
FIRST_MODEL = "(the first that the server lists)"


def shown(path: Path, file: str = "", **values: str) -> str:
    """What is printed; small names are flags, others the environment."""
    if file:
        path.write_text(file, encoding="utf-8")
    flags = {"base_url": None, "model": None} | {name: value for name, value in values.items() if name.islower()}
    out = io.StringIO()
    assert show(flags, {name: value for name, value in values.items() if name.isupper()}, out, path) == 0
    return out.getvalue()


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Value and source of each setting, cut where the head of the table says that the columns begin."""
    head, *lines = text.split("\n\n")[0].splitlines()
    value, source = head.index("value"), head.index("from")
    table = [line for line in lines if not line.startswith(("note: ", "next: "))]
    assert all(line[value - 2 : value] == "  " and line[source - 2 : source].strip() == "" for line in table)
    return {line[:value].strip(): (line[value:source].strip(), line[source:].strip()) for line in table}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("file", "values", "expected"),
    [
        ("", {"base_url": "a"}, [(A, "--base-url"), (FIRST_MODEL, ""), ("(none)", "")]),
        (
            f'base_url = "{B}"\nmodel = "m"\napi_key = "short"\n',
            {},
            [(B, "FILE"), ("m", "FILE"), ("set, 5 characters", "FILE")],
        ),
        (
            f'base_url = "{B}"\nmodel = "m"\n',
            {"AGENT_BASE_URL": A, "AGENT_MODEL": "n", "AGENT_API_KEY": KEY},
            [(A, "AGENT_BASE_URL"), ("n", "AGENT_MODEL"), ("set, 45 characters, ending in WXYZ", "AGENT_API_KEY")],
        ),
        (
            "",
            {"OPENAI_API_KEY": KEY, "model": "gpt"},
            [
                ("https://api.openai.com/v1", "OPENAI_API_KEY"),
                ("gpt", "--model"),
                ("set, 45 characters, ending in WXYZ", "OPENAI_API_KEY"),
            ],
        ),
        ("", {"AGENT_MODEL": "m"}, [("(not set)", ""), ("m", "AGENT_MODEL"), ("(none)", "")]),
    ],
    ids=["flag", "file", "agent", "openai", "no server"],
)
def test_the_table(path: Path, file: str, values: dict[str, str], expected: list[tuple[str, str]]) -> None:
    found = rows(shown(path, file, **values))
    wanted = [(value, source.replace("FILE", str(path))) for value, source in expected]
    assert list(found.items())[:3] == list(zip(("base_url", "model", "api_key"), wanted, strict=True))


def test_the_table_says_what_is_asked(path: Path) -> None:
    permissions = ("mode", "sandbox", "commands.allow", "commands.deny")
    found = rows(shown(path, base_url=A))
    assert [found[name] for name in permissions] == [("ask", ""), ("auto", ""), ("(none)", ""), ("(none)", "")]
    file = 'mode = "edits"\nsandbox = "strict"\n[commands]\nallow = ["git status *", "ls"]\ndeny = ["rm *"]\n'
    found = rows(shown(path, file, base_url=A))
    values = ("edits", "strict", "git status *, ls", "rm *")
    assert [found[name] for name in permissions] == [(value, str(path)) for value in values]


@pytest.mark.parametrize("length", [1, 4, 15, 16, 51])
def test_a_key_is_not_shown(path: Path, length: int) -> None:
    key = "".join(chr(ord("A") + number % 26) for number in range(length))
    text = shown(path, base_url=A, AGENT_API_KEY=key)
    ending = f", ending in {key[-4:]}" if length >= 16 else ""
    assert rows(text)["api_key"][0] == f"set, {length} characters{ending}"
    assert not any(key[at : at + 5] in text for at in range(max(1, length - 4)) if length > 4)


@pytest.mark.parametrize(
    ("file", "values", "note"),
    [
        (
            "",
            {"base_url": A, "OPENAI_API_KEY": KEY},
            f"OPENAI_API_KEY {ELSEWHERE} OPENAI_BASE_URL or to OpenAI itself",
        ),
        (
            f'base_url = "{B}"\napi_key = "{KEY}"\n',
            {"base_url": A},
            f"api_key in the config file {ELSEWHERE} the base_url of that file",
        ),
        (
            "",
            {"OPENAI_BASE_URL": A, "OPENAI_API_KEY": KEY, "AGENT_API_KEY": "a"},
            "OPENAI_API_KEY is set, but not used: AGENT_API_KEY comes first",
        ),
        ("", {"AGENT_API_KEY": KEY}, "AGENT_API_KEY is set, but there is no server that it could go to"),
    ],
    ids=["openai", "file", "two", "no server"],
)
def test_a_key_that_is_not_sent_is_named_with_the_reason(
    path: Path, file: str, values: dict[str, str], note: str
) -> None:
    text = shown(path, file, **values)
    assert [line for line in text.splitlines() if line.startswith("note: ")] == [f"note: {note}"]
    assert "WXYZ" not in text


def test_where_every_key_goes_there_is_no_note(path: Path) -> None:
    assert "note:" not in shown(path, base_url=A, AGENT_API_KEY=KEY)
    assert "note:" not in shown(path, f'base_url = "{B}"\napi_key = "{KEY}"\n')


def test_without_a_server_the_next_step_is_said(path: Path) -> None:
    (line,) = [line for line in shown(path).splitlines() if line.startswith("next: ")]
    assert "run `agent`" in line
    assert "export AGENT_BASE_URL=http://" in line
    assert "next:" not in shown(path, base_url=A)


def test_the_paths(path: Path) -> None:
    places = shown(path, base_url=A).split("\n\n")[1].splitlines()
    assert places == [
        f"config file      {path} (does not exist)",
        f"sessions folder  {state_path() / 'sessions'}",
    ]
    assert f"{path} (exists)\n" in shown(path, 'model = "m"\n')


def test_what_a_terminal_would_obey_is_not_printed(path: Path) -> None:
    text = shown(path, base_url=A, AGENT_MODEL="m\x1b[31m\nsessions folder  /etc\tx")
    assert text.replace("\n", "").isprintable()
    assert rows(text)["model"] == ("m�[31m�sessions folder  /etc�x", "AGENT_MODEL")


def test_a_password_in_the_address_is_not_printed(path: Path) -> None:
    text = shown(path, base_url="https://me:secret@host:8443/api/v1")
    assert rows(text)["base_url"] == ("https://…@host:8443/api/v1", "--base-url")


@pytest.mark.parametrize(
    ("file", "environment", "said"),
    [
        ("x = [", {}, "TOML"),
        ('base_urls = "x"', {}, "do you mean base_url?"),
        ("", {"AGENT_BASE_URL": "ftp://x"}, "AGENT_BASE_URL: 'ftp://x' is no server address"),
        ("", {"AGENT_BASE_URL": A, "AGENT_API_KEY": "a\x1b"}, "AGENT_API_KEY holds"),
    ],
)
def test_what_is_wrong_goes_to_stderr(
    path: Path, capsys: pytest.CaptureFixture[str], file: str, environment: dict[str, str], said: str
) -> None:
    path.write_text(file, encoding="utf-8")
    out = io.StringIO()
    assert show({}, environment, out, path) == 2
    assert out.getvalue() == ""
    error = capsys.readouterr().err
    assert error.startswith("agent: ")
    assert said in error


@pytest.mark.skipif("sys.platform != 'linux'", reason="other systems have other folders")
def test_by_default_it_is_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "roundtrip").mkdir()
    (tmp_path / "roundtrip" / "config.toml").write_text('base_url = "b"\n', encoding="utf-8")
    out = io.StringIO()
    assert show({}, {}, out) == 0
    assert rows(out.getvalue())["base_url"] == (B, str(tmp_path / "roundtrip" / "config.toml"))


def test_the_table_says_what_holds_in_this_project(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    (root / ".agent").mkdir(parents=True)
    own = root / ".agent" / "config.toml"
    own.write_text('mode = "edits"\n[commands]\nallow = ["make *"]\ndeny = ["rm *"]\n', encoding="utf-8")
    projects = Projects(projects_folder())
    projects.allow(root, Grant("command", ("git status *",)))
    projects.allow(root, Grant("outside", ("/usr/include",)))

    def lines() -> list[str]:
        out = io.StringIO()
        assert show({"base_url": A, "model": None}, {}, out, path, root) == 0
        return [" ".join(line.split()) for line in out.getvalue().splitlines()]

    ours = projects.path(root)
    assert {f"commands.allow git status * {ours}", f"read outside /usr/include {ours}", "mode ask"} <= set(lines())
    assert "note: what you allowed for this project is listed by /mode; /mode forget takes it back" in lines()
    assert str(own) not in "".join(lines()), "it does not count"
    file = project_file(root)
    assert file is not None
    projects.trust(root, file.digest)
    assert {f"mode edits {own}", f"commands.allow make * {own}", f"commands.deny rm * {own}"} <= set(lines())
