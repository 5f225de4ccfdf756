"""The openai SDK, imported without the types of the APIs that are not used here.

`import openai` runs some 450 modules with pydantic models of requests and answers, which is half of the time that it
takes (openai 3.52: 0.45 s of CPU instead of 0.22 s without). A transport needs few of them. The two packages below
import all of theirs in their `__init__`; so that is run when the first name is asked of them which is no module. Who
uses the SDK in the same process sees no difference, but for what is in `vars()` of the two before that.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_PACKAGES = ("openai.types", "openai.types.responses")
_LOADING = threading.RLock()


def load() -> None:
    """Imports `openai` and `httpx2`, which it sends with. Raises ImportError as an import does."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("openai")
        importlib.import_module("httpx2")
    finally:
        with suppress(ValueError):  # somebody else has put the list in order meanwhile
            sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in _PACKAGES else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)
        return spec


class _Later(Loader):
    """Leaves a package empty, and knows how to fill it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Package

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)  # its source, its files


class _Package(ModuleType):
    """A package whose `__init__` may not have run."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name != "__all__":  # warnings, inspect and others ask every module for such
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if PathFinder.find_spec(f"{self.__name__}.{name}", self.__path__):
            return importlib.import_module(f"{self.__name__}.{name}")
        self._fill()
        if name not in vars(self):  # or asked by its own modules while it is filled
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return vars(self)[name]

    def __dir__(self) -> list[str]:
        self._fill()
        return [*vars(self)]

    def _fill(self) -> None:
        with _LOADING:
            later = self.__spec__.loader if self.__spec__ else None
            if isinstance(later, _Later) and self.__spec__:
                self.__spec__.loader = self.__loader__ = later.loader
                given = {name: value for name, value in vars(self).items() if not name.startswith("__")}
                try:
                    later.loader.exec_module(self)
                except BaseException:
                    self.__spec__.loader = self.__loader__ = later  # whoever asks next tries it again
                    raise
                vars(self).update(given)
