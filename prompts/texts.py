"""The texts that a model reads: one Markdown file each, beside this module."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def load(name: str) -> str:
    """The text of `<name>.md`. Raises ValueError for what is no name of a text."""
    path = FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.md")))
        raise ValueError(f"no prompt is called {name!r}; there are: {known}")
    return path.read_text("utf-8")


def system_prompt(agents_md: str | None) -> str:
    """The system message of a session. agents_md: what the workspace's own AGENTS.md says, if there is one."""
    text = load("system").strip()
    if agents_md is None or not agents_md.strip():
        return text
    return f"{text}\n\n# Instructions of this project (AGENTS.md)\n\n{agents_md.strip()}"
