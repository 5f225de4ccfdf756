"""A session that is killed at any moment can be gone on with; see kill9.py. The loop for 300 is a benchmark."""

from pathlib import Path

import pytest
from kill9 import Victim, check, moments

pytestmark = pytest.mark.once


def test_killed_at_30_moments(tmp_path: Path) -> None:
    lifetime = max(Victim(tmp_path / f"whole{n}").lifetime() for n in range(2))
    ends = {check(tmp_path / f"{n}", at) for n, at in enumerate(moments(30, lifetime, seed=9))}
    assert len(ends) >= 4, f"they were killed at different places: {ends}"
