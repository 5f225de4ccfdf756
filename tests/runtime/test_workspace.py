import os
import stat
from pathlib import Path

import pytest
from roundtrip.agent.runtime.workspace import AGENTS_MD, HASHED, LocalWorkspace, agents_md
from roundtrip.agent.tooling import Refusal, Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return root


@pytest.fixture
def workspace(root: Path) -> LocalWorkspace:
    return LocalWorkspace(root)


def reason(workspace: Workspace, path: str, *, writing: bool = True) -> str:
    located = workspace.locate(path, writing=writing)
    return located.reason if isinstance(located, Refusal) else ""


# Paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a", "a"), ("./src/../a", "a"), ("src/x/y", "src/x/y"), ("src//x", "src/x"), ("ä ö", "ä ö")],
)
def test_inside_is_for_reading_and_writing(workspace, root: Path, path: str, expected: str) -> None:
    assert workspace.locate(path) == workspace.locate(path, writing=True) == root / expected
    assert workspace.locate(str(root / path), writing=True) == root / expected


@pytest.mark.parametrize("path", ["../outside/x", "/etc/passwd", "src/../../outside/x"])
def test_outside_is_for_reading_only(workspace, path: str) -> None:
    assert isinstance(workspace.locate(path), Path)
    assert "outside the workspace" in reason(workspace, path)


def test_a_sibling_with_a_longer_name_is_outside(workspace, root: Path) -> None:
    assert "outside the workspace" in reason(workspace, f"{root}-other/x")


@pytest.mark.parametrize(
    "path",
    ["C:\\x", "C:/x", "c:foo", "z:", "\\\\srv\\share", "//srv/share", "\\\\?\\C:\\x", "\\/x", "file:///etc/passwd"],
)
@pytest.mark.parametrize("writing", [False, True])
def test_places_that_are_on_no_unix_machine(workspace, path: str, writing: bool) -> None:
    assert "outside the workspace" in reason(workspace, path, writing=writing)


@pytest.mark.parametrize("path", ["", " ", "\n", "a\0b", "\ud800"])
@pytest.mark.parametrize("writing", [False, True])
def test_what_is_no_path(workspace, path: str, writing: bool) -> None:
    assert reason(workspace, path, writing=writing).startswith("The path ")


def test_home_is_for_reading_only(workspace, root: Path) -> None:
    assert workspace.locate("~/x") == Path(os.path.realpath(Path.home() / "x"))
    assert "~" in reason(workspace, "~/x")
    assert "~" in reason(workspace, "~x")
    assert workspace.locate("src/~", writing=True) == root / "src/~"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("new\n", "new"), (" src/new ", "src/new"), ('"src/new"', "src/new"), ("`new`", "new"), ("'new'\n", "new"),
        ("<![CDATA[new]]>", "new"), ("src/new</path>", "src/new"), ("<path>new</path>", "new"), ("./new\n", "new"),
        ("<path>\n`new`\n</path></write_to_file>", "new"), ("\"it's new\"", "it's new"),
        ("./@new", "@new"), ("./a\\b", "a\\b"), ("@types/new", "@types/new"), ("@there", "@there"),
        ("it\\s", "it\\s"), (" spaced ", " spaced "), (" room/new", " room/new"), ("routes/$slug", "routes/$slug"),
        ("$slug", "$slug"), ('a "b"', 'a "b"'), ("<a>b", "<a>b"), ("'" * 5000, "'" * 5000),
        ("new" + "</a>" * 1000, "new"),
    ],
)  # fmt: skip
def test_nobody_means_the_decoration_of_a_path(workspace, root: Path, path: str, expected: str) -> None:
    for name in ("@there", "it\\s", " spaced "):
        (root / name).touch()
    for name in ("@types", " room"):
        (root / name).mkdir()
    assert workspace.locate(path) == workspace.locate(path, writing=True) == root / expected


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("@src/app.py", "src/app.py"), ("@/new", "new"), ("`@new`", "new"), ("src\\new.py", "src/new.py"),
        ("$HOME/new", "new"), ("${PWD}/new", "new"), ("new.py\\n", "new.py"), ("src/a\\b", "src/a/b"),
        ("src/app.py:10", "src/app.py"), ("app.py:10-12", "app.py"), ("app.py:3:7", "app.py"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("writing", [False, True])
def test_a_path_that_is_probably_another_is_refused(workspace, path: str, meant: str, writing: bool) -> None:
    assert f"If {meant} is meant, give that" in reason(workspace, path, writing=writing)


def test_what_protects_a_path_sees_it_without_decoration(workspace) -> None:
    assert ".git and .agent" in reason(workspace, '".git/config"')
    assert "outside the workspace" in reason(workspace, "`../x`")
    assert "Windows drive" in reason(workspace, '"C:\\x"')
    assert "empty" in reason(workspace, '""')


def test_a_folder_is_no_file(workspace) -> None:
    assert "names a folder" in reason(workspace, "src/")


def test_links_that_lead_out(workspace, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "file").touch()
    (root / "file").symlink_to("../outside/file")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to("../outside/missing")
    (root / "twice").symlink_to("folder")
    for path in ("file", "folder/new", "folder/sub/new", "dangling", "twice/new", "src/../folder/new", "folder"):
        assert "symbolic link" in reason(workspace, path), path
        assert isinstance(workspace.locate(path), Path), path
    assert not (tmp_path / "outside" / "missing").exists()


def test_a_link_out_and_up_again_is_judged_by_where_it_leads(workspace, root: Path, tmp_path: Path) -> None:
    (root / "folder").symlink_to(tmp_path / "outside")
    assert reason(workspace, "folder/../x")
    assert workspace.locate("folder/../project/x", writing=True) == root / "x"


def test_links_that_stay_inside(workspace, root: Path) -> None:
    (root / "link").symlink_to("src")
    (root / "dangling").symlink_to("src/new")
    assert workspace.locate("link/x", writing=True) == root / "src/x"
    assert workspace.locate("dangling", writing=True) == root / "src/new"


def test_links_in_a_circle(workspace, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    assert "circle" in reason(workspace, "a")
    assert isinstance(workspace.locate("a"), Path)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config", ".git", "src/.git", "sub/.git/hooks/x", ".GIT/config", ".Git/x", ".agent/x", ".AGENT",
        "./.git/x", "src/../.git/x", ".g\u200cit/x", ".git./x", ".git /x", "GIT~1/config", ".git::$DATA/x",
    ],
)  # fmt: skip
def test_folders_that_no_tool_writes(workspace, path: str) -> None:
    assert ".git and .agent" in reason(workspace, path)
    assert isinstance(workspace.locate(path), Path)


@pytest.mark.parametrize("path", [".github/x", ".gitignore", ".git-x", "git/x", ".agents/x", "src/agent/x"])
def test_names_that_only_look_like_it(workspace, path: str) -> None:
    assert reason(workspace, path) == ""


def test_git_behind_another_name(workspace, root: Path) -> None:
    (root / "store").mkdir()
    (root / ".git").symlink_to("store")
    (root / "link").symlink_to(".git")
    assert reason(workspace, ".git/config")
    (root / ".git").unlink()
    (root / ".git").mkdir()
    assert reason(workspace, "link/config")


def test_a_workspace_below_a_folder_of_that_name(tmp_path: Path) -> None:
    root = tmp_path / ".agent" / "worktree"
    root.mkdir(parents=True)
    assert LocalWorkspace(root).locate("x", writing=True) == root / "x"


def test_a_root_behind_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("project")
    workspace = LocalWorkspace(tmp_path / "alias")
    assert workspace.root == root
    assert workspace.locate(str(tmp_path / "alias" / "x"), writing=True) == root / "x"


def test_a_workspace_that_is_gone(workspace, root: Path) -> None:
    """Nobody is sent to the folder around it, and only what lies outside can still be read."""
    root.rename(root.parent / "moved")
    for writing in (False, True):
        assert reason(workspace, "src/a.py", writing=writing) == f"The workspace {root} is gone; tell the user."
    assert reason(workspace, "../outside", writing=False) == ""


def test_very_long_names(workspace) -> None:
    assert isinstance(workspace.locate("x" * 5000), Path)
    located = workspace.locate("x" * 5000, writing=True)
    with pytest.raises(OSError, match="too long"):
        workspace.replace(located, b"")


@pytest.mark.parametrize(
    "path", ["../<|tool_call_end|>", "C:<tool_call>", ".git/<think>\n", "../\x1b[31m", "../" + "x" * 999]
)
def test_refusals_repeat_no_markup(workspace, path: str) -> None:
    text = reason(workspace, path)
    assert text.startswith("This path ")
    assert len(text) < 250


def test_refusals_say_what_to_do(workspace) -> None:
    assert reason(workspace, "../x") == (
        "../x is outside the workspace, where nothing may be written. "
        "Give a path relative to the workspace, for example src/main.py."
    )


def test_shown(workspace, root: Path, tmp_path: Path) -> None:
    assert workspace.shown(root) == "."
    assert workspace.shown(root / "src" / "a") == "src/a"
    assert workspace.shown(tmp_path / "outside") == f"{tmp_path}/outside"


# What the model has seen


def test_what_does_not_exist_is_not_stale(workspace, root: Path) -> None:
    assert workspace.stale(root / "a") == ""


def test_what_was_seen_is_what_was_looked_at(workspace, root: Path) -> None:
    (root / "a").write_text("1")
    seen = workspace.look(root / "a")
    (root / "a").write_text("2")
    seen()
    assert workspace.stale(root / "a") == "a changed on disk since it was read"


def test_unread_read_changed(workspace, root: Path) -> None:
    file = root / "src" / "a"
    file.write_text("1")
    assert workspace.stale(file) == "src/a has not been read"
    workspace.look(file)()
    assert workspace.stale(file) == ""
    file.write_text("2")
    assert workspace.stale(file) == "src/a changed on disk since it was read"
    workspace.look(file)()
    assert workspace.stale(file) == ""


def test_touching_is_no_change(workspace, root: Path) -> None:
    (root / "a").write_text("1")
    workspace.look(root / "a")()
    os.utime(root / "a", (1, 1))
    assert workspace.stale(root / "a") == ""


def test_the_same_size_and_time_with_another_content_is_a_change(workspace, root: Path) -> None:
    (root / "a").write_text("1")
    status = (root / "a").stat()
    workspace.look(root / "a")()
    (root / "a").write_text("2")
    os.utime(root / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert workspace.stale(root / "a")


def test_of_a_large_file_the_time_counts(workspace, root: Path) -> None:
    with (root / "a").open("wb") as file:
        file.truncate(HASHED + 1)
    workspace.look(root / "a")()
    assert workspace.stale(root / "a") == ""
    os.utime(root / "a", (1, 1))
    assert workspace.stale(root / "a")


def test_a_file_that_went_away_and_came_back_is_judged_by_its_content(workspace, root: Path) -> None:
    (root / "a").write_text("1")
    workspace.look(root / "a")()
    (root / "a").unlink()
    assert workspace.stale(root / "a") == ""
    workspace.look(root / "a")()
    (root / "a").write_text("1")
    assert workspace.stale(root / "a") == "a has not been read"


def test_a_file_that_became_something_else(workspace, root: Path) -> None:
    (root / "a").write_text("1")
    workspace.look(root / "a")()
    (root / "a").unlink()
    os.mkfifo(root / "a")
    assert workspace.stale(root / "a") == "a changed on disk since it was read"


# Writing


def test_writing_makes_folders_and_counts_as_seen(workspace, root: Path) -> None:
    workspace.replace(root / "a/b/c", b"1")
    assert (root / "a/b/c").read_bytes() == b"1"
    assert workspace.stale(root / "a/b/c") == ""
    assert os.listdir(root / "a/b") == ["c"]


def test_a_new_file_has_the_usual_mode(workspace, root: Path) -> None:
    (root / "usual").touch()
    workspace.replace(root / "a", b"1")
    assert (root / "a").stat().st_mode == (root / "usual").stat().st_mode


def test_the_mode_is_kept(workspace, root: Path) -> None:
    (root / "a").touch()
    (root / "a").chmod(0o751)
    workspace.replace(root / "a", b"1")
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o751


def test_what_is_no_regular_file_is_not_replaced(workspace, root: Path) -> None:
    os.mkfifo(root / "fifo")
    for name in ("fifo", "src"):
        with pytest.raises(OSError, match="not a regular file"):
            workspace.replace(root / name, b"1")
    assert sorted(os.listdir(root)) == ["fifo", "src"]


def test_a_link_that_came_between_is_noticed(workspace, root: Path, tmp_path: Path) -> None:
    path = workspace.locate("new/file", writing=True)
    (root / "new").symlink_to(tmp_path / "outside")
    with pytest.raises(PermissionError, match="symbolic link"):
        workspace.replace(path, b"1")
    (root / "new").unlink()
    (root / "new").symlink_to("src")
    with pytest.raises(PermissionError, match="has become a symbolic link"):
        workspace.replace(path, b"1")
    assert os.listdir(tmp_path / "outside") == os.listdir(root / "src") == []


# AGENTS.md


def test_agents_md(root: Path) -> None:
    assert agents_md(root) is None
    (root / "AGENTS.md").write_bytes(b"\xef\xbb\xbf\nUse tabs.\xff\n")
    assert agents_md(root) == "Use tabs.\ufffd"
    (root / "AGENTS.md").write_text(" \n")
    assert agents_md(root) is None


def test_a_long_agents_md_is_cut_visibly(root: Path) -> None:
    (root / "AGENTS.md").write_text("é" * AGENTS_MD)
    text = agents_md(root)
    assert text is not None
    assert text.startswith("éé")
    assert text.endswith(f"é\n\n… (AGENTS.md is longer: only its first {AGENTS_MD} bytes are shown)")


def test_an_agents_md_that_is_not_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (root / "AGENTS.md").symlink_to("../secret")
    assert agents_md(root) is None
    (root / "AGENTS.md").unlink()
    os.mkfifo(root / "AGENTS.md")
    assert agents_md(root) is None
    (root / "AGENTS.md").unlink()
    (root / "AGENTS.md").mkdir()
    assert agents_md(root) is None


def test_an_agents_md_that_is_a_link_inside(root: Path) -> None:
    (root / "CLAUDE.md").write_text("Use tabs.")
    (root / "AGENTS.md").symlink_to("CLAUDE.md")
    assert agents_md(root) == "Use tabs."
