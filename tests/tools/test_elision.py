"""What a model leaves out is not taken out of the file; what only looks like it is written."""

import pytest
from roundtrip.tools.editing.elision import left_out

OLD = "".join(f"line {n}\n" for n in range(10))


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code unchanged ...",
        "    # ... existing code ...",
        "// ... existing code ...",
        "// rest of the function remains the same",
        "<!-- ... rest of the page ... -->",
        "/* ... remaining styles ... */",
        "... (rest of file unchanged)",
        "[... rest of the file as before ...]",
        "-- … unchanged …",
        "{/* ... existing JSX ... */}",
        "# (the rest of the file stays as before)",
        "# remaining methods ...",
    ],
)
def test_left_out(line: str) -> None:
    assert line.strip() in left_out(OLD, f"line 0\n{line}\nline 9\n")
    assert left_out(f"{OLD}{line}\n", f"line 0\n{line}\n") == "", "the file has it"
    assert left_out("line 0\nline 9\n", f"line 0\n{line}\nline 9\n") == "", "nothing would be lost"


@pytest.mark.parametrize(
    "line",
    [
        "def f(*args): ...",
        "print('...')",
        "x = [...]",
        "# Loading the remaining files",
        "print('the rest of the file is unchanged...')",
        "rest = rest[1:]",
        "# existing users keep their keys",
        "return {...state, existing: true}",
        "...",
        "    ...",
        "// see above ...",
        "const rest = {...others}",
        "echo 'unchanged...'",
    ],
)
def test_not_left_out(line: str) -> None:
    assert left_out(OLD, f"line 0\n{line}\nline 9\n") == ""


def test_no_tool_writes_it(workspace, call) -> None:
    path = workspace.root / "a.py"
    path.write_text(OLD)
    call("read_file", path="a.py")
    short = "line 0\n# ... rest of the code unchanged ...\n"
    for name, arguments in {
        "write_to_file": {"content": short},
        "edit_file": {"old_string": OLD, "new_string": short},
        "apply_diff": {"diff": f"<<<<<<< SEARCH\n{OLD}=======\n{short}>>>>>>> REPLACE"},
    }.items():
        result = call(name, path="a.py", **arguments)
        assert result.failed
        assert 'has the line "# ... rest of the code unchanged ..."' in result.content
        assert path.read_text() == OLD


def test_long_lines_cost_nothing() -> None:
    assert left_out("a\n" * 10, f"# {'... rest ' * 100_000}\n") == ""
