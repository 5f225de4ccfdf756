"""`apply_diff` as the runtime calls it: everything or nothing, in one file or in several."""

import asyncio
import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.apply_diff import ApplyDiff
from roundtrip.tools.editing.documents import documents
from roundtrip.tools.editing.hunks import Hunk
from roundtrip.tools.editing.planning import Plan, plan_hunks, written

LONG = "".join(f"line {number}\n" for number in range(1, 501))
THREE = "def f():\n    return 1\n\n\ndef g():\n    return 1\n\n\ndef h():\n    return 1\n"


@pytest.fixture
def root(workspace: LocalWorkspace) -> Path:
    return workspace.root


def block(old: str, new: str, line: int = 0) -> str:
    hint = f":start_line:{line}\n-------\n" if line else ""
    return f"<<<<<<< SEARCH\n{hint}{old}=======\n{new}>>>>>>> REPLACE\n"


def envelope(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


def seen(workspace: LocalWorkspace, name: str, data: str | bytes) -> Path:
    path = workspace.root / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    workspace.look(path)()
    return path


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# Places


@pytest.mark.parametrize(
    ("text", "diff", "expected"),
    [
        ("a\nb\n", block("a\n", "x\n"), "x\nb\n"),
        ("a\nb\nc\n", block("c\n", "z\n") + block("a\n", "x\n"), "x\nb\nz\n"),
        ("a\nb\n", block("a\n", ""), "b\n"),
        ("a\nb", block("b\n", "c\n"), "a\nc"),
        ("a\nb", block("b\n", "c\nd\n"), "a\nc\nd"),
        ("a\n  b", block("b\n", "c\n"), "a\n  c"),
        ("a\na\na\n", block("a\n", "x\n", 2), "a\nx\na\n"),
        ("\ta\n", block("a\n", "b\n"), "\tb\n"),
        ("a\nb\nc\n", block("a\nb\n", "x\nb\n") + block("b\nc\n", "b\nz\n"), "x\nb\nz\n"),
        (THREE, envelope("*** Update File: a", "@@ def g():", "-    return 1", "+    return 2"),
         THREE.replace("g():\n    return 1", "g():\n    return 2")),
        (THREE, envelope("*** Update File: a", "@@ def h():", "-    return 1", "+    return 2"),
         THREE.replace("h():\n    return 1", "h():\n    return 2")),
        (THREE, envelope("*** Update File: a", " def g():", "-    return 1", "+    return 2",
                         "@@", "-    return 1", "+    return 3"),
         "def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\ndef h():\n    return 3\n"),
        (THREE, envelope("*** Update File: a", "-    return 1", "+    return 2", "*** End of File"),
         THREE.removesuffix("1\n") + "2\n"),
        ("a\n", envelope("*** Update File: a", "@@", "+b"), "a\nb\n"),
        ("a", envelope("*** Update File: a", "@@", "+b"), "a\nb\n"),
        (THREE, "--- a/a\n+++ b/a\n@@ -6 +6 @@\n-    return 1\n+    return 2\n",
         THREE.replace("g():\n    return 1", "g():\n    return 2")),
        (THREE, "@@ -9 +1,7 @@ wrong\n def f():\n-    return 1\n+    return 2\n", THREE.replace("1", "2", 1)),
        ("a", "--- a\n+++ a\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", "b\n"),
    ],
)  # fmt: skip
def test_hunks_are_found_by_their_text(workspace, root: Path, call, text: str, diff: str, expected: str) -> None:
    seen(workspace, "a", text)
    result = call("apply_diff", path="a", diff=diff)
    assert not result.failed, result.content
    assert (root / "a").read_text() == expected


@pytest.mark.parametrize(
    ("text", "diff", "said"),
    [
        ("a\na\n", block("a\n", "x\n"), "its old text is there 2 times, at lines 1, 2"),
        ("a\na\n", block("a\n", "x\n", 5), "is there 2 times"),
        (
            "a\nb\nx\na\nb",
            block("a\nb\n", "a\nc\n"),
            "is there 2 times",
        ),  # the newline behind the last line is the block's
        (
            "a\nb\n",
            block("a\n", "x\n") + block("c\n", "y\n"),
            "a, block 1: fits\na, block 2: its old text is not",
        ),
        ("a\nb\n", block("a\nb\n", "x\ny\n") + block("b\n", "z\n"), "blocks 1 and 2 change the same lines"),
        ("a\n", block("", "x\n"), "its old text is empty"),
        (THREE, envelope("*** Update File: a", "-    return 1", "+    return 2"), "is there 3 times"),
        (THREE, envelope("*** Update File: a", "@@ return 1", "-    return 1", "+    return 2"), "is there 3 times"),
        ("ab\n", block("a\n", "x\n"), "is not there"),
        ("ba\n", block("a\n", "x\n"), "is not there"),
        ("a\nb\n", block("\n", ""), "is not there"),
    ],
)
def test_what_is_not_clear_changes_nothing(workspace, root: Path, call, text: str, diff: str, said: str) -> None:
    seen(workspace, "a", text)
    result = call("apply_diff", path="a", diff=diff)
    assert result.failed
    assert result.content.startswith("Not edited: nothing was applied")
    assert said in result.content
    assert (root / "a").read_text() == text


def test_what_is_said(workspace, call) -> None:
    seen(workspace, "a.py", "a = 1\nb = 2\nc = 3\n")
    result = call("apply_diff", path="a.py", diff=block("c = 3\n", "c = (\n") + block("a = 1\n", "a = 0\n"))
    assert result.content == (
        "edited a.py (+2 -2)\n-1|a = 1\n+1|a = 0\n 2|b = 2\n-3|c = 3\n+3|c = (\n"
        "Warning: a.py can't be parsed any more: '(' was never closed (line 3)"
    )
    assert result.details.startswith("--- a.py\n+++ a.py\n@@ -1,3 +1,3 @@\n")


@pytest.mark.parametrize("lines", [("*** Delete File: link",), ("*** Update File: link", "*** Move to: c", "-a", "+b")])
def test_a_link_is_not_taken_for_its_file(workspace, root: Path, call, lines: tuple[str, ...]) -> None:
    seen(workspace, "a", "a\n")
    (root / "link").symlink_to("a")
    result = call("apply_diff", diff="\n".join(("*** Begin Patch", *lines, "*** End Patch")))
    said = "Nothing was applied: link is a link to a; use execute_command with rm or mv"
    assert (result.failed, result.content) == (True, said)
    assert ((root / "a").read_text(), sorted(os.listdir(root))) == ("a\n", ["a", "link"])


def test_already_applied(workspace, call) -> None:
    seen(workspace, "a", "a = 2\nb\n")
    again = block("a = 1\n", "a = 2\n")
    assert call("apply_diff", path="a", diff=again).content == "a: already applied, nothing was changed"
    assert call("apply_diff", path="a", diff=again + block("b\n", "y\n")).content.startswith("edited a (+1 -1)")


def test_the_second_failure_shows_the_file(workspace, call) -> None:
    seen(workspace, "a", LONG)
    diff = block("line 100 x\n", "y\n")
    assert "\na: lines" not in call("apply_diff", path="a", diff=diff).content
    assert "\na: lines 70-130 of 500." in call("apply_diff", path="a", diff=diff).content
    assert "This has failed 3 times" in call("apply_diff", path="a", diff=diff).content


# What the model has not seen


def test_an_unread_file_is_shown_first(root: Path, call) -> None:
    (root / "a").write_text(LONG)
    diff = block("line 300\n", "x\n")
    assert "\na: lines 270-330 of 500." in call("apply_diff", path="a", diff=diff).content
    assert (root / "a").read_text() == LONG
    assert not call("apply_diff", path="a", diff=diff).failed
    (root / "b").write_text("a\nb\n")
    assert not call("apply_diff", path="b", diff=block("a\n", "x\n")).failed, "small, and exactly there"
    (root / "c").write_text("a  \nb\n")
    assert call("apply_diff", path="c", diff=block("a\n", "x\n")).failed


def test_of_several_files_none_is_touched(workspace, root: Path, call) -> None:
    seen(workspace, "a", "a\n")
    (root / "b").write_text(LONG)
    before = tree(root)
    lines = ("*** Update File: a", "-a", "+x", "*** Update File: b", "-line 300", "+x")
    assert call("apply_diff", diff=envelope(*lines)).content.startswith(
        "Not edited: b has not been read, so nothing was applied to any file.\n"
        "Here it is as it is now. Send the patch again, with what you see here."
    )
    absent = call("apply_diff", diff=envelope("*** Update File: a", "-no", "+x", "*** Update File: b", "-line 3", "+x"))
    assert absent.content.startswith("Not edited: nothing was applied to any file.\na, block 1: its old text is not")
    assert tree(root) == before


def test_an_unread_file_is_not_deleted_unseen(root: Path, call) -> None:
    (root / "a").write_text("precious\n")
    diff = envelope("*** Delete File: a")
    first = call("apply_diff", diff=diff)
    assert "a has not been read" in first.content
    assert "1|precious" in first.content
    assert (root / "a").exists()
    assert call("apply_diff", diff=diff).content == "deleted a"
    assert not (root / "a").exists()


# Files


def test_several_files(workspace, root: Path, call, tools) -> None:
    seen(workspace, "a", "a\n")
    seen(workspace, "d", "d\n")
    path = seen(workspace, "m", "m\n")
    path.chmod(0o755)
    lines = ("*** Add File: n/x", "+1", "*** Update File: a", "-a", "+b", "*** Delete File: d",
             "*** Update File: m", "*** Move to: n/m", "-m", "+o")  # fmt: skip
    intent = tools["apply_diff"].intent({"diff": envelope(*lines)})
    assert (intent.effect, intent.paths) == ("edits", tuple(root / name for name in ("n/x", "a", "d", "m", "n/m")))
    preview = intent.preview()
    result = call("apply_diff", diff=envelope(*lines))
    assert result.content.splitlines() == [
        "created n/x", "edited a (+1 -1)", "-1|a", "+1|b", "deleted d", "moved m to n/m", "edited n/m (+1 -1)",
        "-1|m", "+1|o",
    ]  # fmt: skip
    assert result.details == preview
    assert tree(root) == {"n/x": b"1\n", "a": b"b\n", "n/m": b"o\n"}
    assert stat.S_IMODE((root / "n/m").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("*** Update File: missing", "-a", "+b"), "missing does not exist"),
        (("*** Delete File: missing",), "missing does not exist"),
        (("*** Add File: a", "+x"), "it exists already"),
        (("*** Update File: a", "*** Move to: c", "-a", "+b"), "c exists already"),
        (("*** Update File: folder", "-a", "+b"), "is a folder"),
        (("*** Update File: binary", "-a", "+b"), "is a binary file"),
        (("*** Update File: a", "-nothing", "+b"), "is not there"),
        (("*** Update File: a", "-a", "+b", "*** Delete File: a"), "a occurs twice in the patch"),
        (("*** Update File: ../outside", "-a", "+b"), "outside the workspace"),
        (("*** Update File: a", "*** Move to: .git/hooks/x", "-a", "+b"), "belongs to git"),
        (("*** Add File: link/x", "+x"), "leads out of the workspace"),
        (("*** Delete File: /etc/passwd",), "outside the workspace"),
    ],
)
def test_one_bad_file_stops_all(workspace, root: Path, call, tools, lines: tuple[str, ...], said: str) -> None:
    seen(workspace, "a", "a\n")
    seen(workspace, "c", "c\n")
    seen(workspace, "binary", b"\0\0")
    (root / "folder").mkdir()
    (root / "link").symlink_to("..")
    before = tree(root)
    diff = envelope("*** Update File: c", "-c", "+d", *lines)
    result = call("apply_diff", diff=diff)
    assert result.failed
    assert said in result.content
    assert tree(root) == before
    located = tools["apply_diff"].intent({"diff": diff})
    assert located.refusal is not None or said in located.preview()


def test_what_was_written_is_taken_back_when_the_disk_fails(workspace, root: Path, call) -> None:
    """The third file can't be written; that is found out when the first two are."""
    seen(workspace, "a", "a\n")
    seen(workspace, "b", "b\n")
    seen(workspace, "c", "c\n").chmod(0o444)
    before = tree(root)
    diff = envelope(
        "*** Update File: a",
        "-a",
        "+x",
        "*** Add File: n",
        "+1",
        "*** Delete File: b",
        "*** Update File: c",
        "-c",
        "+d",
    )
    result = call("apply_diff", diff=diff)
    assert result.content == "Nothing was applied: the file is read-only."
    assert tree(root) == before


def test_what_was_removed_is_taken_back_as_it_was(workspace, root: Path, call) -> None:
    seen(workspace, "run", "1\n").chmod(0o754)
    seen(workspace, "z", "1\n").chmod(0o444)
    result = call("apply_diff", diff=envelope("*** Delete File: run", "*** Delete File: z"))
    assert result.content == "Nothing was applied: the file is read-only."
    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o754


class Full(LocalWorkspace):
    """A disk on which there is room for so many files more."""

    room = 1

    def replace(self, path: Path, data: bytes, **more: Any) -> None:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= 1
        super().replace(path, data, **more)


def test_what_can_not_be_taken_back_is_said(root: Path) -> None:
    workspace = Full(root)
    for name in ("a", "b"):
        seen(workspace, name, "1\n")
    diff = envelope("*** Update File: a", "-1", "+2", "*** Update File: b", "-1", "+2")
    result = asyncio.run(ApplyDiff(workspace).run({"diff": diff}, print))
    full = "No space left on device"
    assert result.content == f"Applied in part only: {full}. What could not be taken back: a is changed ({full})."
    assert (result.failed, tree(root)) == (True, {"a": b"2\n", "b": b"1\n"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "a", "diff": "words"}, "Nothing was applied: the diff has no SEARCH/REPLACE block"),
        ({"diff": block("a\n", "b\n")}, "it does not say which file it is for"),
        ({"path": "a", "diff": "b.py\n" + block("a\n", "b\n")}, "the path is a, but the diff is for b.py"),
        ({"path": "a", "diff": envelope("*** Update File: b", "-a", "+b")}, "the path is a, but the diff is for b"),
        ({"path": "a", "diff": envelope("*** Delete File: .")}, "the path is a, but the diff is for ."),
    ],
)
def test_calls_that_make_no_sense(workspace, root: Path, call, tools, arguments: dict[str, Any], said: str) -> None:
    seen(workspace, "a", "a\n")
    result = call("apply_diff", **arguments)
    assert result.failed
    assert said in result.content
    assert (root / "a").read_text() == "a\n"
    refusal = tools["apply_diff"].intent(arguments).refusal
    assert refusal is not None
    assert refusal.reason in result.content


@pytest.mark.parametrize(
    ("path", "named"), [("src/a", "a"), ("src/a", "src/a"), ("./src/a", "root/src/a"), ("", "src/a")]
)
def test_the_path_and_the_name_in_the_diff(workspace, root: Path, call, path: str, named: str) -> None:
    (root / "src").mkdir()
    seen(workspace, "src/a", "a\n")
    diff = f"--- {named}\n+++ {named}\n@@ -1 +1 @@\n-a\n+b\n"
    assert not call("apply_diff", **({"path": path} if path else {}), diff=diff).failed
    assert (root / "src/a").read_text() == "b\n"


def test_an_empty_search_makes_a_file(root: Path, call) -> None:
    assert call("apply_diff", path="n/a", diff=block("", "x\n")).content == "created n/a"
    assert (root / "n/a").read_text() == "x\n"


def test_a_patch_as_the_content_of_a_file(workspace, root: Path, call, tools) -> None:
    seen(workspace, "a", "a\nb\n")
    assert call("write_to_file", path="a", content=block("a\n", "x\n")).content.startswith("edited a (+1 -1)")
    assert call("write_to_file", path="a", content=block("q\n", "z\n")).failed
    assert (root / "a").read_text() == "x\nb\n"
    other = envelope("*** Update File: b", "-a", "+b")
    assert tools["write_to_file"].intent({"path": "a", "content": other}).paths == (root / "a",)
    assert call("write_to_file", path="a", content=other).content.startswith("overwrote a"), "it is for another file"
    seen(workspace, "docs", "Write:\n" + block("a\n", "b\n"))
    assert call("write_to_file", path="docs", content=block("a\n", "b\n")).content.startswith("overwrote docs")
    assert call("write_to_file", path="new", content=block("a\n", "b\n")).content.startswith("created new")


LINES = st.lists(st.sampled_from(["a", "b", "c", " a", "", "d"]), max_size=8)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(LINES, st.lists(st.tuples(LINES, LINES), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_a_plan_changes_its_lines_only(lines, pairs, ordered: bool, crlf: bool) -> None:
    """Whatever the hunks are: what is planned can be written, and lines that no hunk names stay."""
    end = "\r\n" if crlf and lines else "\n"
    data = "".join(line + end for line in lines).encode()
    document = documents(data)[0]
    hunks = [Hunk("".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new), line=2) for old, new in pairs]
    plans = [answer for answer in plan_hunks(document, hunks, ordered) if isinstance(answer, Plan)]
    result = written(document, plans).decode()
    named = {line.strip() for hunk in hunks for text in (hunk.old, hunk.new) for line in text.split("\n")}
    assert [line for line in result.split(end) if line.strip() not in named | {""}] == [
        line for line in lines if line.strip() not in named | {""}
    ]
    assert end == "\n" or result.count("\n") == result.count(end)


def test_failures_on_a_file_are_counted_over_all_tools(workspace, call) -> None:
    seen(workspace, "a", "one line\n")
    first = call("edit_file", path="a", old_string="nowhere at all", new_string="x")
    second = call("apply_diff", path="a", diff=block("nor is this\n", "x\n"))
    assert first.details == "not edited: the text to replace is not there"
    assert second.details == "not edited: the text to replace is not there, for the 2nd time"
    assert not call("apply_diff", path="a", diff=block("one line\n", "x y\n")).failed
    assert call("edit_file", path="a", old_string="nowhere at all", new_string="x").details == first.details
