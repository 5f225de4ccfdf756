"""What the agent did can be taken back, byte for byte, and nobody's git hears of it."""

import asyncio
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from roundtrip.agent.frontends.words_undo import outcome_lines, overview_lines
from roundtrip.agent.messages import Call, Effect
from roundtrip.agent.runtime.checkpoints import checkpoint_log, differences, progress, storing
from roundtrip.agent.runtime.checkpoints.looking import LARGEST, LARGEST_NAMED
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.checkpoints.restores import Outcome, Overview
from roundtrip.agent.tooling import Intent

pytestmark = pytest.mark.once

Change = Callable[[Path], object]
Seen = dict[str, tuple[int, bytes]]

GIT = ("git", "-c", "user.name=u", "-c", "user.email=u@example.org", "-c", "init.defaultBranch=main")


def git(root: Path, *words: str, code: int = 0) -> None:
    done = subprocess.run([*GIT, *words], cwd=root, capture_output=True, check=False)
    assert done.returncode == code, done.stderr


def seen(root: Path, *, inner: bool = False) -> Seen:
    """All that is in a folder but git's own: modes and contents. inner: git's own, too."""
    found: Seen = {}
    for where, folders, files in os.walk(root):
        folders[:] = [name for name in folders if inner or name != ".git"]
        for name in (*folders, *files):
            path = Path(where, name)
            status = path.lstat()
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(root))] = (status.st_mode, content)
    return found


class Place:
    """A workspace with checkpoints, and an agent that makes calls there."""

    def __init__(self, path: Path, root: Path | None = None) -> None:
        self.path = path
        self.root = root or path / "project"
        self.root.mkdir(exist_ok=True, parents=True)
        self.warned: list[str] = []
        self.shown: list[str] = []
        self.checkpoints = self.another()

    def another(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints", self.root, self.warned.append)

    async def call(
        self, effect: Effect, names: tuple[str, ...], command: str, change: Change, arguments: str = "{}"
    ) -> None:
        call = Call(0, {"edits": "edit_file", "runs": "execute_command"}.get(effect, "web_fetch"), arguments)
        intent = Intent(effect, tuple(self.root / name for name in names), command)
        await self.checkpoints.before(call, intent, self.shown.append)
        change(self.root)
        await self.checkpoints.after(call, intent)

    def session(self, name: str) -> None:
        """From here on, another session's agent."""
        self.checkpoints = self.another()
        self.checkpoints.turn(name, 1, "do it")

    def edit(self, name: str, change: Change) -> None:
        asyncio.run(self.call("edits", (name,), "", change))

    def write(self, name: str, content: bytes | str) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.edit(name, lambda root: ((root / name).parent.mkdir(parents=True, exist_ok=True),
                                      (root / name).write_bytes(data)))  # fmt: skip

    def run(self, change: Change, command: str = "make", arguments: str = "{}") -> None:
        asyncio.run(self.call("runs", (), command, change, arguments))

    def undo(self, *, yes: bool = False) -> Outcome:
        return asyncio.run(self.checkpoints.undo(yes=yes))

    def redo(self, *, yes: bool = False) -> Outcome:
        return asyncio.run(self.checkpoints.redo(yes=yes))

    def restore(self, number: int, *, turn: bool = False, yes: bool = False) -> Outcome:
        return asyncio.run(self.checkpoints.restore(number, turn=turn, yes=yes))

    def diff(self, number: int | None = None) -> str:
        found = asyncio.run(self.checkpoints.diff(number))
        assert isinstance(found, str), found
        return found

    @property
    def overview(self) -> Overview:
        found = asyncio.run(self.checkpoints.overview())
        assert isinstance(found, Overview), found
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# 30 changes of all kinds.


def fill(root: Path) -> None:
    """A project with all that is hard to keep."""
    for name, content in {
        "a.py": "a = 1\n", "crlf.txt": "one\r\ntwo\r\n", "src/b.py": "b = 1\n", "src/deep/c.py": "c\n",
        ".gitattributes": "* text=auto eol=lf\n*.bin filter=lfs diff=lfs merge=lfs -text\nid.txt ident\n"
        "wide.txt working-tree-encoding=UTF-16\n", "data.bin": "version https://git-lfs\x00\n",
        "id.txt": "$Id: mine $\n", "wide.txt": "not UTF-16 at all\n", ".gitignore": "*.log\nbuild/\n",
        "build/out.o": "object", "x.log": "log", "run.sh": "#!/bin/sh\n", "ümlaut 🎉.txt": "x", "new\nline": "n",
        "back\\slash": "b", "-dash": "d", " space ": "s", "folder/one": "1", "folder/two": "2",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode())
    (root / "secret").write_text("s")
    (root / "secret").chmod(0o600)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a.py")
    (root / "dangling").symlink_to("nowhere/at all")
    (root / "to folder").symlink_to("src")
    (root / "empty/inner").mkdir(parents=True)
    inner = root / "inner"
    inner.mkdir()
    (inner / "f.txt").write_text("inner")
    git(inner, "init", "-q")
    git(inner, "add", "-A")
    git(inner, "commit", "-q", "-m", "x")


def swap_folder_and_file(root: Path) -> None:
    shutil.rmtree(root / "folder")
    (root / "folder").write_text("a file now")


def swap_file_and_folder(root: Path) -> None:
    (root / "a.py").unlink()
    (root / "a.py/in").mkdir(parents=True)
    (root / "a.py/in/it").write_text("a folder now")


def swap_link_and_folder(root: Path) -> None:
    (root / "to folder").unlink()
    (root / "to folder").mkdir()
    (root / "to folder/b.py").write_text("no link any more")


def swap_folder_and_link(root: Path) -> None:
    (root / "src").rename(root / "source")
    (root / "src").symlink_to("source")


def many(root: Path) -> None:
    for number in range(300):
        (root / f"many/{number % 7}").mkdir(parents=True, exist_ok=True)
        (root / f"many/{number % 7}/{number}").write_text(str(number))


CHANGES: list[tuple[str, Change]] = [
    ("a.py", lambda root: (root / "a.py").write_text("a = 2\n")),
    ("new/deep/n.py", lambda root: ((root / "new/deep").mkdir(parents=True), (root / "new/deep/n.py").write_text("n"))),
    ("", lambda root: (root / "a.py").rename(root / "renamed.py")),
    ("", lambda root: (root / "renamed.py").rename(root / "a.py")),
    ("crlf.txt", lambda root: (root / "crlf.txt").write_bytes(b"one\r\nzwei\r\n\n\r")),
    ("data.bin", lambda root: (root / "data.bin").write_bytes(bytes(range(256)) * 10)),
    ("id.txt", lambda root: (root / "id.txt").write_text("$Id$ $Id: other $\n")),
    ("wide.txt", lambda root: (root / "wide.txt").write_text("still ä\n", encoding="utf-16-le")),
    ("", lambda root: (root / "secret").chmod(0o640)),
    ("", lambda root: (root / "run.sh").chmod(0o644)),
    ("", lambda root: (root / "src/b.py").chmod(0o700)),
    ("", lambda root: ((root / "link").unlink(), (root / "link").symlink_to("src/b.py"))),
    ("", lambda root: (root / "dangling").unlink()),
    ("", lambda root: ((root / "link").unlink(), (root / "link").write_text("a file"))),
    ("x.log", lambda root: (root / "x.log").write_text("an ignored file that a tool names")),
    ("", lambda root: (root / "x.log").unlink()),
    ("", swap_folder_and_file),
    ("", swap_file_and_folder),
    ("", swap_link_and_folder),
    ("", swap_folder_and_link),
    ("", lambda root: ((root / "inner/f.txt").write_text("changed"), (root / "inner/g.txt").write_text("new"))),
    ("", lambda root: shutil.rmtree(root / "empty")),
    ("", lambda root: (root / "another/empty/folder").mkdir(parents=True)),
    ("", lambda root: (root / "another/empty/folder/file").write_text("not empty any more")),
    ("", lambda root: (root / "new\nline").rename(root / "tab\tand \x1b")),
    ("", lambda root: Path(os.fsdecode(os.fsencode(root) + b"/no \xff utf-8")).write_text("x")),
    ("", lambda root: (root / "ümlaut 🎉.txt").unlink()),
    ("", lambda root: os.replace(root / "crlf.txt", root / "id.txt")),
    ("", many),
    ("", lambda root: shutil.rmtree(root / "many")),
    ("", lambda root: [path.unlink() for path in root.glob("[!.]*") if path.is_file()]),
    ("", lambda root: (root / "source/deep/c.py").write_text("")),
]  # fmt: skip
"""The path that an edit names, "" for a command, and what happens."""


def outside_git(root: Path) -> None:
    fill(root)


def in_git(root: Path) -> None:
    """Staged, stashed, a merge in progress, and all that could run a program."""
    git(root, "init", "-q")
    (root / "s.txt").write_text("1\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    (root / "s.txt").write_text("stashed\n")
    git(root, "stash", "-q")
    git(root, "checkout", "-q", "-b", "other")
    (root / "s.txt").write_text("2\n")
    git(root, "commit", "-q", "-a", "-m", "two")
    git(root, "checkout", "-q", "main")
    (root / "s.txt").write_text("3\n")
    git(root, "commit", "-q", "-a", "-m", "three")
    git(root, "merge", "-q", "other", code=1)
    fill(root)
    (root / "staged.txt").write_text("staged")
    (root / ".gitattributes").write_bytes(b"")  # the filter would run for the user's own git, too
    git(root, "add", "staged.txt", "src")
    (root / "src/b.py").write_text("b = 'not staged'\n")
    traps(root / ".git", root)


def traps(folder: Path, root: Path) -> None:
    """Everything that makes git run programs, in the user's repository."""
    trap = root.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 $@ >> '{root.parent}/trapped'\ncat\n")
    trap.chmod(0o755)
    for hook in ("post-index-change", "pre-commit", "post-commit", "reference-transaction", "post-checkout"):
        (folder / "hooks").mkdir(exist_ok=True)
        (folder / "hooks" / hook).write_text(trap.read_text())
        (folder / "hooks" / hook).chmod(0o755)
    with (folder / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {trap}\n\tpager = {trap}\n[filter \"lfs\"]\n\tclean = {trap}\n"
                   f"\tsmudge = {trap}\n\trequired = true\n[diff]\n\texternal = {trap}\n"
                   f"[diff \"lfs\"]\n\ttextconv = {trap}\n")  # fmt: skip
    (root / ".gitattributes").write_text(
        "* text=auto eol=crlf\n*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt ident\n"
    )


def in_a_worktree(root: Path) -> None:
    main = root.parent / "main"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "x")
    root.rmdir()
    git(main, "worktree", "add", "-q", str(root))
    fill(root)
    traps(main / ".git", root)


def in_a_folder_of_a_repository(root: Path) -> None:
    git(root.parent, "init", "-q")
    fill(root)
    git(root.parent, "add", "project/src")
    traps(root.parent / ".git", root)


SITUATIONS = [outside_git, in_git, in_a_worktree, in_a_folder_of_a_repository]


@pytest.mark.parametrize("prepare", SITUATIONS)
def test_all_of_many_changes_can_be_taken_back_and_brought_back(place: Place, prepare: Callable[[Path], None]) -> None:
    prepare(place.root)
    hidden = [path for path in (place.root / ".git", place.path / "main/.git", place.path / ".git") if path.exists()]
    theirs = [seen(path, inner=True) if path.is_dir() else path.read_bytes() for path in hidden]
    states = [seen(place.root)]
    for name, change in CHANGES:
        if name:
            place.edit(name, change)
        else:
            place.run(change)
        states.append(seen(place.root))
    assert place.warned == []
    assert len(place.overview.changes) == len(CHANGES)
    if prepare is not outside_git:  # there, all at once will do
        assert place.restore(1).done
        assert seen(place.root) == states[0]
        assert place.redo().done
    for before in reversed(states[:-1] if prepare is outside_git else states[-4:-1]):
        outcome = place.undo()
        assert (outcome.problem, outcome.overwrites, outcome.failed) == ("", (), ())
        assert seen(place.root) == before
    for after in states[1:] if prepare is outside_git else states[-3:]:
        outcome = place.redo()
        assert (outcome.problem, outcome.overwrites, outcome.failed) == ("", (), ())
        assert seen(place.root) == after
    assert place.redo().problem == "there is nothing to redo"
    assert [seen(path, inner=True) if path.is_dir() else path.read_bytes() for path in hidden] == theirs
    assert not (place.root.parent / "trapped").exists()
    assert place.warned == []


def test_a_folder_of_a_repository_keeps_to_its_ignore_rules(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    (repository / ".gitignore").write_text("node_modules\n/part/anchored\n")
    place = Place(tmp_path, repository / "part")
    (place.root / "node_modules").mkdir()
    (place.root / "node_modules/m.js").write_text("m")
    (place.root / "anchored").write_text("a")
    before = seen(place.root)
    place.run(lambda root: ((root / "a.py").write_text("a"), (root / "node_modules/m.js").write_text("n")))
    place.write("b.py", "b")
    place.run(lambda root: (root / "a.py").unlink())
    place.run(lambda root: (root / "b.py").write_text("changed"))
    assert [place.undo().files, place.undo().files] == [(("~", "b.py"),), (("+", "a.py"),)]
    assert place.diff(1).count("diff --git") == 2
    assert place.undo().files == (("-", "b.py"),)
    assert place.undo().files == (("-", "a.py"),)
    assert {name: entry for name, entry in seen(place.root).items() if entry != before.get(name)} == {
        "node_modules/m.js": (before["node_modules/m.js"][0], b"n")
    }


def test_a_repository_that_ignores_the_folder_has_no_say(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("*\n")
    place = Place(tmp_path)
    (place.root / "a.py").write_text("a")
    place.run(lambda root: (root / "a.py").unlink())
    assert place.undo().files == (("+", "a.py"),)


# What others do.


def test_what_somebody_else_changed_is_not_overwritten_without_a_yes(place: Place) -> None:
    place.write("a.py", "agent")
    place.write("b.py", "agent")
    (place.root / "a.py").write_text("user")
    (place.root / "mine.txt").write_text("user")
    assert place.undo().done
    refused = place.undo()
    assert (refused.done, refused.overwrites, refused.files) == (False, ("a.py",), (("-", "a.py"),))
    assert (place.root / "a.py").read_text() == "user"
    assert place.undo(yes=True).done
    assert not (place.root / "a.py").exists()
    assert (place.root / "mine.txt").read_text() == "user"
    assert place.redo().done
    assert (place.root / "a.py").read_text() == "user"


def test_what_would_be_overwritten_is_shown(place: Place) -> None:
    (place.root / "a.py").write_text("old\n")
    (place.root / "long.txt").write_text("1\n")
    place.run(lambda root: [(root / name).write_text("agent\n") for name in ("a.py", "long.txt")])
    (place.root / "a.py").write_text("agent\nmine, before\n")
    place.edit("a.py", lambda root: (root / "a.py").write_text("again\n"))
    (place.root / "a.py").write_text("again\nmine, after\n")
    (place.root / "long.txt").write_text("agent\n" + "mine\n" * 100)
    shown = place.restore(1).theirs.splitlines()
    assert [line for line in shown if line[0] in "+-…" and line[:3] not in ("+++", "---") and line != "+mine"] == [
        "+mine, before", "… 65 more lines …", "+mine, after",
    ]  # fmt: skip
    assert "-old" not in shown
    assert place.restore(1, yes=True).done


def test_what_a_redo_overwrote_comes_back_with_the_undo(place: Place) -> None:
    """Also if several changes were brought back at once, and are taken back one by one, and again and again."""
    for name in ("a", "b", "a"):
        place.edit(name, lambda root, name=name: (root / name).write_text((root / name).exists() * "agent " + "agent"))
    place.restore(1)
    (place.root / "a").write_text("mine")
    assert place.redo().overwrites == ("a",)
    assert place.redo(yes=True).done
    for _ in range(2):
        assert (place.root / "a").read_text() == "agent agent"
        assert place.undo().files == (("~", "a"),)
        assert (place.root / "a").read_text() == "agent"
        assert [place.undo().files, place.undo().files] == [(("-", "b"),), (("~", "a"),)]
        assert (place.root / "a").read_text() == "mine"
        assert [place.redo().done for _ in range(3)] == [True] * 3
    assert place.restore(1).files == (("~", "a"), ("-", "b"))
    assert (place.root / "a").read_text() == "mine"


def test_a_change_between_two_calls_is_noticed_too(place: Place) -> None:
    place.write("a.py", "one")
    (place.root / "a.py").write_text("user")
    place.write("a.py", "two")
    assert place.restore(1).overwrites == ("a.py",)
    assert place.undo().done
    assert (place.root / "a.py").read_text() == "user"


def test_what_is_back_already_needs_no_yes(place: Place) -> None:
    (place.root / "a.py").write_text("old")
    place.write("a.py", "new")
    (place.root / "a.py").write_text("old")
    assert place.undo().files == ()
    assert (place.root / "a.py").read_text() == "old"


def test_there_is_an_end_to_it(place: Place) -> None:
    assert place.undo().problem == "there is no checkpoint of this folder yet"
    place.write("a.py", "one")
    assert place.undo().done
    assert place.undo().problem == "there is nothing to undo"
    assert place.redo().done
    assert place.redo().problem == "there is nothing to redo"


def test_a_folder_that_is_gone(place: Place) -> None:
    place.write("a.py", "one")
    place.root.rename(place.path / "moved")
    assert place.undo().problem == f"the checkpoints can't be used: the folder {place.root} is gone"


def test_a_new_change_ends_what_could_be_brought_back(place: Place) -> None:
    place.write("a.py", "one")
    place.undo()
    place.write("b.py", "two")
    assert place.redo().problem == "there is nothing to redo"
    assert ([one.number for one in place.overview.changes], place.overview.undone) == ([1, 2], {1})


def test_what_changes_nothing_makes_no_checkpoint(place: Place) -> None:
    (place.root / "a.py").write_text("a")
    place.run(lambda root: None)
    place.write("a.py", "a")
    asyncio.run(place.call("network", (), "", lambda root: None))
    assert place.overview.changes == ()


def test_what_comes_and_goes_with_the_sandbox_is_no_change(place: Place) -> None:
    """A command that still runs has a folder .agent, in which nothing is."""
    place.write("a.py", "a")
    place.run(lambda root: (root / ".agent").mkdir())
    place.run(lambda root: (root / ".agent").rmdir())
    assert len(place.overview.changes) == 1
    assert place.undo().files == (("-", "a.py"),)


def test_a_command_that_changes_what_is_obeyed_is_told_of(place: Place) -> None:
    place.run(lambda root: (root / "a.py").write_text("a"))
    assert place.warned == []
    place.run(lambda root: [(root / name).write_text("x") for name in ("b.py", ".envrc", "AGENTS.md")])
    (said,) = place.warned
    assert ".envrc is run by direnv on entering the folder; AGENTS.md tells every agent here what to do;" in said
    place.edit("AGENTS.md", lambda root: (root / "AGENTS.md").write_text("y"))
    place.run(lambda root: [(root / f"sub{n}/AGENTS.md").parent.mkdir() for n in range(5)])
    assert place.warned == [said], "an edit was asked about before"
    place.run(lambda root: [(root / f"sub{n}/AGENTS.md").write_text("x") for n in range(5)])
    assert "sub2/AGENTS.md tells every agent here what to do, and 2 more like these;" in place.warned[1]


def test_what_is_obeyed_is_told_of_where_git_ignores_it(place: Place) -> None:
    (place.root / ".gitignore").write_text(".envrc\n.vscode/\nsub/\n")
    (place.root / ".vscode").mkdir()
    (place.root / ".idea").mkdir()
    place.run(lambda root: (root / ".envrc").write_text("x"))
    place.run(lambda root: (root / ".vscode/tasks.json").write_text("x"))
    place.run(lambda root: (root / ".envrc").touch())
    place.run(lambda root: (root / ".envrc").unlink())
    place.run(lambda root: (root / ".idea/workspace.xml").symlink_to("nowhere"))
    assert [said.partition(": ")[2] for said in place.warned] == [
        ".envrc is run by direnv on entering the folder; /undo can't take it back",
        ".vscode/tasks.json can make the editor run programs; /undo can't take it back",
        ".envrc is run by direnv on entering the folder; /undo can't take it back",
        ".idea/workspace.xml can make the editor run programs; /undo takes it back",
    ]


def test_what_a_command_in_the_background_changes_of_it_is_told_with_the_next_one(place: Place) -> None:
    (place.root / ".gitignore").write_text(".envrc\n")
    place.run(lambda root: None)
    (place.root / "AGENTS.md").write_text("the user's")
    place.run(lambda root: None, arguments='{"command": "make", "background": true}')
    assert place.warned == []
    (place.root / "AGENTS.md").write_text("x")
    (place.root / ".envrc").write_text("x")
    place.run(lambda root: None)
    place.run(lambda root: None)
    assert place.warned == [
        "a command in the background (or somebody else) changed files that act unasked: .envrc is run by direnv on "
        "entering the folder; AGENTS.md tells every agent here what to do; /undo can't take it back"
    ]


def test_a_folder_that_was_closed_to_others_stays_so(place: Place) -> None:
    for name, bits in (("private", 0o700), ("private/inner", 0o750), ("hollow", 0o710)):
        (place.root / name).mkdir()
        (place.root / name).chmod(bits)
    (place.root / "private/inner/key").write_text("k")
    place.run(lambda root: (root / "a").write_text("a"))
    before = seen(place.root)
    place.run(lambda root: shutil.rmtree(root / "private"))
    place.run(lambda root: (root / "hollow").rmdir())
    assert [place.undo().done for _ in range(2)] == [True, True]
    assert seen(place.root) == before
    assert [place.redo().done for _ in range(2)] == [True, True]
    assert place.restore(2).done
    assert seen(place.root) == before


def test_a_tree_deeper_than_python_goes_by_recursion(place: Place) -> None:
    descriptor = os.open(place.root, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    place.run(lambda root: (root / "a").write_text("a"))
    assert place.warned == []
    assert place.undo().files == (("-", "a"),)
    subprocess.run(["rm", "-rf", place.root / "d"], check=True)  # which the removal of temporary folders can't


def test_folders_are_named_where_nothing_else_is(place: Place) -> None:
    place.run(lambda root: (root / "new/inner").mkdir(parents=True))
    place.run(lambda root: (root / "new/inner/f").write_text("f"))
    assert [line.split("  ")[-1] for line in overview_lines(place.overview, time.time())] == ["(no files)", "(1 file)"]
    assert place.undo().files == (("-", "new/inner/f"),)
    assert outcome_lines(place.undo(), "", "BACK") == ["taken back: execute_command make", "  - new/inner/", "BACK"]
    assert place.redo().files == (("+", "new/inner/"),)
    (place.root / "new/inner").rmdir()
    assert outcome_lines(place.undo(), "", "BACK")[1:] == ["  the files were so already", "BACK"]


def test_another_sessions_changes_need_a_yes(place: Place) -> None:
    place.session("first")
    place.write("a.py", "a")
    place.session("second")
    assert place.undo().problem == (
        "there is nothing to undo of this session; the last change here was made in session first (edit_file a.py): "
        "/checkpoints 1 takes it back"
    )
    refused = place.restore(1)
    assert (refused.done, [one.number for one in refused.foreign]) == (False, [1])
    assert place.restore(1, yes=True).done
    assert place.checkpoints.news.take("second") == ""
    assert place.checkpoints.news.take("first") == "(The user took back changes to: a.py.)"
    assert place.redo().done, "who took it back may bring it back"
    assert (place.root / "a.py").read_text() == "a"


def test_outside_of_a_session_a_later_change_ends_what_could_be_brought_back(place: Place) -> None:
    for session in ("first", "second"):
        place.session(session)
        place.write(session, "x")
        if session == "first":
            assert place.undo().done
    place.session("")
    assert place.redo().problem == (
        "there is nothing to redo: since the last undo there was a change (edit_file second, in session second)"
    )
    assert place.undo().done
    assert place.redo().files == (("+", "second"),)


def test_a_session_takes_back_its_own_changes_first(place: Place) -> None:
    for session, name in [("first", "a"), ("first", "both"), ("second", "b"), ("second", "both")]:
        place.session(session)
        place.write(name, f"{session}\n")
    place.session("first")
    refused = place.undo()
    assert (refused.files, refused.overwrites, refused.foreign) == ((("-", "both"),), ("both",), ())
    assert [one.number for one in refused.since] == [4]
    assert "-first\n+second" in refused.theirs
    assert (place.root / "both").read_text() == "second\n"
    place.session("second")
    assert place.undo().files == (("~", "both"),)
    place.session("first")
    assert place.undo().files == (("-", "both"),)
    assert place.undo().files == (("-", "a"),)
    assert sorted(seen(place.root)) == ["b"]
    place.session("second")
    place.write("c", "c")
    place.session("first")
    assert place.redo().files == (("+", "a"),), "what another session does in between ends nothing"
    place.write("d", "d")
    assert place.redo().problem == "there is nothing to redo"


def test_while_another_agents_command_runs_it_is_asked_first(place: Place) -> None:
    place.write("a.py", "a")
    asyncio.run(place.checkpoints.before(Call(0, "execute_command", "{}"), Intent("runs", (), "make"), print))
    running, place.checkpoints = place.checkpoints, place.another()
    assert outcome_lines(place.undo(), "AGAIN", "BACK") == [
        "a command is running in this folder: execute_command make", "AGAIN would do this:", "  - a.py",
        "nothing was done; AGAIN does it all the same",
    ]  # fmt: skip
    asyncio.run(running.after(Call(0, "execute_command", "{}"), Intent("runs", (), "make")))
    assert place.undo().done


def test_whose_changes_would_be_taken_back_is_said(place: Place) -> None:
    for session, name in [("first", "a"), ("second", "b")]:
        place.session(session)
        place.write(name, session)
    place.session("first")
    assert outcome_lines(place.restore(1), "AGAIN", "BACK") == [
        "this was done since in another session, and would be taken back, too:", "  2. edit_file b (session second)",
        "AGAIN would do this:", "  - a", "  - b", "nothing was done; AGAIN does it all the same",
    ]  # fmt: skip
    place.session("second")
    place.edit("a", lambda root: (root / "a").write_text("again"))
    place.session("first")
    assert outcome_lines(place.undo(), "AGAIN", "BACK") == [
        "changed since: a", "  3. edit_file a (session second)",
        "AGAIN would do this:", "  - a", "what was changed since would be lost with it, until BACK",
        "nothing was done; AGAIN does it all the same",
    ]  # fmt: skip


def test_a_turn_is_taken_back_as_a_whole(place: Place) -> None:
    for cut, name in [(1, "a"), (5, "b"), (5, "c"), (9, "d")]:
        place.checkpoints.turn("s", cut, f"turn {cut}")
        place.write(name, name)
    assert place.restore(3, turn=True).done
    assert sorted(seen(place.root)) == ["a"]


def test_two_agents_in_one_folder(place: Place) -> None:
    two = place.another()
    call = Call(0, "execute_command", "{}")

    async def agent(checkpoints: Checkpoints, name: str) -> None:
        for number in range(4):
            intent = Intent("runs", (), "make")
            await checkpoints.before(call, intent, print)
            await asyncio.sleep(0.01 * number)
            (place.root / f"{name}{number}").write_text(name)
            await checkpoints.after(call, intent)

    async def both() -> None:
        await asyncio.gather(agent(place.checkpoints, "a"), agent(two, "b"))

    (place.root / "before").write_text("b")
    asyncio.run(both())
    assert len(seen(place.root)) == 9
    assert place.restore(1).mixed
    assert place.restore(1, yes=True).done
    assert sorted(seen(place.root)) == ["before"]
    assert place.warned == []


# What is covered.


def test_large_files_are_left_alone_unless_a_tool_names_them(place: Place) -> None:
    model, named, huge = place.root / "model.gguf", place.root / "named.csv", place.root / "huge.csv"
    for path, size in [(model, LARGEST + 1), (named, LARGEST + 1), (huge, LARGEST_NAMED + 1)]:
        with path.open("wb") as file:
            file.truncate(size)
    place.write("named.csv", "small")
    place.write("huge.csv", "small")
    place.run(lambda root: model.write_bytes(b"cut"))
    assert [path for path, _ in place.overview.left] == []  # both are small now, and known
    assert place.undo().failed == (("model.gguf", "it was in no checkpoint (8 MB)"),)
    assert model.read_bytes() == b"cut", "what was there before is in no checkpoint, so it was not made by the call"
    assert place.undo().failed == (("huge.csv", "it was in no checkpoint (67 MB)"),)
    assert huge.read_text() == "small"
    assert place.undo().done
    assert named.stat().st_size == LARGEST + 1


def test_what_can_not_be_put_back_is_said(place: Place) -> None:
    for name in ("nine.bin", "grows.log"):
        with (place.root / name).open("wb") as file:
            file.truncate(LARGEST + 1)
    place.run(lambda root: ((root / "nine.bin").unlink(), (root / "a").write_text("a")))
    outcome = place.undo()
    assert (outcome.files, outcome.failed) == ((("-", "a"),), (("nine.bin", "it was in no checkpoint (8 MB)"),))
    place.run(lambda root: os.truncate(root / "grows.log", LARGEST * 2))
    assert len(place.overview.changes) == 1
    place.run(lambda root: os.truncate(root / "grows.log", LARGEST * 3))
    place.run(lambda root: (root / "grows.log").rename(root / "moved.log"))
    assert place.undo().failed == (
        ("grows.log", "it was in no checkpoint (25 MB)"), ("moved.log", "it is in no checkpoint (25 MB)"),
    )  # fmt: skip
    assert (place.root / "moved.log").exists()


def test_what_git_ignores_and_is_lost_is_said(place: Place) -> None:
    (place.root / ".gitignore").write_text("data/\n*.o\n")
    for name in ("data/x.csv", "src/a.o", "src/a.c", "c.txt"):
        (place.root / name).parent.mkdir(exist_ok=True)
        (place.root / name).write_text(name)
    place.run(lambda root: [(root / name).write_text("o") for name in ("src/b.o", "data/new")])
    assert place.overview.changes == ()
    place.run(lambda root: (shutil.rmtree(root / "data"), (root / "c.txt").unlink(), (root / "src/a.o").unlink()))
    outcome = place.undo()
    why = "git ignores it, so it was in no checkpoint"
    assert (outcome.files, outcome.failed) == ((("+", "c.txt"),), (("data/", why), ("src/a.o", why)))
    place.run(lambda root: (root / ".gitignore").unlink())
    assert place.undo().failed == (), "it is there, and not ignored any more"


def test_what_is_left_out_is_listed(place: Place) -> None:
    with (place.root / "model.gguf").open("wb") as file:
        file.truncate(LARGEST + 1)
    place.run(lambda root: (root / "a").write_text("a"))
    assert place.overview.left == (("model.gguf", "8 MB"),)


def test_a_file_that_outgrows_the_checkpoints_is_not_lost(place: Place) -> None:
    grown = place.root / "grown"
    grown.write_text("small")
    place.run(lambda root: os.truncate(grown, LARGEST + 1))
    assert place.undo().overwrites == ("grown",)  # nobody knows whether it is as the call left it
    assert place.undo(yes=True).done
    assert grown.read_text() == "small"
    assert place.redo().done
    assert grown.stat().st_size == LARGEST + 1


def test_what_ignore_rules_hid_was_not_made_by_the_call_that_removed_them(place: Place) -> None:
    (place.root / ".gitignore").write_text("hidden/\n")
    (place.root / "hidden").mkdir()
    (place.root / "hidden/file").write_text("precious")
    os.utime(place.root / "hidden/file", (1, 1))
    time.sleep(1.2)  # until its time of change is certainly over
    place.run(lambda root: ((root / ".gitignore").unlink(), (root / "made").write_text("made")))
    assert place.undo().files == (("+", ".gitignore"), ("-", "made"))
    assert (place.root / "hidden/file").read_text() == "precious"


def test_nothing_is_written_outside_through_a_link(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    (place.root / "sub").mkdir()
    (place.root / "sub/file").write_text("one")
    place.write("sub/file", "two")
    shutil.rmtree(place.root / "sub")
    (place.root / "sub").symlink_to(outside)
    outcome = place.undo(yes=True)
    assert outcome.failed
    assert seen(outside) == {"file": ((outside / "file").stat().st_mode, b"theirs")}


def test_what_stands_in_the_way_and_is_in_no_checkpoint_stays(place: Place) -> None:
    (place.root / ".gitignore").write_text("*.o\n")
    place.edit("a", lambda root: (root / "a").write_text("file"))
    place.run(lambda root: (root / "a").unlink())
    (place.root / "a").mkdir()
    (place.root / "a/x.o").write_text("object")
    outcome = place.undo(yes=True)
    assert [path for path, _ in outcome.failed] == ["a"]
    assert (place.root / "a/x.o").read_text() == "object"


def test_the_difference_is_shown(place: Place) -> None:
    (place.root / "a.py").write_text("one\ntwo\n")
    place.checkpoints.turn("s", 1, "first")
    place.write("b.py", "b\n")
    place.checkpoints.turn("s", 5, "second")
    place.write("a.py", "one\n2\n")
    place.run(lambda root: (root / "bin").write_bytes(b"\0\1"))
    assert place.diff().splitlines() == [
        "diff --git a/a.py b/a.py", "--- a/a.py", "+++ b/a.py", "@@ -1,2 +1,2 @@", " one", "-two", "+2",
        "diff --git a/bin b/bin", "new file mode 100644", "Binary files /dev/null and b/bin differ",
    ]  # fmt: skip
    assert "+b" in place.diff(1)
    assert "+b" not in place.diff(2)


LONG = [
    ({"a": "line\n" * 500, "b": "b\n"}, [], "… 111 more lines (agent diff 1 | less shows them) …"),
    (dict.fromkeys("abc", f"{'long ' * 200}\n" * 7_500), [], "… more than 16"),
    ({"a": "x" * 5_000 + "ü\n", "b": "b\n"}, ["+" + "x" * 1999 + "…", "+b"], "+b"),
    (dict.fromkeys("abc", "x" * 7_900_000), [], "… more lines (agent diff 1 | less shows them) …"),
]


@pytest.mark.parametrize(("files", "among", "last"), LONG, ids=["counted", "not counted", "a line", "lines"])
def test_of_a_long_difference_the_beginning_is_shown_and_no_more_is_held(
    place: Place, files: dict[str, str], among: list[str], last: str
) -> None:
    place.run(lambda root: [(root / name).write_text(text) for name, text in files.items()])
    tracemalloc.start()
    shown = place.diff().splitlines()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown[-1].startswith(last)
    assert set(among) <= set(shown)
    assert len(shown) <= 401
    assert most < 3_000_000


def test_all_of_it_is_shown_where_it_is_asked_for(place: Place) -> None:
    place.run(lambda root: (root / "a").write_text("line\n" * 1000))
    shown = asyncio.run(place.checkpoints.diff(most=differences.WHOLE))
    assert isinstance(shown, str)
    assert (len(shown.splitlines()), shown.splitlines()[-1]) == (5 + 1000, "+line")


# Many files.


def test_how_far_a_restore_is_can_be_heard(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_THEN", 0.0)
    place.run(lambda root: [(root / name).write_text(name) for name in "abc"])
    heard: list[str] = []
    assert asyncio.run(place.checkpoints.undo(output=heard.append)).done
    assert "checkpoint: 2 of 3 files\n" in heard


def test_a_word_is_said_before_the_first_file_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_AT_FIRST", 0.01)
    heard: list[str] = []

    async def wait(seconds: float, done: int) -> None:
        with progress.told(heard.append, "checkpoint") as tell:
            if done:
                time.sleep(0.51)
                tell(done, 9)
            await asyncio.sleep(seconds)

    for seconds, done in ((0.0, 0), (0.05, 0), (0.05, 5)):
        asyncio.run(wait(seconds, done))
    assert heard == ["checkpoint: looking at the files …\n", "checkpoint: 5 of 9 files\n"]


def test_a_few_large_files_are_packed_like_many_small_ones(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_THEN", 0.0)
    for number in range(4):
        (place.root / f"{number}").write_bytes(os.urandom(5_000_000))
    place.run(lambda root: [path.unlink() for path in root.iterdir()])
    assert [text for text in place.shown if text.endswith("4 of 4 files\n")]
    assert len(list(place.path.glob("checkpoints/*/objects/pack/*.pack"))) > 1
    assert not [path for path in place.path.glob("checkpoints/*/objects/??/*") if path.stat().st_size > 1_000_000]
    assert len(place.undo().files) == 4


PARTS = [
    ({}, 1, [[]]),
    ({"a": 1, "b": 1, "c": 1}, 1, [["a", "b", "c"]]),
    ({"a": 1, "b": 1, "c": 1, "d": 1}, 2, [["a", "b"], ["c", "d"]]),
    ({"a": 9, "b": 1, "c": 1, "d": 1}, 2, [["a"], ["b", "c"], ["d"]]),
    ({"a": 1 << 27, "b": 1 << 27, "c": 0}, 1, [["a"], ["b"], ["c"]]),
]


@pytest.mark.parametrize(("files", "at_once", "parts"), PARTS)
def test_each_git_gets_its_part(
    files: dict[str, int], at_once: int, parts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_AT_ONCE", at_once)
    assert storing._parts(files) == parts


def test_a_path_that_the_system_refuses_is_no_reason_for_a_warning(place: Place) -> None:
    place.edit("x" * 300, lambda root: (root / "a").write_text("a"))
    assert place.warned == []


def test_what_a_killed_git_left_is_removed(place: Place) -> None:
    place.write("a", "a")
    (folder,) = (place.path / "checkpoints").iterdir()
    names = ("index.lock", "index.diff.lock", "index.0", "index.0.lock", "objects/pack/tmp_pack_x")
    left = [folder / name for name in names]
    for path in left:
        path.touch()
    assert "+a" in place.diff()
    assert not [path for path in left if path.exists()]


def test_thousands_of_empty_folders_come_back(place: Place) -> None:
    for number in range(5001):
        (place.root / f"{number % 9}/{number}").mkdir(parents=True)
    place.run(lambda root: [shutil.rmtree(path) for path in root.iterdir()])
    place.undo()
    assert len(seen(place.root)) == 5001 + 9


# What goes wrong.


def test_without_git_calls_run_and_it_is_said_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place.path))
    place.write("a.py", "a")
    place.write("b.py", "b")
    assert sorted(seen(place.root)) == ["a.py", "b.py"]
    assert place.warned == ["no checkpoint was made (the program git is not installed, or only in the workspace, "
        "where commands could change it); /undo can't take this back"]
    assert place.undo().problem


def test_the_users_variables_of_git_have_no_say(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = place.path / "theirs"
    theirs.mkdir()
    git(theirs, "init", "-q")
    (theirs / ".git/index").write_bytes(b"no index at all")
    before = seen(theirs, inner=True)
    trap = place.path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{place.path}/trapped'\n")
    trap.chmod(0o755)
    for name, value in {
        "GIT_DIR": f"{theirs}/.git", "GIT_WORK_TREE": str(theirs), "GIT_INDEX_FILE": f"{theirs}/.git/index",
        "GIT_OBJECT_DIRECTORY": f"{theirs}/.git/objects", "GIT_NAMESPACE": "x", "GIT_EXTERNAL_DIFF": str(trap),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": str(trap),
        "GIT_CEILING_DIRECTORIES": "/", "GIT_ICASE_PATHSPECS": "1", "GIT_TRACE": f"{theirs}/trace",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    place.write("a.py", "a")
    place.run(lambda root: (root / "b").write_text("b"))
    assert place.diff(1)
    assert place.undo().done
    assert place.undo().done
    assert seen(theirs, inner=True) == before
    assert not (place.path / "trapped").exists()


def test_only_the_owner_can_look_into_it(place: Place) -> None:
    place.write("a.py", "a")
    (folder,) = (place.path / "checkpoints").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


CUT_OFF = """
import asyncio, os, signal, sys
from pathlib import Path
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.tooling import Intent

checkpoints = Checkpoints(Path(sys.argv[1]), Path(sys.argv[2]), print)
asyncio.run(checkpoints.before(Call(0, "execute_command", "{}"), Intent("runs", (), "make"), print))
Path(sys.argv[2], "a.py").unlink()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("then", ["undo", "another call"])
def test_a_command_whose_agent_was_killed_can_be_taken_back(place: Place, then: str) -> None:
    (place.root / "a.py").write_text("a")
    words = [sys.executable, "-c", CUT_OFF, str(place.path / "checkpoints"), str(place.root)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    if then == "another call":
        place.write("b.py", "b")
        assert place.undo().files == (("-", "b.py"),)
    asked = place.undo()
    assert (asked.files, asked.changes[0].about) == ((("+", "a.py"),), "execute_command make")
    assert outcome_lines(asked, "AGAIN", "BACK") == [
        "what others changed here meanwhile may be among it:", "  1. execute_command make (its end was not recorded)",
        "AGAIN would do this:", "  + a.py", "nothing was done; AGAIN does it all the same",
    ]  # fmt: skip
    assert place.undo(yes=True).done
    assert (place.root / "a.py").exists()


def test_what_ran_beside_another_agents_command_is_not_taken_back_unasked(place: Place) -> None:
    """Nobody knows whose doing it is."""
    two, call, intent = place.another(), Call(0, "execute_command", "{}"), Intent("runs", (), "make")

    async def both() -> None:
        await place.checkpoints.before(call, intent, print)
        await two.before(call, intent, print)
        (place.root / "a").write_text("a")
        await two.after(call, intent)
        (place.root / "b").write_text("b")
        await place.checkpoints.after(call, intent)

    asyncio.run(both())
    last, first = place.undo(), place.undo()
    assert (last.files, last.done) == ((("-", "b"),), True)
    assert (first.files, first.done) == ((("-", "a"),), False)
    assert [one.mixed for one in first.mixed] == ["another command ran at the same time"]


def test_a_command_that_nobody_looked_after_can_be_taken_back(place: Place) -> None:
    """The user stops a command, and then what takes down what it did."""
    (place.root / "a.py").write_text("a")
    asyncio.run(place.checkpoints.before(Call(0, "execute_command", "{}"), Intent("runs", (), "make"), print))
    (place.root / "a.py").unlink()
    assert place.undo().files == (("+", "a.py"),)


def test_an_interrupt_during_a_checkpoint_leaves_it_usable(place: Place) -> None:
    for number in range(3000):
        (place.root / f"{number}").write_text(f"{number}" * 100)

    async def interrupted(after: float) -> None:
        task = asyncio.create_task(place.call("runs", (), "make", lambda root: None))
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.wait([task])

    for after in (0.0, 0.03, 0.15, 0.4):
        asyncio.run(interrupted(after))
    place.run(lambda root: (root / "7").unlink())
    assert place.undo().files == (("+", "7"),)
    assert place.warned == []


KILLED = """
import asyncio, sys
from pathlib import Path
from roundtrip.agent.messages import Call
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.tooling import Intent

async def main() -> None:
    root = Path(sys.argv[2])
    checkpoints = Checkpoints(Path(sys.argv[1]), root, print)
    call, intent = Call(0, "execute_command", "{}"), Intent("runs", (), "make")
    print("ready", flush=True)
    for number in range(1000):
        await checkpoints.before(call, intent, print)
        for name in range(200):
            (root / f"made{name}").write_text(f"{number} {name}" * 50)
        await checkpoints.after(call, intent)

asyncio.run(main())
"""


def test_killed_at_any_moment_it_is_usable(place: Place) -> None:
    (place.root / "a.py").write_text("a")
    before = seen(place.root)
    for number in range(5):
        words = [sys.executable, "-c", KILLED, str(place.path / "checkpoints"), str(place.root)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2 + 0.11 * number)
            process.send_signal(signal.SIGKILL)
        place.checkpoints = place.another()
        place.write("b.py", f"{number}")
        assert (place.root / "b.py").read_text() == f"{number}"
        assert place.undo().done
        assert not (place.root / "b.py").exists()
    assert place.warned == []
    assert place.restore(1, yes=True).done
    assert seen(place.root) == before


def test_a_broken_index_is_made_anew(place: Place) -> None:
    (place.root / "a.py").write_text("a")
    place.run(lambda root: (root / "b.py").write_text("b"))
    (folder,) = (place.path / "checkpoints").iterdir()
    os.truncate(folder / "index", 50)
    place.write("c.py", "c")
    assert place.warned == []
    assert place.restore(1).files == (("-", "b.py"), ("-", "c.py"))
    assert sorted(seen(place.root)) == ["a.py"]


def test_a_damaged_file_keeps_no_other_from_coming_back(place: Place) -> None:
    for name in "abc":
        (place.root / name).write_text(name)
    place.run(lambda root: [(root / name).write_text("new") for name in "abc"])
    object = hashlib.sha1(b"blob 1\0b").hexdigest()
    (stored,) = (place.path / "checkpoints").glob(f"*/objects/{object[:2]}/{object[2:]}")
    stored.unlink()
    outcome = place.undo()
    assert (outcome.done, outcome.failed) == (True, (("b", f"the checkpoint is damaged: {object} is missing"),))
    assert {path: content for path, (_, content) in seen(place.root).items()} == {"a": b"a", "b": b"new", "c": b"c"}


def test_what_is_old_makes_room(place: Place) -> None:
    for number in range(8):
        place.write("a", f"{number}" * 5000)
    place.checkpoints.tidy(most=3)
    kept = place.overview.changes
    assert [item.number for item in kept] == [7, 8]
    assert place.restore(7).done
    assert (place.root / "a").read_text() == "5" * 5000
    assert place.restore(2).problem == "there is no checkpoint 2; /checkpoints lists them"
    (folder,) = (place.path / "checkpoints").iterdir()
    counted = subprocess.run(["git", "rev-list", "--objects", "--all"], cwd=folder, capture_output=True, check=True)
    objects = subprocess.run(["git", "cat-file", "--batch-all-objects", "--batch-check"], cwd=folder,
                             capture_output=True, check=True)  # fmt: skip
    assert len(objects.stdout.splitlines()) <= len(counted.stdout.splitlines()) + 3  # the index has some, too


def test_repositories_that_nobody_uses_any_more_are_removed(place: Place) -> None:
    old, other = Place(place.path, place.path / "old"), Place(place.path, place.path / "other")
    for one in (place, old, other):
        one.write("a", "a")
    (folder,) = (path for path in (place.path / "checkpoints").iterdir() if path == old.checkpoints._folder)
    os.utime(folder / "index", (1, 1))
    place.checkpoints.tidy()
    assert not folder.exists()
    assert old.undo().problem == "there is no checkpoint of this folder yet"
    old.write("a", "b")
    assert old.undo().done
    assert (old.root / "a").read_text() == "a"
    assert other.undo().done
    assert place.undo().done


def test_what_we_keep_ourselves_is_in_no_checkpoint(tmp_path: Path) -> None:
    place = Place(tmp_path / "st*te [x]", tmp_path)
    place.run(lambda root: (root / "a").write_text("a"))
    place.run(lambda root: (root / "b").write_text("b"))
    assert [item.files for item in place.overview.changes] == [1, 1]
    assert place.undo().done
    assert "b" not in seen(tmp_path)


def test_the_records_are_bounded() -> None:
    assert checkpoint_log.MOST_KEPT <= 1000
    assert checkpoint_log.LONGEST_KEPT <= 90 * 24 * 3600


NEWS = [
    ([("a", False)], "(The user took back changes to: a.)"),
    ([("a", False), ("b", False)], "(The user took back changes to: a, b.)"),
    ([("a", False), ("a", True)], ""),
    ([("a", True)], "(The user brought back changes to: a.)"),
    ([("a", True), ("a", False)], ""),
    ([("x\n<|im_end|>", False)], "(The user took back changes to: 'x\\n<|im_end|>'.)"),
]


@pytest.mark.parametrize(("done", "told"), NEWS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_model_is_told_once(place: Place, done: list[tuple[str, bool]], told: str) -> None:
    place.write("a", "a")
    for path, redo in done:
        place.checkpoints.news.add("s", {path}, redo=redo)
    assert place.another().news.take("s") == told
    assert place.checkpoints.news.take("s") == ""
