"""Calls of the edit tools that can't change anything: nobody is asked, and nothing slips through because of that."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.events import AssistantEnded, Event, ToolFinished
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.rules.approvals import Allow, Rules
from roundtrip.agent.rules.repeats import Repeats
from roundtrip.agent.runtime.approved import approved_as
from roundtrip.agent.runtime.calls import CallRunner
from roundtrip.agent.runtime.checkpoints.recorder import Checkpoints
from roundtrip.agent.runtime.permissions import Permissions
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Intent, Refusal
from roundtrip.tools.toolset import default_tools

LONG = "".join(f"line {number}\n" for number in range(1, 301))


class Person:
    """Says yes to all that the rules ask, and may do something meanwhile."""

    def __init__(self, root: Path, meanwhile: Callable[[], object]) -> None:
        self.permissions = Permissions(Rules(root))
        self.meanwhile = meanwhile
        self.asked = 0

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        self.asked += not isinstance(self.permissions.decide(intent), Allow)
        self.meanwhile()
        return None


class Folder:
    """A workspace in which calls are run as in a turn."""

    def __init__(self, path: Path) -> None:
        self.root = path / "project"
        self.root.mkdir()
        self.workspace = LocalWorkspace(self.root)
        self.tools = default_tools(self.workspace)
        self.checkpoints = Checkpoints(path / "checkpoints", self.root, lambda text: None)
        self.asked = 0

    def write(self, name: str, text: str, *, read: bool = False) -> None:
        (self.root / name).write_text(text, encoding="utf-8")
        if read:
            self.workspace.look(self.root / name)()

    def call(self, name: str, meanwhile: Callable[[], object] = lambda: None, **arguments: Any) -> ToolFinished:
        events: list[Event] = []
        person = Person(self.root, meanwhile)
        runner = CallRunner(self.tools, person, Repeats(), events.append, events.append, self.checkpoints)
        asyncio.run(runner.run(AssistantEnded(1, Assistant(calls=(Call(0, name, json.dumps(arguments)),)))))
        self.asked = person.asked
        return next(event for event in events if isinstance(event, ToolFinished))

    @property
    def recorded(self) -> bool:
        return (self.root.parent / "checkpoints").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


def patch(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


def edit(path: str, old: str, new: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "edit_file", {"path": path, "old_string": old, "new_string": new, **more}


IMPOSSIBLE = {
    "absent": edit("seen", "nothing", "x"),
    "twice": edit("seen", "two", "x"),
    "applied": edit("seen", "gone", "one"),
    "the same": edit("seen", "one", "one"),
    "no such lines": ("edit_file", {"path": "seen", "new_string": "x", "start_line": 50}),
    "unread": edit("long", "line 200", "x"),
    "no file": edit("missing", "a", "b"),
    "a folder": edit("folder", "a", "b"),
    "a patch in place of text": edit("seen", block("nothing", "x"), ""),
    "under another name": ("str_replace_editor", {"command": "str_replace", "path": "seen", "old_str": "0"}),
    "a block that does not fit": ("apply_diff", {"path": "seen", "diff": block("one", "x") + "\n" + block("no", "x")}),
    "an unread file in a patch": ("apply_diff", {"diff": patch("*** Add File: n", "+1", "*** Delete File: long")}),
    "a patch that is applied": ("apply_diff", {"diff": patch("*** Add File: seen", "+one", "+two", "+two")}),
    "the whole of an unread file": ("write_to_file", {"path": "long", "content": "x\n"}),
    "what is there": ("write_to_file", {"path": "seen", "content": "one\ntwo\ntwo\n"}),
    "over a folder": ("write_to_file", {"path": "folder", "content": "x\n"}),
    "not over a file": ("write_to_file", {"path": "seen", "content": "x\n", "overwrite": False}),
    "a patch as a content": ("write_to_file", {"path": "seen", "content": block("nothing", "x")}),
}


@pytest.mark.parametrize(("name", "arguments"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_nobody_is_asked_and_nothing_is_recorded(folder: Folder, name: str, arguments: dict[str, Any]) -> None:
    folder.write("seen", "one\ntwo\ntwo\n", read=True)
    folder.write("long", LONG)
    (folder.root / "folder").mkdir()
    result = folder.call(name, **arguments)
    assert folder.asked == 0
    assert not folder.recorded
    assert not result.refused
    assert (folder.root / "seen").read_text() == "one\ntwo\ntwo\n"
    assert (folder.root / "long").read_text() == LONG
    assert result.content.startswith(("Not edited", "Not written", "already applied", "unchanged", "seen", "missing",
                                      "folder")), result.content  # fmt: skip


POSSIBLE = {
    "an edit": edit("seen", "one", "x"),
    "of a small file that was not read": edit("small", "tiny", "x"),
    "a new file": edit("new", "", "x"),
    "a patch": ("apply_diff", {"path": "seen", "diff": block("one", "x")}),
    "a move": ("apply_diff", {"diff": patch("*** Update File: seen", "*** Move to: new", "-one", "+one")}),
    "a file": ("write_to_file", {"path": "seen", "content": "x\n"}),
    "more of an unread file": ("write_to_file", {"path": "small", "content": "x\n", "append": True}),
}


@pytest.mark.parametrize(("name", "arguments"), POSSIBLE.values(), ids=POSSIBLE)
def test_all_others_are_asked_and_recorded(folder: Folder, name: str, arguments: dict[str, Any]) -> None:
    folder.write("seen", "one\ntwo\n", read=True)
    folder.write("small", "tiny\n")
    assert not folder.call(name, **arguments).failed
    assert folder.asked == 1
    assert folder.recorded


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        edit("a", "two", "x"),
        ("apply_diff", {"path": "a", "diff": block("two", "x")}),
        ("write_to_file", {"path": "a", "content": "one\n"}),
        ("str_replace_editor", {"command": "str_replace", "path": "a", "old_str": "two", "new_str": "x"}),
    ],
    ids=["edit_file", "apply_diff", "write_to_file", "str_replace_editor"],
)
def test_an_edit_that_has_become_possible_is_not_made_unasked(
    folder: Folder, name: str, arguments: dict[str, Any]
) -> None:
    folder.write("a", "one\n", read=True)
    result = folder.call(name, lambda: folder.write("a", "one\ntwo\n", read=True), **arguments)
    assert (folder.asked, result.failed) == (0, True)
    assert "the file changed while the call waited" in result.content
    assert result.content.endswith("send the call again.")
    assert (folder.root / "a").read_text() == "one\ntwo\n"
    assert not folder.call(name, **arguments).failed
    assert folder.asked == 1


def test_a_file_that_went_away_is_not_made_anew_unasked(folder: Folder) -> None:
    folder.write("a", "one\n")
    result = folder.call("write_to_file", (folder.root / "a").unlink, path="a", content="x\n")
    assert (folder.asked, result.failed) == (0, True)
    assert not (folder.root / "a").exists()


def test_what_reads_does_not_write_in_tasks_and_threads_either(folder: Folder) -> None:
    def write(name: str) -> None:
        folder.workspace.replace(folder.root / name, b"x")

    async def main() -> None:
        async def task() -> None:
            write("b")

        with approved_as("reads"):
            for writing in (asyncio.to_thread(write, "a"), asyncio.create_task(task())):
                with pytest.raises(PermissionError):
                    await writing
            with pytest.raises(PermissionError):
                folder.workspace.remove(folder.root / "here")
            for effect in ("edits", "runs", "network"):
                with approved_as(effect):
                    write(effect)
        write("d")

    folder.write("here", "x")
    asyncio.run(main())
    assert sorted(path.name for path in folder.root.iterdir()) == ["d", "edits", "here", "network", "runs"]
