"""Rules for commands, such as `git status *`: what they mean, and which one to propose for a command.

A rule is words. They are compared with a command's words one by one, with `*`, `?` and `[…]` inside a word; a last
`*` stands for any further words, or none. A rule that allows needs certainty: every command of a line must fit, as
it is spelled. A rule that forbids needs none: it finds a command in any launcher, in any folder, behind the options
of its program, and where it may be there or not, somebody is asked.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import escape
from typing import Final, Literal

from roundtrip.agent.rules.launchers import INTERPRETERS, SHELLS, Command, base
from roundtrip.agent.rules.shell_words import Word

MOST_PROPOSED: Final = 3
"""Rules that are proposed at a time; more would not be read."""

Rule = tuple[str, ...]
_Match = Literal["yes", "maybe", "no"]

_HARMLESS: Final = re.compile(
    r"(?!npm_|\w*_proxy$|path$)[a-z][a-z0-9_]*"
    r"|CI|NO_COLOR|FORCE_COLOR|CLICOLOR|COLUMNS|LINES|LANG|LANGUAGE|LC_[A-Z]+|TZ|DEBUG|VERBOSE|SOURCE_DATE_EPOCH"
    r"|RUST_BACKTRACE|RUST_LOG|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONHASHSEED|PYTHONIOENCODING|PYTHONUTF8"
    r"|NODE_ENV|GOOS|GOARCH|CGO_ENABLED|GIT_PAGER_IN_USE"
)
"""Variables that change nothing of what a command runs; by custom, small letters are a script's own."""

_VALUED: Final[dict[str, frozenset[str]]] = {
    "git": frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"}),
    "docker": frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level"}),
    "npm": frozenset({"--prefix", "-C", "-w", "--workspace"}),
    "cargo": frozenset({"--config", "-C", "-Z", "--color"}),
    "uv": frozenset({"--directory", "--project", "--config-file", "--color", "--cache-dir"}),
}
"""Options with a value that stand before the subcommand."""

_DEEPER: Final[dict[tuple[str, ...], int]] = {
    **dict.fromkeys([(tool, "run") for tool in ("npm", "pnpm", "yarn", "poetry", "uv", "hatch", "deno", "conda")], 3),
    **dict.fromkeys([("git", "stash"), ("git", "worktree"), ("git", "remote"), ("gh", "pr"), ("gh", "issue")], 3),
    **dict.fromkeys([("uv", "pip"), ("docker", "compose"), ("bundle", "exec"), ("pnpm", "exec"), ("npm", "exec")], 3),
}
"""Subcommands that have such themselves. All other tools are taken to have one word that says what they do."""

_DESTROYERS: Final = (
    "rm rmdir mv cp ln dd tee touch truncate shred chmod chown chgrp kill pkill killall curl wget ssh scp sftp rsync "
    "nc mount umount mkfs fdisk systemctl service crontab at shutdown reboot useradd passwd visudo su watch "
    "npx pnpx bunx uvx pipx sudo doas find xargs parallel env exec open xdg-open"
)
_EXACT: Final = frozenset(_DESTROYERS.split())
"""What destroys, or runs anything: only its exact words are proposed."""

_EXACT_SUBCOMMANDS: Final = frozenset(
    {("docker", "run"), ("docker", "exec"), ("podman", "run"), ("podman", "exec"), ("git", "config"), ("git", "clean")}
    | {("git", "reset"), ("git", "push"), ("kubectl", "exec"), ("kubectl", "delete"), ("terraform", "destroy")}
)
_PLAIN_TOOLS: Final = (
    "ls cat grep egrep fgrep rg head tail wc sort uniq cut tr diff cmp stat file du df tree which whoami uname date "
    "pytest mypy pyright tsc eslint prettier black isort flake8 pylint jest vitest mocha phpunit rspec rubocop gofmt "
    "rustfmt clippy shellcheck ctest ninja jq yq basename dirname realpath readlink id nproc ps"
)
_PLAIN: Final = frozenset(_PLAIN_TOOLS.split())
"""Tools without subcommands, whose words are files and options."""


def rule(text: str) -> Rule:
    """The words of a rule. Raises ValueError for one that can't be read."""
    words = tuple(shlex.split(text))
    if not words:
        raise ValueError("a rule for commands can't be empty")
    return words


def denied(commands: Sequence[Command], rules: Sequence[str]) -> str:
    """The rule that forbids one of the commands, "" if none does for certain."""
    found = ((text, command) for command in commands for text in rules)
    return next((text for text, command in found if _forbids(rule(text), command) == "yes"), "")


def doubtful(commands: Sequence[Command], rules: Sequence[str]) -> bool:
    """Whether one of the commands may be forbidden."""
    return any(_forbids(rule(text), command) != "no" for command in commands for text in rules)


def allows(commands: Sequence[Command], rules: Sequence[str]) -> bool:
    """Whether the rules allow every one of the commands, and at least one of them is more than a filler."""
    wanted = [command for command in commands if not is_filler(command)]
    known = all(is_known(command) for command in commands)
    return known and bool(wanted) and all(any(fits(rule(text), one) for text in rules) for one in wanted)


def is_known(command: Command) -> bool:
    """Whether it is known what the command does, as far as its name says that."""
    return not command.unknown and all(_HARMLESS.fullmatch(name) for name in command.sets)


def fits(words: Rule, command: Command) -> bool:
    """Whether the rule stands for the command, for certain."""
    name = command.words[0].text
    if ".." in name.split("/") and words[0] != escape(name):
        return False
    return _match(words, command.words) == "yes"


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
    if name == "test":  # bash runs what stands in `test -v 'a[$(…)]'`
        return fixed and not any(re.search(r"[\[`$]", word) for word in words)
    if name == "printf":
        return not any(word.startswith("-v") for word in words) and not any(word.open for word in command.words[:2])
    if name in ("cat", "head", "tail", "wc"):  # what is piped into them
        return fixed and all(re.fullmatch(r"-[\w=-]*|\d+", word) for word in words)
    if name == "set":
        return fixed and all(re.fullmatch(r"-[euxo]+|pipefail", word) for word in words)
    return name == "command" and words[:1] in (["-v"], ["-V"])


def proposed(commands: Sequence[Command], rules: Sequence[str]) -> tuple[str, ...]:
    """The rules that would allow what is not allowed yet, none if that can't be said in a few."""
    found: dict[str, None] = {}
    for command in commands:
        if not is_known(command):
            return ()
        if is_filler(command) or any(fits(rule(text), command) for text in rules):
            continue
        text = _proposal(command)
        if not text:
            return ()
        found[text] = None
    return tuple(found) if len(found) <= MOST_PROPOSED else ()


def _proposal(command: Command) -> str:
    """The rule for a command: what it does with any words, or its exact words; "" if neither can be said."""
    texts = command.texts
    words = _telling(command)
    depth = len(words)
    if depth and not any(word.open for word in command.words[:depth]):
        return f"{_spelled(texts[:depth])} *"
    return "" if any(word.open for word in command.words) else _spelled(texts)


def _telling(command: Command) -> list[str]:
    """The words that say what a command does; none where only all of its words do."""
    texts, name = command.texts, command.texts[0]
    if "/" in name or name in _EXACT or name in SHELLS:
        return []
    if name in INTERPRETERS:
        module = name.startswith("python") and texts[1:2] == ["-m"] and len(texts) > 2
        deeper = 1 if texts[2:3] in (["pip"], ["ruff"], ["uv"]) else 0
        return texts[: 3 + deeper] if module and len(texts) >= 3 + deeper else []
    if name in _PLAIN:
        return texts[:1]
    depth = _DEEPER.get(tuple(texts[:2]), 2)
    told = texts[1:depth]
    if len(told) < depth - 1 or not all(re.fullmatch(r"[A-Za-z][\w:.-]*", word) for word in told):
        return []
    return [] if (name, told[0]) in _EXACT_SUBCOMMANDS else texts[:depth]


def _spelled(texts: Sequence[str]) -> str:
    """Words as a rule that stands for them alone."""
    return " ".join(shlex.quote(escape(text)) for text in texts)


def _forbids(words: Rule, command: Command) -> _Match:
    """Whether a rule forbids a command: in any folder, in any case, behind options."""
    if not command.words:
        return "no"
    best: _Match = "maybe" if command.unknown or (command.loose and _names(command, words[0])) else "no"
    for candidate, certain in _without_options(command):
        match = _match((words[0].casefold(), *words[1:]), candidate)
        if match == "yes" and certain:
            return "yes"
        best = best if match == "no" else "maybe"
    return best


def _names(command: Command, program: str) -> bool:
    """Whether a program is named somewhere in the words."""
    said = {word for text in command.texts[1:] for word in re.split(r"[^\w.+-]+", text.casefold())}
    return any(word.open for word in command.words) or any(fnmatchcase(word, program.casefold()) for word in said)


def _without_options(command: Command) -> Iterator[tuple[tuple[Word, ...], bool]]:
    """The command as a rule may mean it, without its first options; and whether that is certain."""
    first, rest = command.words[0], command.words[1:]
    names = {first.text.casefold(), base(first.text).casefold()}
    heads = [replace(first, text=name) for name in sorted(names)]
    yield from (((head, *rest), True) for head in heads)
    valued = _VALUED.get(command.name)
    while rest and rest[0].text[:1] in ("-", "+"):
        option, rest = rest[0].text, rest[1:]
        if "=" not in option and valued is None:
            yield from (((head, *rest[1:]), False) for head in heads)
        elif "=" not in option and valued is not None and option in valued:
            rest = rest[1:]
        yield from (((head, *rest), True) for head in heads)


def _match(wanted: Sequence[str], words: Sequence[Word]) -> _Match:
    for number, pattern in enumerate(wanted):
        if pattern == "*" and number == len(wanted) - 1:
            return "yes"
        if number >= len(words):
            return "no"
        word = words[number]
        if word.open:
            begins = re.match(r"[^*?\[]*", pattern)
            start = begins[0] if begins else ""
            return "maybe" if start.startswith(word.text) or word.text.startswith(start) else "no"
        if not fnmatchcase(word.text, pattern):
            return "no"
    rest = words[len(wanted) :]
    if not rest:
        return "yes"
    return "maybe" if all(word.open and not word.single and not word.text for word in rest) else "no"
