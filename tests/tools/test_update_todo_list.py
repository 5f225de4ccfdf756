from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.tools.update_todo_list import CLEARED, DONE, FINISHED, todos_of

MARKS = {"x": "done", "-": "doing", " ": "open"}
LISTS: dict[str, tuple[Any, list[str]]] = {
    "Roo": ("[x] a\n[-] b\n[ ] c", ["x a", "- b", "  c"]),
    "Markdown": ("# Plan\n- [X] a\n  * [~] b\n1. [] c\n", ["x a", "- b", "  c"]),
    "without boxes": ("1. a\n2) b\n- c", ["  a", "  b", "  c"]),
    "a list in words": ('[{"content": "a", "status": "completed"}]', ["x a"]),
    "Claude": (
        [
            {"content": "Fix it", "status": "completed", "activeForm": "Fixing it"},
            {"content": "Test it", "status": "in_progress", "activeForm": "Testing it"},
            {"content": "Ship it", "status": "pending", "activeForm": "Shipping it"},
        ],
        ["x Fix it", "- Test it", "  Ship it"],
    ),
    "Kimi": ([{"title": "a", "status": "Done"}, {"title": "b", "status": "In Progress"}], ["x a", "- b"]),
    "Codex": ([{"step": "a", "status": "completed"}, {"step": "b", "status": "in_progress"}], ["x a", "- b"]),
    "VS Code": ([{"id": 1, "title": "a", "description": "what", "status": "not-started"}], ["  a"]),
    "strings": (["a", "[x] b"], ["  a", "x b"]),
    "flags": ([{"task": "a", "done": True}, {"task": "b", "done": False}], ["x a", "  b"]),
    "what is no item": (["", {}, {"content": " "}, 3, None], []),
}  # fmt: skip


@pytest.mark.parametrize(("given_", "items"), LISTS.values(), ids=LISTS)
def test_the_forms_of_a_list(given_: Any, items: list[str]) -> None:
    assert [f"{item.mark} {item.text}" for item in todos_of(given_)] == items


def test_the_model_reads_always_the_same_and_people_the_list(call) -> None:
    first = call("update_todo_list", todos="[x] a\n[-] b")
    second = call("update_todo_list", todos=[{"content": "c  d", "status": "pending"}])
    assert first.content == second.content == DONE
    assert first.details == "1 of 2 done\n[x] a\n[-] b"
    assert second.details == "0 of 1 done\n[ ] c d"


@pytest.mark.parametrize("todos", ["", " \n", "[]", []])
def test_a_list_can_be_cleared(call, todos: Any) -> None:
    assert call("update_todo_list", todos=todos).content == CLEARED


def test_what_is_no_list_is_answered_with_an_example(call) -> None:
    result = call("update_todo_list", todos="I'll fix it soon.")
    assert result.failed
    assert "[ ] Run the tests" in result.content


@given(st.text('[]x- a\n1.{}":,', max_size=40))
def test_no_text_raises(text: str) -> None:
    assert all(item.mark in MARKS and item.text and "\n" not in item.text for item in todos_of(text))


def test_where_all_is_done_there_is_nothing_to_go_on_with(call) -> None:
    assert call("update_todo_list", todos="[x] a\n[x] b").content == FINISHED
    assert call("update_todo_list", todos="[x] a\n[-] b").content == DONE
