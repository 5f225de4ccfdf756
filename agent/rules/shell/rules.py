"""Rules for commands, such as `git status *`: what they mean, and which one to propose for a command.

A rule is words. They are compared with a command's words one by one, with `*`, `?` and `[…]` inside a word; a last
`*` stands for any further words, or none. A rule that allows needs certainty: every command of a line must fit, as
it is spelled. A rule that forbids needs none: it finds a command in any launcher, in any folder, behind the options
of its program, and where it may be there or not, somebody is asked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from glob import escape
from typing import Final

from roundtrip.agent.rules.shell.launchers import Command, base, tells
from roundtrip.agent.rules.shell.matching import Match, Rule, fit, fit_behind_options
from roundtrip.agent.rules.shell.programs import (
    CLIENTS,
    INTERPRETERS,
    PLAIN,
    SCRIPTS,
    SHELLS,
    STRANGE_SHELLS,
    SUBCOMMANDS,
    wrapped,
)
from roundtrip.agent.rules.shell.words import Word

MOST_PROPOSED: Final = 3
"""Rules that are proposed at a time; more would not be read."""

_OWN: Final = r"(?!p?npm_|yarn_|bun_|\w*_proxy=|path=)[a-z][a-z0-9_]*="
"""By custom, small letters are a script's own."""
_OBEYED: Final = (
    r"(?:(?!NODE_ENV=|GIT_PAGER_IN_USE=)\w*(?:PATH|HOME|DIR|ROOT|LIB|CONFIG|ENV|FILE|RC|STARTUP|PROMPT|PRELOAD|OPT|FLAGS"
    r"|SHELL|PAGER|EDITOR|BROWSER|WRAPPER|COMMAND)\w*=|(?:LD|DYLD|GIT|BASH|ZSH|MAKE|POSIX|PS\d|IFS|NPM|npm)\w*=)"
)
"""Variables that shells and programs take commands, code or settings from."""
_FREE: Final = (
    r"(?:CI|NO_COLOR|FORCE_COLOR|CLICOLOR|COLUMNS|LINES|LANG|LANGUAGE|LC_[A-Z]+|TZ|DEBUG|VERBOSE|SOURCE_DATE_EPOCH"
    r"|RUST_BACKTRACE|RUST_LOG|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONHASHSEED|PYTHONIOENCODING|PYTHONUTF8"
    r"|NODE_ENV|GOOS|GOARCH|CGO_ENABLED|GIT_PAGER_IN_USE)="
)
_SWITCH: Final = rf"(?!{_OBEYED})[A-Z][A-Z0-9_]*=(?:\d{{1,5}}|true|false|yes|no|on|off)?"
_SET_FOR: Final = re.compile(rf"(?:{_OWN}|{_FREE})[\w./:,@%+ -]*|{_SWITCH}")
_SET: Final = re.compile(rf"{_OWN}[\s\S]*|{_SET_FOR.pattern}")
"""Assignments that change nothing of what is run: for one command, and for the shell. A value must be plain where
programs see it, because make, for one, runs what stands in it; an unknown variable may be a switch."""

_SECRET: Final = re.compile(r"\$\{?\w*(?:KEY|TOKEN|SECRET|PASS|CRED|AUTH)")
"""Variables that are not told without being asked."""

_LAYOUT: Final = frozenset({"--no-pager", "-P", "--no-optional-locks"})
"""Options before the subcommand of git that a rule need not name."""


@lru_cache(maxsize=1024)
def rule(text: str) -> Rule:
    """The words of a rule. Raises ValueError for one that can't be read."""
    words = tuple(shlex.split(text))
    if not words:
        raise ValueError("a rule for commands can't be empty")
    return words


def denied(commands: Sequence[Command], rules: Sequence[str]) -> str:
    """The rule that forbids one of the commands, "" if none does for certain."""
    found = ((text, command) for command in commands for text in rules)
    return next((text for text, command in found if _forbids(rule(text), command, named=False) == "yes"), "")


def doubtful(commands: Sequence[Command], rules: Sequence[str], line: str) -> bool:
    """Whether one of the commands of a line may be forbidden."""
    if not rules:
        return False
    said = [word for word in re.split(r"[^\w.+-]+", line.casefold()) if word]
    named = {text for text in rules if _is_named(rule(text), said)}
    return any(_forbids(rule(text), one, text in named) != "no" for one in commands for text in rules)


def allows(commands: Sequence[Command], rules: Sequence[str]) -> bool:
    """Whether the rules allow every one of the commands, and at least one of them is more than a filler."""
    fillers = all(is_filler(command) for command in commands)
    wanted = [
        command for command in commands if command.words and command.ruled and (fillers or not is_filler(command))
    ]
    known = all(is_known(command) for command in commands)
    return known and bool(wanted) and all(any(fits(rule(text), one) for text in rules) for one in wanted)


def is_known(command: Command) -> bool:
    """Whether it is known what the command does, as far as its name says that."""
    fine = _SET_FOR if command.words else _SET
    told = any(_SECRET.search(word.path) for word in command.words)
    return not command.unknown and not told and all(fine.fullmatch(text) for text in command.sets)


def fits(words: Rule, command: Command) -> bool:
    """Whether the rule stands for the command, for certain."""
    name = command.words[0].text
    if ".." in name.split("/") and words[0] != escape(name):
        return False
    return "yes" in (fit(words, command.words), fit(words, _meant(command)))


def _meant(command: Command) -> tuple[Word, ...]:
    """The words, without options that change only the looks."""
    words = command.words
    while command.texts[0] == "git" and len(words) > 1 and words[1].text in _LAYOUT:
        words = (words[0], *words[2:])
    return words


def is_filler(command: Command) -> bool:
    """Whether it needs no rule of its own beside commands that have one: it changes nothing, and tells little.

    Where `cd` leads is looked at elsewhere.
    """
    texts = command.texts
    if not command.ruled or not texts:
        return True
    name, words = texts[0], texts[1:]
    fixed = not any(word.open for word in command.words)
    if name in ("echo", "true", "false", ":", "pwd", "cd"):
        return True
    if name == "test":
        return fixed
    if name in ("exit", "sleep", "wait", "break", "continue"):
        return fixed and all(re.fullmatch(r"[\d.]+[smh]?", word) for word in words)
    if name == "printf":
        return not any(word.startswith("-v") for word in words) and not any(word.open for word in command.words[:2])
    if name == "read":
        return fixed and bool(words) and all(word == "-r" or re.fullmatch(_OWN, f"{word}=") for word in words)
    if name in ("cat", "head", "tail", "wc"):  # what is piped into them
        return fixed and all(re.fullmatch(r"-\w*|\d+|--(?:lines|bytes)=\d+", word) for word in words)
    if name in ("export", "readonly", "declare", "typeset", "local"):  # alone, it tells all variables
        return bool(command.sets)
    if name == "set":
        return fixed and bool(words) and all(re.fullmatch(r"-[euxo]+|pipefail", word) for word in words)
    return name == "command" and tells(command)


def proposed(commands: Sequence[Command], rules: Sequence[str]) -> tuple[str, ...]:
    """The rules that would allow what is not allowed yet, none if that can't be said in a few."""
    found: dict[str, None] = {}
    fillers = all(is_filler(command) for command in commands)
    for command in commands:
        if not is_known(command):
            return ()
        spare = not command.ruled or not command.words or (is_filler(command) and not fillers)
        if spare or any(fits(rule(text), command) for text in rules):
            continue
        text = _proposal(command)
        if not text:
            return ()
        found[text] = None
    return tuple(found) if len(found) <= MOST_PROPOSED else ()


def _proposal(command: Command) -> str:
    """The rule for a command: what it does with any words, or its exact words; "" if neither can be said."""
    words = _meant(command)
    texts = [word.text for word in words]
    depth = _telling(texts)
    if depth and not any(word.open for word in words[:depth]):
        return f"{_spelled(texts[:depth])} *"
    return "" if any(word.open for word in words) or _obeys_its_input(command) else _spelled(texts)


def _telling(texts: list[str], tools: frozenset[str] = PLAIN | {"echo", "test"}) -> int:
    """How many words say what a command does, whatever stands behind them; 0 where only all of its words do."""
    before = wrapped(texts)
    if before:
        inner = _telling(texts[before:], PLAIN)
        return before + inner if inner else 0
    if texts[0] in tools:
        return 1
    if tuple(texts[:2]) in SCRIPTS:
        return 3 if re.fullmatch(r"[A-Za-z][\w:.-]*", " ".join(texts[2:3])) else 0
    depths = (depth for depth in (2, 3) if texts[depth - 1 : depth])
    return next((n for n in depths if texts[n - 1] in SUBCOMMANDS.get(" ".join(texts[: n - 1]), ())), 0)


def _obeys_its_input(command: Command) -> bool:
    """Whether the program does what its input says, because no word tells it what to do."""
    name = re.sub(r"[\d.]+$", "", command.name)
    told = any(
        not word.startswith("-") or re.match(r"-[cem].|--?(?:version|help)$|-[vVh]$", word)
        for word in command.texts[1:]
    )
    return name in CLIENTS or (not told and name in INTERPRETERS | SHELLS | STRANGE_SHELLS)


def _spelled(texts: Sequence[str]) -> str:
    """Words as a rule that stands for them alone."""
    return " ".join(shlex.quote(escape(text)) for text in texts)


def _forbids(words: Rule, command: Command, named: bool) -> Match:
    """Whether a rule forbids a command: in any folder, in any case, behind options. named: the line names it."""
    if not command.words:
        return "maybe" if any(re.match(_OBEYED, text) for text in command.sets) else "no"
    first, rest = command.words[0].text.casefold(), command.words[1:]
    wanted = (words[0].casefold(), *words[1:])
    hides = command.loose and (named or any(map(_is_unknown, rest)) or _obeys_its_input(command))
    doubt = command.unknown or hides or any(re.match(_OBEYED, text) for text in command.sets)
    best: Match = "maybe" if doubt else "no"
    if any(fnmatchcase(name, wanted[0]) for name in {first, base(first)}):
        behind = wanted if wanted == ("*",) else wanted[1:]
        match = fit_behind_options(behind, rest, command.name)
        best = match if match == "yes" or best == "no" else best
    return best


def _is_unknown(word: Word) -> bool:
    """Whether a word may become anything, not only names of files."""
    return word.open and not re.fullmatch(r"[^$`]+", word.path)


def _is_named(words: Rule, said: Sequence[str]) -> bool:
    """Whether the fixed words of a rule are said, in their order."""
    rest = iter(said)
    return all(
        any(fnmatchcase(word, pattern.casefold()) for word in rest) for pattern in words if pattern[:1] not in "*-"
    )
