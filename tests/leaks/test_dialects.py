"""The tables themselves, and that a new one is a new file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from roundtrip.agent.leaks import DIALECTS, Dialect, Offer, Piece, Role, Scanner, decide, dialects
from roundtrip.agent.leaks.dialect import dialects_in
from roundtrip.agent.leaks.marks import Marks, atoms, beginnings
from roundtrip.agent.wire.profiles import MARKERS

README = Path(dialects.__path__[0]) / "README.md"


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[tuple[Dialect, ...]]:
    """All dialects, and that of the README, as a file that lies beside the others."""
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found
    (tmp_path / "toy.py").write_text(found[1])
    dialects.__path__.append(str(tmp_path))
    yield dialects_in(dialects.__name__, dialects.__path__)
    dialects.__path__.remove(str(tmp_path))
    sys.modules.pop(f"{dialects.__name__}.toy")


def pieces(text: str, known: tuple[Dialect, ...], step: int) -> list[Piece]:
    scanner = Scanner(known)
    found = [piece for at in range(0, len(text), step) for piece in scanner.feed(text[at : at + step])]
    return found + scanner.finish()


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_new_dialect_is_a_new_file(toy: tuple[Dialect, ...], step: int) -> None:
    assert {dialect.name for dialect in toy} - {dialect.name for dialect in DIALECTS} == {"toy"}
    text = 'I look.=== tools\n{{ls|{"path": "}}"}}}{{rm|{"path": "a"}}}<<eot>>'
    decision = decide(pieces(text, toy, step), [], (), (Offer("ls"),), toy)
    assert decision.content == "I look."
    assert [(call.name, call.arguments, bool(call.problem)) for call in decision.calls] == [
        ("ls", '{"path": "}}"}', False),
        ("rm", '{"path": "a"}', True),
    ]
    assert decide(pieces(text, DIALECTS, step), [], (), (Offer("ls"),), DIALECTS).content == text


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 40


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_table_is_in_order(dialect: Dialect) -> None:
    known = {*dialect.markers, *dialect.spelt}
    assert known >= set(dialect.forms)
    assert all(atoms(spelling) for spelling in dialect.spelt)
    first = {atoms(spelling)[0].removeprefix("\\") for spelling in (*dialect.spelt, *map(re.escape, dialect.markers))}
    assert first <= set("<[]◁"), "the search starts from a plain character"
    assert all(form.header.fullmatch("") for forms in dialect.forms.values() for form in forms), "the first beginning"
    assert set(dialect.tokens) <= set(MARKERS)


def test_the_project_s_readme_names_them_all() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert {dialect.name for dialect in DIALECTS if f"`{dialect.name}`" not in text} == set()


CASES = [
    case["request"]["content"]
    for file in sorted((Path(__file__).parents[1] / "corpus").glob("*.jsonl"))
    for case in map(json.loads, file.read_text("utf-8").splitlines())
    if case["request"].get("content")
]


def test_a_header_matches_each_of_its_beginnings() -> None:
    """Else a call would depend on where the text is cut."""
    begun = 0
    for content in CASES:
        for mark in MARKS.finditer(content):
            for form in FORMS.get(mark[0], ()):
                found = form.begins.match(content, mark.end())
                ends = range(mark.end(), found.end() + 1) if found else ()
                assert all(form.header.fullmatch(content, mark.end(), end) for end in ends), (content, form.begins)
                begun += found is not None
    assert begun > 1000


FORMS = {text: forms for dialect in DIALECTS for text, forms in dialect.forms.items()}
MARKS = re.compile("|".join(map(re.escape, sorted(FORMS, key=len, reverse=True))))


def test_a_marker_with_two_roles_is_an_error() -> None:
    other = Dialect("other", {"<think>": Role.STOP})
    with pytest.raises(ValueError, match="several roles"):
        Scanner((*DIALECTS, other)).feed("<think>")


@pytest.mark.parametrize("spelling", ["a+", "(a)", "a*", "^a", "a|b", "a.b"])
def test_only_small_expressions_spell_markers(spelling: str) -> None:
    with pytest.raises(ValueError, match="no marker"):
        Marks([spelling])


def test_beginnings() -> None:
    regex = re.compile(beginnings(r"<a b{1,2}>", "</c>"))
    assert all(regex.fullmatch(text) for text in ("", "<", "<a", "<a b", "<a bb", "<a bb>", "</", "</c>"))
    assert not any(regex.fullmatch(text) for text in ("a", "<b", "<a c", "<a bbb"))


def test_the_longest_marker_counts_and_what_may_become_one_is_half() -> None:
    marks = Marks([r"<a>", r"<a>b\ ?c", r"\[x"])
    assert [found[0] for found in marks.whole.finditer("<a>b c<a>b<a>bc[x")] == ["<a>b c", "<a>", "<a>bc", "[x"]
    assert [marks.half_from(text, 0) for text in ("z<", "z<a>", "z<a>b", "z<a>b ", "z<a>bc", "[", "z")] == [
        1, 1, 1, 1, 7 - 1, 0, 1,
    ]  # fmt: skip
