"""Permissions at run time: what the user adds, what a session forgets, and what scripts are told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.permissions import Allow, Ask, Deny, Grant, Mode, Permissions, Rules, Scripted
from roundtrip.agent.runtime.projects import Project, Projects
from roundtrip.agent.tooling import Intent

CALL = Call(0, "execute_command", "{}")
STATUS = Intent("runs", command="git status")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    return root


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path / "projects")


def allowed(permissions: Permissions, intent: Intent) -> bool:
    return isinstance(permissions.decide(intent), Allow)


def test_for_this_session(root: Path, projects: Projects) -> None:
    permissions = Permissions(Rules(root), projects)
    assert permissions.allow(Grant("command", ("git status *",))) == ""
    assert allowed(permissions, STATUS)
    permissions.forget()
    assert not allowed(permissions, STATUS)
    assert not allowed(Permissions(Rules(root), projects), STATUS)


def test_for_this_project(root: Path, projects: Projects) -> None:
    permissions = Permissions(Rules(root), projects)
    include = Intent("reads", (Path("/usr/include/stdio.h"),))
    for grant in (
        Grant("command", ("git status *",)),
        Grant("outside", ("/usr/include",)),
        Grant("network", ("a.org",)),
    ):
        assert permissions.allow(grant, project=True) == ""
    for later in (permissions, Permissions(Rules(root), projects)):
        later.forget()
        assert allowed(later, STATUS)
        assert allowed(later, include)
        assert allowed(later, Intent("network", url="https://a.org/x"))
    other = Permissions(Rules(root.parent), projects)
    assert not any(allowed(other, intent) for intent in (STATUS, include))


def test_what_can_not_be_kept_holds_in_this_run(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    permissions = Permissions(Rules(root), Projects(tmp_path / "file" / "projects"))
    assert "can't be kept" in permissions.allow(Grant("command", ("git status *",)), project=True)
    assert allowed(permissions, STATUS)
    assert "nothing is kept" in Permissions(Rules(root)).allow(Grant("command", ("ls",)), project=True)


@pytest.mark.parametrize(
    ("mode", "kinds", "words"),
    [
        ("plan", (), "plan mode"),
        ("ask", (), "asks first"),
        ("edits", (), "edits allowed"),
        ("auto", (), "edits and commands allowed"),
        ("ask", ("command",), "commands allowed"),
        ("auto", ("network",), "edits and commands and network allowed"),
    ],
)
def test_the_status_line_says_what_is_allowed(root: Path, mode: Mode, kinds: Any, words: str) -> None:
    assert Permissions(Rules(root, mode, kinds=frozenset(kinds))).words == words


def test_a_mode_stays_and_an_always_does_not(root: Path) -> None:
    permissions = Permissions(Rules(root))
    edit = Intent("edits", (root / "a.py",))
    permissions.allow(Grant("edit"))
    assert allowed(permissions, edit)
    assert permissions.rules.mode == "edits"
    permissions.forget()
    assert permissions.rules.mode == "ask"
    permissions.use("auto")
    permissions.forget()
    assert permissions.rules.mode == "auto"


def test_a_project_does_not_change_a_mode_that_was_chosen(root: Path, projects: Projects) -> None:
    configure(root, TEXT)
    permissions = Permissions(Rules(root), projects)
    permissions.use("plan")
    assert permissions.untrusted is not None
    permissions.trust(permissions.untrusted)
    assert permissions.rules.mode == "plan"


@pytest.mark.parametrize("rules", [{"mode": "auto"}, {"allow": ("cp *",)}])
def test_temporary_folders_are_outside_until_there_is_a_sandbox(root: Path, rules: Any) -> None:
    permissions = Permissions(Rules(root, **{"mode": "edits", **rules}))
    copy = Intent("runs", (root,), command="cp a /tmp/elsewhere")
    assert not allowed(permissions, copy)
    permissions.confined()
    assert allowed(permissions, copy)


def test_links_are_followed(root: Path) -> None:
    (root / "out").symlink_to(root.parent / "elsewhere")
    permissions = Permissions(Rules(root, "auto"))
    decision = permissions.decide(Intent("runs", (root,), "echo x > out"))
    assert isinstance(decision, Ask)
    assert decision.kind == "outside"


def configure(root: Path, text: str) -> None:
    (root / ".agent").mkdir(exist_ok=True)
    (root / ".agent" / "config.toml").write_text(text, encoding="utf-8")


TEXT = 'mode = "edits"\n[commands]\nallow = ["git status *"]\ndeny = ["rm *"]\n'


def test_a_project_is_ignored_until_it_is_trusted(root: Path, projects: Projects) -> None:
    configure(root, TEXT)
    permissions = Permissions(Rules(root), projects)
    assert not allowed(permissions, STATUS)
    assert permissions.rules.mode == "ask"
    file = permissions.untrusted
    assert file is not None
    assert permissions.trust(file) == ""
    for trusting in (permissions, Permissions(Rules(root), projects)):
        trusting.forget()
        assert trusting.untrusted is None
        assert trusting.rules.mode == "edits"
        assert allowed(trusting, STATUS)
        assert isinstance(trusting.decide(Intent("runs", command="ls; rm x")), Deny)
    assert Permissions(Rules(root, "plan", mode_is_set=True), projects).rules.mode == "plan", (
        "the user's word counts more"
    )
    configure(root, TEXT + 'x = "y"\n')
    broken = Permissions(Rules(root), projects)
    assert broken.untrusted is not None
    assert not allowed(broken, STATUS)
    configure(root, TEXT.replace("git status", "git"))
    assert not allowed(Permissions(Rules(root), projects), STATUS), "another text needs trust anew"


def test_another_project_with_the_same_text_is_not_trusted(root: Path, projects: Projects) -> None:
    configure(root, TEXT)
    first = Permissions(Rules(root), projects)
    assert first.untrusted is not None
    first.trust(first.untrusted)
    clone = root.parent / "clone"
    clone.mkdir()
    configure(clone, TEXT)
    assert Permissions(Rules(clone), projects).untrusted is not None


@pytest.mark.parametrize(
    ("intent", "mode", "said"),
    [
        (Intent("edits", (Path("a.py"),)), "ask", "--allow edit would allow it"),
        (Intent("runs", command="ls"), "ask", "--allow command would allow it"),
        (Intent("network", url="http://a.org"), "auto", "--allow network would allow it"),
        (Intent("reads", (Path("/etc/hosts"),)), "auto", "/etc/hosts is outside the workspace."),
        (Intent("reads", (Path("/etc/hosts"),)), "auto", "--allow outside would allow it"),
        (Intent("reads", (Path(".env"),)), "auto", "this is not allowed without asking, and nobody"),
        (Intent("edits", (Path("AGENTS.md"),)), "auto", "AGENTS.md tells every agent here what to do."),
        (Intent("edits", (Path("a.py"),)), "plan", "plan mode"),
        (Intent("runs", command="rm x"), "auto", "the user's rules forbid it (rm *)"),
        (Intent("runs", command="eval x"), "auto", "this command was not allowed in this run, and nobody"),
    ],
)
def test_scripts_are_told_what_would_allow_it(root: Path, intent: Intent, mode: Mode, said: str) -> None:
    paths = tuple(root / path for path in intent.paths)
    intent = Intent(intent.effect, paths, intent.command, intent.url)
    refusal = asyncio.run(Scripted(Permissions(Rules(root, mode, deny=("rm *",)))).approve(CALL, intent))
    assert refusal is not None
    assert refusal.reason.startswith("Not run: ")
    assert said in refusal.reason


EDIT, KEY = Intent("edits", (Path("a.py"),)), Intent("reads", (Path(".env"),))
PRINT, RM = Intent("runs", command="printf x"), Intent("runs", command="rm x")
HOSTS = Intent("reads", (Path("/etc/hosts"),))


@pytest.mark.parametrize(
    ("intents", "mode", "advice"),
    [
        ((), "ask", ""),
        ((EDIT, EDIT), "ask", "--allow edit would allow them"),
        ((PRINT, HOSTS), "ask", "--allow command --allow outside would allow them"),
        ((PRINT, HOSTS, EDIT), "ask", "--yes --allow outside would allow them"),
        ((KEY,), "auto", "only somebody at the keyboard can allow them"),
        (
            (HOSTS, KEY),
            "auto",
            "--allow outside would allow some of them; only somebody at the keyboard can allow some of them",
        ),
        ((EDIT, PRINT), "plan", "plan mode forbids them"),
        ((RM,), "auto", "your rules forbid them"),
    ],
)
def test_what_would_have_helped(root: Path, intents: tuple[Intent, ...], mode: Mode, advice: str) -> None:
    scripted = Scripted(Permissions(Rules(root, mode, deny=("rm *",))))
    for intent in intents:
        placed = Intent(intent.effect, tuple(root / path for path in intent.paths), intent.command)
        assert asyncio.run(scripted.approve(CALL, placed)) is not None
    assert scripted.advice == advice


def test_what_was_allowed_can_be_taken_back(root: Path, projects: Projects) -> None:
    permissions = Permissions(Rules(root, allow=("make *",)), projects)
    edit, grep = Intent("edits", (root / "a.py",)), Intent("runs", command="grep -c a x")
    permissions.allow(Grant("edit"))
    permissions.allow(Grant("command", ("git status *", "grep *")), project=True)
    held = [(one.grant.values, one.project) for one in permissions.held]
    assert held == [(("git status *",), True), (("grep *",), True), ((), False)]
    assert all(allowed(permissions, intent) for intent in (edit, STATUS, grep))
    assert permissions.take_back(permissions.held[:1]) == ""
    assert [allowed(permissions, intent) for intent in (edit, STATUS, grep)] == [True, False, True]
    assert [one.grant.values for one in Permissions(Rules(root), projects).held] == [("grep *",)]
    assert permissions.take_back(permissions.held) == ""
    assert not any(allowed(permissions, intent) for intent in (edit, STATUS, grep))
    assert permissions.rules.mode == "ask"
    assert allowed(permissions, Intent("runs", command="make all")), "what the configuration says stays"
    assert Permissions(Rules(root), projects).held == ()


def test_trust_stays_when_what_was_allowed_is_taken_back(root: Path, projects: Projects) -> None:
    projects.trust(root, "abc")
    projects.allow(root, Grant("outside", ("/usr/include",)))
    projects.allow(root, Grant("network", ("a.org",)))
    projects.forget(root, projects.load(root).grants[:1])
    assert projects.load(root) == Project(hosts=("a.org",), trusted="abc")


@pytest.mark.parametrize("effect", ["reads", "edits"])
def test_scripts_do_what_is_allowed(root: Path, effect: Any) -> None:
    approver = Scripted(Permissions(Rules(root, "edits")))
    assert asyncio.run(approver.approve(CALL, Intent(effect, (root / "a.py",)))) is None
