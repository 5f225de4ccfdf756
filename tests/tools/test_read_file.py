import asyncio
import base64
import os
import struct
from pathlib import Path

import pytest
from roundtrip.agent.messages import Image
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools import paths
from roundtrip.tools.caps import caps_for
from roundtrip.tools.habits import reading
from roundtrip.tools.read_file import ReadFile
from roundtrip.tools.reading.parts import Part, parts


@pytest.fixture
def root(workspace):
    return workspace.root


def test_a_whole_file(root: Path, call) -> None:
    (root / "a.py").write_text("import os\n\nprint(1)\n")
    assert call("read_file", path="a.py").content == "a.py: 3 lines.\n1|import os\n2|\n3|print(1)"


def test_a_part_says_how_to_go_on(root: Path, call) -> None:
    (root / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    content = call("read_file", path="./a.txt", offset=3, limit=2).content
    assert content == (
        'a.txt: lines 3-4 of 10. To continue: read_file {"path": "a.txt", "offset": 5, "limit": 2}\n3|line 3\n4|line 4'
    )


def test_the_default_limit_is_not_repeated(root: Path, call) -> None:
    (root / "a.txt").write_text("x\n" * 2001)
    content = call("read_file", path="a.txt").content
    assert content.startswith('a.txt: lines 1-2000 of 2001. To continue: read_file {"path": "a.txt", "offset": 2001}\n')


@pytest.mark.parametrize(("offset", "first"), [(0, 1), (1, 1), (3, 3), (-1, 3), (-2, 2), (-99, 1)])
def test_offset(root: Path, call, offset: int, first: int) -> None:
    (root / "a.txt").write_text("1\n2\n3\n")
    assert call("read_file", path="a.txt", offset=offset).content.split("\n")[1] == f"{first}|{first}"


def test_an_offset_behind_the_end_says_how_long_the_file_is(root: Path, call, workspace) -> None:
    (root / "a.txt").write_text("1\n2\n")
    result = call("read_file", path="a.txt", offset=3)
    assert (result.content, result.failed) == ("Offset 3 is behind the end: a.txt has 2 lines.", True)
    assert workspace.stale(root / "a.txt"), "nothing of it was seen"


def test_no_limit_is_the_default_limit(root: Path, call) -> None:
    (root / "a.txt").write_text("1\n2\n")
    assert call("read_file", path="a.txt", limit=0).content == call("read_file", path="a.txt").content


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"", "f: empty."),
        (b"\n", "f: 1 line.\n1|"),
        (b"a", "f: 1 line; no newline at its end.\n1|a"),
        (b"a\nb", "f: 2 lines; no newline at its end.\n1|a\n2|b"),
        (b"a\r\nb\r\n", "f: 2 lines; its lines end with CRLF.\n1|a\n2|b"),
        (b"\xef\xbb\xbfa\n", "f: 1 line; it begins with a byte order mark.\n1|a"),
        ("käse\n".encode(), "f: 1 line.\n1|käse"),
        (b"a\r\nb\n", "f: 2 lines; some lines end with CRLF.\n1|a\n2|b"),
        ("käse\n".encode("latin-1"), "f: 1 line; it is not UTF-8, shown as latin-1.\n1|käse"),
        ("“käse”\n".encode("cp1252"), "f: 1 line; it is not UTF-8, shown as Windows-1252.\n1|“käse”"),
        (
            "käse 配置".encode() + b"\xff\n",
            "f: 1 line; it is UTF-8 with invalid bytes, shown as \ufffd.\n1|käse 配置\ufffd",
        ),
        ("käse\r\n配置\r\n".encode("utf-16"), "f: 2 lines; it is UTF-16; its lines end with CRLF.\n1|käse\n2|配置"),
        (b"\xfe\xff" + "a\n".encode("utf-16-be"), "f: 1 line; it is UTF-16.\n1|a"),
        ("a\nb\n".encode("utf-32"), "f: 2 lines; it is UTF-32.\n1|a\n2|b"),
        (b"\xff\xfeab\n", "f: 1 line; it is not UTF-8, shown as latin-1.\n1|ÿþab"),
        (b"\xff\xfe\0\0a\0", "f is a binary file (6 bytes), so it can't be shown as text."),
        (b"a\x0cb\xe2\x80\xa8c\n", "f: 1 line.\n1|a\x0cb\u2028c"),
        (b"\x1b[31mred\n", "f: 1 line; it holds control characters.\n1|\x1b[31mred"),
    ],
)
def test_encodings_and_line_ends(root: Path, call, data: bytes, content: str) -> None:
    (root / "f").write_bytes(data)
    assert call("read_file", path="f").content == content


def test_a_long_line_is_cut_visibly(root: Path, call) -> None:
    (root / "f").write_text("x" * 5000 + "\nend\n")
    assert call("read_file", path="f").content == (
        "f: 2 lines. To see the rest of a cut line: execute_command with sed -n 1p f | cut -b 2001-4000\n"
        f"1|{'x' * 2000}… [line cut: 3000 more bytes]\n2|end"
    )


def test_a_long_line_is_not_cut_inside_a_character(root: Path, call) -> None:
    (root / "f").write_text("x" + "é" * 2000)
    content = call("read_file", path="f").content
    assert "latin-1" not in content
    assert "é… [line cut: 2001 more bytes]" in content


def test_bytes_are_limited_in_whole_lines(root: Path, call) -> None:
    (root / "f").write_text(("x" * 99 + "\n") * 1900)
    content = call("read_file", path="f").content
    assert len(content) < 50_000
    assert {len(line.partition("|")[2]) for line in content.split("\n")[1:]} == {99}
    assert '"offset": ' in content.split("\n")[0]


def test_a_huge_file_is_read_in_bounded_memory(root: Path, call) -> None:
    with (root / "f").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
        file.write(b"first\n" * 2000)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    assert call("read_file", path="f", offset=-1).content.endswith("|last")


def test_what_is_larger_than_huge_is_refused(root: Path, call) -> None:
    with (root / "f").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    result = call("read_file", path="f")
    assert result.failed
    assert "too large to read" in result.content


def test_a_binary_file(root: Path, call) -> None:
    (root / "f").write_bytes(b"\x7fELF\0\0")
    assert call("read_file", path="f").content == "f is a binary file (6 bytes), so it can't be shown as text."


def test_what_is_no_file(root: Path, call) -> None:
    os.mkfifo(root / "fifo")
    (root / "folder").mkdir()
    assert call("read_file", path="fifo").content == "fifo is a named pipe (FIFO), which can't be read as a file."
    assert call("read_file", path="folder").content == "folder is a folder; use list_files."
    assert call("read_file", path="/dev/null").content == "/dev/null is a device, which can't be read as a file."


def test_a_missing_file_names_the_closest(root: Path, call) -> None:
    (root / "src").mkdir()
    (root / "src" / "Main.py").touch()
    (root / "src" / "other.txt").touch()
    said = {
        "src/mian.py": "src/mian.py does not exist. Did you mean: src/Main.py?",
        "scr/main.py": "scr does not exist. Did you mean: src?",
        "src/zzzzzz": "src/zzzzzz does not exist. Use list_files on src to see what there is.",
        "Main.py": "Main.py does not exist. Did you mean: src/Main.py?",
        "scr/Main.py": "scr does not exist. Did you mean: src/Main.py, src?",
        "src/Main.py:10-20": "src/Main.py:10-20 ends with the number of a line, and there is nothing of that name. "
        "If src/Main.py is meant, give that; if it is really so called, put ./ in front of it.",
        "/src/Main.py": "/src/Main.py does not exist. Did you mean: src/Main.py?",
        "/no-such-place/src": "/no-such-place/src does not exist. Did you mean: src?",
        "root/src/Main.py": "root/src/Main.py does not exist. Did you mean: src/Main.py?",
    }
    assert {path: call("read_file", path=path).content for path in said} == said
    elsewhere = call("read_file", path="/no-such-place/src/none.txt").content
    assert f"/no-such-place does not exist. The workspace is {root}." in elsewhere


def test_a_large_workspace_is_not_looked_through_for_a_name(root: Path, call, monkeypatch) -> None:
    monkeypatch.setattr(paths, "WALKED_FILES", 0)
    (root / "src").mkdir()
    (root / "src" / "Main.py").touch()
    assert "Did you mean" not in call("read_file", path="Main.py").content


def test_below_a_file_there_is_nothing(root: Path, call) -> None:
    (root / "a").touch()
    assert call("read_file", path="a/b/c").content == "a is no folder, so there is nothing below it."


def test_reading_makes_seen(root: Path, call, workspace) -> None:
    (root / "a").write_text("1\n")
    assert workspace.stale(root / "a") == "a has not been read"
    call("read_file", path="a")
    assert workspace.stale(root / "a") == ""


class Meanwhile(LocalWorkspace):
    """Somebody writes a file when it has been looked at, and is about to be read."""

    def shown(self, path: Path) -> str:
        path.write_text("2\n")
        return super().shown(path)


def test_what_changes_while_it_is_read_was_not_seen(root: Path) -> None:
    (root / "a").write_text("1\n")
    workspace = Meanwhile(root)
    assert asyncio.run(ReadFile(workspace).run({"path": "a"}, print)).content == "a: 1 line.\n1|2"
    assert workspace.stale(root / "a") == "a changed on disk since it was read"


def test_outside_may_be_read(tmp_path: Path, call) -> None:
    (tmp_path / "outside.txt").write_text("x\n")
    assert call("read_file", path="../outside.txt").content == f"{tmp_path}/outside.txt: 1 line.\n1|x"


def test_a_refused_path(call, tools) -> None:
    assert call("read_file", path="C:\\x").failed
    assert tools["read_file"].intent({"path": "C:\\x"}).refusal is not None


def test_intent_names_the_resolved_files(root: Path, tools) -> None:
    (root / "a").touch()
    (root / "link").symlink_to("a")
    intent = tools["read_file"].intent({"files": ["link", {"path": "b"}]})
    assert (intent.effect, intent.paths) == ("reads", (root / "a", root / "b"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"path": "a"}, [Part("a")]),
        ({"path": "a", "offset": -5, "limit": 3}, [Part("a", -5, 3)]),
        ({"path": "a", "start_line": 5, "end_line": 9}, [Part("a", 5, 5)]),
        ({"path": "a", "end_line": 9}, [Part("a", 1, 9)]),
        ({"path": "a", "start_line": 0}, [Part("a", 1)]),
        ({"path": "a", "start_line": 9, "end_line": 5}, [Part("a", 9, 1)]),
        ({"files": ["a", "b"]}, [Part("a"), Part("b")]),
        ({"files": [{"path": "a"}]}, [Part("a")]),
        ({"files": [{"path": "a", "line_ranges": [[1, 5], [9, 10]]}]}, [Part("a", 1, 5), Part("a", 9, 2)]),
        ({"files": [{"path": "a", "line_ranges": ["2-5"]}]}, [Part("a", 2, 4)]),
        ({"files": [{"path": "a", "line_ranges": "2-5"}]}, [Part("a", 2, 4)]),
        ({"files": [{"path": "a", "line_ranges": [None, {}]}]}, [Part("a")]),
    ],
)
def test_shapes_of_the_arguments(arguments: dict, expected: list[Part]) -> None:
    assert parts(reading.read_file(arguments)) == expected


def test_several_files_share_the_budget(root: Path, call) -> None:
    for name in "abc":
        (root / name).write_text(("x" * 99 + "\n") * 1900)
    result = call("read_file", files=["a", "b", "c", "missing"])
    assert not result.failed
    assert len(result.content) < 50_000
    assert [part.partition(":")[0] for part in result.content.split("\n\n")[:3]] == ["a", "b", "c"]
    assert "missing does not exist" in result.content


def test_no_files_at_all(call) -> None:
    assert call("read_file", files=[]).failed
    assert call("read_file", files=["x", "y"]).failed


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 480, 640) + bytes(9)
VP8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640, 480)
VP8L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 639 | 479 << 14)
VP8X = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PNG, "image/png, 640×480"),
        (PNG[:12], "image/png"),
        (JPEG, "image/jpeg, 640×480"),
        (JPEG[:9], "image/jpeg"),
        (b"GIF89a" + struct.pack("<HH", 640, 480), "image/gif, 640×480"),
        (VP8, "image/webp, 640×480"),
        (VP8L, "image/webp, 640×480"),
        (VP8X, "image/webp, 640×480"),
    ],
)
def test_images(root: Path, workspace, call, data: bytes, said: str) -> None:
    (root / "f.txt").write_bytes(data)
    assert call("read_file", path="f.txt").content == f"f.txt is an image ({said}), and this model takes no images."
    result = asyncio.run(ReadFile(workspace, images=True).run({"files": ["f.txt", "f.txt"]}, lambda text: None))
    assert (result.content, result.failed) == (f"f.txt: {said}\n\nf.txt: {said}", False)
    assert result.images == (Image(said.partition(",")[0], base64.b64encode(data).decode()),) * 2
    assert all(image.sound for image in result.images)


def test_an_image_that_is_too_large(root: Path, workspace) -> None:
    (root / "f.png").write_bytes(PNG + bytes(5 * 1024 * 1024))
    result = asyncio.run(ReadFile(workspace, images=True).run({"path": "f.png"}, lambda text: None))
    assert (result.failed, result.images) == (True, ())
    assert "4194304 is the most" in result.content


@pytest.mark.parametrize(("context", "lines"), [(8_192, 200), (32_768, 600), (131_072, 2000), (0, 2000)])
def test_the_caps_follow_the_context(root: Path, workspace, context: int, lines: int) -> None:
    (root / "f").write_text("x\n" * 3000)
    tool = ReadFile(workspace, caps=caps_for(context))
    assert tool.spec.parameters["properties"]["limit"]["description"] == f"number of lines, default {lines}"
    content = asyncio.run(tool.run({"path": "f"}, lambda text: None)).content
    assert content.startswith(
        f'f: lines 1-{lines} of 3000. To continue: read_file {{"path": "f", "offset": {lines + 1}}}\n'
    )
    (root / "f").write_text(("x" * 99 + "\n") * 3000)
    assert len(asyncio.run(tool.run({"path": "f"}, lambda text: None)).content) < caps_for(context).bytes + 200


def test_a_window_of_utf16(root: Path, call) -> None:
    (root / "f").write_bytes("".join(f"{number}\n" for number in range(1, 100)).encode("utf-16"))
    assert call("read_file", path="f", offset=-2).content == "f: lines 98-99 of 99; it is UTF-16.\n98|98\n99|99"
