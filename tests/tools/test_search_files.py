import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.once


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


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        (r"foo\|main", "alternatives are a|b"),
        (r"import[[:space:]]+os", r"\s"),
        (r"\<foo\>", r"\b is"),
        (r"def\\s+main", "leave one out"),
        (r"/foo/i", "leave them out"),
        (r"'import os'", "leave them out"),
        (r"-i FOO", "no part of a regex"),
        (r"a &lt; b", "entities"),
        (r"src/main.py", "list_files"),
        (r"RETURN foo", "(?i) before the regex ignores case, and finds src/main.py:5:     return foo"),
        (r"\Dzzz|(?i:zzz)", ""),
        (r"foo", ""),
    ],
)
def test_why_nothing_was_found(root: Path, call, regex: str, said: str) -> None:
    content = call("search_files", regex=regex).content
    assert said in content
    assert ("(note: " in content) == bool(said)


def test_a_glob_is_no_regex(root: Path, call) -> None:
    for regex in ("*.py", "**/*.py"):
        assert call("search_files", regex=regex).content.endswith('use list_files with {"pattern": "**/*.py"}.')


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


def test_many_matches_are_cut(root: Path, call) -> None:
    (root / "many").write_text("hit\n" * 250)
    lines = call("search_files", regex="hit").content.split("\n")
    assert lines[0] == (
        "100 matches in .; there are more after many:100, narrow regex, path or file_pattern to see them:"
    )
    assert len(lines) == 101
    (root / "many").write_text("hit\n" * 100)
    assert call("search_files", regex="hit").content.split("\n")[0] == "100 matches in .:"


def test_much_text_is_cut(root: Path, call) -> None:
    (root / "many").write_text(("hit" + "x" * 290 + "\n") * 99)
    result = call("search_files", regex="hit")
    assert len(result.content) < 25 * 1024
    assert " matches in .; there are more after many:" in result.content


@pytest.mark.parametrize(
    "wanted", ["*.py,*.md", "*.py, *.md", "*.py *.md", ".py .md", "*.{py,{md,txt}}", "{root}/*.{py,md}"]
)
def test_several_patterns_in_one(root: Path, call, wanted: str) -> None:
    for name in ("a.py", "b.md", "c.c"):
        (root / name).write_text("needle\n")
    found = call("search_files", regex="needle", file_pattern=wanted.replace("{root}", str(root))).content
    assert found == "2 matches in .:\na.py:1: needle\nb.md:1: needle"


def test_an_ending_is_a_pattern_and_a_name(root: Path, call) -> None:
    for name in ("x.env", ".env", "env"):
        (root / name).write_text("needle\n")
    assert call("list_files", pattern=".env").content == "2 entries in .:\n.env\nx.env"


def test_a_pattern_that_no_file_fits_is_named(root: Path, call) -> None:
    (root / "a.py").write_text("needle\n")
    said = "No file in . matches file_pattern py, which is a glob such as *.py"
    assert call("search_files", regex="needle", file_pattern="py").content == said
    assert call("search_files", regex="nothing", file_pattern="*.py").content == "No matches for nothing in ."


def test_a_long_line_is_cut_visibly_around_the_match(root: Path, call) -> None:
    (root / "long").write_text("a" * 50_000 + "hit" + "x" * 50_000 + "\n")
    line = call("search_files", regex="hit").content.split("\n")[1]
    assert line.startswith("long:1: …aaa")
    assert line.endswith("xxx… [a line of 100003 characters; read_file shows more of it]")
    assert "ahitx" in line
    assert len(line) < 400


@pytest.mark.parametrize("regex", ["(foo", "[", "*", r"(?<=a)\1", r"\p{L}", "a{9999999999}", "(" * 5000, "x" * 20_000])
def test_a_bad_regex(root: Path, call, regex: str) -> None:
    result = call("search_files", regex=regex)
    assert result.failed
    assert result.content.startswith("The regex is not valid: ")
    assert "Python" in result.content
    assert "\n" not in result.content
    assert len(result.content) < 300


def test_an_odd_regex(root: Path, call) -> None:
    assert call("search_files", regex="\ud800\0").content.startswith("No matches for ")
    assert call("search_files", regex="").content.startswith("The regex is empty. A correct call has")


def test_what_a_regex_of_several_lines_matches(root: Path, call) -> None:
    (root / "t").write_text("a\n\nb\nc\nx\r\ny\r\n")
    for regex, found in (
        (r"a\n\nb", ["t:1: a", "t:2: ", "t:3: b"]),
        (r"b\n", ["t:3: b"]),
        (r"x\ny$", ["t:5: x", "t:6: y"]),
        ("(?s)b.c", ["t:3: b", "t:4: c"]),
        (r"\r$", ["t:5: x\r", "t:6: y\r"]),
        (r"\n\n", ["t:1: a", "t:2: "]),
    ):
        assert call("search_files", regex=regex, path="t").content.split("\n")[1:] == found, regex


def test_binary_files(root: Path, call) -> None:
    (root / "bin").write_bytes(b"needle\0\n")
    assert call("search_files", regex="needle", path="bin").content == "bin is a binary file, so it is not searched."
    assert call("search_files", regex="needle").content == "No matches for needle in ."


def test_agentignore(root: Path, call) -> None:
    (root / ".agentignore").write_text("src/\n")
    assert call("search_files", regex="foo").content.split("\n")[1:] == ["-x:1: -foo"]
    assert "src/main.py:4" in call("search_files", regex="foo", path="src").content, "it was named"


def test_a_module_of_the_project_is_not_run(root: Path, call) -> None:
    for name in ("json.py", "re.py", "roundtrip.py"):
        (root / name).write_text("raise SystemExit('foo')\n")
    assert call("search_files", regex="foo = 1").content.split("\n")[1:] == ["src/main.py:4:     foo = 1"]


def test_what_cannot_be_searched(root: Path, call) -> None:
    os.mkfifo(root / "fifo")
    assert call("search_files", regex="x", path="fifo").failed
    assert call("search_files", regex="x", path="scr").content == "scr does not exist. Did you mean: src?"
    assert call("search_files", regex="x", path="E:/").failed


def test_intent(root: Path, tools) -> None:
    intent = tools["search_files"].intent({"regex": "x", "path": "src"})
    assert (intent.effect, intent.paths) == ("reads", (root / "src",))


def test_files_that_hold_keys_are_passed_over_unless_one_is_named(call, workspace) -> None:
    for name in (".env", "src/server.PEM", ".env.example", "code.py"):
        path = workspace.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("TOKEN=abc\n")
    found = call("search_files", regex="TOKEN").content
    assert ".env.example:1: TOKEN=abc" in found
    assert "code.py:1: TOKEN=abc" in found
    assert found.count("TOKEN=abc") == 2
    assert ".env:1: TOKEN=abc" in call("search_files", regex="TOKEN", path=".env").content  # which is asked
