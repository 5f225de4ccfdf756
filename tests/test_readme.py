"""The README's commands are the ones that CI runs."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/"
DEMO, TEST = INSTALL + "agent demo", INSTALL + "python tests/check.py"


def test_the_readme_shows_both_commands() -> None:
    lines = {line.strip().removeprefix("$ ") for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()}
    assert {DEMO, TEST} <= lines


def test_ci_runs_the_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert TEST in script.read_text(encoding="utf-8").splitlines()
    assert os.access(script, os.X_OK)
