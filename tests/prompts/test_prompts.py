import pytest
from roundtrip.prompts import load, system_prompt


def test_the_system_prompt_is_short() -> None:
    assert len(load("system").encode()) <= 2500


def test_it_holds_no_markup() -> None:
    assert not any(marker in load("system") for marker in ("<|", "|>", "<tool", "</", "[TOOL", "\u200b", "\uff5c"))


@pytest.mark.parametrize("name", ["", "nonsense", "../system", "system.md", "System", "a/b", "\0"])
def test_an_unknown_prompt(name: str) -> None:
    with pytest.raises(ValueError, match="there are: system"):
        load(name)


def test_without_instructions_of_the_project() -> None:
    assert system_prompt(None) == system_prompt(" \n") == load("system").strip()


def test_instructions_of_the_project_come_last() -> None:
    text = system_prompt("Use tabs.\n")
    assert text.startswith(load("system").strip())
    assert text.endswith("# Instructions of this project (AGENTS.md)\n\nUse tabs.")
