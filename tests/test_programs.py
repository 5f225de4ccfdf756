"""What the agent itself runs is never taken from the workspace, and git runs nothing that a repository names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from roundtrip.agent.frontends.terminal.complete import Files
from roundtrip.agent.programs import program, search_path
from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit
from roundtrip.tools.finding.engines import installed


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that is full of traps, whose folders stand first in PATH."""
    root = Path(os.path.realpath(tmp_path)) / "root"
    (root / "bin").mkdir(parents=True)
    (tmp_path / "links").mkdir()
    for name in ("git", "rg", "env", "sh", "cat", "true", "nsenter", "bwrap"):
        (root / "bin" / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/trapped'\nexit 1\n")
        (root / "bin" / name).chmod(0o755)
        (tmp_path / "links" / name).symlink_to(root / "bin" / name)
    (tmp_path / "away").symlink_to(root / "bin")
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"bin:{root}/bin:{tmp_path}/links:{tmp_path}/away::.:{os.environ['PATH']}")
    return root


def test_no_program_is_taken_from_the_workspace(root: Path) -> None:
    for name in ("git", "env", "cat"):
        assert Path(program(name, root)) in [Path(part, name) for part in search_path(root).split(os.pathsep)]
        assert not Path(program(name, root)).resolve().is_relative_to(root.parent)
    assert program("git", root, f"{root}/bin:bin:{root.parent}/links:{root.parent}/away") == ""
    assert not {f"{root}/bin", f"{root.parent}/away", "bin", ".", ""} & set(search_path(root).split(os.pathsep))


def test_what_nobody_can_change_may_lie_in_the_workspace() -> None:
    """Where that is the whole machine, for instance."""
    assert (program("sh", "/") != "") == (os.geteuid() != 0)


def test_nor_run(root: Path) -> None:
    repository = root.parent / "checkpoints"
    code = (  # in a program of its own: GitPython runs git already when it is imported
        "import sys; from pathlib import Path; from roundtrip.agent.runtime.checkpoints.shadow_git import ShadowGit\n"
        "git = ShadowGit(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2])); git.prepare(); print(git.version)"
    )
    where = {**os.environ, "GIT_TRACE2": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code, repository, root], env=where, capture_output=True, text=True)
    assert done.stdout.startswith("(2, "), done.stderr
    assert ShadowGit(repository, root, root).version >= (2,)
    assert Files(root).matching("bin/git")
    assert all(not engine.program.startswith(str(root.parent)) for engine in installed(root))
    assert not (root.parent / "trapped").exists()


def test_completion_runs_nothing_that_a_repository_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", "root"], cwd=tmp_path, check=True)
    subprocess.run(["git", "init", "-q", "other"], cwd=tmp_path, check=True)
    (tmp_path / "root/a.txt").touch()
    trap = f"touch '{tmp_path}/trapped'; false"
    subprocess.run(["git", "config", "core.fsmonitor", trap], cwd=tmp_path / "root", check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    assert Files(tmp_path / "root").matching("a") == ["a.txt"]
    assert not (tmp_path / "trapped").exists()
