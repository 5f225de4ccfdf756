import asyncio
import os
from pathlib import Path

import pytest
from roundtrip.tools.search_files import SearchFiles


@pytest.fixture
def root(workspace) -> Path:
    root: Path = workspace.root
    texts = {
        "src/main.py": "import os\n\ndef main():\n    foo = 1\n    return foo\n",
        "src/deep/b.ts": "foo\r\nbar\r\n",
        "-x": "-foo\n",
        "a.log": "foo\n",
        ".gitignore": "*.log\n",
        "c:1:d": "colon\n",
    }
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"regex": "foo", "path": "src/main.py"}, ["src/main.py:4:     foo = 1", "src/main.py:5:     return foo"]),
        ({"regex": "foo$"}, ["-x:1: -foo", "src/deep/b.ts:1: foo", "src/main.py:5:     return foo"]),
        ({"regex": "-foo"}, ["-x:1: -foo"]),
        ({"regex": "--"}, []),
        ({"regex": "foo", "path": "-x"}, ["-x:1: -foo"]),
        ({"regex": "foo", "path": "a.log"}, ["a.log:1: foo"]),
        ({"regex": "^foo", "path": "src"}, ["src/deep/b.ts:1: foo"]),
        ({"regex": "FOO"}, []),
        ({"regex": "(?i)BAR"}, ["src/deep/b.ts:2: bar"]),
        ({"regex": "foo", "file_pattern": "*.ts"}, ["src/deep/b.ts:1: foo"]),
        ({"regex": "foo", "file_pattern": "src/**/*.ts"}, ["src/deep/b.ts:1: foo"]),
        ({"regex": "foo", "path": "src", "file_pattern": "src/**/*.ts"}, ["src/deep/b.ts:1: foo"]),
        ({"regex": "foo", "file_pattern": "*.log"}, []),
        ({"regex": "colon"}, ["c:1:d:1: colon"]),
        ({"regex": r"main\(\):\n.*foo"}, ["src/main.py:3: def main():", "src/main.py:4:     foo = 1"]),
    ],
)
def test_matches(root: Path, call, arguments: dict, found: list[str]) -> None:
    result = call("search_files", **arguments)
    assert not result.failed
    assert result.content.split("\n")[1:] == found


def test_no_match_says_so(root: Path, call) -> None:
    assert call("search_files", regex="zzz", path="src").content == "No matches for zzz in src"


def test_context(root: Path, call) -> None:
    (root / "t").write_text("1\nx\n3\n4\n5\n6\nx\n8\n")
    assert call("search_files", regex="x", path="t", context=1).content.split("\n") == [
        "2 matches in t:",
        "t-1- 1",
        "t:2: x",
        "t-3- 3",
        "--",
        "t-6- 6",
        "t:7: x",
        "t-8- 8",
    ]


def test_many_matches_are_counted(root: Path, call) -> None:
    (root / "many").write_text("hit\n" * 250)
    lines = call("search_files", regex="hit").content.split("\n")
    assert lines[0] == "250 matches in .; 150 of them left out, narrow regex, path or file_pattern to see them:"
    assert len(lines) == 101


def test_much_text_is_cut(root: Path, call) -> None:
    (root / "many").write_text(("hit" + "x" * 290 + "\n") * 99)
    result = call("search_files", regex="hit")
    assert len(result.content) < 25 * 1024
    assert result.content.startswith("99 matches in .; ")


def test_a_long_line_is_cut_visibly(root: Path, call) -> None:
    (root / "long").write_text("hit" + "x" * 100_000 + "\n")
    result = call("search_files", regex="hit")
    assert len(result.content) < 400
    assert result.content.endswith("[... omitted end of long line]")


@pytest.mark.parametrize("regex", ["(foo", "[", "*", r"(?<=a)\1"])
def test_a_bad_regex(root: Path, call, regex: str) -> None:
    result = call("search_files", regex=regex)
    assert result.failed
    assert result.content.startswith("The search failed: ")
    assert "\n" not in result.content
    assert len(result.content) < 300


def test_a_regex_that_no_program_can_be_given(root: Path, call) -> None:
    assert call("search_files", regex="a\0b").failed
    assert call("search_files", regex="\ud800").failed
    assert call("search_files", regex="").failed


def test_binary_files(root: Path, call) -> None:
    (root / "bin").write_bytes(b"needle\0\n")
    expected = "No matches for needle in bin that can be shown, but a binary file matches"
    assert call("search_files", regex="needle", path="bin").content == expected


def test_what_cannot_be_searched(root: Path, call) -> None:
    os.mkfifo(root / "fifo")
    assert call("search_files", regex="x", path="fifo").failed
    assert call("search_files", regex="x", path="scr").content == "scr does not exist. Did you mean: src?"
    assert call("search_files", regex="x", path="E:/").failed


def test_without_ripgrep(workspace) -> None:
    result = asyncio.run(SearchFiles(workspace, rg="").run({"regex": "x"}, lambda text: None))
    assert "install ripgrep" in result.content


def test_intent(root: Path, tools) -> None:
    intent = tools["search_files"].intent({"regex": "x", "path": "src"})
    assert (intent.effect, intent.paths) == ("reads", (root / "src",))
