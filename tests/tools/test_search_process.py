"""The program that searches: one for all searches of a session, and none when nobody is left to ask it."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from processes import dies
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.finding.asking import PROGRAM, Job
from roundtrip.tools.finding.engines import Engine, installed
from roundtrip.tools.finding.ignore import scope_of
from roundtrip.tools.search_files import SearchFiles

pytestmark = pytest.mark.once

ENDLESS = r"(a+)+$"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "many").write_text("a" * 5000 + "!\n")
    (root / "few").write_text("one\ntwo\n")
    return root


def children(parent: int = 0, busy: float = 0.0) -> set[int]:
    """The searching processes that another one, or this one, has started; those that worked for so many seconds."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            line, status = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
        except OSError:
            continue
        fields = status.rpartition(")")[2].split()  # from the third on, see proc(5)
        worked = int(fields[11]) / os.sysconf("SC_CLK_TCK")
        if b"roundtrip.tools.finding" in line and int(fields[1]) == (parent or os.getpid()) and worked >= busy:
            found.add(int(entry.name))
    return found


def search(tool: SearchFiles, regex: str) -> ToolResult:
    return asyncio.run(tool.run({"regex": regex}, lambda text: None))


def answers(workspace: LocalWorkspace, *jobs: Job) -> list[str]:
    async def given() -> list[str]:
        return [(await workspace.work(PROGRAM, job.work(), seconds=60, output=print)).output for job in jobs]

    return asyncio.run(given())


def test_searches_share_a_process_and_nothing_else(root: Path) -> None:
    workspace, before = LocalWorkspace(root), children()
    tool = SearchFiles(workspace)
    assert search(tool, "two").content == "1 match in .:\nfew:2: two"
    mine = children() - before
    assert len(mine) == 1
    (root / "few").write_text("three\n")
    (root / ".gitignore").write_text("new\n")
    (root / "new").write_text("three\n")
    assert search(tool, "two").content == "No matches for two in ."
    assert search(tool, "three").content == "1 match in .:\nfew:1: three"
    (root / ".gitignore").unlink()
    assert search(tool, "three").content == "2 matches in .:\nfew:1: three\nnew:1: three"
    assert search(tool, "(").failed
    assert children() - before == mine


def test_a_search_after_one_that_did_not_end(root: Path) -> None:
    workspace, before = LocalWorkspace(root), children()
    search(SearchFiles(workspace), "two")
    known = children() - before
    assert "stopped after 0.5 s" in search(SearchFiles(workspace, seconds=0.5), ENDLESS).content
    assert all(map(dies, known))
    assert search(SearchFiles(workspace), "two").content == "1 match in .:\nfew:2: two"


def test_a_folder_that_is_gone_is_told_and_the_process_stays(root: Path) -> None:
    workspace, before = LocalWorkspace(root), children()
    job = Job(scope_of(root, root), installed(root), "two")
    gone = replace(job, scope=scope_of(root / "gone", root), name="gone")

    failed, found = answers(workspace, gone, job)
    assert failed == '\0{"failed": "gone can\'t be searched: No such file or directory"}\n'
    assert found.startswith("few:2: two\n\0")
    assert len(children() - before) == 1


def test_an_engine_does_not_follow_where_a_folder_has_become_a_link(root: Path) -> None:
    program, ran = root.parent / "rg", root.parent / "ran"
    program.write_text(f'#!/bin/sh\ntouch {ran}\nexec rg "$@"\n')
    program.chmod(0o755)
    (root / "folder").mkdir()
    job = Job(scope_of(root, root), (Engine("rg", str(program)),), "two")
    exchanged = replace(job, scope=scope_of(root / "folder", root), name="folder")
    (root / "folder").rename(root / "other")
    (root / "folder").symlink_to("other")
    assert answers(LocalWorkspace(root), exchanged) == [
        '\0{"failed": "folder can\'t be searched: folder has become a symbolic link"}\n'
    ]
    assert not ran.exists()


def test_it_outlives_the_time_limit_of_a_search_that_is_over(root: Path) -> None:
    workspace, before = LocalWorkspace(root), children()
    tool = SearchFiles(workspace, seconds=0.7)
    search(tool, "two")
    mine = children() - before
    time.sleep(2)
    assert children() - before == mine != set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter everything")
def test_a_folder_that_may_not_be_entered(root: Path) -> None:
    (root / "shut").mkdir()
    (root / "shut/file").write_text("two\n")
    (root / "shut").chmod(0o400)
    found = asyncio.run(SearchFiles(LocalWorkspace(root)).run({"regex": "two", "path": "shut"}, print))
    (root / "shut").chmod(0o700)
    assert (found.failed, found.content) == (True, "The search failed: shut can't be searched: Permission denied.")


def test_a_search_that_does_not_end_outlives_nobody_for_long(root: Path) -> None:
    """We are killed in the middle of it, and nobody is left to end it."""
    script = f"""
import asyncio, pathlib
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.search_files import SearchFiles
tool = SearchFiles(LocalWorkspace(pathlib.Path(".")), seconds=3)
asyncio.run(tool.run({{"regex": {ENDLESS!r}}}, lambda text: None))
"""
    with subprocess.Popen((sys.executable, "-c", script), cwd=root) as us:
        deadline = time.monotonic() + 30
        while not (found := children(us.pid, busy=0.5)) and time.monotonic() < deadline:
            time.sleep(0.02)
        us.kill()
    assert len(found) == 1
    assert all(map(dies, found))
