"""Real processes: what they say, how they end, and that nothing of them is left."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import dies, is_alive, written
from roundtrip.agent.runtime.hearing import KEPT, HeadAndTail
from roundtrip.agent.runtime.process import GRACE, run
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Finished


def execute(root: Path, command: str | list[str], seconds: float = 60, pieces: list[str] | None = None) -> Finished:
    output = (lambda text: None) if pieces is None else pieces.append
    return asyncio.run(LocalWorkspace(root).run(shell(command), cwd=root, seconds=seconds, output=output))


def shell(command: str | list[str]) -> list[str]:
    return ["/bin/sh", "-c", command] if isinstance(command, str) else command


def test_both_streams_in_order(tmp_path: Path) -> None:
    pieces: list[str] = []
    finished = execute(tmp_path, "echo a; echo b >&2; echo c; exit 7", pieces=pieces)
    assert (finished.code, finished.output, "".join(pieces)) == (7, "a\nb\nc\n", "a\nb\nc\n")


def test_a_program_without_a_shell(tmp_path: Path) -> None:
    assert execute(tmp_path, ["printf", "%s", "$HOME *"]).output == "$HOME *"


def test_output_comes_while_it_runs(tmp_path: Path) -> None:
    async def run() -> tuple[bool, Finished]:
        first = asyncio.Event()
        command = "echo first; until [ -e go ]; do sleep 0.02; done; echo second"
        task = asyncio.create_task(
            LocalWorkspace(tmp_path).run(shell(command), cwd=tmp_path, seconds=60, output=lambda text: first.set())
        )
        await first.wait()
        was_running = not task.done()
        (tmp_path / "go").touch()
        return was_running, await task

    was_running, finished = asyncio.run(run())
    assert was_running
    assert finished.output == "first\nsecond\n"


def test_there_is_no_stdin(tmp_path: Path) -> None:
    assert execute(tmp_path, "cat; read line || echo none").output == "none\n"


def test_there_is_no_terminal(tmp_path: Path) -> None:
    assert execute(tmp_path, "test -t 1 || echo none; (: < /dev/tty) 2>/dev/null || echo none").output == "none\nnone\n"


def test_a_character_in_two_pieces(tmp_path: Path) -> None:
    pieces: list[str] = []
    command = r"printf 'a\303'; sleep 0.2; printf '\244b\377\303'"
    assert execute(tmp_path, command, pieces=pieces).output == "aäb\ufffd\ufffd"
    assert "".join(pieces) == "aäb\ufffd\ufffd"


def test_memory_is_bounded_and_output_is_not(tmp_path: Path) -> None:
    size = 0

    def count(text: str) -> None:
        nonlocal size
        size += len(text)

    run = LocalWorkspace(tmp_path).run(shell("yes | head -c 20000000"), cwd=tmp_path, seconds=60, output=count)
    finished = asyncio.run(run)
    assert size == 20_000_000
    assert len(finished.output) < 2 * KEPT + 100
    assert f"\n… {20_000_000 - 2 * KEPT} bytes omitted …\n" in finished.output


@pytest.mark.parametrize("command", [["no-such-program-anywhere"], ["echo", "a\0b"], ["echo", "\ud800"], ["x" * 300]])
def test_what_cannot_be_started(tmp_path: Path, command: list[str]) -> None:
    finished = execute(tmp_path, command)
    assert finished.code == 127
    assert "could not be started" in finished.output


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    run = LocalWorkspace(tmp_path).run(["true"], cwd=tmp_path / "gone", seconds=5, output=lambda text: None)
    assert asyncio.run(run).code == 127


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert execute(tmp_path, "kill -9 $$").code == -9


def test_the_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    command = "sh -c 'sleep 100 & echo $! > pid; wait' & echo begun; wait"
    finished = execute(tmp_path, command, seconds=2)
    assert (finished.code, finished.output) == (None, "begun\n")
    assert dies(written(tmp_path / "pid"))


def test_the_time_limit_ends_what_ignores_it(tmp_path: Path) -> None:
    stubborn = "import os, signal, time; signal.signal(15, signal.SIG_IGN); open('pid', 'w').write(str(os.getpid()))"
    (tmp_path / "stubborn.py").write_text(f"{stubborn}; time.sleep(100)")
    finished = execute(tmp_path, f"{sys.executable} stubborn.py & wait", seconds=2)
    assert finished.code is None
    assert dies(written(tmp_path / "pid"))


def test_a_program_may_end_in_its_own_way(tmp_path: Path) -> None:
    finished = execute(tmp_path, "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done", seconds=1.5)
    assert finished.code is None
    assert finished.output.endswith("bye\n")  # a shell may say something before it


@pytest.mark.parametrize("times", [1, 2])
def test_cancelling_ends_the_whole_group(tmp_path: Path, times: int) -> None:
    """Also when it comes again while the group is being ended."""

    async def run() -> None:
        command = "trap '' TERM; sh -c 'sleep 100 & echo $! > pid; wait' & wait; sleep 100"
        task = asyncio.create_task(
            LocalWorkspace(tmp_path).run(shell(command), cwd=tmp_path, seconds=60, output=lambda text: None)
        )
        await asyncio.to_thread(written, tmp_path / "pid")
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.1)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert dies(written(tmp_path / "pid"))


@pytest.mark.parametrize("patience", [0.0, 30.0])
def test_what_ends_others_has_its_time_for_it(tmp_path: Path, patience: float) -> None:
    """Longer than the grace; then it has ended by itself."""
    command = f"trap 'sleep {GRACE + 0.3}; echo done; exit' TERM; while :; do sleep 0.02; done"
    quiet: list[str] = []
    ended = run(
        shell(command), cwd=tmp_path, environment=os.environ, seconds=0.3, output=quiet.append, patience=patience
    )
    assert ("done" in asyncio.run(ended).output) == bool(patience)


def test_a_background_child_neither_holds_us_nor_is_ended(tmp_path: Path) -> None:
    finished = execute(tmp_path, "sleep 100 & echo $! > pid; echo done", seconds=50)
    pid = written(tmp_path / "pid")
    try:
        assert (finished.code, finished.output) == (0, "done\n")
        assert finished.seconds < 50
        assert is_alive(pid)
    finally:
        os.kill(pid, 9)


def test_the_last_output_of_a_child_is_waited_for(tmp_path: Path) -> None:
    assert execute(tmp_path, "(sleep 0.05; echo late) & echo early").output == "early\nlate\n"


def test_no_file_descriptor_is_left(tmp_path: Path) -> None:
    async def run() -> tuple[int, int]:
        workspace, counts = LocalWorkspace(tmp_path), []
        for _ in range(3):
            for command in (["true"], ["no-such-program-anywhere"]):
                await workspace.run(command, cwd=tmp_path, seconds=5, output=lambda text: None)
            counts.append(len(os.listdir("/dev/fd")))
        return counts[0], counts[-1]

    first, last = asyncio.run(run())
    assert first == last


def test_commands_do_not_get_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("OTHER", "kept")
    assert execute(tmp_path, "echo $OPENAI_API_KEY $OTHER $PAGER").output == "kept cat\n"


def test_an_environment_of_its_own(tmp_path: Path) -> None:
    workspace = LocalWorkspace(tmp_path, {"PATH": os.environ["PATH"], "A": "b"})
    run = workspace.run(shell("echo $A $PAGER"), cwd=tmp_path, seconds=5, output=lambda text: None)
    assert asyncio.run(run).output == "b\n"


@given(st.lists(st.text("é\nx", max_size=9), max_size=20), st.integers(1, 9))
def test_head_and_tail_do_not_depend_on_the_pieces(pieces: list[str], kept: int) -> None:
    text, collected = "".join(pieces), HeadAndTail(kept)
    for piece in pieces:
        collected.add(piece)
    if len(text) <= 2 * kept:
        assert collected.text() == text
    else:
        omitted = len(text[kept:-kept].encode())
        assert collected.text() == f"{text[:kept]}\n… {omitted} bytes omitted …\n{text[-kept:]}"


@pytest.mark.parametrize("turns", range(8))
def test_cancelled_while_it_starts(tmp_path: Path, turns: int) -> None:
    """The loop is busy while the program is started, and the program starts another one meanwhile."""
    marker = tmp_path / "pid"

    async def run() -> None:
        workspace = LocalWorkspace(tmp_path)
        command = f"sleep 300 & echo $! > {marker}; wait"
        task = asyncio.create_task(workspace.run(shell(command), cwd=tmp_path, seconds=60, output=lambda text: None))
        for _ in range(turns):
            await asyncio.sleep(0)
        time.sleep(0.1)  # nobody hears the loop
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    if marker.exists() and (started := marker.read_text().strip()):
        assert dies(int(started))
