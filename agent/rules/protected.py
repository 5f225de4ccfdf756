"""Names that are more than files: who writes them acts on the user later, who reads them has the user's keys.

Three tables, from hard to soft; names are compared as in `keys`, short names of NTFS included:
1. `BARRED`: what belongs to git or to the agent. Nobody may write there, whoever approves of it.
2. `keys.KEYS`: keys and passwords. Reading is asked too, in every mode, wherever the file lies.
3. `WATCHED`: what is obeyed without being asked, by shells, git, editors, agents. Writing is asked in every mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from roundtrip.agent.keys import KEYS, folded, key, why

__all__ = ["is_barred", "key", "key_beginning", "may_be_watched", "obeyed", "watched"]

BARRED: Final = re.compile(r"\.git|\.agent|(?:git|agent)~\d+")
"""Folders (or files, as `.git` in a worktree) that no tool writes; `git~1` is the short name of `.git` on NTFS."""

WATCHED: Final = (
    ("agents.md", "tells every agent here what to do"),
    ("claude.md", "tells every agent here what to do"),
    (".agentignore", "says what an agent doesn't see"),
    (".claude/", "configures an agent"),
    ("claude.local.md", "tells every agent here what to do"),
    ("agents.override.md", "tells every agent here what to do"),
    ("gemini.md", "tells every agent here what to do"),
    (".github/copilot-instructions.md", "tells every agent here what to do"),
    (".github/instructions/", "tells every agent here what to do"),
    (".cursorrules", "tells every agent here what to do"),
    (".windsurfrules", "tells every agent here what to do"),
    (".clinerules/", "tells every agent here what to do"),
    (".roo/", "configures an agent"),
    (".gemini/", "configures an agent"),
    (".codex/", "configures an agent"),
    (".cursor/", "configures an agent"),
    (".mcp.json", "configures agents"),
    (".bash*", "is run by every shell"),
    (".profile", "is run by every shell"),
    (".zsh*", "is run by every shell"),
    (".zprofile", "is run by every shell"),
    (".zlogin", "is run by every shell"),
    (".kshrc", "is run by every shell"),
    (".login", "is run by every shell"),
    (".cshrc", "is run by every shell"),
    (".tcshrc", "is run by every shell"),
    (".config/fish/", "is run by every shell"),
    (".inputrc", "configures every shell"),
    (".envrc", "is run by direnv on entering the folder"),
    (".gitmodules", "says where git fetches code from"),
    (".gitattributes", "can make git run programs"),
    (".gitconfig", "can make git run programs"),
    (".husky/", "is run by git"),
    (".githooks/", "is run by git"),
    (".config/git/", "can make git run programs"),
    (".hg/hgrc", "can make Mercurial run programs"),
    (".pre-commit-config.yaml", "is run by git"),
    ("lefthook.y*ml", "is run by git"),
    (".vscode/", "can make the editor run programs"),
    (".idea/", "can make the editor run programs"),
    (".zed/", "can make the editor run programs"),
    (".devcontainer/", "can make the editor run programs"),
    ("*.code-workspace", "can make the editor run programs"),
    (".exrc", "is run by vi"),
    (".vimrc", "is run by vim"),
    (".nvim.lua", "is run by Neovim"),
    (".nvimrc", "is run by Neovim"),
    (".config/nvim/", "is run by Neovim"),
    (".emacs", "is run by Emacs"),
    (".emacs.d/", "is run by Emacs"),
    (".dir-locals.el", "is run by Emacs"),
    (".gdbinit", "is run by gdb"),
    (".lldbinit", "is run by lldb"),
    (".tmux.conf", "is run by tmux"),
    (".condarc", "says where packages come from"),
    ("pip.conf", "says where packages come from"),
    ("sitecustomize.py", "is run by every Python"),
    ("usercustomize.py", "is run by every Python"),
    ("*.pth", "is run by every Python"),
    ("crontab", "is run by the clock"),
    (".config/autostart/", "is run when the user logs in"),
    (".config/systemd/", "is run when the user logs in"),
    ("launchagents/", "is run when the user logs in"),
)
"""As `keys.KEYS`: why writing is asked, however much is allowed."""


_BARRED: Final = "belongs to git or to the agent"

MOST_TOLD: Final = 3
"""Files that are named in one sentence."""
_LONGEST: Final = 100
"""Characters of a path in it, the last ones."""


def is_barred(name: str) -> bool:
    """Whether a part of a path has a name under which no tool writes."""
    return BARRED.fullmatch(folded(name)) is not None


def key_beginning(text: str) -> str:
    """Why reading the files must be asked whose paths begin so, "" if it need not."""
    *folders, last = text.casefold().split("/")
    for row, reason in KEYS:
        parts = row.rstrip("/").split("/")
        for depth, part in enumerate(parts):
            told = len(last) >= (1 if depth or last.startswith(".") else 3)
            if told and part.startswith(last) and folders[len(folders) - depth :] == parts[:depth]:
                return reason
    return ""


def watched(path: Path) -> str:
    """Why writing this must be asked, "" if it need not."""
    parts = [folded(part) for part in path.parts]
    barred = _BARRED if any(map(BARRED.fullmatch, parts)) else ""
    return barred or key(path) or why(parts, WATCHED)


def may_be_watched(pattern: Path) -> str:
    """Why writing must be asked what a pattern of a shell may stand for, "" if it need not. A part that begins with `*`
    stands for anything, and says nothing."""
    parts = [part.casefold() for part in pattern.parts]
    for row, reason in ((".git/", _BARRED), (".agent/", _BARRED), *WATCHED):
        names = row.rstrip("/").split("/")
        last = len(parts) - len(names)
        starts = range(last + 1) if row.endswith("/") else range(max(last, 0), last + 1)
        if any(all(map(_stands_for, parts[start:], names)) for start in starts):
            return reason
    return ""


def _stands_for(part: str, name: str) -> bool:
    return part[:1] != "*" and fnmatchcase(name, part)


def obeyed(paths: Iterable[str]) -> str:
    """What to say of those among changed files that act on the user later, "" if none does."""
    reasons = ((path, why([folded(part) for part in path.split("/")], WATCHED)) for path in sorted(paths))
    found = [f"{'…' * (len(path) > _LONGEST)}{path[-_LONGEST:]} {reason}" for path, reason in reasons if reason]
    more = f", and {len(found) - MOST_TOLD} more like these" if len(found) > MOST_TOLD else ""
    return "; ".join(found[:MOST_TOLD]) + more
