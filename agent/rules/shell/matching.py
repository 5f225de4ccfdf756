"""Whether the words of a rule stand for the words of a command: for certain, perhaps, or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal

from roundtrip.agent.rules.shell.words import Word

Rule = tuple[str, ...]
Match = Literal["yes", "maybe", "no"]

_VALUED: Final[dict[str, frozenset[str]]] = {
    "git": frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"}),
    "docker": frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level"}),
    "npm": frozenset({"--prefix", "-C", "-w", "--workspace"}),
    "cargo": frozenset({"--config", "-C", "-Z", "--color"}),
    "uv": frozenset({"--directory", "--project", "--config-file", "--color", "--cache-dir"}),
}
"""Options that certainly have a value. Any other may have one, or not."""


def fit(wanted: Rule, words: Sequence[Word]) -> Match:
    """Whether the words are those of a rule."""
    for number, pattern in enumerate(wanted):
        if pattern == "*" and number == len(wanted) - 1:
            return "yes"
        if number >= len(words):
            return "no"
        word = words[number]
        if word.open:
            return "maybe" if _begins(pattern, word) else "no"
        if not fnmatchcase(word.text, pattern):
            return "no"
    rest = words[len(wanted) :]
    if not rest:
        return "yes"
    return "maybe" if all(word.open and word.more == "" and not word.text for word in rest) else "no"


def fit_behind_options(wanted: Rule, words: Sequence[Word], tool: str) -> Match:
    """As `fit`, wherever options of the tool stand between; what may be their value may be passed over too."""
    valued, best = _VALUED.get(tool, frozenset()), fit(wanted, words)
    ways = {(0, True)}
    for number, pattern in enumerate(wanted):
        if pattern == "*" and number == len(wanted) - 1:
            return _better(best, ways)
        reached = set()
        for at, certain in _past_options(words, ways, valued):
            word = words[at] if at < len(words) else Word("")
            if word.open:
                best = _better(best, {(0, False)}) if _begins(pattern, word) else best
            elif at < len(words) and fnmatchcase(word.text, pattern):
                reached.add((at + 1, certain))
        ways = reached
    return _better(best, {way for way in ways if way[0] == len(words)})


def _better(best: Match, ways: set[tuple[int, bool]]) -> Match:
    """What is known now that these ways lead to the end of the rule."""
    if best == "yes" or not ways:
        return best
    return "yes" if any(certain for _, certain in ways) else "maybe"


def _past_options(words: Sequence[Word], ways: set[tuple[int, bool]], valued: frozenset[str]) -> set[tuple[int, bool]]:
    """The ways, and those that lead past the options from there."""
    waiting, found = list(ways), set(ways)
    while waiting:
        at, certain = waiting.pop()
        if at < len(words) and words[at].text[:1] in ("-", "+"):
            option = words[at].text
            steps = {(at + 2, certain)} if option in valued else {(at + 1, certain), (at + 2, False)}
            new = {step for step in steps if step[0] <= len(words)} - found
            found |= new
            waiting += new
    return found


def _begins(pattern: str, word: Word) -> bool:
    """Whether an open word may become what the pattern stands for."""
    start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return start.startswith(word.text) or word.text.startswith(start)
