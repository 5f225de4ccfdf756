"""Two gits list a folder together: what they find is what one finds alone."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from random_trees import random_tree
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.finding import git_files
from roundtrip.tools.finding.engines import NAMES, PYTHON, Engine, halves
from roundtrip.tools.finding.git_files import LARGE
from roundtrip.tools.finding.ignore import Scope, scope_of
from roundtrip.tools.list_files import ListFiles

pytestmark = pytest.mark.once

GIT = Engine("git", git_files.find(Path("/nonexistent")))


def large(root: Path) -> None:
    """Makes it a repository whose index is as long as one of many files."""
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / ".git/index").write_bytes(bytes(LARGE + 1))


def found(command: tuple[str, ...], scope: Scope) -> Iterator[bytes]:
    done = subprocess.run(command, cwd=scope.base, capture_output=True, check=True)
    yield from done.stdout.split(b"\0")[:-1]


@pytest.mark.parametrize("seed", range(12))
def test_two_find_what_one_finds(tmp_path: Path, seed: int) -> None:
    shared = 0
    for folder in random_tree(tmp_path, seed):
        scope = scope_of(folder, tmp_path)
        if scope.repository and (names := halves(scope.base)):
            shared += 1
            both = [path for half in names for path in found((*GIT.listing(scope), "--", *half), scope)]
            assert sorted(both) == sorted(found(GIT.listing(scope), scope))
    assert shared


def test_folders_go_to_both_in_equal_numbers(tmp_path: Path) -> None:
    for name in ("a/x", "b/x", "c/x", ".git/x", "0", "1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert halves(str(tmp_path)) == (["a", "c", "1"], ["b", "0"])


def test_what_is_not_shared(tmp_path: Path) -> None:
    assert halves(str(tmp_path / "none")) == ()
    large(tmp_path)
    scope = scope_of(tmp_path, tmp_path)
    for number in range(1, NAMES + 2):
        (tmp_path / str(number)).mkdir()
        assert bool(halves(str(tmp_path))) == (len(GIT.listings(scope)) == 2) == (1 < number <= NAMES)
    (tmp_path / "1").rmdir()
    assert len(GIT.listings(scope)) == 2
    assert PYTHON.listings(scope) == (PYTHON.listing(scope),)
    (tmp_path / ".git/index").write_bytes(bytes(LARGE))
    assert GIT.listings(scope) == (GIT.listing(scope),)


def test_a_folder_of_a_large_repository_may_be_small(tmp_path: Path) -> None:
    large(tmp_path)
    for name in ("a/x", "a/y"):
        (tmp_path / name).mkdir(parents=True)
    scope = scope_of(tmp_path / "a", tmp_path)
    assert GIT.listings(scope) == (GIT.listing(scope),)


def test_where_one_of_two_fails_another_engine_is_asked(tmp_path: Path) -> None:
    root, program = tmp_path / "root", tmp_path / "git"
    for name in ("a/x", "b/y"):
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
    large(root)
    program.write_text(f'#!/bin/sh\ncase "$*" in *" -- b") exit 3;; esac\nexec {GIT.program} "$@"\n')
    program.chmod(0o755)
    tool = ListFiles(LocalWorkspace(root), (Engine("git", str(program)),))
    listed = asyncio.run(tool.run({"recursive": True}, lambda text: None)).content
    assert listed == "4 entries in .:\na/\nb/\na/x\nb/y"
    assert len(list(found(Engine("git", str(program)).listings(scope_of(root, root))[0], scope_of(root, root)))) == 1
