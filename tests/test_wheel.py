"""The wheel holds exactly what the tree holds, and works where the tree is out of reach.

An editable install would never notice a missing file: it reads the tree.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parents[1]
FOLDERS = {folder: folder for folder in ("agent", "tools", "prompts", "workspace_examples")} | {
    "tests/corpus": "conformance"
}
"""Where they lie in the tree, and in the wheel."""
LEFTOVERS = shutil.ignore_patterns("__pycache__", ".*_cache")
DATA = {"workspace_examples", "no_repository"}
"""Folders of which everything belongs to the wheel."""
CODE = {".py", ".md", ".typed", ".json", ".jsonl"}


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a command that must succeed, without what could lead it back to the tree; returns its output."""
    home = cwd / "home"
    home.mkdir(exist_ok=True)
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"]))  # ripgrep is borrowed, too
    environment = {"PATH": path, "HOME": str(home)}
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that building leaves nothing in the checkout and takes nothing from an old build there."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=LEFTOVERS)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    return tree


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, tree, cwd=out)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that holds the wheel and borrows our dependencies.

    A .pth line adds a folder to sys.path, but the .pth files in that folder are not read: so the hook of our
    own editable install stays asleep, and the tree can't be imported by accident.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel, cwd=home)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def test_wheel_and_tree_hold_the_same(wheel: Path, tree: Path) -> None:
    files = {
        Path("roundtrip", name, path.relative_to(tree / folder))
        for folder, name in FOLDERS.items()
        for path in (tree / folder).rglob("*")
        if path.is_file()
    }
    wanted = {path for path in files if path.suffix in CODE or DATA.intersection(path.parts)}
    packed = {Path(name) for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == wanted
    assert any(path.suffix == ".jsonl" for path in packed)


def test_everything_is_imported_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import roundtrip.agent, roundtrip.tools, roundtrip.prompts, openai; print(*roundtrip.__path__)"
    found = run(installed / "python", "-I", "-c", code, cwd=tmp_path).strip()
    assert Path(found).is_relative_to(installed.parent)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["demo"], ["conformance", "--case", "kimi_k2/one-call"]], ids=" ".join
)
def test_command(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert run(installed / "agent", *arguments, cwd=tmp_path).strip()
