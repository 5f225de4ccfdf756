"""Warnings about texts that were written, but hardly meant so."""

from pathlib import Path, PurePath

import pytest
from roundtrip.tools.editing.doubts import doubts

pytestmark = pytest.mark.once

ODD = [
    ("a.ts", "", "```ts\nlet a = 1\n```\n", "```ts"),
    ("a.sh", "", "<![CDATA[echo]]>\n", "<![CDATA[echo]]>"),
    ("a.js", "", "1|let a\n2|let b\n", "1|let a"),
    ("a.js", "x\n", "x\n   10|let a\n   11|let b\n", "10|let a"),
    ("a.ts", "", "if (a &amp;&amp; b) {}\n", "&amp;&amp;"),
    ("a.rs", "", "fn f() -&gt; i32 {}\n", "-&gt;"),
    ("a.c", "x\n", "while (a &lt;= b)\nx\n", "&lt;="),
    ("a.py", "x = 1\n", "x = 1\n    # ... existing code ...\n", "# ... existing code ..."),
    ("a.js", "", "f()\n// rest of the code remains the same ...\n", "// rest of the code remains the same ..."),
]
FINE = [
    ("a.md", "", "```ts\nlet a = 1\n```\n"),
    ("README", "", "```ts\nlet a = 1\n```\n"),
    ("a.py", "", 'x = """\n    ```\n    y\n    ```\n"""\n'),
    ("a.js", "", "1|a\n"),
    ("a.js", "", "1|a\n7|b\n"),
    ("a.html", "", "a &amp;&amp; b &lt; c\n"),
    ("a.js", "", 'text.replace("<", "&lt;").replace("&", "&amp;")\n'),
    ("a.ts", "if (a &amp;&amp; b) {}\n", "if (a &amp;&amp; b) {}\nlet c\n"),
    ("a.py", "# ... existing code ...\n", "x = 1\n# ... existing code ...\n"),
    ("a.js", "", "const { a, ...rest } = b\n"),
    ("a.js", "", ""),
    ("a.ts", "", "if (a &amp;&amp; b) {}\n" * 20_000),
]


@pytest.mark.parametrize(("name", "old", "new", "shown"), ODD)
def test_odd(name: str, old: str, new: str, shown: str) -> None:
    assert f'Warning: {name} has "{shown}" now: ' in doubts(PurePath(name), old, new)


@pytest.mark.parametrize(("name", "old", "new"), FINE)
def test_fine(name: str, old: str, new: str) -> None:
    assert doubts(PurePath(name), old, new) == ""


def test_all_tools_that_write_tell(workspace, call) -> None:
    root: Path = workspace.root
    new = "if (a &amp;&amp; b) {}\n"
    for name, arguments in {
        "write_to_file": {"content": new},
        "edit_file": {"old_string": "let a\n", "new_string": new},
        "apply_diff": {"diff": f"<<<<<<< SEARCH\nlet a\n=======\n{new}>>>>>>> REPLACE"},
    }.items():
        (root / "a.ts").write_text("let a\n")
        call("read_file", path="a.ts")
        assert '\nWarning: a.ts has "&amp;&amp;" now: ' in call(name, path="a.ts", **arguments).content
        assert (root / "a.ts").read_text() == new
