"""What is shown of a change: the diff for people can be applied again, and the model's has the right numbers."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.tools.diffs import changes, compare, lines_of

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=25).map("".join)


def patched(old: str, diff: str) -> str:
    """As `patch` does it, by line numbers alone."""
    source, result, at = lines_of(old), list[str](), 0
    for line in diff.split("\n")[2:]:
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? ", line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            result += source[at:start]
            at = start
        elif line.startswith("+"):
            result.append(line[1:] + "\n")
        elif line:
            assert source[at] == line[1:] + "\n"
            result += [source[at]] if line.startswith(" ") else []
            at += 1
    return "".join(result + source[at:])


@settings(derandomize=True, deadline=None, max_examples=200)
@given(TEXTS, TEXTS)
def test_a_unified_diff_leads_to_the_new_text(old: str, new: str) -> None:
    count, diff = changes("f", old, new, 10_000)
    assert patched(old, diff) == new
    added = [line for line in diff.split("\n")[2:] if line.startswith("+")]
    assert count.startswith(f"+{len(added)} -")
    assert bool(diff) == (old != new)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(TEXTS, TEXTS, st.integers(0, 3))
def test_numbers_are_those_of_the_lines(old: str, new: str, context: int) -> None:
    before, after = old.split("\n"), new.split("\n")
    for line in compare(old, new).numbered(context, 10_000).split("\n"):
        if line:
            number, _, text = line[1:].partition("|")
            assert (before if line.startswith("-") else after)[int(number) - 1] == text


def test_a_small_change_of_a_large_text() -> None:
    old = "x\n" * 100_000
    assert changes("f", old, old + "y\n") == ("+1 -0", "--- f\n+++ f\n@@ -99998,3 +99998,4 @@\n x\n x\n x\n+y")
    assert compare(old, "y\n" * 100_000).count == ""
    assert compare(old, "y\n" * 100_000).numbered(1, 9) == "(too many lines to show the difference)"


def test_what_is_long_is_cut() -> None:
    assert compare("", "y" * 1000).numbered(1, 9) == f"+1|{'y' * 300}… [700 more characters]"
    assert compare("", "y\n" * 100).numbered(1, 9).endswith("+9|y\n… 91 more lines")
