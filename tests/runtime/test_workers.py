"""Programs that do one piece of work after another: who does it, what is heard of it, and that nothing is left."""

import asyncio
import gc
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import dies, is_alive, written
from roundtrip.agent.runtime.workers import BROKEN, SPARE, Answer, Workers
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Finished

pytestmark = pytest.mark.once

PROGRAM = (
    sys.executable,
    "-c",
    """
import hashlib, os, subprocess, sys, time
say = lambda text: (sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape")), sys.stdout.flush())
say("")
while length := sys.stdin.buffer.readline():
    work = sys.stdin.buffer.read(int(length)).decode("utf-8", "surrogateescape")
    exec(work.partition("\\1")[0])
    say("\\0\\n")
""",
)
"""Does what it is told in Python; behind a byte 1 anything may follow."""

PID = "say(f'{os.getpid()}\\n')"
HANG = "child = subprocess.Popen(['sleep', '600']); say(f'{os.getpid()} {child.pid}\\n'); time.sleep(600)"


async def do(
    workers: Workers, work: str, seconds: float = 60, pieces: list[str] | None = None, **more: str
) -> Finished:
    output, environment = ([] if pieces is None else pieces).append, {**os.environ, **more}
    return await workers.do(PROGRAM, work, environment=environment, seconds=seconds, output=output)


def pid(finished: Finished) -> int:
    assert finished.code == 0, finished
    return int(finished.output.split("\n")[0])


def main(work: Callable[[Workers], Awaitable[None]]) -> None:
    """Runs this, and ends the workers."""
    workers = Workers()
    try:
        asyncio.run(work(workers))  # type: ignore[arg-type]
    finally:
        workers.close()


def test_one_worker_does_one_piece_after_the_other() -> None:
    async def work(workers: Workers) -> None:
        pieces: list[str] = []
        first = await do(workers, PID, pieces=pieces)
        assert "".join(pieces) == first.output == f"{pid(first)}\n\0\n"
        assert [pid(await do(workers, PID)) for _ in range(5)] == [pid(first)] * 5

    main(work)


def test_it_says_what_it_has_while_it_works(tmp_path: Path) -> None:
    async def work(workers: Workers) -> None:
        pieces: list[str] = []
        until = f"say('one\\n')\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)"
        task = asyncio.create_task(do(workers, until, pieces=pieces))
        while not pieces:
            await asyncio.sleep(0.01)
        assert not task.done()
        (tmp_path / "go").touch()
        assert (await task).output == "one\n\0\n"

    main(work)


def test_an_environment_has_workers_of_its_own() -> None:
    async def work(workers: Workers) -> None:
        said = "say(os.environ['WORD'] + '\\n')"
        assert (await do(workers, said, WORD="one")).output == "one\n\0\n"
        assert (await do(workers, said, WORD="two")).output == "two\n\0\n"
        assert pid(await do(workers, PID, WORD="one")) != pid(await do(workers, PID, WORD="two"))

    main(work)


def test_those_who_work_at_once_are_several_and_few_stay() -> None:
    async def work(workers: Workers) -> None:
        slow = "time.sleep(0.3); " + PID
        at_once = [pid(each) for each in await asyncio.gather(*(do(workers, slow) for _ in range(SPARE + 2)))]
        assert len(set(at_once)) == SPARE + 2
        assert sum(map(is_alive, at_once)) == SPARE
        again = {pid(each) for each in await asyncio.gather(*(do(workers, slow) for _ in range(SPARE)))}
        assert again < set(at_once)

    main(work)


def test_any_work_arrives_as_it_is() -> None:
    """Also what is more than a pipe holds, and what is no text."""

    async def work(workers: Workers) -> None:
        text = (
            "say(hashlib.sha256(work.encode('utf-8', 'surrogateescape')).hexdigest() + chr(10))\1"
            + "wörk\0\n\udcff" * 100_000
        )
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        assert (await do(workers, text)).output == f"{digest}\n\0\n"

    main(work)


def test_the_time_limit_ends_it_with_all_it_has_started() -> None:
    async def work(workers: Workers) -> None:
        finished = await do(workers, HANG, seconds=1)
        assert finished.code is None
        own, child = map(int, finished.output.split())
        assert dies(own)
        assert dies(child)
        assert pid(await do(workers, PID)) != own

    main(work)


def test_whoever_is_cancelled_leaves_nothing() -> None:
    async def work(workers: Workers) -> None:
        pieces: list[str] = []
        task = asyncio.create_task(do(workers, HANG, pieces=pieces))
        while not pieces:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert all(dies(int(each)) for each in "".join(pieces).split())
        assert pid(await do(workers, PID))

    main(work)


def test_a_cancelled_piece_that_was_not_yet_taken(tmp_path: Path) -> None:
    """It is more than the pipe holds, and who should take it is busy."""

    async def work(workers: Workers) -> None:
        stuck = (sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
        pieces: list[str] = []
        given = workers.do(stuck, "x" * 1_000_000, environment=os.environ, seconds=60, output=pieces.append)
        task = asyncio.create_task(given)
        while not pieces:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert dies(int(pieces[0]))

    main(work)


def test_one_that_was_killed_while_it_was_idle_is_replaced() -> None:
    async def work(workers: Workers) -> None:
        for wait in (True, False) * 5:
            first = pid(await do(workers, PID))
            os.kill(first, signal.SIGKILL)
            assert not wait or dies(first)
            assert pid(await do(workers, PID)) not in (0, first)

    main(work)


def test_what_is_said_behind_an_answer_is_not_in_the_next() -> None:
    async def work(workers: Workers) -> None:
        first = await do(workers, PID + "; say('\\0\\n'); time.sleep(0.1); say('late\\n')")
        assert first.output == f"{pid(first)}\n\0\n"
        await asyncio.sleep(0.5)
        second = await do(workers, PID)
        assert second.output == f"{pid(second)}\n\0\n"
        assert dies(pid(first))

    main(work)


def test_one_that_ends_in_the_middle_is_told_with_what_it_said(tmp_path: Path) -> None:
    async def work(workers: Workers) -> None:
        broken = await do(workers, "say('almost\\n'); raise ValueError('why')")
        assert broken.code == BROKEN
        assert broken.output.startswith("almost\n")
        assert broken.output.endswith("ValueError: why\n")
        silent = await do(workers, "os._exit(0)")
        assert (silent.code, silent.output) == (BROKEN, "")
        assert (await do(workers, PID)).code == 0
        count = f"open({str(tmp_path / 'times')!r}, 'a').write('.')\nos._exit(0)"
        assert (await do(workers, count)).code == BROKEN
        assert (tmp_path / "times").read_text() == ".."  # it may have been the worker's fault, once
        assert (await do(workers, PID)).code == 0

    main(work)


def test_what_cannot_be_started() -> None:
    workers = Workers()
    nothing = ("/nonexistent/program",)
    finished = asyncio.run(workers.do(nothing, "", environment={}, seconds=60, output=print))
    assert finished.code == 127
    assert finished.output.startswith("/nonexistent/program could not be started: ")


def test_it_stays_from_one_event_loop_to_the_next() -> None:
    workers = Workers()
    assert len({pid(asyncio.run(do(workers, PID))) for _ in range(3)}) == 1
    workers.close()


def test_it_ends_with_the_session_and_with_whoever_forgot_it(tmp_path: Path) -> None:
    async def one(workspace: LocalWorkspace) -> int:
        return pid(await workspace.work(PROGRAM, PID, seconds=60, output=print))

    async def closed(workspace: LocalWorkspace) -> None:
        own = await one(workspace)
        assert is_alive(own)
        await workspace.jobs.close()
        assert not is_alive(own)

    asyncio.run(closed(LocalWorkspace(tmp_path)))
    forgotten = asyncio.run(one(LocalWorkspace(tmp_path)))
    gc.collect()
    assert not is_alive(forgotten)


def test_one_that_works_when_the_session_ends_does_not_stay() -> None:
    async def work(workers: Workers) -> None:
        pieces: list[str] = []
        task = asyncio.create_task(do(workers, f"{PID}; time.sleep(0.3)", pieces=pieces))
        while not pieces:
            await asyncio.sleep(0.01)
        workers.close()
        assert not is_alive(pid(await task))

    main(work)


def test_it_ends_when_we_are_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, pathlib, time
from roundtrip.agent.runtime.workspace import LocalWorkspace
workspace = LocalWorkspace(pathlib.Path("."))
done = asyncio.run(workspace.work({PROGRAM!r}, {PID!r}, seconds=60, output=print))
pathlib.Path("pid").write_text(done.output.split()[0] + "\\n")
time.sleep(600)
"""
    with subprocess.Popen((sys.executable, "-c", script), cwd=tmp_path, stdout=subprocess.DEVNULL) as us:
        own = int(written(tmp_path / "pid"))
        assert is_alive(own)
        us.kill()
    assert dies(own)


def test_a_fork_of_ours_does_not_end_it(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, pathlib, sys
from roundtrip.agent.runtime.workspace import LocalWorkspace
workspace = LocalWorkspace(pathlib.Path("."))
def pid():
    return asyncio.run(workspace.work({PROGRAM!r}, {PID!r}, seconds=60, output=lambda text: None)).output.split()[0]
first = pid()
for forget in (True, False):
    if os.fork() == 0:
        if forget:
            del workspace
        sys.exit()  # with all that is to be done at exit
    os.wait()
assert pid() == first
print(first)
"""
    command = (sys.executable, "-W", "ignore", "-c", script)
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert not is_alive(int(done.stdout))
    assert done.stderr == ""


@given(st.lists(st.sampled_from(["a", "\0", "\n", "é"]), max_size=12), st.data())
def test_an_answer_ends_with_a_line_that_begins_with_nul(characters: list[str], data: st.DataObject) -> None:
    text = "".join(characters)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    for pieces in ([text], list(text), [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]):
        heard: list[str] = []
        ended: list[None] = []
        answer = Answer(heard.append, lambda ended=ended: ended.append(None))
        for piece in pieces:
            answer(piece)
        assert "".join(heard) == text
        assert answer.whole == bool(ended) == any(line.startswith("\0") for line in text.split("\n")[:-1])
