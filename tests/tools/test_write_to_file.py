import os
from pathlib import Path

import pytest


@pytest.fixture
def root(workspace):
    return workspace.root


def test_a_new_file_in_a_new_folder(root: Path, call) -> None:
    result = call("write_to_file", path="a/b/c.txt", content="1\n2")
    assert (result.content, result.failed) == ("created a/b/c.txt, 2 lines", False)
    assert (root / "a/b/c.txt").read_bytes() == b"1\n2"
    assert result.details.endswith("+1\n+2")


def test_a_file_that_was_read(root: Path, call) -> None:
    (root / "a").write_text("1\n2\n3\n")
    call("read_file", path="a")
    result = call("write_to_file", path="a", content="1\n3\n4\n5\n")
    assert result.content == "overwrote a, 4 lines (+2 -1)"
    assert result.details == "--- a\n+++ a\n@@ -1,3 +1,4 @@\n 1\n-2\n 3\n+4\n+5"
    assert (root / "a").read_text() == "1\n3\n4\n5\n"


def test_an_unread_file_is_shown_and_may_then_be_written(root: Path, call) -> None:
    (root / "a").write_text("precious\n")
    first = call("write_to_file", path="a", content="new\n")
    assert first.failed
    assert first.content == (
        "Not written: a has not been read. Here it is as it is now. "
        "Call write_to_file again if the new content is still right.\n\na: 1 line.\n1|precious"
    )
    assert (root / "a").read_text() == "precious\n"
    assert call("write_to_file", path="a", content="new\n").content == "overwrote a, 1 line (+1 -1)"
    assert call("write_to_file", path="a", content="newer\n").content == "overwrote a, 1 line (+1 -1)"


def test_a_file_that_changed_is_shown_again(root: Path, call) -> None:
    (root / "a").write_text("1\n")
    call("read_file", path="a")
    (root / "a").write_text("2\n")
    result = call("write_to_file", path="a", content="3\n")
    assert result.content.startswith("Not written: a changed on disk since it was read.")
    assert result.content.endswith("1|2")
    assert not call("write_to_file", path="a", content="3\n").failed


def test_the_same_content_needs_no_reading(root: Path, call) -> None:
    (root / "a").write_text("1\n")
    assert call("write_to_file", path="a", content="1\n").content == "unchanged: a already has this content"
    assert not call("write_to_file", path="a", content="2\n").failed, "who wrote it knows it"


def test_an_unread_binary_file_is_told_of_once(root: Path, call) -> None:
    (root / "a").write_bytes(b"\0\1")
    assert "a is a binary file" in call("write_to_file", path="a", content="x").content
    assert call("write_to_file", path="a", content="x").content.startswith("overwrote a")


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ("", b""),
        ("ä\r\n", "ä\r\n".encode()),
        ("\ud83d\ude00", "😀".encode()),
        ("a\ud83db", "a\ufffdb".encode()),
    ],
)
def test_content_is_written_as_given(root: Path, call, content: str, data: bytes) -> None:
    assert not call("write_to_file", path="a", content=content).failed
    assert (root / "a").read_bytes() == data


def test_no_newline_at_the_end_is_a_change(root: Path, call) -> None:
    (root / "a").write_text("1\n")
    call("read_file", path="a")
    assert call("write_to_file", path="a", content="1").content == "overwrote a, 1 line (+1 -1)"


def test_what_is_no_regular_file(root: Path, call) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "fifo")
    assert call("write_to_file", path="folder", content="x").content == "folder is a folder. Nothing written."
    assert call("write_to_file", path="fifo", content="x").content == "fifo is no regular file. Nothing written."


def test_a_file_where_a_folder_is_needed(root: Path, call) -> None:
    (root / "a").touch()
    result = call("write_to_file", path="a/b", content="x")
    assert result.failed
    assert "a/b could not be written" in result.content


def test_a_refused_path(tmp_path: Path, call, tools) -> None:
    for path in ("../x", ".git/config", "D:\\x"):
        assert call("write_to_file", path=path, content="x").failed
        assert tools["write_to_file"].intent({"path": path, "content": "x"}).refusal is not None
    assert not (tmp_path / "x").exists()


def test_intent(root: Path, tools) -> None:
    intent = tools["write_to_file"].intent({"path": "a/b", "content": ""})
    assert (intent.effect, intent.paths, intent.refusal) == ("edits", (root / "a/b",), None)


def test_a_huge_change_has_no_diff(root: Path, call) -> None:
    (root / "a").write_text("x\n" * 30_000)
    call("read_file", path="a")
    result = call("write_to_file", path="a", content="y\n" * 30_000)
    assert (result.content, result.details) == ("overwrote a, 30000 lines", "")


def test_a_long_diff_is_cut(call) -> None:
    assert call("write_to_file", path="a", content="x\n" * 1000).details.endswith("… 603 more lines")


def test_a_file_is_overwritten_in_the_style_it_has(workspace, root: Path, call) -> None:
    """The pure part of it is in test_matching.py."""
    (root / "a").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    workspace.look(root / "a")()
    result = call("write_to_file", path="a", content="a\nc\n")
    assert result.content == "overwrote a, 2 lines (+1 -1); it kept its CRLF line ends and byte order mark"
    assert (root / "a").read_bytes() == b"\xef\xbb\xbfa\r\nc\r\n"
    assert call("write_to_file", path="a", content="a\nc\n").content == "unchanged: a already has this content"


@pytest.mark.parametrize("name", ["latin-1", "cp1252"])
def test_what_is_appended_has_the_encoding_of_the_file(root: Path, call, tools, name: str) -> None:
    data = ("caf\u00e9\n" if name == "latin-1" else "\u20ac 5, \u2026\n").encode(name)
    (root / "a").write_bytes(data)
    asked = {"path": "a", "content": "\u4f60\n", "append": True}
    intent = tools["write_to_file"].intent(asked)
    assert (intent.effect, "has no character '\u4f60'" in intent.preview()) == ("reads", True)
    result = call("write_to_file", **asked)
    said = f"Not written: the file is {name}, which has no character '\u4f60'; write it in another way."
    assert (result.failed, result.content) == (True, said)
    assert (root / "a").read_bytes() == data
    assert not call("write_to_file", path="a", content="\u00e8\n", append=True).failed
    assert (root / "a").read_bytes() == data + "\u00e8\n".encode(name)


def test_a_diff_of_the_file_is_carried_out_and_one_of_another_is_content(workspace, root: Path, call) -> None:
    (root / "a.py").write_text("a = 1\nb = 2\n")
    workspace.look(root / "a.py")()
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 3\n b = 2\n"
    assert call("write_to_file", path="a.py", content=diff).content.startswith("edited a.py")
    assert (root / "a.py").read_text() == "a = 3\nb = 2\n"
    for name in ("fix.patch", "notes/b.py"):
        assert call("write_to_file", path=name, content=diff).content.startswith("created")


def test_nobody_is_asked_about_a_text_that_will_not_be_written(workspace, root: Path, tools) -> None:
    (root / "a.py").write_text("a = 1\nb = 2\nc = 3\n")
    workspace.look(root / "a.py")()
    asked = {"path": "a.py", "content": "a = 2\n# ... rest of the code ...\n"}
    assert tools["write_to_file"].intent(asked).effect == "reads"


def test_a_patch_that_makes_the_file_is_carried_out(root: Path, call, tools) -> None:
    patch = "*** Begin Patch\n*** Add File: new.py\n+x = 1\n*** End Patch"
    assert tools["write_to_file"].intent({"path": "new.py", "content": patch}).effect == "edits"
    assert call("write_to_file", path="new.py", content=patch).content == "created new.py"
    assert (root / "new.py").read_text() == "x = 1\n"
    assert not call("write_to_file", path="other.py", content=patch).failed
    assert (root / "other.py").read_text() == patch, "it is another file's"


def test_appending(root: Path, call, tools) -> None:
    (root / "a").write_bytes(b"1\r\n")
    preview = tools["write_to_file"].intent({"path": "a", "content": "2\n", "append": True}).preview()
    result = call("write_to_file", path="a", content="2\n", append=True)
    assert not result.failed, "what is there is not lost, so it need not have been read"
    assert (root / "a").read_bytes() == b"1\r\n2\r\n"
    assert result.details == preview == "--- a\n+++ a\n@@ -1 +1,2 @@\n 1\n+2"
    assert not call("write_to_file", path="new", content="1", append=True).failed


def test_a_warning_about_broken_syntax(call) -> None:
    assert "Warning: a.py can't be parsed: " in call("write_to_file", path="a.py", content="a = (\n").content


def test_a_read_only_file(workspace, root: Path, call) -> None:
    (root / "a").write_text("1")
    (root / "a").chmod(0o444)
    workspace.look(root / "a")()
    assert call("write_to_file", path="a", content="2").content == "a could not be written: the file is read-only."
    assert (root / "a").read_text() == "1"
