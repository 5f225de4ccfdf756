"""Words that make a harmless-looking command run another one, or write anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from roundtrip.agent.rules.shell.programs import wrapped
from roundtrip.agent.rules.shell.words import Word

HAZARDS: Final[dict[str, str]] = {
    "git": "ext::* --output* --ext-diff --textconv --exec* --upload-pack* --receive-pack* --template*",
    **dict.fromkeys((f"git {sub}" for sub in ("config", "filter-branch", "difftool", "mergetool", "hook")), "*"),
    **dict.fromkeys((f"git {sub}" for sub in ("credential", "daemon", "instaweb", "send-email", "svn", "p4")), "*"),
    "git apply": "--unsafe-paths",
    "git archive": "-o*",
    "git bisect": "run",
    "git checkout-index": "--prefix*",
    "git clone": "-c* --config* -u*",
    "git format-patch": "-o*",
    "git grep": "-O* --open-files-in-pager*",
    "git rebase": "-x*",
    "git submodule": "foreach",
    "find": "-delete -fprint* -fls",
    "rg": "--pre* --hostname-bin*",
    "sort": "-o* --output* --compress-program*",
    "tar": "--to-command* --checkpoint* -I* --use-compress-program* -F* --info-script* -P* --rsh-command* "
    "--new-volume-script* --absolute-names",
    "tree": "-o*",
    "uniq": "[!-]*",
    "date": "-s* --set*",
    "read": "*[[]*",
    "printf": "-v*",
    "wait": "-p*",
    "test": "-v -R",
    "man": "-P* --pager* -H*",
    "fd": "-x* -X* --exec*",
    "fdfind": "-x* -X* --exec*",
    "make": "*=* -f* -C* -E* --file* --makefile* --directory* --eval*",
    "cargo": "--config* -C*",
    "go": "-exec* --exec* -toolexec* --toolexec* -vettool* --vettool* -o* -ldflags* --ldflags* -gcflags* -asmflags* "
    "-overlay* -modfile* -C*",
    "npm": "--prefix* -C* --script-shell* --node-options* --userconfig* --globalconfig*",
    "pnpm": "--dir* -C* --script-shell*",
    "yarn": "--cwd* --script-shell* --use-yarnrc*",
    "pytest": "-p* -c* -o* --override-ini* --rootdir* --confcutdir* --basetemp* --pastebin* --junit* --log-file* "
    "--debug*",
    "ruff": "--output-file* -o*",
    "npm audit": "fix",
    "pnpm audit": "--fix*",
    "pylint": "--init-hook* --load-plugins* --rcfile* --output*",
    "mypy": "--python-executable* --config-file* --install-types *-report",
    "pyright": "--pythonpath*",
    "flake8": "--config* --append-config* --output-file*",
    "black": "--config*",
    "isort": "--settings* --sp*",
    "eslint": "-c* --config* --rulesdir* --resolve-plugins* -f* --format* --parser* --plugin* -o* --output-file*",
    "tsc": "--outDir* --outFile* --declarationDir*",
    "jest": "-c* --config* --global* --rootDir* --runner* --transform* --setup*",
    "vitest": "-c* --config* --root* --global* --outputFile*",
}
"""By program, or program and subcommand: words for which a `*` of a rule does not stand.

They run something, or write or load what lies anywhere. All words count, those in bundles and shortened ones too.
"""

_GLOBAL: Final = frozenset({"--no-pager", "-P", "--no-optional-locks", "--no-replace-objects", "--version", "--help"})
"""Options before the subcommand of git that change nothing of what it runs."""

_TELLS: Final = frozenset({"--get", "--get-all", "--list", "-l", "get", "list"})
"""What makes `git config` only tell, if it stands first."""

_MESSAGE: Final = re.compile(r"-a?m|--message")
"""Options whose value is text, whatever it is, for these subcommands of git."""
_WITH_MESSAGE: Final = frozenset({"commit", "tag", "merge"})


def hazard(name: str, words: Sequence[Word]) -> str:
    """Why a command may do more than its name says, "" if it does not. words: those behind the name."""
    depth = wrapped([name, *(word.text for word in words)])
    if depth:
        return hazard(words[depth - 1].text, words[depth:])
    if name == "tar" and words and words[0].text[:1] not in ("", "-"):  # its options may come without the dash
        words = (Word(f"-{words[0].text}"), *words[1:])
    if name == "printf":  # the others are only printed
        words = words[:1]
    at = next((number for number, word in enumerate(words) if not word.text.startswith("-")), len(words))
    subcommand = words[at].text if at < len(words) else ""
    if name == "git" and any(word.text not in _GLOBAL for word in words[:at]):
        return "options of git stand before its subcommand"
    if name == "git" and subcommand == "config" and any(word.text in _TELLS for word in words[1:2]):
        return ""
    patterns = [*HAZARDS.get(name, "").split(), *HAZARDS.get(f"{name} {subcommand}", "").split()]
    told = set(_messages(words)) if name == "git" and subcommand in _WITH_MESSAGE else set()
    for number, word in enumerate(words):
        if number not in told and any(_is(word.text, pattern) for pattern in patterns):
            return f"{word.text} makes {name} do more than that"
        if patterns and number not in told and _may_be_an_option(word):
            return f"a word of it is not known, and {name} has options that do more than that"
    return ""


def _messages(words: Sequence[Word]) -> Iterator[int]:
    """The numbers of the words that are the text of a message."""
    for number, word in enumerate(words):
        if number and _MESSAGE.fullmatch(words[number - 1].text) and word.more is None:
            yield number


def _may_be_an_option(word: Word) -> bool:
    """Whether a word may become any option: `--name=$x` is an option that is known."""
    if not word.open:
        return False
    begins = {word.text} if word.more is None else {word.text, word.more}
    return any(not text or (text.startswith("-") and "=" not in text) for text in begins)


def _is(text: str, pattern: str) -> bool:
    """Whether a word is this option, shortened or among other letters too: `--outp=x` is `--output`, `-ro` is `-o`."""
    if fnmatchcase(text, pattern):
        return True
    name, whole = text.partition("=")[0], pattern.rstrip("*")
    if whole.startswith("--"):
        return len(name) > 2 and whole.startswith(name)
    letters = re.match(r"-(\w+)", text)
    return len(whole) == 2 and whole[0] == "-" and letters is not None and whole[1] in letters[1]
