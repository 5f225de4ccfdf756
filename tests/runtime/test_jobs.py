"""Commands in the foreground and in the background, without a sandbox: how they end, and what is kept of them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from processes import dies, is_alive, written
from roundtrip.agent.runtime.job import LocalJob
from roundtrip.agent.runtime.jobs import LocalJobs, command_environment
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import NOTHING, Policy
from roundtrip.agent.tooling import Job, Refusal


def quiet(text: str) -> None:
    pass


def in_session(root: Path, body: Callable[[LocalJobs], Awaitable[None]], outputs: Path | None = None) -> None:
    async def run() -> None:
        jobs = LocalJobs(root, outputs=outputs)
        try:
            await body(jobs)
        finally:
            await jobs.close()

    asyncio.run(run())


async def start(jobs: LocalJobs, root: Path, command: str, seconds: float = 30, background: bool = False) -> Job:
    job = await jobs.run(command, cwd=root, seconds=seconds, output=quiet, background=background)
    assert not isinstance(job, Refusal)
    return job


def test_in_the_foreground(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "echo out; echo err >&2; exit 3")
        assert (job.state, job.finished.code, job.finished.output) == ("ended", 3, "out\nerr\n")
        assert (job.total, job.id, jobs.running) == (8, 0, ())
        assert job.read(4, 99).text == "err\n"

    in_session(tmp_path, body)


def test_the_time_limit(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "echo $$ > pid; sleep 100 & wait", seconds=0.5)
        assert (job.state, job.finished.code) == ("timed out", None)
        assert dies(written(tmp_path / "pid"))

    in_session(tmp_path, body)


def test_numbers_are_given_to_what_is_kept_only(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"

    async def body(jobs: LocalJobs) -> None:
        await start(jobs, tmp_path, "echo dropped")
        kept = await start(jobs, tmp_path, "echo kept")
        assert kept.keep() == 1
        await start(jobs, tmp_path, "echo dropped too")
        assert sorted(path.name for path in outputs.iterdir()) == ["1.json", "1.out", "2.out"]
        assert outputs.stat().st_mode & 0o777 == 0o700
        found = jobs.find(1)
        assert found is kept
        assert isinstance(jobs.find(2), Refusal)

    in_session(tmp_path, body, outputs)
    assert sorted(path.name for path in outputs.iterdir()) == ["1.json", "1.out"]


def test_a_session_that_is_taken_up_again_counts_on(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"

    async def first(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "echo first; exit 4")
        job.keep()
        (await start(jobs, tmp_path, "echo begun; sleep 100", seconds=0.3, background=True)).keep()

    async def second(jobs: LocalJobs) -> None:
        one, two = jobs.find(1), jobs.find(2)
        assert not isinstance(one, Refusal)
        assert (one.command, one.state, one.finished.code) == ("echo first; exit 4", "ended", 4)
        assert one.read(0, 99).text == "first\n"
        assert not isinstance(two, Refusal)
        assert (two.state, two.finished.code, two.read(0, 99).text) == ("killed", None, "begun\n")
        assert (await start(jobs, tmp_path, "echo third")).keep() == 3

    in_session(tmp_path, first, outputs)
    in_session(tmp_path, second, outputs)


def test_after_a_crash_the_output_is_there_without_its_end(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"
    outputs.mkdir()
    (outputs / "7.out").write_text("said\n")
    (outputs / "8.out").write_text("said\n")
    (outputs / "8.json").write_text("{torn")

    async def body(jobs: LocalJobs) -> None:
        for number in (7, 8):
            job = jobs.find(number)
            assert not isinstance(job, Refusal)
            assert (job.id, job.state, job.read(0, 99).text) == (number, "killed", "said\n")
        assert (await start(jobs, tmp_path, "true")).keep() == 9

    in_session(tmp_path, body, outputs)


def test_nothing_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        await start(jobs, tmp_path, "echo x")

    in_session(tmp_path, body, tmp_path / "s.outputs")
    assert list(tmp_path.iterdir()) == []


def test_nor_do_commands_that_run_at_the_same_time(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        first, _ = await asyncio.gather(start(jobs, tmp_path, "sleep 0.2; echo 1"), start(jobs, tmp_path, "echo 2"))
        assert isinstance(jobs.find(first.keep()), LocalJob)
        await start(jobs, tmp_path, "true")
        await start(jobs, tmp_path, "true")  # has the number of the one before, of which nothing is left
        assert sorted(os.listdir(tmp_path / "outputs")) == ["1.json", "1.out", "2.out"]

    in_session(tmp_path, body, tmp_path / "outputs")


def test_old_outputs_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / "old.outputs", tmp_path / "young.outputs"
    for folder in (old, young):
        folder.mkdir()
        (folder / "1.out").touch()
    os.utime(old, (1, 1))

    async def body(jobs: LocalJobs) -> None:
        await start(jobs, tmp_path, "true")

    in_session(tmp_path, body, tmp_path / "s.outputs")
    assert (old.exists(), young.exists()) == (False, True)


def test_temporary_folders_of_killed_programs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    living, dead, young = (Confinement(tmp_path, mode="off") for _ in range(3))
    folders = [confinement.scratch() for confinement in (living, dead, young)]
    for confinement in (dead, young):
        confinement._lock.close()  # as when the program ends
    for folder in folders[:2]:
        os.utime(folder / NOTHING, (1, 1))
    Confinement(tmp_path, mode="off").scratch()
    assert [folder.exists() for folder in folders] == [True, False, True]
    for confinement in (living, dead, young):
        confinement.close()
    assert list(tmp_path.glob("roundtrip-*")) == []


def test_without_a_sandbox_what_is_left_runs_on_and_is_named(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "sleep 100 > /dev/null 2>&1 & echo $! > pid")
        pid = written(tmp_path / "pid")
        assert is_alive(pid)
        os.kill(pid, signal.SIGKILL)
        assert "still running; nothing will end it: sleep 100. " in job.note
        assert (await start(jobs, tmp_path, "sleep 0.02 & echo")).note == ""

    in_session(tmp_path, body)


def test_in_the_background(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(
            jobs, tmp_path, "echo one; until [ -e go ]; do sleep 0.02; done; echo two", 0.3, background=True
        )
        assert (job.state, job.id, job.read(0, 99).text, jobs.running) == ("running", 1, "one\n", (job,))
        assert jobs.find(1) is job
        await start(jobs, tmp_path, "touch go")
        await job.news(4, 20)
        assert job.read(4, 99).text == "two\n"
        await job.news(sys.maxsize, 20)
        assert (job.state, job.finished.code, jobs.running) == ("ended", 0, ())

    in_session(tmp_path, body)


def test_what_ends_at_once_is_no_matter_for_the_background(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "exit 9", seconds=20, background=True)
        assert (job.state, job.finished.code) == ("ended", 9)

    in_session(tmp_path, body)


def test_nobody_hears_the_background(tmp_path: Path) -> None:
    pieces: list[str] = []

    async def body(jobs: LocalJobs) -> None:
        job = await jobs.run(
            "echo one; sleep 0.4; echo two", cwd=tmp_path, seconds=0.2, output=pieces.append, background=True
        )
        assert not isinstance(job, Refusal)
        await job.news(sys.maxsize, 20)
        assert job.total == 8

    in_session(tmp_path, body)
    assert "".join(pieces) == "one\n"


def test_waiting_for_news_ends(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "sleep 100", 0.1, background=True)
        await job.news(0, 0.2)
        assert (job.state, job.total) == ("running", 0)

    in_session(tmp_path, body)


def test_killed(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "echo $$ > pid; echo said; sleep 100 & wait", 0.5, background=True)
        await job.kill()
        await job.kill()
        assert (job.state, job.finished.code, job.read(0, 99).text) == ("killed", None, "said\n")
        assert dies(written(tmp_path / "pid"))

    in_session(tmp_path, body)


def test_they_end_with_the_session(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        await start(jobs, tmp_path, "echo $$ > pid; sleep 100 & wait", 0.3, background=True)
        assert is_alive(written(tmp_path / "pid"))

    in_session(tmp_path, body)
    assert dies(written(tmp_path / "pid"))


@pytest.mark.parametrize("background", [False, True])
def test_an_interrupt_ends_what_it_waits_for(tmp_path: Path, background: bool) -> None:
    async def body(jobs: LocalJobs) -> None:
        run = jobs.run("echo $$ > pid; sleep 100 & wait", cwd=tmp_path, seconds=50, output=quiet, background=background)
        task = asyncio.create_task(run)
        pid = await asyncio.to_thread(written, tmp_path / "pid")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert dies(pid)
        assert jobs.running == ()

    in_session(tmp_path, body)


def test_an_interrupt_leaves_the_background_alone(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "sleep 100", 0.1, background=True)
        task = asyncio.create_task(start(jobs, tmp_path, "sleep 100"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert jobs.running == (job,)

    in_session(tmp_path, body)


@pytest.mark.once
def test_an_endless_output_fills_neither_memory_nor_disk_and_can_be_stopped(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"

    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "yes 0123456789", 0.5, background=True)
        while job.total < 50_000_000:
            await job.news(job.total, 5)
        [file] = outputs.glob("*.out")
        assert file.stat().st_size <= 32 * 1024 * 1024
        begun = time.monotonic()
        await job.kill()
        assert time.monotonic() - begun < 10
        assert job.read(-11, 99).text in "0123456789\n" * 2
        assert job.read(0, 22).text == "0123456789\n" * 2

    in_session(tmp_path, body, outputs)


def test_without_a_disk_a_command_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, "echo hi")
        assert (job.finished.output, job.total, job.keep()) == ("hi\n", 3, 0)
        assert job.read(0, 9).text == ""
        assert job.search(["hi"], 9) == ([], 0)

    in_session(tmp_path, body, tmp_path / "file" / "s.outputs")


def test_an_unknown_number(tmp_path: Path) -> None:
    async def body(jobs: LocalJobs) -> None:
        none = jobs.find(5)
        assert isinstance(none, Refusal)
        assert none.reason == "There is no command with the id 5. In the background there is: none."
        await start(jobs, tmp_path, "sleep 100", 0.1, background=True)
        some = jobs.find(5)
        assert isinstance(some, Refusal)
        assert some.reason.endswith("there is: 1 (sleep 100).")

    in_session(tmp_path, body)


def test_how_it_ended_is_written_down(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"

    async def body(jobs: LocalJobs) -> None:
        (await start(jobs, tmp_path, "echo hi")).keep()

    in_session(tmp_path, body, outputs)
    said = json.loads((outputs / "1.json").read_text())
    assert said == {"command": "echo hi", "state": "ended", "code": 0, "total": 3}


def test_commands_do_not_get_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no sandbox, they get all else."""
    for name in ("AGENT_API_KEY", "OPENAI_API_KEY", "OTHER_API_KEY"):
        monkeypatch.setenv(name, f"secret {name}")

    async def body(jobs: LocalJobs) -> None:
        said = (await start(jobs, tmp_path, "env")).finished.output
        assert [line for line in said.split("\n") if "secret" in line] == ["OTHER_API_KEY=secret OTHER_API_KEY"]

    in_session(tmp_path, body)


@pytest.mark.parametrize(
    "command",
    [
        "git init -q . && ! git -c user.name=a -c user.email=b commit --allow-empty -q",
        "printf 'x\\n%.0s' 1 2 3 | $PAGER | grep -q x",
        "! git ls-remote https://127.0.0.1:1/x 2>&1 | grep -qi username",
        "! read -r answer",
        "[[ $(echo {1..3}) == '1 2 3' ]] || [ -z \"$BASH\" ]",
    ],
)
def test_nothing_waits_for_an_answer(tmp_path: Path, command: str) -> None:
    async def body(jobs: LocalJobs) -> None:
        job = await start(jobs, tmp_path, command, seconds=20)
        assert (job.state, job.finished.code) == ("ended", 0), job.finished.output

    in_session(tmp_path, body)


@pytest.mark.parametrize("count", ["", "0", "2", "x"])
def test_git_gets_settings_of_ours_after_the_users(tmp_path: Path, count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("user.name", "user.email")):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", "a")
    monkeypatch.setenv("GIT_CONFIG_COUNT", count)
    command, environment = ["git", "config", "--list", "--show-origin"], command_environment()
    listed = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    theirs = [b"user.name=a", b"user.email=a"] if count == "2" else []
    said = [line.partition(b"\t")[2] for line in listed.stdout.splitlines() if line.startswith(b"command line:")]
    assert said == [*theirs, b"safe.barerepository=explicit"]


def test_a_command_that_can_not_be_started_ends(tmp_path: Path) -> None:
    """Whatever the reason is."""

    class Broken(Confinement):
        def policy(self, path: str) -> Policy | None:
            raise ValueError("embedded null byte")

    async def body() -> None:
        jobs = LocalJobs(tmp_path, confinement=Broken(tmp_path, mode="off"))
        job = await jobs.run("true", cwd=tmp_path, seconds=5, output=quiet, background=True)
        assert not isinstance(job, Refusal)
        assert (job.state, job.finished.code) == ("ended", 127)
        assert job.finished.output == "The command could not be run: ValueError('embedded null byte')"
        await jobs.close()

    asyncio.run(body())


def test_the_environment_is_ours_and_more() -> None:
    environment = command_environment()
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["TERM"] == "dumb"
    assert "CI" not in set(environment) - set(os.environ)
