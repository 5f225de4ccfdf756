"""What the words of a tool are to it: options, their values, and operands.

A table says of the tools that write, search or take texts which of their options have a value, and what that value
is. Options that are not in it are flags: so a value may be taken for an operand, never an operand for a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from roundtrip.agent.rules.shell.launchers import Command
from roundtrip.agent.rules.shell.words import Word

Operands = Literal["", "written", "removed", "copied", "moved", "packed", "in place", "fetched", "fetched -O"]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tool reads its words. Names of options stand without dashes, apart by blanks.

    operands: what it does with them. files: options whose value is a file, or a folder, that it writes. folder: those
    among them that say into which folder. texts: options whose value is no file. script: those that stand for the first
    operand, which is a script or a pattern; None where the first one is a file too. valued: others with a value.
    joined: those whose value, if there is one, stands right behind them.
    """

    operands: Operands = ""
    files: str = ""
    folder: str = ""
    texts: str = ""
    script: str | None = None
    valued: str = ""
    joined: str = ""

    def takes_value(self, option: str) -> bool:
        """Whether a value stands behind it, as a word of its own or not."""
        return option in f"{self.files} {self.texts} {self.valued}".split()

    def whole(self, name: str) -> str:
        """A long option that may be shortened."""
        known = f"{self.files} {self.texts} {self.valued} {self.joined} {self.script or ''}".split()
        return next((one for one in known if len(name) > 2 and one.startswith(name)), name)


_TARGET: Final = "t target-directory"
_SEARCH: Final = "regexp file exclude exclude-dir include after-context before-context context max-count"
_MESSAGE: Final = Shape(texts="m message", valued="F file C c reuse-message author date")
_POST: Final = Shape(texts="t title b body n notes", valued="R repo F body-file")

SHAPES: Final[dict[str, Shape]] = {
    **dict.fromkeys(("tee", "chmod", "chown", "chgrp"), Shape("written")),
    "touch": Shape("written", valued="d date t r reference"),
    "truncate": Shape("written", valued="s size r reference"),
    "mkdir": Shape("written", valued="m mode"),
    **dict.fromkeys(("rm", "rmdir", "unlink"), Shape("removed")),
    "shred": Shape("removed", valued="n iterations s size"),
    **dict.fromkeys(("cp", "ln"), Shape("copied", _TARGET, _TARGET, valued="S suffix")),
    "mv": Shape("moved", _TARGET, _TARGET, valued="S suffix"),
    "install": Shape("copied", _TARGET, _TARGET, valued="S suffix g group m mode o owner"),
    "rsync": Shape("copied", "backup-dir log-file partial-dir", valued="e rsh f filter exclude include"),
    **dict.fromkeys(("gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "sponge"), Shape("written")),
    "patch": Shape("written", "o output d directory", valued="p strip i input F fuzz r D"),
    "sed": Shape("in place", texts="e expression", script="e expression f file", valued="f file l",
                 joined="i in-place"),
    "perl": Shape("in place", texts="e E", script="e E", joined="i M m F x D C V I"),
    "ruby": Shape("in place", texts="e", script="e", joined="i I r F x K E C"),
    "curl": Shape(
        "fetched -O",
        files="o output output-dir D dump-header c cookie-jar",
        folder="output-dir",
        valued="A b C d e E F H header data form K m P Q r t T u user U w x X request y Y z",
    ),
    "wget": Shape(
        "fetched",
        files="O output-document P directory-prefix o output-file a append-output",
        folder="P directory-prefix",
        valued="i B t T w Q U l A R D I X header",
    ),
    "sort": Shape(files="o output", texts="k key t field-separator", valued="S buffer-size T"),
    "tar": Shape("packed", "C directory", valued="f file T X b"),
    "unzip": Shape(files="d", valued="P"),
    "dd": Shape(files="of"),
    **dict.fromkeys(("cc", "gcc", "g++", "clang", "clang++", "rustc"), Shape(files="o", valued="I L D l")),
    **dict.fromkeys(("go build", "git archive"), Shape(files="o output")),
    **dict.fromkeys(("grep", "egrep", "fgrep", "git grep"),
                    Shape(texts="e regexp exclude exclude-dir", script="e regexp f file",
                          valued=f"A B C D d f m {_SEARCH}")),
    "rg": Shape(texts="e regexp", script="e regexp f file files type-list",
                valued="A B C E M T d f g glob j m r replace t type " + _SEARCH),
    "jq": Shape(script="f from-file", valued="f from-file L indent"),
    "file": Shape(valued="f files-from F m"),
    "yq": Shape("in place", script="from-file", valued="from-file"),
    **dict.fromkeys(("awk", "gawk", "mawk"), Shape(texts="F", script="f file", valued="f file v")),
    "node": Shape(texts="e eval p print"),
    **dict.fromkeys(("git commit", "git tag", "git merge", "git stash", "git notes"), _MESSAGE),
    **dict.fromkeys(("git diff", "git log", "git show"),
                    Shape(files="output", texts="S G grep format pretty author since until")),
    "git format-patch": Shape(files="o output-directory"),
    "git init": Shape("written", valued="b initial-branch"),
    "git clone": Shape("copied", valued="b branch depth o origin c config j jobs"),
    "git worktree": Shape("written", script="", valued="b B"),
    "git mv": Shape("moved"),
    "git rm": Shape("removed"),
    **dict.fromkeys(("gh pr", "gh issue", "gh release"), _POST),
}  # fmt: skip
"""By program, or program and subcommand."""

TELLERS: Final = frozenset({"echo", "printf", "test"})
"""Tools that show nothing of the files that their words may name."""


class Said(NamedTuple):
    """An option, "" for an operand, with its value; at: the number of the word in which the value stands."""

    option: str
    value: Word
    at: int


def shaped(command: Command) -> tuple[Shape, list[Said]]:
    """How a command's tool reads its words, and what they are to it."""
    subcommand = " ".join(command.texts[1:2])
    shape = SHAPES.get(f"{command.name} {subcommand}")
    skipped = 2 if shape else 1
    shape = shape or SHAPES.get(command.name, Shape())
    words = command.words[skipped:]
    if command.name == "tar" and words and words[0].text[:1] not in ("", "-"):  # its options may come without the dash
        words = (Word(f"-{words[0].text}"), *words[1:])
    return shape, [one._replace(at=one.at + skipped) for one in _said(words, shape)]


def operands(shape: Shape, found: Sequence[Said]) -> list[Said]:
    """The operands that are files."""
    rest = [one for one in found if not one.option]
    if shape.script is None:
        return rest
    if (
        len(rest) > 2
        and rest[0].value == Word("", stage=rest[0].value.stage)
        and any(one.option == "i" for one in found)
    ):
        rest = rest[1:]  # `sed -i '' s/a/b/ f`, as on a Mac
    return rest if any(one.option in shape.script.split() for one in found) else rest[1:]


def _said(words: Sequence[Word], shape: Shape) -> Iterator[Said]:
    number = 0
    while number < len(words):
        word, behind = words[number], words[number + 1 : number + 2]
        if word.text == "--" and not word.open:
            yield from (Said("", one, number + 1 + more) for more, one in enumerate(words[number + 1 :]))
            return
        taken = False
        for option, value in _options(word, shape):
            taken = value is None and shape.takes_value(option) and bool(behind)
            yield Said(option, behind[0], number + 1) if taken else Said(option, value or Word(""), number)
        number += 1 + taken


def _options(word: Word, shape: Shape) -> Iterator[tuple[str, Word | None]]:
    """The options in one word, each with its value if that stands there too."""
    text = word.text
    name, equals, _ = text.partition("=")
    if text.startswith("--"):
        yield shape.whole(name[2:]), word.behind(len(name) + 1) if equals else None
    elif equals and shape.takes_value(name):  # dd
        yield name, word.behind(len(name) + 1)
    elif not text.startswith("-") or text == "-":
        yield "", word
    else:
        for at, letter in enumerate(text[1:], 2):
            if letter in shape.joined.split():
                yield letter, word.behind(at)
                return
            if shape.takes_value(letter):
                yield letter, word.behind(at) if len(text) > at or word.open else None
                return
            yield letter, None
