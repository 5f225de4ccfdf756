import asyncio
import json
import re
from pathlib import Path

import pytest
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools import command_text
from roundtrip.tools.caps import Caps
from roundtrip.tools.execute_command import ExecuteCommand


@pytest.mark.parametrize(
    ("command", "content", "failed"),
    [
        ("echo hi", "exit code 0.\nhi", False),
        ("echo out; echo err >&2; exit 3", "exit code 3.\nout\nerr", True),
        ("true", "exit code 0.\n(no output)", False),
        ("cat", "exit code 0.\n(no output)", False),
        ("kill -9 $$", "ended by signal 9 (Killed).\n(no output)", True),
        (r"printf '\033[31mred\033[0m \033]0;title\007x\n'", "exit code 0.\nred x", False),
        (r"printf '10%%\r50%%\r100%%\r\ndone\n'", "exit code 0.\n100%\ndone", False),
        (r"printf '\377ok'", "exit code 0.\n\ufffdok", False),
        ("nonsense_of_a_command 2>/dev/null", "exit code 127.\n(no output)", True),
    ],
)
def test_what_the_model_reads(call, command: str, content: str, failed: bool) -> None:
    result = call("execute_command", command=command)
    assert (result.content, result.failed) == (content, failed)


def test_the_duration_is_for_people_only(call) -> None:
    result = call("execute_command", command="true")
    assert result.details.startswith("exit code 0, 0.")
    assert " s" not in result.content


def test_where_it_runs(call, workspace, tmp_path: Path) -> None:
    (workspace.root / "sub").mkdir()
    assert call("execute_command", command="pwd").content.endswith(f"\n{workspace.root}")
    assert call("execute_command", command="pwd", cwd="sub").content.endswith(f"\n{workspace.root}/sub")
    assert call("execute_command", command="pwd", cwd="sbu").content == "sbu does not exist. Did you mean: sub?"
    for outside in ("..", str(tmp_path), "/"):
        assert "outside the workspace" in call("execute_command", command="pwd", cwd=outside).content


def test_a_file_is_no_cwd(call, workspace) -> None:
    (workspace.root / "file").touch()
    assert call("execute_command", command="pwd", cwd="file").failed


def test_a_line_of_the_output_is_no_gap(call) -> None:
    content = call("execute_command", command="echo '… 77 bytes omitted …'; seq 1 200000").content
    status, first, *_ = content.split("\n")
    offset = json.loads(status[status.index("{") : status.rindex("}") + 1])["offset"]
    shown = content.removeprefix(f"{status}\n")
    assert (first, offset) == ("… 77 bytes omitted …", len(shown[: shown.index("\n…")].encode()) + 1)


def test_a_long_output_is_cut_in_the_middle(call) -> None:
    content = call("execute_command", command="seq 1 200000").content
    status, first, *_, last = content.split("\n")
    hint = re.fullmatch(r"exit code 0\. The output is cut; .* read_command_output with ({.*})\.", status)
    assert hint
    shown = content[: content.index("…")].removeprefix(f"{status}\n")
    assert json.loads(hint[1]) == {"id": 1, "offset": len(shown)}
    assert (first, last) == ("1", "200000")
    assert len(content.encode()) < 17 * 1024
    kept = sum(len(line) + 1 for line in content.split("\n")[1:] if line.isdigit())
    total = sum(len(str(number)) + 1 for number in range(1, 200_001))
    assert f"\n… {total - kept} bytes omitted …\n" in content


def test_people_are_not_drowned(tools) -> None:
    pieces: list[str] = []
    asyncio.run(tools["execute_command"].run({"command": "yes | head -c 5000000"}, pieces.append))
    live = "".join(pieces)
    assert 1024 * 1024 <= len(live) < 1024 * 1024 + 100_000
    assert live.endswith("… the rest of the output is not shown live …\n")


def test_the_time_limit(call) -> None:
    result = call("execute_command", command="echo begun; sleep 60", timeout=1)
    advice = 'give a larger timeout, for example "timeout": 2, or run it with "background": true'
    assert result.failed
    assert result.content.startswith(f"killed after 1 s: {advice}.\nbegun")


@pytest.mark.parametrize("timeout", [0, -1, 10**9])
def test_a_time_limit_that_makes_no_sense(call, timeout: int) -> None:
    assert call("execute_command", command="echo hi", timeout=timeout).content == "exit code 0.\nhi"


def test_no_command(call) -> None:
    assert call("execute_command", command=" ").content == "The command is empty."


def test_a_command_that_cannot_be_given_to_a_shell(call) -> None:
    assert "could not be started" in call("execute_command", command="a\0b").content
    assert "could not be started" in call("execute_command", command="echo \ud800").content


def test_intent(tools, workspace) -> None:
    intent = tools["execute_command"].intent({"command": "rm x"})
    assert (intent.effect, intent.paths, intent.command) == ("runs", (workspace.root,), "rm x")
    refused = tools["execute_command"].intent({"command": "rm x", "cwd": ".."})
    assert (refused.command, refused.refusal is None) == ("rm x", False)


def test_the_cap_follows_the_context(workspace) -> None:
    small = ExecuteCommand(workspace, Caps(output=300))
    content = asyncio.run(small.run({"command": "seq 1 1000"}, lambda text: None)).content
    assert len(content) < 600
    assert content.endswith("\n1000")


def test_in_the_background(tools, workspace) -> None:
    async def run() -> tuple[ToolResult, ToolResult]:
        tool = tools["execute_command"]
        stays = await tool.run({"command": "echo up; sleep 100", "background": True}, lambda text: None)
        ends = await tool.run({"command": "echo gone; exit 3", "background": True}, lambda text: None)
        await workspace.jobs.close()
        return stays, ends

    stays, ends = asyncio.run(run())
    how = 'read_command_output with {"id": 1} shows what it says, and with "kill": true ends it'
    assert (stays.content, stays.failed) == (f"running in the background with the id 1; {how}.\nup", False)
    assert (ends.content, ends.failed) == ("exit code 3.\ngone", True)


def test_what_the_sandbox_refuses_is_a_result(workspace) -> None:
    strict = Confinement(workspace.root, mode="strict", kind="none")
    refusing = LocalWorkspace(workspace.root, jobs=LocalJobs(workspace.root, confinement=strict))
    result = asyncio.run(ExecuteCommand(refusing).run({"command": "touch made"}, lambda text: None))
    assert result.failed
    assert "complete sandbox" in result.content
    assert not (workspace.root / "made").exists()


def test_the_note_of_the_sandbox_stands_last(workspace) -> None:
    confinement = Confinement(workspace.root, mode="auto")
    if confinement.sandbox.kind == "none":
        pytest.skip(confinement.sandbox.reason)
    confined = LocalWorkspace(workspace.root, jobs=LocalJobs(workspace.root, confinement=confinement))

    async def run() -> str:
        result = await ExecuteCommand(confined).run({"command": "touch /usr/owned"}, lambda text: None)
        await confined.jobs.close()
        return result.content

    status, said, note = asyncio.run(run()).split("\n")
    assert (status, said[:6]) == ("exit code 1.", "touch:")
    assert note.startswith("(Commands run in a sandbox: they can write only in the workspace")


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        ("cd .", True), ("cd . && export A=1; B=2", True), ("export A='b c'\n. ./env", True), ("cd . # there", True),
        ("cd . && ls", False), ("A=1 env", False), ("export A=$(pwd)", False), ("cdrom", False), ("set > a", False),
    ],
)  # fmt: skip
def test_what_has_no_effect_on_the_next_command_is_told(command: str, lost: bool) -> None:
    assert bool(command_text.lost(command)) is lost


def test_a_folder_that_is_entered_for_nothing(call) -> None:
    said = call("execute_command", command="cd /tmp").content
    assert said.startswith(
        "exit code 0.\n(no output)\n(each command has a new shell, so this has no effect on the next"
    )
