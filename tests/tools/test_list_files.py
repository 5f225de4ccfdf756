import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Finished
from roundtrip.tools.caps import caps_for
from roundtrip.tools.finding.engines import by_folder
from roundtrip.tools.finding.entries import SPARE, Entries, Level
from roundtrip.tools.finding.ignore import scope_of
from roundtrip.tools.finding.python_files import directly
from roundtrip.tools.list_files import ListFiles


@pytest.fixture
def root(workspace) -> Path:
    root: Path = workspace.root
    for path in ("src/deep/b.ts", "src/main.py", "README.md", "a.py", "build/x.o", "a.log", ".github/ci.yml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / ".gitignore").write_text("build/\n*.log\n")
    return root


def lines(result) -> list[str]:
    return result.content.split("\n")


def test_one_folder(root: Path, call) -> None:
    assert lines(call("list_files")) == ["5 entries in .:", ".github/", "src/", ".gitignore", "README.md", "a.py"]


def test_recursive_shows_what_is_near_first(root: Path, call) -> None:
    assert lines(call("list_files", recursive=True)) == [
        "9 entries in .:",
        ".github/",
        "src/",
        ".gitignore",
        "README.md",
        "a.py",
        "src/deep/",
        ".github/ci.yml",
        "src/main.py",
        "src/deep/b.ts",
    ]


def test_paths_are_relative_to_the_workspace(root: Path, call) -> None:
    assert lines(call("list_files", path="src")) == ["2 entries in src:", "src/deep/", "src/main.py"]
    assert lines(call("list_files", path=str(root / "src"))) == lines(call("list_files", path="src"))


def test_outside_they_are_absolute(root: Path, tmp_path: Path, call) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    assert lines(call("list_files", path="../other")) == [f"1 entry in {tmp_path}/other:", f"{tmp_path}/other/x"]


def test_an_empty_path_is_the_workspace(root: Path, call) -> None:
    assert call("list_files", path="").content == call("list_files").content


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"pattern": "*.py"}, ["a.py"]),
        ({"pattern": "*.py", "recursive": True}, ["a.py", "src/main.py"]),
        ({"pattern": "**/*.{py,ts}"}, ["a.py", "src/main.py", "src/deep/b.ts"]),
        ({"pattern": "src/*"}, ["src/deep/", "src/main.py"]),
        ({"pattern": "src/*", "path": "src"}, ["src/deep/", "src/main.py"]),
        ({"pattern": "*.log", "recursive": True}, []),
        ({"pattern": "**/*.o"}, []),
    ],
)
def test_pattern(root: Path, call, arguments: dict, found: list[str]) -> None:
    assert lines(call("list_files", **arguments))[1:] == found


def test_a_pattern_without_a_match(root: Path, call) -> None:
    assert call("list_files", pattern="*.rs").content == ".: nothing matches *.rs; for folders below it use **/*.rs"


def test_empty_folders_are_shown(root: Path, call) -> None:
    (root / "empty").mkdir()
    assert "empty/" in lines(call("list_files"))
    assert call("list_files", path="empty").content == "empty: nothing here, but for what ignore files hide"


def test_links_are_shown_but_not_followed(root: Path, call) -> None:
    (root / "to_src").symlink_to("src")
    (root / "nowhere").symlink_to("missing")
    for recursive in (False, True):
        shown = lines(call("list_files", recursive=recursive))
        assert [line for line in shown if "to_src" in line] == ["to_src -> src"]
        assert "nowhere -> missing" in shown


def test_git_itself_is_not_listed(root: Path, call) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").touch()
    assert not any(line.startswith(".git/") for line in lines(call("list_files", recursive=True)))
    assert ".git/" not in lines(call("list_files"))


def test_ignore_files_above_a_project_that_is_no_repository(root: Path, tmp_path: Path, call) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    assert "a.py" in lines(call("list_files"))


def test_a_long_listing_is_cut(workspace, call) -> None:
    for number in range(305):
        (workspace.root / f"{number:03}").touch()
    found = lines(call("list_files"))
    assert found[0] == "305 entries in .:"
    assert found[-2:] == ["299", "… 5 more; narrow it with path or pattern"]


def test_a_name_with_a_line_break_stays_on_one_line(workspace, call) -> None:
    (workspace.root / "a\nb").touch()
    assert lines(call("list_files")) == ["1 entry in .:", "a\\nb"]


def test_memory_is_bounded() -> None:
    level = Level(shown=2)
    for number in range(1000, 0, -1):
        level.add(f"{number:04}\0")
    assert (level.count, level.first(), len(level._kept) <= 2 * SPARE) == (1000, ["0001", "0002"], True)


NAMES = st.text("ab.\n", min_size=1, max_size=2)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join))


@given(PATHS)
def test_paths_apart_by_folder(paths: list[str]) -> None:
    found = list(by_folder("".join(f"{path}\0" for path in paths)))
    assert [path for _, text in found for path in text.split("\0")[:-1]] == paths
    assert all(path.rpartition("/")[0] == folder for folder, text in found for path in text.split("\0")[:-1])
    assert all(one[0] != other[0] for one, other in pairwise(found)), "what stands together comes together"


@given(PATHS, st.integers(1, 3))
def test_what_is_thinned_out_is_not_among_the_first(paths: list[str], shown: int) -> None:
    entries = Entries(True, shown=shown)
    for folder, text in by_folder("".join(f"{path}\0" for path in paths * SPARE)):
        entries.add_files(folder, text)
    folders = {path.rsplit("/", up)[0] for path in paths for up in range(1, path.count("/") + 1)}
    every = [*(f"{folder}/" for folder in folders), *paths * SPARE]
    assert entries.count == len(every)
    near = sorted(every, key=lambda entry: (entry.rstrip("/").count("/"), not entry.endswith("/"), entry))
    assert entries.first() == near[:shown]


def test_a_deep_tree() -> None:
    entries = Entries(True, shown=3)
    entries.add_files("d/" * 1999 + "d", "d/" * 2000 + "file\0")
    assert (entries.count, entries.first()) == (2001, ["d/", "d/d/", "d/d/d/"])


def test_the_cap_follows_the_context(root: Path, workspace) -> None:
    small = ListFiles(workspace, caps=replace(caps_for(8_000), entries=2))
    found = asyncio.run(small.run({}, lambda text: None)).content
    assert found.split("\n") == ["5 entries in .:", ".github/", "src/", "… 3 more; narrow it with path or pattern"]


def test_agentignore(root: Path, call) -> None:
    (root / ".agentignore").write_text("*.py\n!main.py\n")
    (root / "empty").mkdir()
    (root / "src/.agentignore").write_text("empty/\ndeep\n")
    (root / "src/empty").mkdir()
    assert "a.py" not in lines(call("list_files"))
    assert lines(call("list_files", path="src")) == ["2 entries in src:", "src/.agentignore", "src/main.py"]
    assert lines(call("list_files", path="src/deep")) == ["1 entry in src/deep:", "src/deep/b.ts"], "it was named"


def test_what_is_no_folder(root: Path, call) -> None:
    assert call("list_files", path="a.py").content == "a.py is not a folder; use read_file for a file."
    assert call("list_files", path="scr").content == "scr does not exist. Did you mean: src?"
    assert call("list_files", path="\\\\srv\\share").failed


def test_the_listing_is_no_live_output(root: Path, tools) -> None:
    pieces: list[str] = []
    asyncio.run(tools["list_files"].run({}, pieces.append))
    assert pieces == []


def test_intent(root: Path, tools) -> None:
    assert tools["list_files"].intent({}).paths == (root,)
    assert tools["list_files"].intent({"path": "//srv/x"}).refusal is not None


def test_names_do_nothing_to_a_terminal(root: Path, call) -> None:
    for name in ("esc\x1b[2J", "new\nline", "turn\u202eed", "c1\x9b"):
        (root / name).touch()
    listed = lines(call("list_files"))
    assert {"c1\\x9b", "esc\\x1b[2J", "new\\nline", "turn\\u202eed"} <= set(listed)
    assert call("read_file", path="new\nline").content == "new\\nline: empty."


class Broken(LocalWorkspace):
    """Where no program comes to its end."""

    async def run(self, command: Any, **options: Any) -> Finished:
        return Finished(3, "no\0 memory\n", 0.1)


def test_a_listing_that_fails_is_no_empty_folder(tmp_path: Path) -> None:
    result = asyncio.run(ListFiles(Broken(tmp_path)).run({"recursive": True}, print))
    assert (result.failed, result.content) == (True, "The listing failed: no\\x00 memory.")


def test_one_folder_takes_no_walk_through_all_below(tmp_path: Path) -> None:
    for path in (
        "a/b/c/d.txt",
        "hidden/x.log",
        "hidden/below/x.log",
        "partly/below/x",
        ".git/x",
        ".gitignore",
        "x.log",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("*.log\n")
    (tmp_path / "empty").mkdir()
    content = asyncio.run(ListFiles(Broken(tmp_path)).run({}, print)).content
    assert content.split("\n")[1:] == ["a/", "empty/", "partly/", ".gitignore"]
    assert {"hidden/", "partly/"} < set(directly(scope_of(tmp_path, tmp_path), going=lambda: False))


def test_a_part_of_a_name_is_looked_for_as_such(root: Path, call) -> None:
    assert call("list_files", pattern="ma").content.endswith("for folders below it use **/*ma*")
    assert call("list_files", pattern="none.py").content.endswith("for folders below it use **/none.py")
