"""Where tests of the sandbox work: beside the project, because commands see another /tmp."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from roundtrip.agent.runtime.sandbox.policy import Kind, find

_FOLDER = Path(__file__).parents[1] / ".pytest_cache" / "sandbox"


@contextmanager
def outside_tmp(tmp_path: Path) -> Iterator[Path]:
    """A folder that is empty now and gone afterwards."""
    folder = Path(os.path.realpath(_FOLDER)) / f"{tmp_path.parent.name}-{tmp_path.name}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def need(kind: Kind, root: Path) -> None:
    """Skips the test where there is no such sandbox."""
    found = find(root, kind)
    if found.kind != kind:
        pytest.skip(f"no {kind} here: {found.reason}")
