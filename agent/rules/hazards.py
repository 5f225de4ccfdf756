"""Options that make a harmless-looking command run another one, or write anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from roundtrip.agent.rules.shell_words import Word

HAZARDS: Final[dict[str, tuple[str, ...]]] = {
    "git": (
        *("-c", "--config-env*", "--exec-path*", "--git-dir*", "--work-tree*", "-C*", "--output*", "-O*", "--ext-diff"),
        *(
            "--open-files-in-pager*",
            "--upload-pack*",
            "--receive-pack*",
            "--exec*",
            "--extcmd*",
            "--textconv",
            "ext::*",
        ),
        *("config", "bisect run", "submodule foreach", "rebase -x*", "filter-branch", "difftool", "mergetool"),
        *("--template*", "clone -u*", "fetch -u*", "archive -o*", "hook", "credential", "daemon"),
    ),
    "find": ("-delete", "-fprint*", "-fls"),
    "rg": ("--pre*", "--hostname-bin*"),
    "sort": ("-o*", "--output*", "--compress-program*"),
    "tar": (
        *("--to-command*", "--checkpoint*", "-I*", "--use-compress-program*", "-F*", "--info-script*", "-P*"),
        *("--rsh-command*", "--new-volume-script*", "--absolute-names"),
    ),
    "tree": ("-o*",),
    "go": ("-exec*", "--exec*", "-toolexec*", "--toolexec*", "-vettool*", "--vettool*"),
    "cargo": ("--config*", "-C*"),
    "make": ("-f*", "-C*", "-E*", "--file*", "--makefile*", "--directory*", "--eval*", "SHELL=*", "MAKEFLAGS=*"),
    "npm": ("--prefix*", "-C*", "--script-shell*", "--node-options*", "--userconfig*", "--globalconfig*"),
    "man": ("-P*", "--pager*", "-H*"),
    "fd": ("-x*", "-X*", "--exec*"),
    "fdfind": ("-x*", "-X*", "--exec*"),
    "uniq": ("[!-]*",),
}
"""Words that make a harmless-looking command run another or write anywhere: a `*` of a rule does not stand for them.

A hazard of two words counts behind that subcommand only."""

_TELLS: Final = frozenset({"--get", "--get-all", "--list", "-l", "get", "list"})
"""What makes `git config` only tell."""

_MESSAGES: Final = frozenset({"-m", "--message"})
"""Options of git whose value is text, whatever it is."""


def hazard(name: str, words: Sequence[Word]) -> str:
    """Why a command may do more than its name says, "" if it does not. words: those behind the name."""
    patterns = HAZARDS.get(name, ())
    if name == "git" and words and words[0].text == "config" and _TELLS & {word.text for word in words}:
        patterns = tuple(pattern for pattern in patterns if pattern != "config")
    if name == "tar" and words and words[0].text[:1] not in ("", "-"):  # its options may come without the dash
        words = (Word(f"-{words[0].text}"), *words[1:])
    subcommand = next((word.text for word in words if not word.text.startswith("-")), "")
    for number, word in enumerate(words):
        for pattern in patterns:
            behind, _, option = pattern.rpartition(" ")
            place = not behind and re.fullmatch(r"[a-z][a-z-]*", option)  # a subcommand itself
            if behind in ("", subcommand) and _is(subcommand if place else word.text, option):
                return f"{word.text} makes {name} do more than that"
        told = number and words[number - 1].text in _MESSAGES and word.single
        if patterns and word.open and not told and word.text[:1] in ("", "-"):
            return f"a word of it is not known, and {name} has options that do more than that"
    return ""


def _is(text: str, option: str) -> bool:
    """Whether a word is this option, shortened or among other letters too: `--outp=x` is `--output`, `-ro` is `-o`."""
    if fnmatchcase(text, option):
        return True
    name, whole = text.partition("=")[0], option.rstrip("*")
    if whole.startswith("--"):
        return len(name) > 2 and whole.startswith(name)
    return len(whole) == 2 and whole[0] == "-" and re.fullmatch(r"-\w{2,4}", name) is not None and whole[1] in name
