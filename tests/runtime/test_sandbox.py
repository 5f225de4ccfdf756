"""What commands may do: the plan as tables, and real commands in each kind of sandbox that works here."""

import os
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from roundtrip.agent.keys import KEYS, key
from roundtrip.agent.runtime.sandbox import policy as sandbox
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import (
    SECRETS,
    Kind,
    Policy,
    Sandbox,
    bwrap_line,
    find,
    landlock_line,
)
from roundtrip.agent.runtime.sandbox.variables import CACHES, OFFLINE, environment_of, withheld

POLICY = Policy(
    root=Path("/home/u/project"),
    temporary=Path("/tmp/roundtrip-1"),
    cache=Path("/home/u/.cache/roundtrip/commands/1"),
    private=((Path("/tmp"), Path("/tmp/roundtrip-1/tmp0")),),
    writable=(Path("/home/u/main/.git"), Path("/home/u/.gradle")),
    readonly=(
        Path("/home/u/.config/roundtrip"),
        Path("/home/u/main/.git/hooks"),
        Path("/home/u/main/.git/modules/a/config"),
        Path("/home/u/project/.agent"),
        Path("/home/u/project/.git"),
    ),
    hidden=(Path("/home/u/.config/roundtrip"), Path("/home/u/.ssh")),
    emptied=(Path("/home/u/.netrc"),),
    visible=(Path("/run/systemd/resolve"), Path("/tmp/venv")),
    devices=(Path("/dev/dri"),),
)
MOUNTS = {"--ro-bind": 2, "--ro-bind-try": 2, "--bind": 2, "--bind-try": 2, "--dev-bind-try": 2}
MOUNTS |= {"--tmpfs": 1, "--dev": 1, "--proc": 1, "--remount-ro": 1}


def effect(line: list[str], path: str) -> str:
    """What a path is after all mounts: the option, and what stands there."""
    words, found, best = iter(line[: line.index("--")]), "", -1
    for word in words:
        if word not in MOUNTS:
            continue
        *source, place = [next(words) for _ in range(MOUNTS[word])]
        inside = Path(path).is_relative_to(place)
        if inside and word == "--remount-ro":
            found = f"{found} read-only"
        elif inside:  # a later mount hides all earlier ones that lie below it
            assert len(Path(place).parts) >= best, "a mount would hide a deeper one"
            same = source in ([], [place])
            found, best = word if same else f"{word} {source[0]}", len(Path(place).parts)
    return found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/bin", "--ro-bind"),
        ("/home/u/other", "--ro-bind"),
        ("/home/u/project/x", "--bind"),
        ("/home/u/project/.git", "--ro-bind-try"),
        ("/home/u/project/.agent/config.toml", "--ro-bind-try"),
        ("/home/u/main/x", "--ro-bind"),
        ("/home/u/main/.git/index", "--bind"),
        ("/home/u/main/.git/hooks/pre-commit", "--ro-bind-try"),
        ("/home/u/main/.git/modules/a", "--bind-try"),
        ("/home/u/main/.git/modules/a/config", "--ro-bind-try"),
        ("/home/u/main/.git/modules", "--bind-try"),
        ("/home/u/.gradle/x", "--bind"),
        ("/home/u/.cache/x", "--ro-bind"),
        ("/home/u/.cache/roundtrip/commands/1/uv", "--bind"),
        ("/home/u/.ssh/id", "--tmpfs read-only"),
        ("/home/u/.config/roundtrip/config.toml", "--tmpfs read-only"),
        ("/home/u/.netrc", "--ro-bind /tmp/roundtrip-1/nothing"),
        ("/tmp/x", "--bind /tmp/roundtrip-1/tmp0"),
        ("/tmp/venv/bin/python", "--ro-bind-try"),
        ("/run/docker.sock", "--tmpfs"),
        ("/run/systemd/resolve/stub-resolv.conf", "--ro-bind-try"),
        ("/dev/null", "--dev"),
        ("/dev/dri/card0", "--dev-bind-try"),
        ("/proc/1", "--proc"),
        ("/proc/sys/kernel/core_pattern", "--ro-bind-try"),
    ],
)
def test_bubblewrap_what_each_path_is(path: str, expected: str) -> None:
    line = bwrap_line(["bwrap"], POLICY, Path("/home/u/project"), ["true"], alone=True)
    assert effect(line, path) == expected


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/", "/usr/x", "--bind"),
        ("/", "/home/u/.ssh/id", "--tmpfs read-only"),
        ("/", "/proc/1", "--proc"),
        ("/tmp", "/tmp/x", "--bind"),
        ("/tmp/a/b", "/tmp/a/b/c", "--bind"),
        ("/tmp/a/b", "/tmp/a", "--bind /tmp/roundtrip-1/tmp0"),
        ("/run/media/u/disk", "/run/media/u/disk/x", "--bind"),
        ("/home/u", "/home/u/.ssh/id", "--tmpfs read-only"),
    ],
)
def test_bubblewrap_roots_in_odd_places(root: str, path: str, expected: str) -> None:
    policy = Policy(
        Path(root), POLICY.temporary, POLICY.cache, POLICY.private, hidden=(Path("/home/u/.ssh"),)
    )  # fmt: skip
    assert effect(bwrap_line(["bwrap"], policy, Path(root), ["true"], alone=True), path) == expected


@pytest.mark.parametrize(("network", "alone", "apart"), [(0, 1, True), (0, 0, False), (1, 1, False), (1, 0, False)])
def test_bubblewrap_the_network(network: bool, alone: bool, apart: bool) -> None:
    policy = Policy(Path("/r"), Path("/t"), Path("/c"), network=bool(network))
    line = bwrap_line(["bwrap"], policy, Path("/r"), ["sh", "-c", "x"], alone=bool(alone))
    assert ("--unshare-net" in line) == apart
    assert {"--unshare-pid", "--unshare-ipc", "--die-with-parent"} <= set(line)
    assert line[-6:] == ["--chdir", "/r", "--", "sh", "-c", "x"]


def test_landlock_line() -> None:
    policy = Policy(Path("/r"), Path("/t"), Path("/c"), ((Path("/tmp"), Path("/t/tmp0")),), (Path("/w"),))
    line = ["ll", "--writable", "/r", "--writable", "/t/tmp0", "--writable", "/c", "--writable", "/w"]
    assert landlock_line(["ll"], policy, ["sh"]) == [*line, "--", "sh"]
    assert landlock_line(["ll"], POLICY, ["sh"]).count("--hidden") == 3
    open_policy = Policy(Path("/r"), Path("/t"), Path("/c"), network=True)
    assert landlock_line(["ll"], open_policy, ["sh"])[:2] == ["ll", "--network"]


def test_variables_name_the_folders() -> None:
    assert environment_of("none", POLICY) == {}
    assert environment_of("bwrap", POLICY)["TMPDIR"] == "/tmp"
    assert environment_of("landlock", POLICY)["TMPDIR"] == "/tmp/roundtrip-1/tmp0"
    assert all(environment_of("bwrap", POLICY)[name].startswith(str(POLICY.cache)) for name in CACHES)


@pytest.mark.parametrize(("network", "retries"), [(False, "0"), (True, None)])
def test_without_network_nothing_is_tried_twice(network: bool, retries: str | None) -> None:
    said = environment_of("bwrap", replace(POLICY, network=network))
    assert {said.get(name) for name in OFFLINE} == {retries}


@pytest.mark.parametrize(
    ("name", "when"),
    [
        *((name, "always") for name in ("AGENT_API_KEY", "OPENAI_API_KEY")),
        *(
            (name, "without network")
            for name in (
                "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "MAPS_APIKEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN", "CLIENT_SECRET", "STRIPE_SECRET_KEY", "DEPLOY_PRIVATE_KEY", "GITHUB_PAT",
                "GPG_PASSPHRASE", "SMTP_PASSWORD", "ADMIN_PASSWD", "npm_token",
            )
        ),
        *(
            (name, "never")
            for name in (
                "PATH", "HOME", "SECRET_KEY", "PGPASSWORD", "DB_PASSWORD", "MYAPP_DB_PASSWORD", "POSTGRES_PASSWORD",
                "MYSQL_ROOT_PASSWORD", "DATABASE_URL", "TOKENIZERS_PARALLELISM", "SSH_AUTH_SOCK", "KEY_FILE",
            )
        ),
    ],
)  # fmt: skip
def test_which_variables_are_withheld(name: str, when: str) -> None:
    assert withheld(name, "always") == (when == "always")
    assert (withheld(name, "always") or withheld(name, "without network")) == (when != "never")


def test_what_is_seen_of_temporary_folders(tmp_path: Path) -> None:
    for name in ("venv/bin", "tool", "gone"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "gone").rmdir()
    path = os.pathsep.join(str(tmp_path / name) for name in ("venv/bin", "tool", "gone"))
    made = sandbox.policy(Path("/usr"), Path("/t"), f"{path}:/usr/bin:relative")
    assert not any(path.name in ("gone", "relative", "usr") for path in made.visible)
    if not (made.private and tmp_path.is_relative_to("/tmp")):
        pytest.skip("tests don't work below /tmp here")
    assert {tmp_path / "venv", tmp_path / "tool"} <= set(made.visible)


@pytest.mark.parametrize(("root", "writable"), [("/tmp", []), ("/usr", [Path("/tmp")])])
def test_no_folder_is_private_that_is_to_be_written(root: str, writable: list[Path]) -> None:
    made = sandbox.policy(Path(root), Path("/t"), "", writable=writable)
    assert Path("/tmp") not in [place for place, _ in made.private]


def test_a_worktree_around_the_workspace_is_seen(tmp_path: Path) -> None:
    """Otherwise git would take all of it for removed."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    made = sandbox.policy(tmp_path / "sub", Path("/t"), "")
    if not (made.private and tmp_path.is_relative_to("/tmp")):
        pytest.skip("tests don't work below /tmp here")
    assert tmp_path in made.visible
    line = bwrap_line(["bwrap"], made, made.root, ["true"], alone=True)
    assert effect(line, str(tmp_path / "file")) == "--ro-bind-try"
    assert effect(line, str(tmp_path / "sub/file")) == "--bind"


@pytest.mark.parametrize(
    ("kind", "mode", "root", "words"),
    [
        ("bwrap", "auto", "/usr", ""),
        ("bwrap", "strict", "/usr", ""),
        ("bwrap", "auto", "/", "the workspace is the whole machine"),
        ("landlock", "auto", "/usr", ""),
        ("landlock", "auto", os.path.expanduser("~"), "the workspace is your home folder"),
        ("landlock", "strict", "/usr", "commands are refused"),
        ("none", "strict", "/usr", "commands are refused"),
        ("none", "auto", "/usr", "with all your rights, because there is no sandbox: why"),
        ("none", "off", "/", ""),
    ],
)
def test_what_the_user_is_told(kind: Kind, mode: sandbox.SandboxMode, root: str, words: str) -> None:
    notice = Sandbox(kind, reason="why").notice(mode, Path(root))
    assert words in notice
    assert bool(words) == bool(notice)


def test_bubblewrap_is_not_taken_from_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor through a link that leads there, nor from a folder that is relative."""
    (tmp_path / "project/bin").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    fake = tmp_path / "project/bin/bwrap"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    (tmp_path / "elsewhere/bwrap").symlink_to(fake)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", f"{tmp_path}/project/bin:{tmp_path}/elsewhere:bin:.:")
    found = find(tmp_path / "project", "bwrap")
    assert (found.kind, found.reason) == ("none", "bubblewrap (bwrap) is not used, because it lies in the workspace")


def test_what_was_found_is_not_looked_for_again(tmp_path: Path) -> None:
    found = Sandbox("none", reason="it was found before")
    assert Confinement(tmp_path, mode="auto", found=found).sandbox is found


@pytest.mark.parametrize("name", SECRETS)
def test_what_commands_do_not_see_is_asked_before_it_is_read(name: str) -> None:
    home = PurePath("/home/u")
    assert any(key(home / name / below) for below in ("", "x", "config.json"))


SEEN = {".npmrc", ".yarnrc.yml", ".cargo/credentials*", ".htpasswd", ".*_history", ".env", ".env.*"}
"""Files that programs stop without, that lie in projects, or whose names are patterns."""


@pytest.mark.parametrize("row", [row for row, _ in KEYS if row.startswith(".") and row not in SEEN])
def test_and_the_other_way_round(row: str) -> None:
    assert any(PurePath(row).is_relative_to(name) for name in SECRETS)


def test_bubblewrap_that_does_not_work_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create a namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find(tmp_path / "project", "bwrap")
    assert found.reason == "bubblewrap (bwrap) does not work: No permissions to create a namespace"
    assert "bubblewrap (bwrap) does not work" in find(tmp_path / "project").reason
