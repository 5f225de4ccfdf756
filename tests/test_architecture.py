"""Who may import whom, what may happen at import, and how long things may be. All of it is read, nothing imported.

A unit is what the table has a row for: a folder or a file of agent/, or tools, or prompts; "" is the package
`roundtrip.agent` itself, which holds the version and no more.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = {"messages", "keys", "plain", "files", "programs", "events", "tooling", "conversation", "wire", "leaks", "rules"}
ALL = {"", *CORE, "prompts", "runtime", "tools", "frontends", "commands", "cli", "workspace_examples", "conformance"}
MAY_IMPORT = {
    "": set(),
    "messages": set(),
    "keys": set(),
    "plain": set(),
    "files": set(),
    "programs": set(),
    "leaks": set(),
    "prompts": set(),
    "events": {"messages"},
    "tooling": {"messages", "events"},
    "conversation": {"messages", "events"},
    "wire": {"messages", "events", "leaks"},
    "rules": {"messages", "keys", "events", "tooling", "leaks"},
    "runtime": {"", *CORE},
    "tools": {"messages", "keys", "plain", "files", "programs", "tooling", "prompts"},
    "frontends": {"", "messages", "plain", "programs", "events", "tooling", "runtime"},
    "commands": ALL - {"cli"},
    "cli": ALL,
    "__main__": {"cli"},
}


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("roundtrip", *parts)).removesuffix(".__init__")


FILES = {dotted(path): path for top in ("agent", "tools", "prompts") for path in sorted((ROOT / top).rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """What is in the files. It is asked for by tests only: other runs collect this file and deselect it."""
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}


def unit(module: str) -> str:
    """roundtrip.agent.leaks.scanner → leaks, roundtrip.tools.shell → tools."""
    _, top, *rest = module.split(".")
    return "".join(rest[:1]) if top == "agent" else top


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The modules behind import statements; `from package import module` means the module."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else str(node.module) for name in names.values()}
    return found


@cache
def ours() -> dict[str, set[str]]:
    """Which of our modules each imports."""
    names = {module: imported(ast.walk(tree)) for module, tree in trees().items()}
    return {m: {name for name in found if name.startswith("roundtrip.")} - {m} for m, found in names.items()}


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: no function bodies, nothing under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_import(child)


def test_modules_import_only_what_they_may() -> None:
    edges = {(module, name) for module, names in ours().items() for name in names if unit(module) != unit(name)}
    assert {(module, name) for module, name in edges if unit(name) not in MAY_IMPORT[unit(module)]} == set()


def test_front_ends_do_not_know_each_other() -> None:
    """A front end is one module or folder of frontends/, or several whose names share the first word. `words` is none:
    it holds how things are said in a line, and all may use it."""

    def front_end(module: str) -> str:
        return module.removeprefix("roundtrip.agent.frontends").lstrip(".").split(".")[0].split("_")[0]

    edges = {(m, name) for m, names in ours().items() for name in names if unit(m) == unit(name) == "frontends"}
    edges = {(module, name) for module, name in edges if front_end(name) != "words"}
    assert {(module, name) for module, name in edges if front_end(module) != front_end(name)} == set()


def test_no_cycle_of_modules() -> None:
    TopologicalSorter(ours()).prepare()  # raises CycleError, which names the cycle


def test_imports_are_absolute() -> None:
    froms = ((m, node) for m, tree in trees().items() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    assert {module for module, node in froms if node.level} == set()


def test_nothing_but_the_standard_library_at_import() -> None:
    """The others are slow to load (openai takes half a second), and not every run needs each of them."""
    known = sys.stdlib_module_names | {"roundtrip"}
    found = {(module, name) for module, tree in trees().items() for name in imported(at_import(tree))}
    assert {(module, name) for module, name in found if name.split(".")[0] not in known} == set()


def test_packages_hold_only_names() -> None:
    """The docstring, re-exports and constants of an `__init__`."""
    plain = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
    packages = {module: tree for module, tree in trees().items() if FILES[module].name == "__init__.py"}
    found = ((module, node) for module, tree in packages.items() for node in tree.body)
    constants = ((m, node) for m, node in found if not isinstance(node, plain))
    assert {m for m, node in constants if not isinstance(getattr(node, "value", None), ast.Constant)} == set()


def test_files_are_short_or_say_why_not() -> None:
    texts = {module: path.read_text(encoding="utf-8").splitlines() for module, path in FILES.items()}
    long = {module: "\n".join(text[:15]) for module, text in texts.items() if len(text) > 300}
    assert {module for module, head in long.items() if "lines" not in head} == set()


def test_functions_are_short() -> None:
    nodes = ((module, node) for module, tree in trees().items() for node in ast.walk(tree))
    functions = ((m, node) for m, node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert {(m, node.name) for m, node in functions if (node.end_lineno or 0) - node.lineno >= 40} == set()


def test_the_version_is_the_same_everywhere() -> None:
    [version] = [node for node in trees()["roundtrip.agent"].body if isinstance(node, ast.Assign)]
    assert PROJECT["project"]["version"] == ast.literal_eval(version.value)


def test_every_folder_is_packaged() -> None:
    """The list in pyproject is explicit: a folder that it lacks is missing from the wheel without a word."""
    settings = PROJECT["tool"]["setuptools"]
    data = {"roundtrip.workspace_examples": "workspace_examples", "roundtrip.conformance": "tests/corpus"}
    assert set(settings["packages"]) == {dotted(path.parent / "__init__.py") for path in FILES.values()} | set(data)
    assert settings["package-dir"] == {f"roundtrip.{top}": top for top in ("agent", "tools", "prompts")} | data
