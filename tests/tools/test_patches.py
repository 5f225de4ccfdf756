"""The forms in which models write patches, and what is read out of them."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.tools.editing.hunks import Change, Hunk
from roundtrip.tools.editing.patches import is_whole, parse

BLOCK = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"
AB = Hunk("a\n", "b\n")
PATCH = "*** Begin Patch\n*** Update File: x.py\n@@\n-a\n+b\n*** End Patch"
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n c\n-a\n+b\n"


def update(path: str, *hunks: Hunk, move_to: str = "") -> list[Change]:
    return [Change(path, "update", hunks, "", move_to, ordered=True)]


def first(line: int) -> Hunk:
    return Hunk("a\n", "b\n", line)


BLOCKS = [
    ("plain", BLOCK, [("", AB)]),
    ("Roo, with a line", "<<<<<<< SEARCH\n:start_line:12\n-------\na\n=======\nb\n>>>>>>> REPLACE\n",
     [("", first(12))]),
    ("Roo, with both lines", "<<<<<<< SEARCH\n:start_line: 12\n:end_line: 13\n-------\na\n=======\nb\n>>>>>>> REPLACE",
     [("", first(12))]),
    ("a rule without a line is text", "<<<<<<< SEARCH\n-------\na\n=======\nb\n>>>>>>> REPLACE",
     [("", Hunk("-------\na\n", "b\n"))]),
    ("Cline", "------- SEARCH\na\n=======\nb\n+++++++ REPLACE", [("", AB)]),
    ("aider", "src/x.py\n```python\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```\n", [("src/x.py", AB)]),
    ("aider, a name in Markdown", "**`x.py`**\n```\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```",
     [("x.py", AB)]),
    ("a sentence is no name", f"Here is what I change.\n{BLOCK}", [("", AB)]),
    ("several", f"{BLOCK}\n\n{BLOCK}", [("", AB), ("", AB)]),
    ("in a fence", f"```\n{BLOCK}\n```", [("", AB)]),
    ("CRLF", BLOCK.replace("\n", "\r\n"), [("", AB)]),
    ("nothing new", "<<<<<<< SEARCH\na\n=======\n>>>>>>> REPLACE", [("", Hunk("a\n", ""))]),
    ("nothing old", "<<<<<<< SEARCH\n=======\nb\n>>>>>>> REPLACE", [("", Hunk("", "b\n"))]),
    ("escaped markers", "<<<<<<< SEARCH\n\\<<<<<<< HEAD\na\n\\=======\nb\n\\>>>>>>> x\n=======\nb\n>>>>>>> REPLACE",
     [("", Hunk("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n", "b\n"))]),
    ("markers of git need no escape but the middle",
     "<<<<<<< SEARCH\n<<<<<<< HEAD\n>>>>>>> x\n=======\nb\n>>>>>>> REPLACE",
     [("", Hunk("<<<<<<< HEAD\n>>>>>>> x\n", "b\n"))]),
    ("a longer rule of =", "<<<<<<< SEARCH\nT\n========\n=======\nT\n=====\n>>>>>>> REPLACE",
     [("", Hunk("T\n========\n", "T\n=====\n"))]),
]  # fmt: skip

OTHERS = [
    ("an envelope", PATCH, update("x.py", AB)),
    ("without its end", PATCH.removesuffix("\n*** End Patch"), update("x.py", AB)),
    ("in a heredoc", f"apply_patch <<'EOF'\n{PATCH}\nEOF\n", update("x.py", AB)),
    ("in a heredoc and a fence", f"```sh\n<<EOF\n{PATCH}\nEOF\n```", update("x.py", AB)),
    ("all kinds of files",
     "*** Begin Patch\n*** Add File: n/a.py\n+x\n+\n+y\n*** Delete File: d.py\n*** Update File: x.py\n"
     "*** Move to: y.py\n@@ class A:\n@@ def f():\n c\n-a\n+b\n\n@@\n-z\n*** End of File\n*** End Patch\n",
     [Change("n/a.py", "add", content="x\n\ny\n"), Change("d.py", "delete"),
      Change("x.py", "update", (Hunk("c\na\n", "c\nb\n", 0, ("class A:", "def f():")), Hunk("z\n", "", at_end=True)),
             "", "y.py", True)]),
    ("only a move", "*** Begin Patch\n*** Update File: x\n*** Move to: y\n*** End Patch", update("x", move_to="y")),
    ("what only adds, adds at the end", "*** Begin Patch\n*** Update File: x\n@@\n+b\n*** End Patch",
     update("x", Hunk("", "b\n", at_end=True))),
    ("a line without its blank", "*** Begin Patch\n*** Update File: x\nc\n-a\n+b\n*** End Patch",
     update("x", Hunk("c\na\n", "c\nb\n"))),
    ("an empty line in the middle", "*** Begin Patch\n*** Update File: x\n c\n\n-a\n+b\n*** End Patch",
     update("x", Hunk("c\n\na\n", "c\n\nb\n"))),
    ("a unified diff", DIFF, update("x.py", Hunk("c\na\n", "c\nb\n", 1))),
    ("of git", "diff --git a/x.py b/x.py\nindex 123..456 100644\n" + DIFF,
     update("x.py", Hunk("c\na\n", "c\nb\n", 1))),
    ("in a fence", f"```diff\n{DIFF}```", update("x.py", Hunk("c\na\n", "c\nb\n", 1))),
    ("headers that count wrongly", DIFF.replace("-1,2 +1,2", "-99,7 +3,1"),
     update("x.py", Hunk("c\na\n", "c\nb\n", 99))),
    ("headers without numbers", DIFF.replace("@@ -1,2 +1,2 @@", "@@ ... @@"),
     update("x.py", Hunk("c\na\n", "c\nb\n"))),
    ("no header of a file", "@@ -1 +1 @@\n-a\n+b", update("", first(1))),
    ("a folder called a", "--- a/x\n+++ a/x\n@@ -1 +1 @@\n-a\n+b", update("a/x", first(1))),
    ("dates", "--- x\t2020-01-01\n+++ x\t2020-01-02\n@@ -1 +1 @@\n-a\n+b", update("x", first(1))),
    ("no newline at the end", "--- x\n+++ x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n",
     update("x", Hunk("a", "b\n", 1))),
    ("a new file", "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+a\n+b\n", [Change("n.py", "add", content="a\nb\n")]),
    ("a deleted file", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", [Change("x", "delete", (Hunk("a\n", "", 1),))]),
    ("a renamed file", "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n",
     update("x", move_to="y")),
    ("several files", DIFF + DIFF.replace("x.py", "y.py"),
     [Change(n, hunks=(Hunk("c\na\n", "c\nb\n", 1),), ordered=True) for n in ("x.py", "y.py")]),
]  # fmt: skip

WRONG = [
    ("", "has no SEARCH/REPLACE block"),
    ("some words", "has no SEARCH/REPLACE block"),
    ("<<<<<<< SEARCH\na\n=======\nb\n", "block 1 has no >>>>>>> REPLACE line; it may have been cut"),
    ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE", "block 1 has no ======= line"),
    (f"{BLOCK}\n<<<<<<< SEARCH\na\n=======\nb\n=======\nc\n>>>>>>> REPLACE", "block 2 has more than one ======= line"),
    ("<<<<<<< SEARCH\na\n=======\n<<<<<<< SEARCH\nb\n>>>>>>> REPLACE", "block 1 has a second <<<<<<< SEARCH"),
    ("*** Begin Patch\n*** End Patch", 'must begin with "*** Add File: "'),
    ("*** Begin Patch\nwords\n*** Update File: x\n-a\n*** End Patch", 'must begin with "*** Add File: "'),
    ("*** Begin Patch\n*** Update File: x\n*** End Patch", "Update File: x: it has no hunk"),
    ("*** Begin Patch\n*** Add File: x\na\n*** End Patch", "Add File: x: each line of a new file begins with +"),
    ("*** Begin Patch\n*** Delete File: x\n-a\n*** End Patch", "a file that is deleted has no lines"),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in BLOCKS], ids=[row[0] for row in BLOCKS])
def test_blocks(text: str, expected: list[tuple[str, Hunk]]) -> None:
    patch = parse(text)
    assert patch.problem == ""
    assert [(change.path, *change.hunks) for change in patch.changes] == expected


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_patches(text: str, expected: list[Change]) -> None:
    patch = parse(text)
    assert (list(patch.changes), patch.problem) == (expected, "")


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_can_not_be_read(text: str, problem: str) -> None:
    patch = parse(text)
    assert patch.changes == ()
    assert problem in patch.problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BLOCK, True),
        (f"\n{BLOCK}\n\n{BLOCK}\n", True),
        (PATCH, True),
        (f"Words.\n{BLOCK}", False),
        (f"{BLOCK}\nwords", False),
        (DIFF, True),
        (f"diff --git a/x.py b/x.py\nindex 1..2 100644\n{DIFF}", True),
        (f"{DIFF}words", False),
        ("--- a\n+++ b\n", False),
        ("", False),
        ("a", False),
    ],
)
def test_what_can_be_nothing_but_a_patch(text: str, expected: bool) -> None:
    assert is_whole(text) is expected


PIECES = st.sampled_from(
    [*BLOCK.split("\n"), *PATCH.split("\n"), *DIFF.split("\n"), "", "\\", "```", "<<EOF", "EOF", " x"]
)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=12))
def test_nothing_raises(lines: list[str]) -> None:
    patch = parse("\n".join(lines))
    assert bool(patch.problem) is not bool(patch.changes)
    is_whole("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BLOCK.replace("\n", "\\n"), "line breaks are written as"),
        (PATCH.replace("\n", "\\n"), "line breaks are written as"),
        (f"\n{html.escape(BLOCK)}\n", "with &lt; and &gt;"),
        ("a\\nb", "has no SEARCH/REPLACE block"),
        ("a &lt; b", "has no SEARCH/REPLACE block"),
    ],
)
def test_what_was_encoded_once_too_often_is_told_so(text: str, says: str) -> None:
    assert says in parse(text).problem


@pytest.mark.parametrize("text", [BLOCK, PATCH, DIFF])
def test_cdata_is_no_part_of_a_patch(text: str) -> None:
    assert parse(f"\n<![CDATA[{text}]]>\n") == parse(text)
    assert parse(f"<![CDATA[\n{text}\n]]>").changes
