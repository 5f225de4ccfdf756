"""Names that are more than files, in every spelling that some file system takes for the same."""

from pathlib import Path

import pytest
from roundtrip.agent.rules.protected import is_barred, key, key_beginning, may_be_watched, obeyed, watched


@pytest.mark.parametrize(
    "name",
    [
        ".git",
        ".GIT",
        ".Git",
        ".agent",
        ".AGENT",
        "git~1",
        "GIT~1",
        "git~2",
        "agent~1",
        ".git ",
        ".git.",
        ".git...",
        ".git . ",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        ".g\u200cit",
        "\ufeff.git",
        ".gi\u200dt",
        ".agent::$DATA",
        ".ag\u2060ent",
    ],
)
def test_nobody_writes_there(name: str) -> None:
    assert is_barred(name)


@pytest.mark.parametrize(
    "name", [".gitignore", "git", ".github", "agent", ".agents", ".agentignore", "git~x", "", ".."]
)
def test_other_names_are_free(name: str) -> None:
    assert not is_barred(name)


@pytest.mark.parametrize(
    "path",
    [
        "/home/u/.ssh",
        "/home/u/.ssh/config",
        "/home/u/.SSH/known_hosts",
        "/p/id_rsa",
        "/p/id_ed25519.pub",
        "/p/x.pem",
        "/p/X.PEM",
        "/p/.env",
        "/p/.env.local",
        "/p/prod.env",
        "/p/.netrc",
        "/p/.npmrc",
        "/p/.pypirc",
        "/home/u/.aws/credentials",
        "/home/u/.gnupg/x",
        "/home/u/.config/gcloud/a/b",
        "/home/u/.config/gh/hosts.yml",
        "/home/u/.docker/config.json",
        "/home/u/.kube/config",
        "/home/u/.bash_history",
        "/proc/self/environ",
        "/proc/12/task/13/environ",
        "/etc/shadow",
        "/p/.env::$DATA",
        "/p/.en\u200cv",
        "/p/.env.",
        "/home/u/.cargo/credentials.toml",
        "/p/x.kdbx",
        "/p/.git-credentials",
    ],
)
def test_keys_are_asked_even_for_reading(path: str) -> None:
    assert key(Path(path))


@pytest.mark.parametrize(
    "path",
    [
        "/p/.env.example",
        "/p/.env.sample",
        "/p/.ENV.EXAMPLE",
        "/p/.env/lib/python/site.py",
        "/p/env",
        "/p/environment.py",
        "/p/pem.py",
        "/p/ssh/config",
        "/p/main.py",
        "/",
        "/p/.envrc",
        "/p/docker/config.json",
        "/p/chat_history",
        "/p/credentials.py",
    ],
)
def test_other_files_are_read(path: str) -> None:
    assert not key(Path(path))


@pytest.mark.parametrize(
    "path",
    [
        "AGENTS.md",
        "sub/agents.MD",
        ".bashrc",
        ".bash_profile",
        ".zshrc",
        ".profile",
        ".envrc",
        ".gitmodules",
        ".gitattributes",
        ".husky/pre-commit",
        ".vscode/tasks.json",
        ".idea/x.xml",
        ".pre-commit-config.yaml",
        "sitecustomize.py",
        "x.pth",
        ".git/hooks/pre-commit",
        "sub/.git",
        ".agent/config.toml",
        ".devcontainer/devcontainer.json",
        ".env",
        "deploy/x.pem",
        ".mcp.json",
        "CLAUDE.md",
        ".agentignore",
        "pip.conf",
        ".config/fish/config.fish",
        "lefthook.yml",
        "lefthook.yaml",
        "GEMINI.md",
        ".cursorrules",
        ".clinerules",
        ".clinerules/x.md",
        ".github/copilot-instructions.md",
        "x.code-workspace",
        ".zed/tasks.json",
        ".hg/hgrc",
        ".emacs",
    ],
)
def test_writing_what_is_obeyed_is_asked(path: str) -> None:
    assert watched(Path(path))


@pytest.mark.parametrize(
    "path",
    [
        "main.py",
        "README.md",
        ".gitignore",
        ".github/workflows/ci.yml",
        "bashrc",
        "vscode/x",
        "agents.py",
        "Makefile",
        ".hg/store/x",
        ".github/dependabot.yml",
    ],
)
def test_other_files_are_written(path: str) -> None:
    assert not watched(Path(path))


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        *((text, True) for text in ("AGENT*", "sub/agents.*", ".vsc*", ".v*/x", "x/.g?t/hooks", ".*", "?laude.md")),
        *((text, False) for text in ("*", "*.md", "*.pth", "src/*", "*/x", ".pytest*", ".github/*", "agents/*.py", "")),
    ],
)
def test_what_patterns_may_stand_for(pattern: str, asked: bool) -> None:
    assert bool(may_be_watched(Path(pattern))) == asked


def test_what_is_said_of_changed_files() -> None:
    said = obeyed(["b.py", "AGENTS.md", f"{'x' * 3000}/.envrc"])
    assert said.startswith("AGENTS.md tells every agent here what to do; …xxx")
    assert said.endswith("x/.envrc is run by direnv on entering the folder")
    assert len(said) < 250


@pytest.mark.parametrize(
    ("beginning", "asked"),
    [
        *((text, True) for text in (".", ".e", ".env", "src/.e", "~/.s", ".config/g", "id_rs", "/etc/sh")),
        *((text, False) for text in ("", "src/", ".github/", ".x", "i", "id", "src/main", ".config/x", ".github/w")),
    ],
)
def test_how_keys_begin(beginning: str, asked: bool) -> None:
    assert bool(key_beginning(beginning)) == asked
