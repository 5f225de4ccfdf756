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
from roundtrip.agent.runtime.sandbox.repositories import PINS, git_data
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


def not_bare(base: Path, settings: str) -> Path:
    with (repository(base / "main") / ".git" / "config").open("a") as file:
        file.write(settings)
    return base / "main"


def elsewhere(base: Path) -> Path:
    """Beside a `commondir`, git would heed neither this nor core.bare."""
    return not_bare(base, "[core]\n\tworktree = ../../tree\n")


def bare(base: Path) -> Path:
    return not_bare(base, "[core]\n\tbare = true\n")


def own_settings(base: Path) -> Path:
    return not_bare(base, "[extensions]\n\tworktreeConfig = true\n")


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


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (plain, ["main/.git/commondir"]),
        (worktree, ["main/.git/commondir"]),
        (with_submodule, ["main/.git/commondir", "main/.git/modules/a/library/commondir"]),
        (own_settings, ["main/.git/commondir", "main/.git/config.worktree"]),
        (elsewhere, []),
        (bare, []),
        (nothing, []),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_pinned(tmp_path: Path, make: Callable[[Path], Path], expected: list[str]) -> None:
    base = Path(os.path.realpath(tmp_path))
    assert [str(path.relative_to(base)) for path in git_data(make(base)).pinned] == expected


HOSTILE = (
    "git init -q nest; mkfifo nest/.git/commondir",
    "mkdir n x; mkfifo x/gitdir; echo 'gitdir: ../x' > n/.git",
    "mkdir n; mkfifo n/.git",
    "mkdir n; printf 'gitdir: ../x\\0y\\n' > n/.git; printf '\\0\\n' > .git/commondir",
    "mkdir n; printf 'gitdir: \\377\\376\\n' > n/.git",
    "mkdir n; printf 'gitdir: %070000d\\n' > n/.git",
    "git init -q nest; rm -r nest/.git/hooks; ln -s /etc nest/.git/hooks",
    "git init -q nest; rm nest/.git/config; ln -s /etc/passwd nest/.git/config",
    "git init -q nest; rm nest/.git/config; ln -s /nonexistent nest/.git/config",
    "git init -q nest; rm nest/.git/config; mkfifo nest/.git/config",
    "mkdir n1 n2 n3; ln -s ../.git n1/.git; ln -s /etc n2/.git; ln -s .git n3/.git; ln -s /etc/passwd n3/x",
    "mkdir n; ln -s /etc/passwd n/.git; ln -s /etc .agent",
    "mkdir -p .git/modules; cd .git/modules; ln -s . loop; for i in {1..40}; do mkdir d; cd d; done",
    "mkdir -p n{1..300}/.git/hooks; tee n{1..300}/.git/{HEAD,config} < /dev/null",
    "mkdir n{1..2000}; tee n{1..2000}/.git < /dev/null",
    "mkdir -p .git/modules/m{1..600}/hooks; tee .git/modules/m{1..600}/{HEAD,config} < /dev/null",
)


@pytest.mark.once
@pytest.mark.parametrize("command", HOSTILE)
def test_nothing_that_a_project_holds_keeps_commands_from_running(base: Path, command: str) -> None:
    """And what is the user's own stays read-only."""
    root = plain(base)
    subprocess.run(["bash", "-c", command], cwd=root, check=True)
    code, said = run(root, "echo x > .git/hooks/pre-commit; echo y > .git/config; echo fine")
    assert (code, said.count("Read-only"), said.count("fine\n")) == (0, 2, 1), said


def test_what_can_not_be_guarded_is_named(tmp_path: Path) -> None:
    root = plain(Path(os.path.realpath(tmp_path)))
    (root / ".git/config").rename(root / "config")
    (root / ".git/config").symlink_to(root / "config")
    found = git_data(root)
    assert (found.unguarded, found.readonly) == ((f"{root}/.git/config",), (root / ".git/hooks",))


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

    before, there = asked(), sorted(os.listdir(base / "main/.git"))
    for attempt in ATTEMPTS:
        run(root, f"G={base}/main/.git; {attempt}")
        assert asked() == before, attempt
        run(root, "rm -rf evil new link")
    assert "commondir" not in {*there, *os.listdir(base / "main/.git")}


@pytest.mark.parametrize("setting", ["commondir", "config.worktree"])
def test_while_a_command_runs_git_is_led_nowhere_else_either(base: Path, setting: str) -> None:
    root = own_settings(base)

    async def body() -> None:
        jobs = LocalJobs(root, confinement=Confinement(root, mode="strict"))
        try:
            command = f"cp -r .git evil; echo ../evil > .git/{setting}; mv evil/HEAD .git/{setting}; sleep 60"
            job = await jobs.run(command, cwd=root, seconds=0.3, output=lambda text: None, background=True)
            assert not isinstance(job, Refusal)
            assert (root / ".git" / setting).read_bytes() == PINS[setting]
            git(root, "status")
        finally:
            await jobs.close()

    asyncio.run(body())
    assert not (root / ".git" / setting).exists()
