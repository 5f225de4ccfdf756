"""`agent sandbox`: its probes are real, and each of them can fail."""

import io
import json
import os
from collections.abc import Iterator
from glob import glob
from pathlib import Path

import pytest
from roundtrip.agent.commands import sandbox
from roundtrip.agent.commands.sandbox_probes import PROBES
from roundtrip.agent.runtime.sandbox import landlock
from roundtrip.agent.runtime.sandbox.policy import Kind
from sandboxes import need, outside_tmp

WORKS = ("commands can write in the workspace and in $TMPDIR", "git can write its data")
LACKS = ("nor get another mode", "git hooks, git configuration and .agent are read-only")
LACKS += ("no sockets of other programs: in /tmp",)
KERNEL = "settings of the kernel can't be written"
SINCE = {
    3: {"nor be truncated"},
    6: {"no sockets of other programs: abstract", "other processes can't be ended"},
}
"""From which version of Landlock on it holds."""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not the user's own."""
    with outside_tmp(tmp_path) as folder:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            monkeypatch.setenv(name, str(folder / name))
        yield


def shown(kind: Kind) -> tuple[int, dict[str, bool]]:
    out = io.StringIO()
    code = sandbox.show(kind, out, json=True)
    said = json.loads(out.getvalue())
    assert said["sandbox"] == kind
    return code, said["promises"]


@pytest.mark.once
@pytest.mark.usefixtures("folders")
def test_bubblewrap_keeps_every_promise(tmp_path: Path) -> None:
    need("bwrap", tmp_path)
    assert shown("bwrap") == (0, {probe.promise: True for probe in PROBES})


@pytest.mark.once
@pytest.mark.usefixtures("folders")
def test_landlock_keeps_what_it_can(tmp_path: Path) -> None:
    need("landlock", tmp_path)
    code, held = shown("landlock")
    lacks = set(LACKS).union(*(names for since, names in SINCE.items() if landlock.version() < since))
    assert (code, {promise for promise, holds in held.items() if not holds}) == (1, lacks)


@pytest.mark.once
@pytest.mark.usefixtures("folders")
def test_without_a_sandbox_every_probe_finds_it() -> None:
    code, held = shown("none")
    kept = WORKS if any(os.access(path, os.W_OK) for path in glob("/proc/sys/kernel/*")) else (*WORKS, KERNEL)
    assert (code, [promise for promise, holds in held.items() if holds]) == (1, list(kept))


@pytest.mark.usefixtures("folders")
def test_a_kind_that_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    out = io.StringIO()
    assert sandbox.show("bwrap", out) == 2
    assert capsys.readouterr().err == "agent: bubblewrap (bwrap) is not installed\n"
    assert out.getvalue() == ""
