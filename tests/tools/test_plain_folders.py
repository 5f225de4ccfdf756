"""git outside of repositories: it finds what Python finds, and is not asked where it had to look through a disk."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from random_trees import random_tree
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.caps import Caps
from roundtrip.tools.finding import git_files
from roundtrip.tools.finding.engines import PYTHON, Engine
from roundtrip.tools.finding.ignore import scope_of
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.search_files import SearchFiles

pytestmark = pytest.mark.once

GIT = Engine("git", git_files.find(Path("/nonexistent")))
CAPS = Caps(entries=1000, matches=1000, found=1024 * 1024)


@pytest.mark.parametrize("seed", range(4))
def test_git_finds_what_python_finds(tmp_path: Path, seed: int) -> None:
    workspace, asked = LocalWorkspace(tmp_path), 0

    async def both(tool: type, arguments: dict[str, object]) -> None:
        one, other = [await tool(workspace, (each,), caps=CAPS).run(arguments, print) for each in (GIT, PYTHON)]
        assert one == other

    async def all_folders() -> None:
        nonlocal asked
        for folder in random_tree(tmp_path, seed, repository=False):
            scope = scope_of(folder, tmp_path)
            if git_files.fits(scope) and not scope.repository:  # it must not be Python that answers for git
                asked += 1
                subprocess.run(GIT.listing(scope), cwd=folder, stdout=subprocess.DEVNULL, check=True)
            await both(ListFiles, {"path": str(folder), "recursive": True})
            await both(SearchFiles, {"path": str(folder), "regex": "needle"})

    asyncio.run(all_folders())
    assert asked


def test_git_answers_where_there_is_no_repository(tmp_path: Path) -> None:
    for name in ("a/one", "two", "a/three.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("needle\n" if name == "a/one" else "")
    (tmp_path / ".gitignore").write_text("*.log\n")
    scope, below = scope_of(tmp_path, tmp_path), scope_of(tmp_path / "a", tmp_path)
    for command, where, expected in (
        (GIT.listing(scope), scope, [b".gitignore", b"a/one", b"two"]),
        (GIT.searching(scope, ("needle",)), scope, [b"a/one"]),
        (GIT.listing(below), below, [b"one"]),
    ):
        done = subprocess.run(command, cwd=where.base, capture_output=True, check=True)
        assert sorted(done.stdout.split(b"\0")[:-1]) == expected
    assert os.listdir(git_files.EMPTY / "objects") == [".keep"]  # nothing was written into it


def test_where_git_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, nested = tmp_path / "home/me/project", tmp_path / "home/me/project/nested"
    (nested / ".git/info").mkdir(parents=True)
    (nested / "hidden").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home/me"))
    assert git_files.fits(scope_of(project, project))
    for folder in (tmp_path / "home/me", tmp_path / "home", tmp_path, Path("/")):
        assert not git_files.fits(scope_of(folder, folder))
    assert not git_files.fits(scope_of(tmp_path / "elsewhere", project))
    (project / ".gitignore").write_text("*.log\n")
    (nested / ".git/info/exclude").write_text("hidden\n")
    assert not git_files.fits(scope_of(nested / "hidden", project))
    assert git_files.fits(scope_of(nested, project))
