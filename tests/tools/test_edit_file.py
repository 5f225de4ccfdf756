"""`edit_file` as the runtime calls it: what the model is told, and what the disk holds afterwards."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from roundtrip.agent.messages import Call, ToolResult
from roundtrip.agent.rules.dispatch import Dispatched, dispatch
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Tool

LONG = "".join(f"line {number}\n" for number in range(1, 1001))


@pytest.fixture
def root(workspace: LocalWorkspace) -> Path:
    return workspace.root


@pytest.fixture
def edit(call):
    """Edits a file that the model has seen."""

    def run(path: str, old: str, new: str, **more: Any) -> ToolResult:
        return call("edit_file", path=path, old_string=old, new_string=new, **more)

    return run


def seen(workspace: LocalWorkspace, name: str, data: str | bytes) -> Path:
    path = workspace.root / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    workspace.look(path)()
    return path


# What is changed, and what is said of it


def test_a_change(workspace, edit) -> None:
    path = seen(workspace, "a.py", "def f():\n    return 1\n\n\nf()\n")
    result = edit("a.py", "return 1", "return 2")
    assert (result.content, result.failed) == (
        "edited a.py (+1 -1)\n 1|def f():\n-2|    return 1\n+2|    return 2\n 3|",
        False,
    )
    assert result.details == "--- a.py\n+++ a.py\n@@ -1,5 +1,5 @@\n def f():\n-    return 1\n+    return 2\n \n \n f()"
    assert path.read_text() == "def f():\n    return 2\n\n\nf()\n"


def test_what_was_forgiven_is_said(workspace, edit) -> None:
    seen(workspace, "a", "\ta\n\tb\n")
    assert "(the old text was found at another indentation" in edit("a", "a\nb\n", "a\nc\n").content


def test_all_occurrences(workspace, edit) -> None:
    path = seen(workspace, "a", "x\n" * 100)
    result = edit("a", "x", "y", replace_all=True)
    assert result.content.startswith("edited a in 100 places (+100 -100)\n-1|x\n")
    assert result.content.endswith("-40|x\n… 160 more lines")
    assert path.read_text() == "y\n" * 100


def test_several_places(workspace, edit) -> None:
    seen(workspace, "a", "1\nx\n2\n3\nx\n4\n")
    assert edit("a", "x", "y").content == (
        "Not edited: old_string is there 2 times, at lines 2, 5:\n1|1\n2|x\n3|2\n--\n4|3\n5|x\n6|4\n"
        'Add lines before or after it until it fits one place only, and send the edit again. To change all of them, '
        'set "replace_all": true.'
    )  # fmt: skip


def test_several_places_in_a_line(workspace, edit) -> None:
    seen(workspace, "a", "1\nx = x\n2\n")
    said = "Not edited: old_string is there 2 times, at line 2:\n1|1\n2|x = x\n3|2\nAdd lines"
    assert edit("a", "x", "y").content.startswith(said)


def test_one_of_several_places_by_its_line(workspace, edit) -> None:
    path = seen(workspace, "a", "x\nx\nx\n")
    assert edit("a", "x", "y", start_line=9).failed
    assert not edit("a", "x", "y", start_line=2).failed
    assert path.read_text() == "x\ny\nx\n"


def test_what_is_not_there(workspace, edit) -> None:
    path = seen(workspace, "a.py", "def f(a):\n\treturn a\u00a0+ 1\n" + LONG)
    result = edit("a.py", "def f(a):\n    return a + 2\n", "x")
    assert result.content == (
        "Not edited: old_string is not there. The closest text in the file:\n1|def f(a):\n2|\treturn a\u00a0+ 1\n"
        'First difference: line 2 has "\\treturn a\\u00a0+ 1", old_string has "    return a + 2"\n'
        "Copy the text exactly as the file has it, without the line numbers, and send the edit again."
    )
    assert (path.read_text()[:9], result.failed) == ("def f(a):", True)


def test_the_second_and_the_third_failure_say_more(workspace, edit) -> None:
    seen(workspace, "a", LONG)
    assert edit("a", "line 500 x", "y").content.count("\n") < 8
    second = edit("a", "line 500 x", "y").content
    assert "\na: lines 470-530 of 1000." in second
    assert "\n530|line 530" in second
    third = edit("a", "line 500 x", "y").content
    assert "This has failed 3 times, so take another way: call edit_file with start_line and end_line" in third
    assert not edit("a", "line 500\n", "line y\n").failed
    assert edit("a", "line 600 x", "y").content.count("\n") < 8, "a success starts anew"


def test_the_third_failure_on_a_small_file(workspace, edit) -> None:
    seen(workspace, "a", "x\n")
    assert "write the whole file with write_to_file" in [edit("a", "y", "z") for _ in range(3)][-1].content


def test_lines_instead_of_a_text(workspace, root: Path, call) -> None:
    seen(workspace, "a", b"1\r\n2\r\n3\r\n4")
    assert not call("edit_file", path="a", start_line=2, end_line=3, new_string="x\ny\nz").failed
    assert (root / "a").read_bytes() == b"1\r\nx\r\ny\r\nz\r\n4"
    assert not call("edit_file", path="a", start_line=5, new_string="5\n6\n").failed
    assert (root / "a").read_bytes() == b"1\r\nx\r\ny\r\nz\r\n5\r\n6\r\n"
    assert not call("edit_file", path="a", start_line=1, end_line=4, new_string="").failed
    assert (root / "a").read_bytes() == b"5\r\n6\r\n"
    result = call("edit_file", path="a", start_line=9, end_line=8, new_string="x")
    assert "there is no line 8; the file has 2" in result.content
    for first, last in ((2, 0), (1, 3), (-1, 1)):
        result = call("edit_file", path="a", start_line=first, end_line=last, new_string="")
        assert f"there are no lines {first} to {last}; the file has 2" in result.content


def test_already_applied(workspace, edit) -> None:
    path = seen(workspace, "a", "1\nb = 2\n3\n")
    result = edit("a", "a = 1\n", "b = 2\n")
    assert (result.failed, result.content) == (
        False,
        "already applied: old_string is not there, and the new text is, at line 2. Nothing was changed in a.",
    )
    assert edit("a", "b = 2\nc\n", "b = 2\n").failed, "that the rest is there says nothing of a removal"
    assert edit("a", "1  \nb = 2", "1\nb = 2").content.startswith("already applied: the file is as this edit")
    assert path.read_text() == "1\nb = 2\n3\n"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("retries=3\nmax_retries = 5\n", "retries = 3", "retries = 5"),  # the new text is a part of another word
        ("limit  =  3\n\nretries = 5\n", "limit = 3", "retries = 5"),  # it stands elsewhere, for itself
        ("a {\n    b;\n}\n", "while (true) {", "}"),  # it says nothing
        ("def a(x):\n    return x\n\n\ndef b(x):\n    return 2\n", "def a(x): # a\n    return 1", "    return 2"),
        ("level = 3\n\n\nlevel = 1\n", "level = 2", "level = 3"),  # it is as near as what is meant
        ("timeout = 60  # seconds\n\ntimeout = 30 # secs\n", "timeout = 30  # seconds", "timeout = 60  # seconds"),
        ("def f(x):\n    return None\n", "value = table[key]\n", "    return None\n"),  # a line that is common
        ("def f(x):\n    pass\n\n\ndef g(x):\n    pass\n", "def h(x):\n    pass\n", "def f(x):\n    pass\n"),
    ],
)
def test_a_new_text_elsewhere_is_not_taken_for_the_edit(workspace, edit, text: str, old: str, new: str) -> None:
    path = seen(workspace, "a", text)
    result = edit("a", old, new)
    assert (result.failed, result.content.startswith("Not edited: old_string is not there")) == (True, True)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("a = 1\n\nretries = 3\n", "retries = 3", "retries = 5"),
        ("check(f(1), 1)\ncheck(f(2), 2)\ncheck(f(3), 3)\n", "check(f(2), 2)", "check(f(2), 4)"),
        ("x = f(a)\ny = f(b)\n", "f(b)", "g"),  # fragments
        ("x = f(a)\ny = f(b)\n", "y = f(b)\n", ""),
        ("a = 1\n", "a = 1", "}"),
    ],
)
def test_the_same_edit_again_is_applied_already(workspace, edit, text: str, old: str, new: str) -> None:
    path = seen(workspace, "a", text)
    assert not edit("a", old, new).failed
    left, again = path.read_text(), edit("a", old, new)
    assert (again.failed, again.content.startswith("already applied: ")) == (False, True)
    assert path.read_text() == left


def test_the_same_edit_again_is_another_one_when_the_file_has_changed(workspace, edit) -> None:
    seen(workspace, "a", "level = 2\n\nlevel = 1\n")
    assert not edit("a", "level = 2", "level = 3").failed
    assert not edit("a", "level = 2", "level = 3").failed
    assert not edit("a", "level = 1", "level = 0").failed
    assert not edit("a", "level = 2", "level = 3").failed, "whatever edits came in between"
    seen(workspace, "a", "level = 3\n\nlevel = 1\n")
    assert "look if that is this edit" in edit("a", "level = 2", "level = 3").content


def test_what_differs_in_a_long_line_is_shown(workspace, edit) -> None:
    words = "".join(f"word{n} " for n in range(200))
    seen(workspace, "a", f"1\n{words}one\n")
    said = edit("a", f"{words}two\n", "x\n").content
    first = len(words) + 1
    assert f'First difference: line 2 has at column {first} "' in said
    assert ('word199 one", old_string has "' in said, 'word199 two"' in said) == (True, True)
    changed = edit("a", f"{words}one\n", f"{words}three\n").content
    assert ("word199 one…" in changed, "word199 three…" in changed) == (True, True)


def test_what_was_not_read_is_shown_before_an_edit_counts_as_made(workspace, root: Path, edit, call) -> None:
    (root / "a").write_text("retries = 5\n" + LONG)
    first = edit("a", "retries = 3", "retries = 5")
    said = "Not edited: a has not been read, and old_string is not there, and the new text is, at line 1.\nHere it is"
    assert (first.failed, first.content.startswith(said)) == (True, True)
    assert edit("a", "retries = 3", "retries = 5").content.startswith("already applied: ")
    (root / "b").write_text("retries = 5\n" + LONG)
    block = "<<<<<<< SEARCH\nretries = 3\n=======\nretries = 5\n>>>>>>> REPLACE"
    first = call("apply_diff", path="b", diff=block)
    assert (first.failed, first.content.startswith("Not edited: b has not been read.\nHere it is")) == (True, True)
    assert call("apply_diff", path="b", diff=block).content == "b: already applied, nothing was changed"


def test_a_number_before_a_line_may_be_text(workspace, edit) -> None:
    path = seen(workspace, "a", "200: ok\nok\n")
    assert edit("a", "404: ok", "404: bad").failed
    assert edit("a", "1:ok\n", "1:bad\n").failed
    assert not edit("a", "2:ok", "2:bad").failed, "what grep shows is known by the number of its line"
    assert path.read_text() == "200: ok\nbad\n"
    path = seen(workspace, "b", "ok\nno\nok\nok\n")
    assert not edit("b", "3:ok", "3:bad").failed, "of several places the number names one"
    assert not edit("b", "1:ok", "1:new", replace_all=True).failed, "all of them are all of them"
    assert path.read_text() == "new\nno\nbad\nnew\n"


def test_an_edit_of_all_places_made_twice(workspace, call) -> None:
    seen(workspace, "a", "color = 1\nprint(color)\n")
    asked = {"path": "a", "edits": [{"old_string": "color", "new_string": "colour", "replace_all": True}] * 2}
    assert call("edit_file", **asked).content.startswith("edited a in 2 places")


def test_an_edit_made_twice_is_seen_where_its_lines_are_others(workspace, edit) -> None:
    seen(workspace, "a", "import os\n\nx = call(1)\n")
    assert edit("a", "call(1)", "call(2, 3)").content.startswith("edited a")
    for old, new in (("call(1)", "call(2, 3)"), ("x = call(1)\n", "x = call(2, 3)\n")):
        again = edit("a", old, new)
        assert (again.failed, again.content.startswith("already applied")) == (False, True)


def test_several_edits_build_on_each_other(workspace, root: Path, call) -> None:
    seen(workspace, "a", "a\nb\n")
    edits = [{"old_string": "a", "new_string": "x"}, {"old_string": "x\nb", "new_string": "x\ny"}]
    assert call("edit_file", path="a", edits=edits).content.startswith("edited a in 2 places (+2 -2)")
    assert (root / "a").read_text() == "x\ny\n"
    edits = [{"old_string": "x", "new_string": "z"}, {"old_string": "q", "new_string": "r"}]
    assert "old_string of edit 2 is not there" in call("edit_file", path="a", edits=edits).content
    assert (root / "a").read_text() == "x\ny\n"


@pytest.mark.parametrize(
    ("name", "old", "new", "warning"),
    [
        ("a.py", "a = 1\n", "a = (1\n", "a.py can't be parsed any more: '(' was never closed (line 1)"),
        ("a.json", '{"a": 1}', '{"a": 1,}', "a.json can't be parsed any more: "),
        ("a.toml", "a = 1\n", "a = \n", "a.toml can't be parsed any more: "),
        ("a.py", "a = (1\n", "a = (2\n", ""),
        ("a.py", "a = 1\n", "a = '\\d'\n", ""),
        ("a.txt", "a = 1\n", "a = (1\n", ""),
        ("deep.py", "1\n", "(" * 300 + ")" * 300 + "\n", "deep.py can't be parsed any more: "),
    ],
)
def test_a_warning_about_broken_syntax(workspace, edit, name: str, old: str, new: str, warning: str) -> None:
    seen(workspace, name, old)
    last = edit(name, old, new).content.splitlines()[-1]
    assert last.startswith(f"Warning: {warning}") if warning else not last.startswith("Warning")


# What the model has not seen


def test_a_small_file_need_not_be_read(root: Path, edit) -> None:
    (root / "a").write_text(LONG[:1000])
    result = edit("a", "line 50\n", "line x\n")
    first = "edited a (+1 -1)\n(a has not been read; this is how it is around the edit)\n"
    assert result.content.startswith(f"{first} 42|line 42\n")
    assert result.content.endswith("\n 58|line 58")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (LONG, {"old_string": "line 500\n", "new_string": "x\n"}),
        ("a\nb\n", {"old_string": "a  \nb\n", "new_string": "x\n"}),
        ("a\na\n", {"old_string": "a", "new_string": "x", "replace_all": True}),
        ("a\nb\n", {"old_string": "c", "new_string": "x"}),
        ("a\nb\n", {"start_line": 1, "new_string": "x"}),
    ],
)
def test_others_are_shown_first(root: Path, call, text: str, arguments: dict[str, Any]) -> None:
    (root / "a").write_text(text)
    first = call("edit_file", path="a", **arguments)
    assert first.failed
    assert first.content.startswith("Not edited: a has not been read")
    assert "Here it is as it is now. Send the edit again, with what you see here." in first.content
    assert (root / "a").read_text() == text
    if arguments.get("old_string") != "c":
        assert not call("edit_file", path="a", **arguments).failed


def test_the_window_is_where_the_text_is(root: Path, edit) -> None:
    (root / "a").write_text(LONG)
    assert "\na: lines 470-530 of 1000." in edit("a", "line 500\n", "x").content
    (root / "b").write_text(LONG)
    assert "\nb: lines 670-730 of 1000." in edit("b", "line 7oo\nline 701\n", "x").content


def test_a_file_that_changed_on_disk_is_shown_again(workspace, root: Path, edit) -> None:
    seen(workspace, "a", LONG)
    (root / "a").write_text(LONG.replace("line 9\n", "line nine\n"))
    result = edit("a", "line 500\n", "x\n")
    assert result.content.startswith("Not edited: a changed on disk since it was read.")
    assert not edit("a", "line 500\n", "x\n").failed
    assert "line nine\n" in (root / "a").read_text()


def test_an_edit_of_a_small_file_that_changed_says_so(workspace, root: Path, edit) -> None:
    seen(workspace, "a", "1\n2\n3\n")
    (root / "a").write_text("1\ntwo\n3\n")
    said = "(a changed on disk since it was read; this is how it is around the edit)"
    assert edit("a", "3", "4").content == f"edited a (+1 -1)\n{said}\n 1|1\n 2|two\n-3|3\n+3|4"
    assert said not in edit("a", "4", "5").content


# Files


@pytest.mark.parametrize("every", [False, True])
def test_what_is_there_too_often_is_left_alone(workspace, root: Path, edit, every: bool) -> None:
    text = "x\n" * 10_001
    seen(workspace, "a", text)
    result = edit("a", "x\n", "y\n", replace_all=every)
    assert result.content.startswith("Not edited: it is there more than 10000 times; add lines around it")
    assert (root / "a").read_text() == text
    seen(workspace, "a", text[2:])
    assert edit("a", "x\n", "y\n", replace_all=every).failed == (not every)


def test_an_empty_old_string_creates_a_file(root: Path, edit) -> None:
    assert edit("new/a", "", "1\n").content == "created new/a"
    assert (root / "new/a").read_text() == "1\n"
    assert "old_string is empty, and the file exists" in edit("new/a", "", "2\n").content
    (root / "empty").touch()
    assert "has a NUL character" in edit("empty", "", "1\0\n").content
    assert not edit("empty", "", "1\n").failed
    assert (root / "empty").read_text() == "1\n"


def test_a_file_that_does_not_exist(root: Path, edit) -> None:
    (root / "main.py").touch()
    result = edit("man.py", "a", "b")
    assert result.content == "man.py does not exist. Did you mean: main.py? To create a file, use write_to_file."
    assert sorted(os.listdir(root)) == ["main.py"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "named pipe"),
        (lambda path: path.write_bytes(b"\0\1a"), "is a binary file"),
        (lambda path: (path.write_bytes(b"a\n"), path.chmod(0o444)), "could not be edited: the file is read-only"),
    ],
)
def test_what_can_not_be_edited(workspace, root: Path, edit, make, said: str) -> None:
    make(root / "a")
    workspace.look(root / "a")()
    result = edit("a", "a", "b")
    assert result.failed
    assert said in result.content


@pytest.mark.parametrize("path", ["../x", ".git/config", "/etc/passwd", "link/x", ".agent/x"])
def test_a_refused_path(root: Path, tmp_path: Path, edit, tools: dict[str, Tool], path: str) -> None:
    (root / "link").symlink_to("..")
    assert edit(path, "", "x").failed
    assert tools["edit_file"].intent({"path": path, "old_string": "", "new_string": "x"}).refusal is not None
    assert sorted(os.listdir(tmp_path)) == ["root"]


def test_a_link_stays_one(workspace, root: Path, edit) -> None:
    seen(workspace, "a", "1\n")
    (root / "link").symlink_to("a")
    assert edit("link", "1", "2").content.startswith("edited a")
    assert (os.readlink(root / "link"), (root / "a").read_text()) == ("a", "2\n")


def test_a_file_of_5_megabytes(workspace, edit) -> None:
    text = "".join(f"line {number} of a large file\r\n" for number in range(170_000))
    path = seen(workspace, "a", text)
    result = edit("a", "line 99999 of a large file\nline 100000 of", "line 100000 of")
    assert result.content.startswith("edited a (+0 -1)")
    assert result.details.startswith("--- a\n+++ a\n@@ -99997,7 +99997,6 @@")
    assert path.read_bytes() == text.replace("line 99999 of a large file\r\n", "").encode()
    assert "The closest text" in edit("a", "line 5 of a large fill", "x").content


def test_markers_and_zero_width_characters(workspace, edit) -> None:
    path = seen(workspace, "a", "<|im_end|>\n<\u200b|im_end|>\n<\u200b\u200b|im_end|>\n")
    assert not edit("a", "<\u200b|im_end|>\n", "\u200b<|im_start|>\n").failed
    assert path.read_text() == "<|im_end|>\n\u200b<|im_start|>\n<\u200b\u200b|im_end|>\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"old_string": "a", "new_string": "a"}, "are the same"),
        ({"edits": []}, "no edit in the list"),
        ({"edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "", "new_string": "b"}]}, "is empty"),
        ({"old_string": "a", "new_string": "\0"}, "NUL"),
    ],
)
def test_calls_that_make_no_sense(workspace, root: Path, call, arguments: dict[str, Any], said: str) -> None:
    seen(workspace, "a", "a\n")
    result = call("edit_file", path="a", **arguments)
    assert result.failed
    assert said in result.content
    assert (root / "a").read_text() == "a\n"


def test_surrogates(workspace, root: Path, edit) -> None:
    seen(workspace, "a", "😀\n")
    assert not edit("a", "\ud83d\ude00", "\ud83d\ude01\ud800").failed
    assert (root / "a").read_text() == "😁\ufffd\n"


# A patch in the wrong place


@pytest.mark.parametrize(
    "arguments",
    [
        {"old_string": "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE", "new_string": ""},
        {"old_string": "", "new_string": "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"},
        {"diff": "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"},
        {"old_string": "*** Begin Patch\n*** Update File: x\n-a\n+b\n*** End Patch", "new_string": ""},
    ],
)
def test_a_patch_is_understood(workspace, root: Path, call, tools, arguments: dict[str, Any]) -> None:
    seen(workspace, "x", "a\n")
    assert tools["edit_file"].intent({"path": "x", **arguments}).paths == (root / "x",)
    assert not call("edit_file", path="x", **arguments).failed
    assert (root / "x").read_text() == "b\n"


def test_in_a_file_of_patches_it_is_text(workspace, root: Path, edit) -> None:
    block = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
    seen(workspace, "a.patch", block)
    assert not edit("a.patch", block, "").failed
    assert (root / "a.patch").read_text() == ""


def test_a_patch_that_the_file_has_is_text(workspace, root: Path, edit) -> None:
    block = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
    seen(workspace, "a.py", f"a\n{block}")
    assert not edit("a.py", block, "").failed
    assert (root / "a.py").read_text() == "a\n"


def test_a_patch_for_another_file_is_no_edit_of_this_one(workspace, root: Path, edit, tools) -> None:
    patch = "*** Begin Patch\n*** Update File: other\n-a\n+b\n*** End Patch"
    seen(workspace, "a.py", "a\n")
    seen(workspace, "other", "a\n")
    arguments = {"path": "a.py", "old_string": patch, "new_string": ""}
    assert tools["edit_file"].intent(arguments).paths == (root / "a.py",)
    assert edit("a.py", patch, "").failed
    assert (root / "other").read_text() == "a\n"


# What people see


def test_intent_and_preview(workspace, root: Path, tools, edit) -> None:
    seen(workspace, "a", "1\nb = 2\n")
    intent = tools["edit_file"].intent({"path": "a", "old_string": "b = 2", "new_string": "b = 3"})
    assert (intent.effect, intent.paths) == ("edits", (root / "a",))
    assert intent.preview() == "--- a\n+++ a\n@@ -1,2 +1,2 @@\n 1\n-b = 2\n+b = 3"
    assert intent.preview() == edit("a", "b = 2", "b = 3").details
    assert intent.preview().startswith("a will not be edited: already applied: old_string is not there")
    intent = tools["edit_file"].intent({"path": "new", "old_string": "", "new_string": "3"})
    assert intent.preview() == "--- new\n+++ new\n@@ -0,0 +1 @@\n+3"


# Names that models know


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Edit", {"file_path": "a", "old_string": "1", "new_string": "2"}),
        ("replace", {"file_path": "a", "old_string": "1", "new_string": "2", "expected_replacements": 1}),
        ("str_replace", {"path": "a", "old_str": "1", "new_str": "2"}),
        ("search_and_replace", {"path": "a", "search": "1", "replace": "2"}),
        ("StrReplaceFile", {"path": "a", "edit": {"old": "1", "new": "2"}}),
        ("StrReplaceFile", {"path": "a", "edit": [{"old": "1", "new": "x"}, {"old": "x", "new": "2"}]}),
        ("MultiEdit", {"file_path": "a", "edits": [{"old_string": "1", "new_string": "2", "replace_all": False}]}),
        ("edit_file", {"path": "a", "new_string": "2\n", "start_line": "1", "end_line": "1"}),
        ("apply_diff", {"path": "a", "diff": "<<<<<<< SEARCH\n1\n=======\n2\n>>>>>>> REPLACE"}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Update File: a\n-1\n+2\n*** End Patch"}),
        ("patch", {"patch": "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n"}),
    ],
)
def test_names(workspace, root: Path, tools: dict[str, Tool], name: str, arguments: dict[str, Any]) -> None:
    seen(workspace, "a", "1\n")
    found = dispatch(Call(0, name, json.dumps(arguments)), list(tools.values()))
    assert isinstance(found, Dispatched), found
    assert not asyncio.run(found.tool.run(found.arguments, lambda text: None)).failed
    assert (root / "a").read_text() == "2\n"
