import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.caps import Caps
from roundtrip.tools.execute_command import ExecuteCommand
from roundtrip.tools.read_command_output import WAITS, ReadCommandOutput

pytestmark = pytest.mark.once

Say = Callable[..., Awaitable[str]]
CAPS = Caps(output=600)


def session(root: Path, body: Callable[[Say, Say], Awaitable[None]], outputs: Path | None = None) -> None:
    """Both tools in one session; `run` and `read` give what the model gets."""

    async def main() -> None:
        workspace = LocalWorkspace(root, jobs=LocalJobs(root, outputs=outputs))
        execute, look = ExecuteCommand(workspace, CAPS), ReadCommandOutput(workspace, CAPS)

        async def run(command: str, **arguments: Any) -> str:
            return (await execute.run({"command": command, **arguments}, lambda text: None)).content

        async def read(id: int, **arguments: Any) -> str:
            return (await look.run({"id": id, **arguments}, lambda text: None)).content

        try:
            await body(run, read)
        finally:
            await workspace.jobs.close()

    asyncio.run(main())


def call_in(content: str) -> dict[str, Any]:
    """The call that a result names."""
    found = re.search(r"{.*}", content)
    assert found
    call = json.loads(found[0])
    assert isinstance(call, dict)
    return call


def test_a_long_output_is_read_to_its_end_by_the_calls_that_the_results_name(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        content = await run("seq 1 1000")
        head, tail = content.split("… ", 1)
        lines = head.split("\n")[1:-1]
        rest = [line for line in tail.split("\n")[1:] if line]
        call, last = call_in(content), rest[0]
        while last not in lines:
            content = await read(**call)
            said = content.split("\n")
            assert re.fullmatch(r"exit code 0\. Bytes \d+ to \d+ of 3893:", said[0])
            lines += [line for line in said[1:] if line.isdigit()]
            if "…" not in content:
                break
            call = call_in(said[-1])
        lines += rest[rest.index(lines[-1]) + 1 :] if lines[-1] in rest else []
        assert lines == [str(number) for number in range(1, 1001)]

    session(tmp_path, body)


@pytest.mark.once
def test_what_is_new(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run(
            "echo one; until [ -e a ]; do sleep 0.02; done; echo two; until [ -e b ]; do sleep 0.02; done",
            background=True,
        )
        assert await read(1) == "running.\none"
        (tmp_path / "a").touch()
        assert await read(1) == "running.\ntwo"
        (tmp_path / "b").touch()
        assert await read(1) == "exit code 0.\n(no more output)"
        assert await read(1) == "exit code 0.\n(no more output, as at your last 2 looks)"

    session(tmp_path, body)


def test_much_that_is_new_is_cut_in_the_middle(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run("until [ -e a ]; do sleep 0.02; done; seq 1 1000", background=True)
        (tmp_path / "a").touch()
        content = await read(1)
        assert content.startswith("exit code 0.\n1\n2\n")
        assert content.endswith("\n999\n1000")
        assert len(content) < 800
        call = call_in(content)
        shown = content.partition("\n")[2].split("…")[0]
        assert call == {"id": 1, "offset": len(shown)}

    session(tmp_path, body)


def test_nothing_new_is_waited_for_and_not_said_twice_in_the_same_way(tmp_path: Path) -> None:
    """The same result again and again would be taken for a loop of the model's; and it must not be answered at once."""

    async def body(run: Say, read: Say) -> None:
        await run("sleep 1.2; echo late", background=True)
        assert await read(1) == "exit code 0.\nlate"

    session(tmp_path, body)
    assert list(WAITS) == sorted(WAITS)
    assert WAITS[0] >= 5


def test_waiting_for_the_end(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done", background=True)
        assert await read(1, wait=60) == "exit code 0.\n1\n2\n3\n4\n5\n6\n7\n8"

    session(tmp_path, body)


def test_killed(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run("echo up; sleep 100", background=True)
        assert await read(1, kill=True) == "killed.\nup"
        assert (await read(1, kill=True)).startswith("killed.")

    session(tmp_path, body)


def test_search(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run("seq 1 1000; echo Error: here; echo and a warning", background=True)
        found = (
            "exit code 0. 2 lines with 'error|WARN', after the offset of each:\n3893: Error: here\n3905: and a warning"
        )
        assert await read(1, search="error|WARN") == found
        assert (await read(1, search="Error")).startswith("exit code 0. 1 line with 'Error', after")
        many = await read(1, search="7")
        assert many.endswith("\n… 265 more; search for something rarer")
        assert (await read(1, search="(unclosed")).startswith("exit code 0. No line holds '(unclosed' (upper and lower")

    session(tmp_path, body)


@pytest.mark.parametrize(
    ("offset", "first", "last"),
    [(0, "Bytes 0 to 10 of 10:", "five"), (5, "Bytes 5 to 10 of 10:", "five"), (-5, "Bytes 5 to 10 of 10:", "five"),
     (99, "Bytes 10 to 10 of 10:", "(nothing)")],
)  # fmt: skip
def test_offsets(tmp_path: Path, offset: int, first: str, last: str) -> None:
    async def body(run: Say, read: Say) -> None:
        await run("echo four; echo five", background=True)
        said = (await read(1, offset=offset)).split("\n")
        assert (said[0], said[-1]) == (f"exit code 0. {first}", last)

    session(tmp_path, body)


def test_after_the_session_was_taken_up_again(tmp_path: Path) -> None:
    outputs = tmp_path / "s.outputs"

    async def first(run: Say, read: Say) -> None:
        await run("echo said; exit 3", background=True)

    async def second(run: Say, read: Say) -> None:
        assert await read(1, offset=0) == "exit code 3. Bytes 0 to 5 of 5:\nsaid"
        assert '{"id": 2,' in await run("seq 1 1000")

    session(tmp_path, first, outputs)
    session(tmp_path, second, outputs)


def test_an_unknown_id(call: Callable[..., ToolResult]) -> None:
    result = call("read_command_output", id=9)
    assert (result.content, result.failed) == (
        "There is no command with the id 9. In the background there is: none.",
        True,
    )


def test_colours_and_progress_are_cleaned(tmp_path: Path) -> None:
    async def body(run: Say, read: Say) -> None:
        await run(r"printf '\033[31mred\033[0m\n10%%\r100%%\n'", background=True)
        assert (await read(1, offset=0)).endswith("\nred\n100%")
        assert (await read(1, search="red")).endswith("\n0: red")

    session(tmp_path, body)
