"""How files are written: whole or not at all, with what they were, and nowhere but below the root."""

import asyncio
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.runtime.writing import Writer, temporary

KILLS = Path(__file__).parents[1] / "kill_writes.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"outside")
    return tmp_path / "root"


@pytest.fixture
def workspace(root: Path) -> LocalWorkspace:
    return LocalWorkspace(root)


@pytest.mark.once
def test_killed_at_20_moments() -> None:
    """`python tests/kill_writes.py 200` is the long form."""
    ended = subprocess.run([sys.executable, KILLS, "20", "5"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "20 times killed" in ended.stdout
    assert "all swept" in ended.stdout


def test_a_link_inside_stays_and_its_target_is_written(workspace: LocalWorkspace, root: Path) -> None:
    (root / "src/a").write_bytes(b"1")
    (root / "link").symlink_to("src/a")
    path = workspace.locate("link", writing=True)
    assert isinstance(path, Path)
    workspace.replace(path, b"2")
    assert (root / "src/a").read_bytes() == b"2"
    assert os.readlink(root / "link") == "src/a"


def test_a_hard_link_that_leads_out_changes_nothing_outside(
    workspace: LocalWorkspace, root: Path, tmp_path: Path
) -> None:
    os.link(tmp_path / "outside/file", root / "a")
    workspace.replace(root / "a", b"changed")
    assert (tmp_path / "outside/file").read_bytes() == b"outside"
    assert (root / "a").read_bytes() == b"changed"


@pytest.mark.parametrize("target", ["../outside", "src", "/etc"])
def test_a_folder_that_became_a_link(root: Path, target: str) -> None:
    """The writer itself refuses, without the guard before it: this is what holds when the exchange comes in between."""
    (root / "new").symlink_to(target)
    for path in (root / "new/file", root / "new/deep/file"):
        with pytest.raises(PermissionError, match="has become a symbolic link"):
            Writer(root).replace(path, b"1")
        with pytest.raises(OSError, match="symbolic link"):
            Writer(root).remove(path)
    assert os.listdir(root / "src") == []
    assert os.listdir(root.parent / "outside") == ["file"]


def test_a_file_that_became_a_link(root: Path, tmp_path: Path) -> None:
    (root / "a").symlink_to("../outside/file")
    with pytest.raises(PermissionError, match="a has become a symbolic link"):
        Writer(root).replace(root / "a", b"1")
    with pytest.raises(PermissionError, match="a has become a symbolic link"):
        Writer(root).remove(root / "a")
    assert (tmp_path / "outside/file").read_bytes() == b"outside"


def test_links_swapped_in_while_files_are_written(workspace: LocalWorkspace, root: Path, tmp_path: Path) -> None:
    """Somebody exchanges a folder for a link to the outside, as fast as possible. Nothing ever arrives there."""
    script = (
        "import os, shutil, sys\n"
        "os.chdir(sys.argv[1])\n"
        "os.symlink('../outside', 'link')\n"
        "print(flush=True)\n"
        "while True:\n"
        "    try:\n"
        "        os.rename('src', 'kept'); os.rename('link', 'src')\n"
        "        os.rename('src', 'link'); os.rename('kept', 'src')\n"
        "    except OSError:  # the writer made the folder that was away for a moment\n"
        "        shutil.rmtree('kept', ignore_errors=True)\n"
        "        if not os.path.islink('link'): os.rename('src', 'link') if os.path.islink('src') else None\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, root], stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        written = 0
        for number in range(300):
            try:
                workspace.replace(root / "src/file", b"%d" % number)
                written += 1
            except OSError:
                pass
        swapper.kill()
    assert (tmp_path / "outside/file").read_bytes() == b"outside"
    assert os.listdir(tmp_path / "outside") == ["file"]
    assert written > 0


@pytest.mark.parametrize("mode", [0o444, 0o555, 0o400])
def test_a_read_only_file(workspace: LocalWorkspace, root: Path, mode: int) -> None:
    (root / "a").write_bytes(b"1")
    (root / "a").chmod(mode)
    for change in (lambda: workspace.replace(root / "a", b"2"), lambda: workspace.remove(root / "a")):
        with pytest.raises(PermissionError, match="the file is read-only"):
            change()
    assert (root / "a").read_bytes() == b"1"
    assert sorted(os.listdir(root)) == ["a", "src"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(workspace: LocalWorkspace, root: Path) -> None:
    (root / "a").touch()
    os.chown(root / "a", 12345, 54321)
    (root / "a").chmod(0o640)
    workspace.replace(root / "a", b"1")
    status = (root / "a").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 54321, 0o640)


def test_a_new_file_like_another(workspace: LocalWorkspace, root: Path) -> None:
    (root / "run").touch(0o755)
    (root / "run").chmod(0o750)
    workspace.replace(root / "deep/run", b"1", like=(root / "run").stat())
    assert stat.S_IMODE((root / "deep/run").stat().st_mode) == 0o750


def test_what_was_changed_meanwhile_is_not_replaced(workspace: LocalWorkspace, root: Path) -> None:
    (root / "a").write_bytes(b"1")
    for change in (workspace.replace, lambda path, data, over: workspace.remove(path, over=over)):
        with pytest.raises(OSError, match="changed by somebody else"):
            change(root / "a", b"3", over=b"2")
    workspace.replace(root / "a", b"2", over=b"1")
    assert (root / "a").read_bytes() == b"2"
    workspace.remove(root / "a", over=b"2")
    assert sorted(os.listdir(root)) == ["src"]


def test_removing(workspace: LocalWorkspace, root: Path) -> None:
    (root / "a").write_bytes(b"1")
    workspace.look(root / "a")()
    workspace.remove(root / "a")
    (root / "a").write_bytes(b"1")
    assert workspace.stale(root / "a") == "a has not been read"
    for path in ("missing", "missing/too"):
        with pytest.raises(FileNotFoundError):
            workspace.remove(root / path)
    for path in (root / "src", root / ".git/config", root.parent / "outside/file"):
        with pytest.raises(OSError, match=r"regular|git|outside"):
            workspace.remove(path)


def test_a_failure_leaves_nothing_behind(workspace: LocalWorkspace, root: Path) -> None:
    (root / "a").mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        workspace.replace(root / "a", b"1")
    (root / "b").touch()
    with pytest.raises(NotADirectoryError):
        workspace.replace(root / "b/c", b"1")
    assert sorted(os.listdir(root)) == ["a", "b", "src"]


def test_temporary_files_of_the_dead_are_swept(root: Path) -> None:
    dead, alive, other = (root / f".roundtrip-{name * 16}.tmp" for name in ("a", "b", "xy"))
    for path in (dead, alive, other):
        path.touch()
    with alive.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        Writer(root).replace(root / "file", b"1")
        assert sorted(os.listdir(root)) == [alive.name, other.name, "file", "src"]
    Writer(root).replace(root / "file", b"1")
    assert sorted(os.listdir(root)) == [other.name, "file", "src"]


def test_temporary_files_of_the_living_are_not(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    with temporary(folder, None, b"new", bits=0o640, durable=False) as name:
        Writer(root).replace(root / "other", b"x")
        assert (root / name).read_bytes() == b"new"
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o640
    assert not (root / name).exists()
    os.close(folder)


def test_who_holds_a_lock_is_alone(workspace: LocalWorkspace, root: Path) -> None:
    """In whichever order the files are named, nobody waits for ever."""
    inside: list[int] = []
    most: list[int] = []

    async def hold(number: int, *paths: Path) -> None:
        async with workspace.lock(*paths):
            inside.append(number)
            most.append(len(inside))
            await asyncio.sleep(0.001)
            inside.remove(number)

    async def all_of_them() -> None:
        a, b = root / "a", root / "b"
        await asyncio.wait_for(asyncio.gather(*(hold(n, *((a, b) if n % 2 else (b, a, a))) for n in range(8))), 20)
        assert max(most) == 1
        await asyncio.gather(hold(1, a), hold(2, b))

    asyncio.run(all_of_them())
    assert max(most) == 2
