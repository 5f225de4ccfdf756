"""Which git data belongs to a workspace: real repositories, and forged ones. And what a command can do to them."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.repositories import git_data
from roundtrip.agent.tooling import Refusal
from sandboxes import need, outside_tmp


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def plain(base: Path) -> Path:
    return repository(base / "main")


def nothing(base: Path) -> Path:
    (base / "main").mkdir()
    return base / "main"


def subfolder(base: Path) -> Path:
    (repository(base / "main") / "sub").mkdir()
    return base / "main" / "sub"


def worktree(base: Path) -> Path:
    git(repository(base / "main"), "worktree", "add", "-q", str(base / "tree"))
    return base / "tree"


def submodule(base: Path) -> Path:
    repository(base / "library")
    git(repository(base / "main"), "submodule", "add", "-q", str(base / "library"), "a/library")
    return base / "main" / "a" / "library"


def with_submodule(base: Path) -> Path:
    submodule(base)
    return base / "main"


def with_worktree(base: Path) -> Path:
    worktree(base)
    return base / "main"


def nested(base: Path) -> Path:
    repository(base / "main" / "one")
    return base / "main"


def forged(base: Path) -> Path:
    """A project's `.git` file that names somebody else's repository."""
    repository(base / "main")
    (base / "project").mkdir()
    (base / "project" / ".git").write_text(f"gitdir: {base}/main/.git\n")
    return base / "project"


def forged_worktree(base: Path) -> Path:
    """The same with a worktree of another project."""
    worktree(base)
    (base / "project").mkdir()
    (base / "project" / ".git").write_text(f"gitdir: {base}/main/.git/worktrees/tree\n")
    return base / "project"


def linked(base: Path) -> Path:
    repository(base / "main")
    (base / "project").mkdir()
    (base / "project" / ".git").symlink_to(base / "main" / ".git")
    return base / "project"


def led_away(base: Path) -> Path:
    """A repository that says that its data stands elsewhere."""
    repository(base / "other")
    (repository(base / "main") / ".git" / "commondir").write_text("../../other/.git\n")
    return base / "main"


def loose(base: Path) -> Path:
    """A `.git` that leads in a circle."""
    (base / "main").mkdir()
    (base / "main" / ".git").symlink_to(base / "main" / ".git")
    return base / "main"


@pytest.mark.parametrize(
    ("make", "writable", "readonly", "redirects"),
    [
        (plain, [], ["main/.git/config", "main/.git/hooks"], ["main/.git/commondir"]),
        (nothing, [], [], []),
        (subfolder, ["main/.git"], ["main/.git/config", "main/.git/hooks"], ["main/.git/commondir"]),
        (
            worktree,
            ["main/.git"],
            ["main/.git/config", "main/.git/hooks", "main/.git/worktrees/tree/commondir",
             "main/.git/worktrees/tree/gitdir", "tree/.git"],
            ["main/.git/commondir"],
        ),
        (
            with_worktree,
            [],
            ["main/.git/config", "main/.git/hooks", "main/.git/worktrees/tree/commondir",
             "main/.git/worktrees/tree/gitdir"],
            ["main/.git/commondir"],
        ),
        (
            submodule,
            ["main/.git/modules/a/library"],
            ["main/.git/modules/a/library/config", "main/.git/modules/a/library/hooks", "main/a/library/.git"],
            ["main/.git/modules/a/library/commondir"],
        ),
        (
            with_submodule,
            [],
            ["main/.git/config", "main/.git/hooks", "main/.git/modules/a/library/config",
             "main/.git/modules/a/library/hooks"],
            ["main/.git/commondir", "main/.git/modules/a/library/commondir"],
        ),
        (nested, [], ["main/one/.git/config", "main/one/.git/hooks"], ["main/one/.git/commondir"]),
        (forged, [], ["project/.git"], []),
        (forged_worktree, [], ["project/.git"], []),
        (linked, [], [], []),
        (led_away, [], ["main/.git/config", "main/.git/hooks"], ["main/.git/commondir"]),
        (loose, [], [], []),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)  # fmt: skip
def test_git_data(
    tmp_path: Path, make: Callable[[Path], Path], writable: list[str], readonly: list[str], redirects: list[str]
) -> None:
    base = Path(os.path.realpath(tmp_path))
    found = git_data(make(base))
    assert [str(path.relative_to(base)) for path in found.writable] == writable
    assert sorted(str(path.relative_to(base)) for path in found.readonly) == readonly
    assert [str(path.relative_to(base)) for path in found.redirects] == redirects


def test_hooks_are_made_where_there_are_none(tmp_path: Path) -> None:
    """What is not there could not be made read-only."""
    shutil.rmtree(plain(tmp_path) / ".git" / "hooks")
    assert tmp_path / "main" / ".git" / "hooks" in git_data(tmp_path / "main").readonly


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    need("bwrap", tmp_path)
    with outside_tmp(tmp_path) as folder:
        yield folder


def run(root: Path, command: str) -> tuple[int | None, str]:
    async def body() -> tuple[int | None, str]:
        jobs = LocalJobs(root, confinement=Confinement(root, mode="strict"))
        try:
            job = await jobs.run(command, cwd=root, seconds=30, output=lambda text: None)
            assert not isinstance(job, Refusal)
            return job.finished.code, job.finished.output + job.note
        finally:
            await jobs.close()

    return asyncio.run(body())


COMMIT = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m second && git log --oneline | wc -l"


@pytest.mark.once
@pytest.mark.parametrize("make", [plain, subfolder, worktree, submodule, with_submodule, with_worktree])
def test_a_command_can_commit(base: Path, make: Callable[[Path], Path]) -> None:
    assert run(make(base), COMMIT) == (0, "2\n")


def test_git_sees_the_worktree_around_the_workspace(tmp_path: Path) -> None:
    """Also in /tmp, of which commands see another one: otherwise `git commit -a` would remove all that lies there."""
    need("bwrap", tmp_path)
    root = subfolder(Path(os.path.realpath(tmp_path)))
    (root.parent / "file").touch()
    git(root.parent, "add", "file")
    code, said = run(root, "git status --porcelain; echo x > ../new")
    assert (code, said.split("\n")[0]) == (1, "A  file")
    assert not (root.parent / "new").exists()


@pytest.mark.once
@pytest.mark.parametrize("make", [forged, forged_worktree, linked])
def test_but_not_to_what_is_somebody_elses(base: Path, make: Callable[[Path], Path]) -> None:
    code, _ = run(make(base), COMMIT)
    assert code != 0
    log = subprocess.run(["git", "log", "--oneline"], cwd=base / "main", check=True, capture_output=True, text=True)
    assert log.stdout.count("\n") == 1


ATTEMPTS = (
    "echo x > $G/hooks/pre-commit",
    "chmod +x $G/hooks/pre-commit.sample; mv $G/hooks/pre-commit.sample $G/hooks/pre-commit",
    "rm -rf $G/hooks; mkdir $G/hooks; echo x > $G/hooks/pre-commit",
    "mv $G/hooks $G/old; mkdir $G/hooks; echo x > $G/hooks/pre-commit",
    "mv $G $G.old; cp -r $G.old $G; echo x > $G/hooks/pre-commit",
    "mkdir evil; echo x > evil/pre-commit; ln -sfn $PWD/evil $G/hooks",
    "git config core.hooksPath $PWD/evil",
    "git config core.fsmonitor ./evil",
    "git config --worktree core.fsmonitor ./evil",
    "echo '[core] fsmonitor = ./evil' >> $G/config",
    "echo '[core] fsmonitor = ./evil' > new; mv new $G/config",
    "rm $G/config; echo '[core] fsmonitor = ./evil' > $G/config",
    "cp -r $G evil; echo $PWD/evil > $G/commondir",
    "ln $G/config link; echo '[core] fsmonitor = ./evil' >> link",
    "mount -o remount,rw $G/hooks; echo x > $G/hooks/pre-commit",
    "umount $G/config; umount -l $G/hooks; echo '[core] fsmonitor = ./evil' >> $G/config",
    'unshare -rm sh -c "mount -o remount,rw,bind $G/hooks; umount -l $G/hooks; echo x > $G/hooks/pre-commit"',
    "echo '[core] fsmonitor = ./evil' >> /proc/self/root$G/config",
    "rm -f .git; git init -q evil; mv evil/.git .git; echo x > .git/hooks/pre-commit",
)


@pytest.mark.once
@pytest.mark.parametrize("make", [plain, worktree])
def test_git_runs_nothing_that_a_command_put_there(base: Path, make: Callable[[Path], Path]) -> None:
    """What git would run is the same after each attempt, asked from outside."""
    root = make(base)

    def asked() -> tuple[str, str, list[str]]:
        def said(*words: str) -> str:
            return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout

        hooks = root / said("rev-parse", "--git-path", "hooks").strip()
        return said("config", "--list", "--show-origin"), str(hooks), sorted(os.listdir(hooks))

    before = asked()
    for attempt in ATTEMPTS:
        run(root, f"G={base}/main/.git; {attempt}")
        assert asked() == before, attempt
        run(root, "rm -rf evil new link")
