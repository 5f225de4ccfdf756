"""Commands that run other commands: what is really run by `env nice sudo sh -c 'git push'`.

Strategy. Each command of a `script.Script` is opened as far as tables say how: a launcher of `_LAUNCHERS` gives the
command behind its options, a shell with `-c` a script of its own, `find` what stands behind `-exec`. Each is seen
through in a small, exact shape of its options only; every other use is `unknown`, and is asked. Programs that are not
known to run nothing (`programs.QUIET`) are `loose`: a command like others for a rule that allows, but they may hide
what another one forbids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from roundtrip.agent.rules.shell.hazards import hazard
from roundtrip.agent.rules.shell.programs import QUIET, SHELLS, STRANGE_SHELLS
from roundtrip.agent.rules.shell.script import Script, parse
from roundtrip.agent.rules.shell.words import Word

DEEPEST: Final = 6
"""Launchers within launchers."""


@dataclass(frozen=True, slots=True)
class Command:
    """words: empty for one that only sets variables. sets: those that it sets, as in `script.Part`.

    ruled: it runs only if a rule allows it; else it is there for those that forbid. loose: it may run what its words
    name anywhere. unknown: why it is not known what it does, "" if it is. script: what a shell is told.
    """

    words: tuple[Word, ...]
    sets: tuple[str, ...] = ()
    ruled: bool = True
    loose: bool = False
    unknown: str = ""
    script: Script | None = None

    @property
    def name(self) -> str:
        """The program's name without its folders, "" where there is none."""
        return base(self.words[0].text) if self.words and not self.words[0].open else ""

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]


@dataclass(frozen=True, slots=True)
class _Launcher:
    """flags, valued: its options, those that take a value apart. operands: words before the command.

    through: a rule that allows the command behind it allows it too.
    """

    valued: str = ""
    flags: str = ""
    operands: int = 0
    through: bool = True


_SUDO: Final = "-u -g -h -p -r -t -T -U --user --group --host --prompt"
_LAUNCHERS: Final = {
    "builtin": _Launcher(),
    "command": _Launcher(flags="-p"),
    "doas": _Launcher("-u", "-n", through=False),
    "env": _Launcher("-u --unset", "-i -0 - --ignore-environment --null"),
    "exec": _Launcher("-a", "-c -l"),
    "ionice": _Launcher("-c -n --class --classdata", "-t"),
    "nice": _Launcher("-n --adjustment"),
    "nohup": _Launcher(),
    "setsid": _Launcher(flags="-c -f -w --ctty --fork --wait"),
    "stdbuf": _Launcher("-i -o -e --input --output --error"),
    "sudo": _Launcher(_SUDO, "-A -b -E -H -K -k -n -P -S --non-interactive --preserve-env --set-home", through=False),
    "time": _Launcher("-f --format", "-p -v --portability --verbose"),
    "timeout": _Launcher("-k -s --kill-after --signal", "-v --foreground --preserve-status --verbose", operands=1),
    "xargs": _Launcher("-I -n -P -L -d -s -E --max-args --max-procs --max-lines --delimiter", "-0 -r -t -x --null"),
}
_ASSIGNING: Final = frozenset({"env", "sudo", "doas"})
"""Launchers that take `NAME=value` before the command; a name may be any text."""

_SHELL_OPTION: Final = re.compile(r"-[eulx]*[co]?|--norc|--noprofile|--login")
"""Options with which a shell is still understood; behind an `o` stands one of these words."""
_SHELL_SETTINGS: Final = frozenset({"pipefail", "errexit", "nounset", "xtrace"})

_UNKNOWABLE: Final = {
    "eval": "eval runs what is not known before",
    "source": "source runs what stands in a file",
    ".": "source runs what stands in a file",
    "trap": "trap runs something later",
    "alias": "alias changes what commands mean",
    "unalias": "unalias changes what commands mean",
    "enable": "enable changes what commands mean",
    "hash": "hash changes what commands mean",
    "coproc": "coproc is not known to every shell",
    "let": "let computes with variables",
    "fc": "fc runs what was typed before",
    "bind": "bind runs something later",
    "complete": "complete runs something later",
}
_WORDS: Final = "! { } if then elif else fi for while until do done case esac in select function [[ ]]"
_RESERVED: Final = frozenset(_WORDS.split())
"""Words that are no command; where they look like one, a shell reads the line in another way."""


def base(name: str) -> str:
    """The name of a program without its folders."""
    return name.rpartition("/")[2]


def commands(script: Script) -> tuple[Command, ...]:
    """All commands that a script runs, those behind launchers too."""
    return tuple(found for part in script.parts for found in _opened(part.words, part.sets, 0))


def _opened(words: tuple[Word, ...], sets: tuple[str, ...], depth: int) -> Iterator[Command]:
    command = Command(words, sets)
    if not words:
        yield command
    elif depth > DEEPEST:
        yield replace(command, unknown="it is nested too deep")
    elif not command.name or words[0].text.startswith("-") or "=" in words[0].text:
        yield replace(command, unknown="which command it runs is not known before")
    elif command.name in _UNKNOWABLE:
        yield replace(command, unknown=_UNKNOWABLE[command.name])
    elif command.name in _RESERVED:
        yield replace(command, unknown=f"{command.name} stands where a command should be")
    elif command.name in STRANGE_SHELLS:
        yield replace(command, unknown=f"{command.name} reads its lines in another way")
    elif command.name in SHELLS:
        yield from _in_shell(command, depth)
    elif command.name == "find":
        yield from _in_find(command, depth)
    elif command.name in _LAUNCHERS and not tells(command):
        yield from _in_launcher(command, _LAUNCHERS[command.name], depth)
    else:
        yield replace(command, loose=command.name not in QUIET, unknown=hazard(command.name, command.words[1:]))


def tells(command: Command) -> bool:
    """Whether it is `command -v NAME` or `env`, which run nothing."""
    return command.texts == ["env"] or command.texts[:2] in (["command", "-v"], ["command", "-V"])


def _is_systems(word: Word) -> bool:
    """Whether the name is looked up on the path, or in the system's own folders: `./env` may be anything."""
    return "/" not in word.text or word.text.rpartition("/")[0] in ("/bin", "/usr/bin")


def _in_shell(command: Command, depth: int) -> Iterator[Command]:
    """`sh -c TEXT`, with options before and after the -c, or `sh FILE`."""
    told, rest = False, list(command.words[1:])
    while rest and not rest[0].open and _SHELL_OPTION.fullmatch(rest[0].text) and rest[0].text != "-":
        option = rest.pop(0).text
        told = told or (option.endswith("c") and not option.startswith("--"))
        if re.fullmatch(r"-\w*o", option) and (not rest or rest.pop(0).text not in _SHELL_SETTINGS):
            rest = []
    rest = rest[1:] if rest and rest[0].text == "--" else rest
    if not rest or rest[0].open or re.match(r"[-+]|/dev/|/proc/", rest[0].text):
        yield replace(command, unknown="what the shell is told is not known before")
    elif not told:
        yield replace(command, loose=True)
    else:
        script = parse(rest[0].text, rest[0].stage)
        yield replace(command, ruled=not _is_systems(command.words[0]), unknown=script.unknown, script=script)
        for part in script.parts:
            yield from _opened(part.words, part.sets, depth + 1)


def _in_find(command: Command, depth: int) -> Iterator[Command]:
    """What `find` runs for each file. It stays a command of its own."""
    yield replace(command, unknown=hazard(command.name, command.words[1:]))
    words = iter(command.words)
    for word in words:
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            inner: list[Word] = []
            for other in words:
                if other.text == ";" or (other.text == "+" and inner and inner[-1].text == "{}"):
                    break
                inner.append(other)
            yield from _opened(tuple(_filled(one, "{}") for one in inner), (), depth + 1)


def _filled(word: Word, place: str) -> Word:
    """A word in which something is put later."""
    return Word(word.text[: word.text.find(place)], open=True) if place in word.text else word


def _in_launcher(command: Command, launcher: _Launcher, depth: int) -> Iterator[Command]:
    """The command behind the options of a launcher."""
    rest, sets, certain = list(command.words[1:]), list(command.sets), True
    place = ""
    while rest and not rest[0].open and rest[0].text.startswith("-") and rest[0].text != "--":
        place = _place(command.name, rest) or place
        taken = _taken(rest[0].text, launcher)
        certain = certain and taken > 0
        del rest[: max(taken, 1)]
    rest = rest[1:] if rest and rest[0].text == "--" else rest
    while command.name in _ASSIGNING and rest and "=" in rest[0].text:
        certain = certain and rest[0].more is None
        sets.append(f"{rest[0].text}{'*' if rest[0].open else ''}")
        del rest[0]
    certain = certain and not any(word.open for word in rest[: launcher.operands])
    inner = tuple(_filled(word, place) if place else word for word in rest[launcher.operands :])
    if command.name == "xargs" and not place:
        inner = (*(inner or (Word("echo"),)), Word("", open=True, more=""))
    through = launcher.through and _is_systems(command.words[0])
    why = "" if certain else f"an option of {command.name} is not known"
    if not inner and command.name != "exec":
        why = why or f"which command {command.name} runs is not known"
    yield replace(command, ruled=not through, loose=not certain, unknown=why)
    if inner:
        yield from (replace(one, ruled=one.ruled and through) for one in _opened(inner, tuple(sets), depth + 1))


def _place(name: str, rest: Sequence[Word]) -> str:
    """What xargs replaces in its command, "" if nothing."""
    text = rest[0].text
    if name != "xargs" or not text.startswith("-I"):
        return ""
    return text[2:] or (rest[1].text if len(rest) > 1 else "") or "{}"


def _taken(option: str, launcher: _Launcher) -> int:
    """How many words an option takes with its value, 0 if it is not known."""
    valued, flags = launcher.valued.split(), launcher.flags.split()
    if option in flags or re.fullmatch(r"-\d+", option):
        return 1
    if option in valued:
        return 2
    name, equals, _ = option.partition("=")
    if option.startswith("--"):
        return 1 if equals and (name in valued or name in flags) else 0
    return 1 if option[:2] in valued or all(f"-{letter}" in flags for letter in option[1:]) else 0
