"""What is known of programs: which ones run others, which ones only read, what of them may be allowed for good."""

from __future__ import annotations

from typing import Final

SHELLS: Final = frozenset({"sh", "bash", "dash", "ash"})
"""Shells whose lines `script.parse` understands."""

_STRANGE: Final = "zsh fish ksh mksh yash rbash csh tcsh pwsh powershell nu elvish xonsh cmd"
STRANGE_SHELLS: Final = frozenset(_STRANGE.split())

_INTERPRETERS: Final = (
    "python pypy ipython perl ruby irb node nodejs deno bun php lua luajit R Rscript julia awk gawk mawk sed vi vim "
    "nvim emacs osascript java jshell groovy scala tclsh expect"
)
INTERPRETERS: Final = frozenset(_INTERPRETERS.split())
"""Programs that do what a text or a file tells them, without the version in their name."""

_CLIENTS: Final = "psql mysql mariadb sqlite redis-cli mongosh ed ex gdb lldb bc dc m ftp at batch"
CLIENTS: Final = frozenset(_CLIENTS.split())
"""Programs that do what their input says, whatever their words are; without the version too."""

_PLAIN: Final = (
    "ls cat grep egrep fgrep rg head tail wc sort uniq cut tr diff cmp stat du df tree which whoami uname basename "
    "dirname realpath readlink id nproc ps jq pytest unittest mypy pyright pylint flake8 black isort tsc eslint jest "
    "vitest gofmt rustfmt shellcheck"
)
PLAIN: Final = frozenset(_PLAIN.split())
"""Tools without subcommands, whose words are files and options: their name says what they do."""

_QUIET: Final = (
    "echo printf true false : pwd cd test [ set unset export read exit return break continue shift wait sleep seq date "
    "mkdir rmdir touch cp mv ln rm chmod chown tee kill file md5sum sha256sum find git curl wget type command"
)
QUIET: Final = PLAIN | frozenset(_QUIET.split())
"""Programs that run nothing of what their words name, `hazards` aside. Of all others it is not known."""

_READERS: Final = (
    "file find less more nl od xxd strings ruff git npm pnpm yarn cargo go uv pip gh docker kubectl dotnet"
)
READERS: Final = PLAIN - {"which", "whoami", "uname", "basename", "dirname", "id", "nproc", "ps", "df"} | frozenset(
    _READERS.split()
)
"""Tools that show files or run code. Rules allow them for the same files that need no question otherwise."""

SUBCOMMANDS: Final[dict[str, frozenset[str]]] = {
    tool: frozenset(said.split())
    for tool, said in {
        "git": "add blame cat-file commit describe diff fetch grep log ls-files ls-tree merge-base rev-list rev-parse "
        "shortlog show status",
        "npm": "test ls outdated audit",
        "pnpm": "test ls outdated audit",
        "yarn": "test",
        "cargo": "build test check clippy fmt doc tree",
        "go": "build test vet list doc",
        "ruff": "check format",
        "uv": "sync lock tree",
        "pip": "list show freeze check",
        "gh pr": "view list diff checks status",
        "gh issue": "view list status",
        "docker": "ps logs images",
        "kubectl": "get describe logs",
        "dotnet": "build test",
    }.items()
}
"""What a rule is proposed for that allows any further words. Of all else, only the exact words are proposed."""

SCRIPTS: Final = frozenset({("npm", "run"), ("pnpm", "run"), ("yarn", "run")})
"""Behind these stands the name of a script of the project, which says what is done."""

WRAPPERS: Final = frozenset(
    {("python", "-m"), ("python3", "-m"), ("bundle", "exec"), ("npx",), ("uvx",), ("bunx",), ("pnpm", "exec")}
    | {(tool, "run") for tool in ("uv", "poetry", "pdm", "hatch", "pipenv", "rye")}
)
"""Behind these stands a tool, and its name says what is done."""


def wrapped(texts: list[str]) -> int:
    """How many words stand before the tool that is meant."""
    return next((depth for depth in (1, 2) if len(texts) > depth and tuple(texts[:depth]) in WRAPPERS), 0)
