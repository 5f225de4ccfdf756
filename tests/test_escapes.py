"""Attempts to get out of the workspace, as a table: each is refused or asked, and outside nothing has changed.

What runs is the real thing, with everything allowed that `--yes` allows, and nobody there to be asked. `{out}` is the
path of a folder beside the workspace, `{root}` the workspace.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from roundtrip.agent.events import AssistantEnded, Event, ToolFinished
from roundtrip.agent.messages import Assistant, Call
from roundtrip.agent.rules.approvals import Rules
from roundtrip.agent.rules.repeats import Repeats
from roundtrip.agent.runtime.calls import CallRunner
from roundtrip.agent.runtime.jobs import LocalJobs
from roundtrip.agent.runtime.permissions import Permissions, Scripted
from roundtrip.agent.runtime.sandbox.confinement import Confinement
from roundtrip.agent.runtime.sandbox.policy import find
from roundtrip.agent.runtime.workspace import LocalWorkspace
from roundtrip.agent.tooling import Approver, Intent, Refusal
from roundtrip.tools.toolset import default_tools

SECRET = "the secret of the neighbour"
PATCH = "*** Begin Patch\n{}\n*** End Patch"


@dataclass(frozen=True)
class Attempt:
    """what: its name. links: symbolic links that are there, name -> target; hard: hard links.

    lacks: kinds of sandbox that can't keep it in.
    """

    what: str
    tool: str
    arguments: dict[str, Any]
    links: dict[str, str] = field(default_factory=dict)
    hard: dict[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()


def write(what: str, path: str, **there: Any) -> Attempt:
    return Attempt(what, "write_to_file", {"path": path, "content": "owned\n"}, **there)


def read(what: str, path: str, **there: Any) -> Attempt:
    return Attempt(what, "read_file", {"path": path}, **there)


def edit(what: str, path: str, **there: Any) -> Attempt:
    return Attempt(what, "edit_file", {"path": path, "old_string": SECRET, "new_string": "owned"}, **there)


def patch(what: str, body: str, **there: Any) -> Attempt:
    return Attempt(what, "apply_diff", {"path": "a.txt", "diff": PATCH.format(body)}, **there)


WRITES = (
    write("dots", "../out/new.txt"),
    write("dots inside", "src/../../out/new.txt"),
    write("many dots", "../../../../../../../../{out}/new.txt"),
    write("absolute", "{out}/new.txt"),
    write("absolute, existing", "{out}/secret.txt"),
    write("the system's", "/etc/cron.d/owned"),
    write("home", "~/owned.txt"),
    write("somebody's home", "~root/owned.txt"),
    write("link to a file", "link", links={"link": "{out}/secret.txt"}),
    write("link to a file, relative", "link", links={"link": "../out/secret.txt"}),
    write("link to a folder", "link/new.txt", links={"link": "{out}"}),
    write("link to the parent", "up/out/new.txt", links={"up": ".."}),
    write("link to a link", "one", links={"one": "two", "two": "{out}/secret.txt"}),
    write("link to nothing yet", "link", links={"link": "{out}/new.txt"}),
    write("link in a circle", "one", links={"one": "two", "two": "one"}),
    write("link and back by dots", "link/../new.txt", links={"link": "{out}/folder"}),
    write("current folder of the process", "/proc/self/cwd/../out/new.txt"),
    write("root of the process", "/proc/self/root{out}/new.txt"),
    write("a descriptor", "/proc/self/fd/1"),
    write("a device", "/dev/stdout"),
    write("shared memory", "/dev/shm/owned"),
    write("git's hooks", ".git/hooks/pre-commit"),
    write("git's configuration", ".git/config"),
    write("git in capitals", ".GIT/config"),
    write("git as Windows reads it", ".git. /config"),
    write("git's short name", "git~1/config"),
    write("git with an invisible character", ".g\u200cit/config"),
    write("git's stream", ".git::$INDEX_ALLOCATION/config"),
    write("git by a link", "harmless/config", links={"harmless": ".git"}),
    write("git of a folder below", "sub/.git/hooks/post-checkout"),
    write("the agent's configuration", ".agent/config.toml"),
    write("a Windows drive", "C:\\Windows\\owned"),
    write("a network share", "\\\\server\\share\\owned"),
    write("a URL", "file:///etc/owned"),
    write("NUL", "new.txt\0.png"),
    write("nothing", ""),
    write("instructions for agents", "AGENTS.md"),
    write("start-up of a shell", ".bashrc"),
    write("direnv", ".envrc"),
    write("keys", ".ssh/authorized_keys"),
    edit("edit by dots", "../out/secret.txt"),
    edit("edit by a link", "link", links={"link": "{out}/secret.txt"}),
    edit("edit of what a hard link shares", "shared.txt", hard={"shared.txt": "{out}/secret.txt"}),
    patch("patch adds outside", "*** Add File: ../out/new.txt\n+owned"),
    patch("patch adds at an absolute path", "*** Add File: {out}/new.txt\n+owned"),
    patch("patch deletes outside", "*** Delete File: ../out/secret.txt"),
    patch("patch moves outside", "*** Update File: a.txt\n*** Move to: ../out/new.txt\n@@\n-a\n+owned"),
    patch("patch moves into git", "*** Update File: a.txt\n*** Move to: .git/hooks/post-commit\n@@\n-a\n+owned"),
    patch("patch updates by a link", f"*** Update File: l\n@@\n-{SECRET}\n+owned", links={"l": "{out}/secret.txt"}),
    Attempt(
        "diff by dots",
        "apply_diff",
        {
            "path": "a.txt",
            "diff": f"--- a/../../out/secret.txt\n+++ b/../../out/secret.txt\n@@ -1 +1 @@\n-{SECRET}\n+owned\n",
        },
    ),
)
"""No tool may write these, or not without a person's yes."""

READS = (
    read("dots", "../out/secret.txt"),
    read("absolute", "{out}/secret.txt"),
    read("link", "link", links={"link": "{out}/secret.txt"}),
    read("link to a folder", "link/secret.txt", links={"link": "{out}"}),
    read("current folder of the process", "/proc/self/cwd/../out/secret.txt"),
    read("environment of the process", "/proc/self/environ"),
    read("a key in the workspace", ".ssh/id_ed25519"),
    read("passwords", "/etc/shadow"),
    Attempt("several files", "read_file", {"files": [{"path": "a.txt"}, {"path": "../out/secret.txt"}]}),
    Attempt("list by dots", "list_files", {"path": "../out", "recursive": True}),
    Attempt("list by a link", "list_files", {"path": "link"}, {"link": "{out}"}),
    Attempt("search by dots", "search_files", {"regex": "secret", "path": ".."}),
    Attempt("search by a link", "search_files", {"regex": "secret", "path": "link"}, {"link": "{out}"}),
    Attempt("search follows links", "search_files", {"regex": "secret of"}, {"link": "{out}"}),
    Attempt("command in another folder", "execute_command", {"command": "cat secret.txt", "cwd": "../out"}),
    Attempt("command in a linked folder", "execute_command", {"command": "cat secret.txt", "cwd": "l"}, {"l": "{out}"}),
)
"""Nothing from outside may be seen without a person's yes; a search of the workspace does not follow links."""


def run(what: str, command: str, *, landlock: bool = True, timeout: int = 10, **there: Any) -> Attempt:
    """landlock: whether Landlock keeps it in, too. What it lacks is said by `agent sandbox`."""
    arguments = {"command": command, "timeout": timeout}
    return Attempt(
        what, "execute_command", arguments, lacks=frozenset() if landlock else frozenset({"landlock"}), **there
    )


PYTHON = "{python} -I -S -c "
HOOK = "echo owned > .git/hooks/pre-commit"
UDP = 'import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b"owned", ("127.0.0.1", {port}))'
COMMANDS = (
    run("redirection", "echo owned > {out}/new.txt"),
    run("redirection, over a file", "echo owned > {out}/secret.txt"),
    run("redirection by dots", "echo owned > ../out/new.txt"),
    run("after a change of folder", "cd {out} && echo owned > new.txt"),
    run("copy", "cp a.txt {out}/new.txt"),
    run("move away", "mv a.txt {out}/new.txt"),
    run("move in", "mv {out}/secret.txt stolen.txt"),
    run("remove", "rm -rf {out}/secret.txt {out}/folder"),
    run("make a folder", "mkdir {out}/new"),
    run("cut", ": > {out}/secret.txt || truncate -s 0 {out}/secret.txt"),
    run("change of mode", "chmod 777 {out}/secret.txt", landlock=False),
    run("change of time", "touch -d 2001-01-01 {out}/secret.txt", landlock=False),
    run("link and write", "ln -s {out} way && echo owned > way/new.txt"),
    run("hard link and write", "ln {out}/secret.txt mine && echo owned > mine"),
    run("a program that writes", PYTHON + '\'open("{out}/new.txt", "w").write("owned")\''),
    run("by the root of a process", "echo owned > /proc/self/root{out}/new.txt"),
    run("by the root of the first process", "echo owned > /proc/1/root{out}/new.txt"),
    run("by a new namespace", "unshare -Ur sh -c 'mount -o remount,rw / ; echo owned > {out}/new.txt'"),
    run("a mount over it", "mount --bind . {out} && echo owned > {out}/new.txt", landlock=False),
    run("sudo", "sudo -n sh -c 'echo owned > {out}/new.txt' || su -c 'echo owned > {out}/new.txt'"),
    run("later, from the background", "(sleep 0.5; echo owned > {out}/new.txt) > /dev/null 2>&1 &"),
    run("later, as a daemon", "setsid sh -c 'sleep 0.5; echo owned > {out}/new.txt' > /dev/null 2>&1 &"),
    run("git's hooks", f"mkdir -p .git/hooks; {HOOK}", landlock=False),
    run(
        "git's hooks, replaced",
        "mv .git/hooks .git/old && mkdir .git/hooks && echo owned > .git/hooks/pre-commit",
        landlock=False,
    ),
    run("git's configuration", "git config core.hooksPath /tmp/owned || echo owned >> .git/config", landlock=False),
    run("git's folder, replaced", "mv .git .old && mkdir .git && echo owned > .git/config", landlock=False),
    run("the agent's folder", "mkdir -p .agent; echo owned > .agent/config.toml", landlock=False),
    run("network", PYTHON + '\'import socket; socket.create_connection(("127.0.0.1", {port}), 2).send(b"owned")\''),
    run("network, in the shell", "bash -c 'echo owned > /dev/tcp/127.0.0.1/{port}'"),
    run("network, by curl", "curl -s -m 2 http://127.0.0.1:{port}/owned"),
    run(
        "network, UDP",
        PYTHON
        + '\'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"owned", ("127.0.0.1", {port}))\'',
    ),
    run("a process outside", "kill -9 {pid}"),
)
"""No command may do these, though somebody has said yes to it: this is the sandbox alone."""


@dataclass(frozen=True)
class Place:
    """A workspace, and what is beside it. listener: what hears if a command gets through to the network."""

    root: Path
    out: Path
    listener: socket.socket
    datagrams: socket.socket
    victim: int

    def fill(self, value: Any) -> Any:
        """With the real paths, ports and so on in the place of their names."""
        if isinstance(value, str):
            port = self.listener.getsockname()[1]
            known = {"out": self.out, "root": self.root, "port": port, "pid": self.victim, "python": sys.executable}
            for name, meant in known.items():
                value = value.replace("{" + name + "}", str(meant))
            return value
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        return [self.fill(item) for item in value] if isinstance(value, list) else value

    def outside(self) -> dict[str, Any]:
        """All that must stay as it is."""
        watched = [
            self.out,
            *sorted(self.out.rglob("*")),
            *sorted((self.root / ".git").rglob("*")),
            self.root / ".agent",
        ]
        return {str(path): _state(path) for path in watched}

    def heard(self) -> bool:
        """Whether anything came through the network."""
        try:
            self.listener.accept()[0].close()
            return True
        except BlockingIOError:
            pass
        try:
            return bool(self.datagrams.recv(16))
        except BlockingIOError:
            return False


def _state(path: Path) -> Any:
    if not os.path.lexists(path):
        return None
    status = path.lstat()
    content = path.read_bytes() if path.is_file() else sorted(os.listdir(path)) if path.is_dir() else ""
    return status.st_mode, content, int(status.st_mtime) if path.is_file() else 0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    root, out = tmp_path / "root", tmp_path / "out"
    for folder in (root / "src", root / ".git" / "hooks", root / "sub" / ".git", root / ".ssh", out / "folder"):
        folder.mkdir(parents=True)
    (root / "a.txt").write_text("a\n")
    (root / ".git" / "config").write_text("[core]\n")
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for folder in ("objects", "refs"):
        (root / ".git" / folder).mkdir()
    (root / ".ssh" / "id_ed25519").write_text(SECRET)
    (out / "secret.txt").write_text(f"{SECRET}\n")
    with socket.socket() as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, victim() as pid:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        datagrams.bind(listener.getsockname())
        datagrams.setblocking(False)
        yield Place(root, out, listener, datagrams, pid)


@contextmanager
def victim() -> Iterator[int]:
    """A process that a command may want to end."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        yield process.pid
        assert process.poll() is None, "it was ended"
    finally:
        process.kill()
        process.wait()


class Yes:
    """Says yes to everything."""

    async def approve(self, call: Call, intent: Intent) -> Refusal | None:
        return None


def attempt(
    place: Place, tried: Attempt, kind: Literal["bwrap", "landlock", "none"] = "none", approver: Approver | None = None
) -> ToolFinished:
    """Makes the call as the loop does, by default as with `--yes`. Returns what the model gets."""
    for name, target in tried.links.items():
        (place.root / name).symlink_to(place.fill(target))
    for name, target in tried.hard.items():
        os.link(place.fill(target), place.root / name)
    confinement = Confinement(place.root, mode="off" if kind == "none" else "auto", kind=kind)
    events: list[Event] = []

    async def main() -> None:
        jobs = LocalJobs(place.root, confinement=confinement)
        workspace = LocalWorkspace(place.root, jobs=jobs)
        chosen = approver or Scripted(Permissions(Rules(workspace.root, mode="auto")))
        runner = CallRunner(default_tools(workspace), chosen, Repeats(), events.append, events.append)
        call = Call(0, tried.tool, json.dumps(place.fill(tried.arguments)))
        await runner.run(AssistantEnded(0, Assistant(calls=(call,))))
        await asyncio.sleep(0.8 if "sleep" in call.arguments else 0)  # what comes later shall have come
        await jobs.close()

    asyncio.run(main())
    return next(event for event in events if isinstance(event, ToolFinished))


@pytest.mark.parametrize("tried", WRITES, ids=lambda tried: tried.what)
def test_no_tool_writes_outside(place: Place, tried: Attempt) -> None:
    before = place.outside()
    done = attempt(place, tried)
    assert place.outside() == before
    assert done.failed or tried.hard, done.content
    assert tried.hard or not list(place.root.rglob("owned*"))


@pytest.mark.parametrize("tried", READS, ids=lambda tried: tried.what)
def test_no_tool_reads_outside(place: Place, tried: Attempt) -> None:
    done = attempt(place, tried)
    assert SECRET not in done.content
    assert done.failed or tried.tool == "search_files", done.content


def kinds() -> list[Any]:
    """The sandboxes that work here; those that don't are skipped where everybody sees it."""
    here = Path("/nowhere")
    found = {kind: find(here, kind) for kind in ("bwrap", "landlock")}
    return [
        pytest.param(kind, marks=[] if one.kind == kind else pytest.mark.skip(reason=one.reason))
        for kind, one in found.items()
    ]


@pytest.mark.once
@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("tried", COMMANDS, ids=lambda tried: tried.what)
def test_no_command_gets_out(place: Place, tried: Attempt, kind: Literal["bwrap", "landlock"]) -> None:
    if kind in tried.lacks:
        pytest.skip(f"{kind} can't keep that in, and `agent sandbox` says so")
    before = place.outside()
    done = attempt(place, tried, kind, Yes())
    assert place.outside() == before, done.content
    assert not place.heard(), done.content


def test_the_table_is_long_enough() -> None:
    assert len(WRITES) + len(READS) + len(COMMANDS) >= 90
