"""What is allowed in a project for good, and the project's own configuration: who may grant what to whom."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from roundtrip.agent.rules.approvals import Grant
from roundtrip.agent.runtime.config_file import USER, ConfigError, read_settings
from roundtrip.agent.runtime.preferences import Preferences, project_file, user_preferences
from roundtrip.agent.runtime.projects import Project, Projects

ROOT = Path("/home/u/project")


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path / "state" / "projects")


def only_file(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "state" / "projects").glob("*.json")
    return found


def test_what_is_allowed_is_kept_for_the_project_alone(projects: Projects, tmp_path: Path) -> None:
    assert projects.load(ROOT) == Project()
    projects.allow(ROOT, Grant("command", ("git status *",)))
    projects.allow(ROOT, Grant("command", ("ls *", "git status *")))
    projects.allow(ROOT, Grant("outside", ("/usr/include",)))
    projects.allow(ROOT, Grant("network", ("example.org",)))
    projects.allow(ROOT, Grant("edit"))
    projects.trust(ROOT, "abc")
    found = Projects(tmp_path / "state" / "projects").load(ROOT)
    assert found == Project(("git status *", "ls *"), ("/usr/include",), ("example.org",), "abc")
    assert projects.load(ROOT / "sub") == Project()


def test_only_the_owner_reads_it(projects: Projects, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        projects.allow(ROOT, Grant("command", ("ls",)))
    finally:
        os.umask(before)
    file = only_file(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "\xff",
        "[" * 100_000,
        '{"root": "/elsewhere", "allow": ["ls"]}',
        '{"allow": ["ls"]}',
        '{"root": "/home/u/project", "allow": "ls", "folders": 3, "hosts": {}, "trusted": 1}',
        '{"root": "/home/u/project", "allow": ["\'open", "", 3], "folders": ["relative"], "hosts": [null]}',
    ],
)
def test_what_can_not_be_read_grants_nothing(projects: Projects, tmp_path: Path, text: str) -> None:
    projects.allow(ROOT, Grant("command", ("ls",)))
    only_file(tmp_path).write_text(text, encoding="latin-1")
    assert projects.load(ROOT) == Project()
    projects.allow(ROOT, Grant("command", ("make",)))
    assert projects.load(ROOT).allow == ("make",)


def test_runs_at_the_same_time_lose_nothing(projects: Projects, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from roundtrip.agent.rules.approvals import Grant; from roundtrip.agent.runtime.projects import Projects\n"
        "for number in range(20):\n"
        "    Projects(Path(sys.argv[1])).allow(Path('/home/u/project'), Grant('command', (f'{sys.argv[2]} {number}',)))"
    )
    folder = str(tmp_path / "state" / "projects")
    running = [subprocess.Popen([sys.executable, "-c", code, folder, name]) for name in ("a", "b")]
    assert [one.wait(60) for one in running] == [0, 0]
    assert len(projects.load(ROOT).allow) == 40


def write(root: Path, text: str | bytes) -> None:
    path = root / ".agent" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_a_projects_configuration(tmp_path: Path) -> None:
    assert project_file(tmp_path) is None
    write(tmp_path, 'mode = "edits"\n[commands]\nallow = ["make *"]\ndeny = ["git push *"]\n')
    file = project_file(tmp_path)
    assert file is not None
    assert file.preferences == Preferences("edits", None, ("make *",), ("git push *",))
    write(tmp_path, file.data + b"# changed\n")
    changed = project_file(tmp_path)
    assert changed is not None
    assert changed.digest != file.digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base_url = "http://evil"', "base_url can't be chosen by a project"),
        ('api_key = "x"', "api_key can't be chosen by a project"),
        ('sandbox = "off"', "sandbox can't be chosen by a project"),
        ('mode = "yolo"', "mode is 'yolo'; it should be a string, one of plan, ask, edits, auto"),
        ("mode = 3", "mode is an integer"),
        ('moed = "ask"', "do you mean mode?"),
        ("[commands]\nallows = []", "do you mean allow?"),
        ('commands = ["ls"]', "commands is an array; it should be a table"),
        ('[commands]\nallow = "ls"', "commands.allow is 'ls'; it should be an array of rules"),
        ('[commands]\ndeny = ["\'open"]', "should be an array of rules"),
        ("mode = [", "no valid TOML"),
        (b"\xff", "can't be read"),
        (b"#" * 70_000, "larger than"),
    ],
)
def test_what_a_project_may_not_say(tmp_path: Path, text: str | bytes, said: str) -> None:
    write(tmp_path, text)
    file = project_file(tmp_path)
    assert file is not None
    assert said in file.problem
    assert file.data == b""


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".agent").mkdir()
    os.mkfifo(tmp_path / ".agent" / "config.toml")
    file = project_file(tmp_path)
    assert file is not None
    assert "no file" in file.problem


def test_the_users_own_file_may_say_more(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert user_preferences(path) == Preferences()
    path.write_text(
        'base_url = "http://a"\nmode = "auto"\nsandbox = "strict"\n[commands]\ndeny = ["rm *"]\n', encoding="utf-8"
    )
    assert user_preferences(path) == Preferences("auto", "strict", (), ("rm *",))
    path.write_text('sandbox = "none"', encoding="utf-8")
    with pytest.raises(ConfigError, match="one of auto, off, strict"):
        read_settings(path, USER)


def test_the_file_names_its_project(projects: Projects, tmp_path: Path) -> None:
    projects.trust(ROOT, "abc")
    assert json.loads(only_file(tmp_path).read_text(encoding="utf-8"))["root"] == str(ROOT)
