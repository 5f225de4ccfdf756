"""What runs is what was judged: a path that leads elsewhere by then is refused."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from roundtrip.agent.events import AssistantEnded, Event, ToolFinished
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.rules.repeats import Repeats
from roundtrip.agent.runtime.calls import CallRunner
from roundtrip.agent.runtime.workspace import LocalWorkspace, held
from roundtrip.agent.tooling import Approver, Intent, Refusal
from roundtrip.tools.toolset import default_tools

pytestmark = pytest.mark.once

CALLS = {
    "read_file": {"path": "link/file"},
    "list_files": {"path": "link"},
    "search_files": {"path": "link", "regex": "."},
    "edit_file": {"path": "link/file", "old_string": "inside", "new_string": "new"},
    "write_to_file": {"path": "link/new", "content": "new"},
    "execute_command": {"command": "cat file", "cwd": "link"},
}


class Swapping:
    """Lets calls run, and changes something before they do."""

    def __init__(self, change: Callable[[], None]) -> None:
        self._change = change

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        self._change()
        return None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in (("outside", "secret"), ("root/folder", "inside"), ("root/other", "other")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(f"{text}\n")
    (tmp_path / "root" / "link").symlink_to("folder")
    return tmp_path / "root"


def led_elsewhere(root: Path, to: str) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to(to)


def replaced(root: Path, by: str) -> None:
    (root / "folder").rename(root / "before")
    (root / "folder").symlink_to(by)


def outcome(name: str, workspace: LocalWorkspace, approver: Approver) -> ToolFinished:
    """What the model is told. The file outside is neither shown nor changed."""
    folder, events = workspace.root / "folder", list[Event]()
    workspace.look(folder / "file")()
    runner = CallRunner(default_tools(workspace), approver, Repeats(), events.append, events.append)
    call = Call(0, name, json.dumps(CALLS[name]))
    asyncio.run(runner.run(AssistantEnded(0, Assistant(calls=(call,)))))
    outside = workspace.root.parent / "outside"
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("file", "secret\n")]
    finished = events[-1]
    assert isinstance(finished, ToolFinished)
    assert not any(word in finished.content for word in ("secret", "other", "outside")), finished.content
    return finished


@pytest.mark.parametrize("change", [led_elsewhere, replaced])
@pytest.mark.parametrize("to", ["../outside", "other"])
@pytest.mark.parametrize("name", CALLS)
def test_a_path_that_leads_elsewhere_by_then(
    root: Path, name: str, to: str, change: Callable[[Path, str], None]
) -> None:
    assert outcome(name, LocalWorkspace(root), Swapping(lambda: change(root, to))).failed


class Late(LocalWorkspace):
    """Where a link comes into the path when a call that runs has just looked at it."""

    asked = 0

    def locate(self, path: str, *, writing: bool = False) -> Path | Refusal:
        found = super().locate(path, writing=writing)
        self.asked += 1
        if self.asked == 2:
            replaced(self.root, "../outside")
        return found


@pytest.mark.parametrize("name", [name for name in CALLS if name != "execute_command"])
def test_a_link_that_comes_later_still(root: Path, name: str) -> None:
    outcome(name, Late(root), Swapping(lambda: None))


def test_a_program_starts_in_the_folder_that_was_judged(root: Path) -> None:
    """Whatever its name means by then."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    with held(root / "folder") as folder:
        replaced(root, "other")
        done = subprocess.run(["cat", "file"], cwd=folder, capture_output=True, check=True)
    assert done.stdout == b"inside\n"
    running = LocalWorkspace(root).run(["cat", "file"], cwd=root / "folder", seconds=9, output=lambda text: None)
    assert asyncio.run(running).output == "folder can't be entered: folder has become a symbolic link"
