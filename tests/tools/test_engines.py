"""ripgrep, git and Python must find the same: the same searches by all three, over a tree that is as bad as it gets."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.messages import ToolResult
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.tools.caps import Caps
from roundtrip.tools.finding import git_files, python_files, ripgrep
from roundtrip.tools.finding.asking import Job
from roundtrip.tools.finding.engines import PYTHON, Engine
from roundtrip.tools.finding.globs import matcher
from roundtrip.tools.finding.grep import SEARCHED, matching, search
from roundtrip.tools.finding.ignore import IgnoreFiles, Scope, scope_of
from roundtrip.tools.finding.loose import FOREIGN_CASES, LETTERS
from roundtrip.tools.finding.patterns import Pattern, read_pattern
from roundtrip.tools.finding.wildmatch import Patterns
from roundtrip.tools.list_files import ListFiles
from roundtrip.tools.search_files import SearchFiles

pytestmark = pytest.mark.once

CAPS = Caps(entries=1000, matches=1000, found=1024 * 1024)
RG, GIT = Engine("rg", ripgrep.find(Path("/nonexistent"))), Engine("git", git_files.find(Path("/nonexistent")))
ENGINES = {"rg": RG, "git": GIT, "python": PYTHON}
LONG = "x" * 100_000

FILES = {
    # ignored, in all the ways there are
    ".gitignore": b"*.log\nbuild/\n/top\n!kept.log\nsub/**/deep.txt\n# no.py\n\\#name\ntrail \n[bad\n"
    b"cr.txt\r\n**/any/x\nwild/a*[!0-9]?.x\nwild/**\n!wild/**/\n!wild/*.y\n[a-c1]x\nback\\*slash\n/deep/**/end\n",
    "wild/abcd.x": b"needle\n",
    "wild/abc1.x": b"needle\n",
    "wild/a.y": b"needle\n",
    "wild/in/a.y": b"needle\n",
    "1x": b"needle\n",
    "back*slash": b"needle\n",
    "backslash": b"needle\n",
    "deep/end": b"needle\n",
    "deep/a/b/end": b"needle\n",
    "deep/a/b/ending": b"needle\n",
    "a.log": b"needle\n",
    "kept.log": b"needle\n",
    "sub/kept.log": b"needle\n",
    "build/out.txt": b"needle\n",
    "sub/build/kept.log": b"needle\n",
    "top": b"needle\n",
    "sub/top": b"needle\n",
    "sub/one/two/deep.txt": b"needle\n",
    "no.py": b"needle\n",
    "#name": b"needle\n",
    "trail": b"needle\n",
    "cr.txt": b"needle\n",
    "p/any/x": b"needle\n",
    "p/any/y": b"needle\n",
    "sub/.gitignore": b"!important.log\nlocal\n*\n!*.c\n!*/\n!.gitignore\n",
    "sub/important.log": b"needle\n",
    "sub/local": b"needle\n",
    "sub/code.c": b"int needle;\n",
    "sub/inner/code.c": b"int needle;\n",
    "tracked.log": b"needle, tracked and ignored\n",
    "excluded.txt": b"needle\n",
    ".agentignore": b"secret*\n!secret.ok\nprivate/\n",
    "secret.txt": b"needle, tracked and private\n",
    "secret.ok": b"needle\n",
    "private/file": b"needle\n",
    "q/.agentignore": b"!secret.txt\nhere\n",
    "q/secret.txt": b"needle\n",
    "q/here": b"needle\n",
    ".ignore": b"no.py\n",
    ".rgignore": b"no.py\n",
    # contents
    ".hidden/file": b"needle\n",
    "binary": b"needle\0\n",
    "late-binary": b"needle\n" + b"-" * 9000 + b"\0needle\n",
    "crlf": b"first\r\nneedle\r\nlast\r\n",
    "latin": "käse needle ß\n".encode("latin-1"),
    "windows": "“käse” needle\n".encode("cp1252"),
    "utf8": "käse needle ß ſ K 配置 e\u0301 x²\n".encode(),
    "marked": b"\xef\xbb\xbf" + "käse\n".encode(),
    "utf16": "käse\nneedle 配置\n".encode("utf-16"),
    "utf16be": b"\xfe\xff" + "needle\r\nkäse\r\n".encode("utf-16-be"),
    "utf32": "needle käse\n".encode("utf-32"),
    "mixed": "käse 配置".encode() + b" \xff needle\n",
    "no-end": b"first\nneedle",
    "long": f"{LONG}needle{LONG}\nneedle\n".encode(),
    "empty": b"",
    "newlines": b"\n\n\n",
    "cr-only": b"a\rneedle\rb",
    "controls": b"\x1b[31mneedle\x1b[0m \x07\n",
    "code.py": b"import os\n\n\ndef main(argument):\n    needle = foo(1, 'two')\n    return needle\n\n"
    b"class A(B):\n    pass\n",
    # names
    "with space/a file": b"needle\n",
    "with:colon:1:": b"needle\n",
    "-dash": b"needle\n",
    "new\nline": b"needle\n",
    "tab\there": b"needle\n",
    "name-é-配置": b"needle\n",
    "[x]{y}*": b"needle\n",
    "dir-1/a": b"needle\n",
    "dir/a": b"needle\n",
    "dir.1/a": b"needle\n",
}


def git(where: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *arguments], cwd=where, env=environment, check=True, capture_output=True)


def fill(root: Path) -> None:
    for path, data in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / os.fsdecode(b"bytes-\xff")).write_bytes(b"needle\n")
    (root / os.fsdecode(b"link-\xff")).symlink_to("a")
    (root / "link").symlink_to("code.py")
    (root / "link-to-dir").symlink_to("sub")
    (root / "link-out").symlink_to("/etc")
    (root / "link-nowhere").symlink_to("missing")
    (root / "p/up").symlink_to("..")
    (root / "ignored.log").symlink_to("code.py")
    (root / "secret.link").symlink_to("code.py")
    (root / "only-links").mkdir()
    (root / "only-links" / "one").symlink_to("../code.py")
    (root / "hollow").mkdir()
    os.mkfifo(root / "fifo")
    (root / "unreadable").write_bytes(b"needle\n")
    (root / "unreadable").chmod(0)
    (root / "unreadable-dir").mkdir(mode=0)


@pytest.fixture(scope="module")
def trees(tmp_path_factory) -> dict[str, Path]:
    """The tree in a repository, with repositories in it; and without any."""
    repository, plain = tmp_path_factory.mktemp("trees") / "repository", tmp_path_factory.mktemp("trees") / "plain"
    for root in (repository, plain):
        root.mkdir()
        fill(root)
    git(repository, "init", "-q")
    (repository / ".git/info/exclude").write_text("excluded.txt\n")
    git(repository, "add", "-f", "tracked.log", "secret.txt", "code.py", "link", "sub/one/two/deep.txt")
    (repository / "deleted").write_text("needle\n")
    git(repository, "add", "deleted")
    git(repository, "commit", "-qm", "one")
    (repository / "deleted").unlink()
    for name in ("nested", "with space/nested", "unborn"):
        nested = repository / name
        nested.mkdir()
        git(nested, "init", "-q")
        (nested / "file").write_text("needle\n")
        (nested / "not-ignored-here.log").write_text("needle\n")
        (nested / "excluded.txt").write_text("needle\n")
        (nested / "secret.txt").write_text("needle\n")
        (nested / ".gitignore").write_text("own\n")
        (nested / "own").write_text("needle\n")
        if name != "unborn":
            git(nested, "add", ".")
            git(nested, "commit", "-qm", "one")
    (repository / "nested/.git/info/exclude").write_text("file\n")
    git(repository, "submodule", "add", "-q", str(repository / "with space/nested"), "module")
    (repository / "module/more.log").write_text("needle\n")
    return {"repository": repository, "plain": plain}


def results(tool: type, root: Path, arguments: dict) -> dict[str, ToolResult]:
    workspace = LocalWorkspace(root)

    async def run() -> dict[str, ToolResult]:
        tools = {name: tool(workspace, (engine,), caps=CAPS) for name, engine in ENGINES.items()}
        found = await asyncio.gather(*(each.run(arguments, lambda text: None) for each in tools.values()))
        return dict(zip(tools, found, strict=True))

    return asyncio.run(run())


def the_same(found: dict[str, ToolResult]) -> list[str]:
    expected = found["python"]
    for name, result in found.items():
        assert result.content.split("\n") == expected.content.split("\n"), name
        assert result == expected
    return expected.content.split("\n")


LISTINGS = (
    {"recursive": True},
    {},
    {"path": "sub", "recursive": True},
    {"path": "sub"},
    {"path": "build", "recursive": True},
    {"path": "private", "recursive": True},
    {"path": "q", "recursive": True},
    {"path": "sub/inner", "recursive": True},
    {"pattern": "**/*.{c,log}"},
    {"pattern": "*e*", "path": "with space", "recursive": True},
    {"path": "hollow"},
)


@pytest.mark.parametrize("tree", ["repository", "plain"])
@pytest.mark.parametrize("arguments", LISTINGS, ids=str)
def test_listings_are_the_same(trees, tree: str, arguments: dict) -> None:
    the_same(results(ListFiles, trees[tree], arguments))


HIDDEN = (
    *("a.log", "tracked.log", "build/", "top", "sub/one/two/deep.txt", "secret.txt", "private/", "q/here", "#name"),
    *("excluded.txt", "cr.txt", "sub/local", "sub/important.log", "p/any/x", "deleted", "nested/file"),
    *("link/", "link-to-dir/", "fifo", "nested/own", "nested/secret.txt", ".git/", "module/.git", "1x", "back*slash"),
    *("ignored.log", "ignored.log -> code.py", "secret.link -> code.py"),
    *("deep/end", "deep/a/b/end", "wild/abcd.x", "wild/in/a.y"),
)
THERE = (
    *("kept.log", "sub/code.c", "sub/inner/code.c", "no.py", ".hidden/file", "q/secret.txt", "secret.ok", "p/any/y"),
    *("nested/not-ignored-here.log", "nested/excluded.txt", "with space/nested/file", "module/more.log", "empty"),
    *("link -> code.py", "link-to-dir -> sub", "link-out -> /etc", "link-nowhere -> missing", "p/up -> .."),
    *("only-links/", "only-links/one -> ../code.py"),
    *("unborn/file", "new\\nline", "[x]{y}*", "unreadable", "backslash", "deep/a/b/ending", "wild/a.y"),
)


def test_what_is_listed_in_a_repository(trees) -> None:
    shown = the_same(results(ListFiles, trees["repository"], {"recursive": True}))
    assert [path for path in HIDDEN if path in shown] == []
    assert [path for path in THERE if path not in shown] == []


def test_a_walk_can_be_stopped(trees) -> None:
    scope = scope_of(trees["plain"], trees["plain"])
    asked = iter((True, True, False))
    assert 0 < len(list(python_files.walk(scope, going=lambda: next(asked)))) < len(list(python_files.walk(scope)))


REGEXES = (
    "needle",
    "käse",
    "配置",
    "(?i)NEEDLE",
    "(?i)STRASSE|ss|ß|k",
    "needle$",
    "^needle$",
    "^$",
    r"\bneedle\b",
    r"n[e-]{2}dle",
    r"\d",
    r"\w+\(\w+\):",
    r"(?<=import )os|(?!x)needle",
    r"(e)\1",
    r"'[^']*'",
    r'"(?:[^"\\]|\\.)*"|needle',
    r"needle\s",
    r"main\(.*\):\n\s+needle",
    r"(?s)main.*return",
    r"pass\n\Z|first\nneedle",
    r"x²|é|e.",
    r"\r",
    r"\x1b\[",
    r"[^\x00-\x7f]",
    r"x{5}needlex{5}",
    "(?x) needle  # a comment",
    "int|def|class",
    r"\Aneedle",
    "“",
    "nothing like it",
)


@pytest.mark.parametrize("tree", ["repository", "plain"])
@pytest.mark.parametrize("regex", REGEXES)
def test_searches_are_the_same(trees, tree: str, regex: str) -> None:
    found: dict[str, list[str]] = {}
    for name, engine in ENGINES.items():
        job = Job(scope_of(trees[tree], trees[tree]), (engine,), regex, matches=1000, bytes=1024 * 1024)
        search(job, found.setdefault(name, []).append)
    assert all(lines == found["python"] for lines in found.values())
    assert found["python"] or regex == "nothing like it"


@pytest.mark.parametrize("tree", ["repository", "plain"])
@pytest.mark.parametrize("path", ["sub", "build", "private", "nested", "a.log"])
@pytest.mark.parametrize("more", [{}, {"file_pattern": "*.{c,log}"}, {"context": 2}], ids=str)
def test_narrowed_searches_are_the_same(trees, tree: str, path: str, more: dict) -> None:
    the_same(results(SearchFiles, trees[tree], {"regex": "needle", "path": path, **more}))


def test_a_repository_further_down_is_one_when_it_is_asked_for(trees) -> None:
    root = trees["repository"]
    assert scope_of(root / "nested", root) == Scope(str(root / "nested"), str(root), str(root / "nested"), True)
    shown = the_same(results(ListFiles, root, {"path": "nested", "recursive": True}))
    assert "nested/file" not in shown  # as its own .git/info/exclude says
    assert "nested/not-ignored-here.log" in shown


def test_what_is_found_in_a_repository(trees) -> None:
    shown = "\n".join(the_same(results(SearchFiles, trees["repository"], {"regex": "needle"})))
    for line in ("utf16:2: needle 配置", "utf16be:1: needle", "utf32:1: needle käse", "latin:1: käse needle ß"):
        assert line in shown
    for line in ("windows:1: “käse” needle", "mixed:1: käse 配置 \ufffd needle", "crlf:2: needle\n"):
        assert line in shown
    assert "binary:1" not in shown.replace("late-binary:1", "")
    assert "late-binary:1: needle" in shown


def test_the_caps_cut_at_the_same_place(trees) -> None:
    workspace, caps = LocalWorkspace(trees["repository"]), Caps(matches=7)
    found = [
        asyncio.run(SearchFiles(workspace, (engine,), caps=caps).run({"regex": "needle"}, lambda text: None))
        for engine in (RG, GIT, PYTHON)
    ]
    assert found[0].content.startswith("7 matches in .; there are more after code.py:6, narrow regex")
    assert found[0] == found[1] == found[2]


def test_a_program_that_fails_is_replaced(trees) -> None:
    workspace = LocalWorkspace(trees["repository"])
    for tool, arguments in ((ListFiles, {"recursive": True}), (SearchFiles, {"regex": "needle"})):
        broken = (Engine("rg", "/nonexistent/rg"), Engine("git", "/nonexistent/git"))
        found = [
            asyncio.run(tool(workspace, chosen, caps=CAPS).run(arguments, lambda text: None))
            for chosen in (broken, (PYTHON,))
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize(("engine", "word"), [(RG, "--regexp=needle"), (GIT, "grep")])
def test_an_engine_searches_once(tmp_path: Path, engine: Engine, word: str) -> None:
    """What was begun while Python still loaded is what is read, and not asked for again."""
    root, program, log = tmp_path / "root", tmp_path / "program", tmp_path / "log"
    root.mkdir()
    git(root, "init", "-q")
    (root / "file").write_text("needle\n")
    program.write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {log}\necho >> {log}\nexec {engine.program} "$@"\n')
    program.chmod(0o755)
    tool = SearchFiles(LocalWorkspace(root), (Engine(engine.name, str(program)),))
    assert "file:1: needle" in asyncio.run(tool.run({"regex": "needle"}, lambda text: None)).content
    assert sum(word in line.split() for line in log.read_text().splitlines()) == 1


def test_ignored_by_a_repository_above_is_not_ignored(tmp_path: Path) -> None:
    """People keep their home directory in git, with `*` in its .gitignore."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "project/src").mkdir(parents=True)
    (tmp_path / "project/src/a.py").write_text("needle\n")
    (tmp_path / "project/.gitignore").write_text("b.py\n")
    (tmp_path / "project/src/b.py").touch()
    for path in (".", "src"):
        shown = the_same(results(ListFiles, tmp_path / "project", {"path": path, "recursive": True}))
        assert "src/a.py" in shown
        assert "src/b.py" not in shown


PIECES = (
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "/",
    "/",
    "!",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-c]",
    "\\\\",
    "\\*",
    " ",
    "[",
    "]",
    "-",
    "#",
    "**/",
)


def test_patterns_mean_what_they_mean_to_git(tmp_path: Path) -> None:
    """Ignore files made at random, one for each folder, and what git says about paths in these."""
    random = Random(5)
    git(tmp_path, "init", "-q")
    paths = ["".join(random.choice(("a", "b", "ab", "c", "-", "*", " ", "[", "#")) for _ in range(2)) for _ in range(6)]
    paths += [f"{a}/{b}" for a in ("a", "b", paths[0]) for b in ("a", "ab", paths[1])] + [
        "a/b/c",
        "b/a/a",
        "ab/ab/ab/a",
    ]
    for number in range(400):
        lines = ["".join(random.choices(PIECES, k=random.randint(1, 5))) for _ in range(random.randint(1, 3))]
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/.gitignore").write_text("\n".join(lines))
    asked = [f"{number}/{path}" for number in range(400) for path in paths]
    command = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z"]
    done = subprocess.run(command, cwd=tmp_path, input="\0".join(asked).encode(), capture_output=True, check=False)
    ignored = set(done.stdout.decode().split("\0")) - {""}
    ours = IgnoreFiles(str(tmp_path), ".gitignore", repository=True)
    wrong = [path for path in asked if ours.hides(path) != (path in ignored)]
    assert [(path, (tmp_path / path.split("/")[0] / ".gitignore").read_text()) for path in wrong] == []
    assert len(ignored) > 500


def test_hostile_ignore_files_take_no_time() -> None:
    for pattern in ("*a" * 100 + "*b", "?*" * 100 + "b", "/**/" + "*[a]" * 100 + "b"):
        assert Patterns(pattern).hide("a" * 250, folder=False) is None
        assert Patterns(f"{'**/a/' * 20}b\n").hide(f"{'a/' * 100}c", folder=False) is None


@pytest.mark.parametrize("pattern", ["*a" * 20 + "b", "**/a/" * 20 + "b", "**a" * 20 + "b", "**/*a**/*a" * 10 + "b"])
def test_a_pattern_takes_no_time(pattern: str) -> None:
    fits = matcher(pattern)
    assert not any(fits(path) for path in ("a" * 250, "a/" * 120 + "a"))


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude"])
@pytest.mark.parametrize("engine", [RG, GIT, PYTHON])
def test_an_ignore_file_that_is_none_holds_nobody_up(tmp_path: Path, engine: Engine, name: str) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    (tmp_path / "a").write_text("x")
    workspace = LocalWorkspace(tmp_path)
    assert asyncio.run(ListFiles(workspace, (engine,)).run({}, print)).content == "1 entry in .:\na"
    assert asyncio.run(SearchFiles(workspace, (engine,)).run({"regex": "x"}, print)).content.endswith("\na:1: x")


@pytest.mark.parametrize("text", [b"gitdir: a\0b\n", b"gitdir: \xff", b"x" * 100_000])
def test_a_git_file_that_makes_no_sense(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".git").write_bytes(text)
    (tmp_path / "a").touch()
    assert list(python_files.walk(scope_of(tmp_path, tmp_path))) == ["a"]


def test_letters_with_cases_beyond_ascii() -> None:
    others = "".join(map(chr, range(128, sys.maxunicode + 1)))
    assert {code for code in LETTERS if re.search(f"(?i){chr(code)}", others)} == FOREIGN_CASES


ATOMS = st.sampled_from([*"akéſ_.^$", r"\w", r"\W", r"\d", r"\s", r"\S", r"\b", r"\x0b", "[a-cé]", "[^a]"])
REGEX = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?", "++", "{3,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        inner.map(lambda body: f"(?={body})"),
        inner.map(lambda body: f"(?i:{body})"),
        inner.map(lambda body: f"({body})\\1"),
    ),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(REGEX, st.text("aAkKéſ_ .1\u212a²\u0301\x1c\x0b\n\r配", max_size=12), st.booleans())
def test_the_looser_pattern_misses_nothing(regex: str, text: str, folded: bool) -> None:
    pattern = read_pattern(f"(?i){regex}" if folded else regex)
    if not isinstance(pattern, Pattern) or not pattern.loose or not matching(text, pattern)[1]:
        return
    loose = re.compile(pattern.loose.encode())
    assert loose.search(text.encode()), pattern.loose
    for encoding in ("latin-1", "cp1252"):
        if text.encode(encoding, "ignore").decode(encoding) == text:
            assert loose.search(text.encode(encoding)), pattern.loose


@pytest.fixture
def endless(tmp_path: Path) -> LocalWorkspace:
    (tmp_path / "a").write_text("a" * 5000 + "!\n")
    return LocalWorkspace(tmp_path)


def test_a_search_that_does_not_end_can_be_stopped(endless: LocalWorkspace) -> None:
    async def interrupted() -> None:
        search = asyncio.create_task(SearchFiles(endless).run({"regex": r"(a+)+$"}, lambda text: None))
        await asyncio.sleep(0.3)
        assert not search.done()
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search

    asyncio.run(interrupted())


def test_a_search_that_does_not_end_has_a_time_limit(endless: LocalWorkspace) -> None:
    (endless.root / "A").write_text("aaa\n")
    result = asyncio.run(SearchFiles(endless, seconds=3).run({"regex": r"(a+)+$"}, lambda text: None))
    assert result.content.split("\n") == [
        "The first matches in . (stopped after 3 s; narrow regex, path or file_pattern):",
        "A:1: aaa",
    ]


def test_all_engines_leave_out_the_same_large_files() -> None:
    assert f"--max-filesize={SEARCHED // 1024**2}M" in ripgrep.BYTES
