"""What commands may do: the policy, how each kind of sandbox is told of it, and which kind this machine has.

Strategy. `Policy` says what is allowed, in paths; `bwrap_line` and `landlock_line` are pure and say it to the one or
the other. Rules:
1. A command writes in the workspace, in its repository's git data (hooks and configuration excepted), in temporary
   folders that are the session's own, and in a cache that is the workspace's own. Nowhere else.
2. It has no network, unless that was allowed. With bubblewrap the commands of a session share a `localhost` of their
   own, so that one can talk to a server that another has started.
3. It sees neither keys (`SECRETS`, the agent's own folders) nor the sockets of other programs (`/run`, `/tmp`, and
   those of `sockets`), through which it could make those do what it may not do itself. What is hidden stays hidden
   when the network is allowed. Not covered: sockets to the host of a virtual machine (AF_VSOCK), with bubblewrap.
4. What it starts ends with it.
All of this holds while a command runs. What a command writes in the workspace (a Makefile, a script, a nested
repository with a configuration of its own) acts with the user's rights when the user runs it later.
bubblewrap keeps all of this. Landlock can protect nothing inside of what is writable, and hides no sockets; what it
lacks, `agent sandbox` shows. bubblewrap is taken from outside the workspace only, and only when a run has proven it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from roundtrip.agent.files import real
from roundtrip.agent.programs import program
from roundtrip.agent.runtime.config import config_path, state_path
from roundtrip.agent.runtime.sandbox import landlock
from roundtrip.agent.runtime.sandbox.repositories import git_data

SandboxMode = Literal["auto", "off", "strict"]
"""auto: the best there is. strict: nothing runs where not every promise can be kept."""

Kind = Literal["bwrap", "landlock", "none"]

SECRETS: Final = (
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".config/gcloud",
    ".config/gh",
    ".config/op",
    ".password-store",
    ".local/share/keyrings",
    ".netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".gem/credentials",
    ".terraformrc",
    ".vault-token",
)
"""What commands don't see of the home folder; all of it is in `keys.KEYS` too. `.npmrc` and the like are not here:
programs stop without them."""

_KERNEL: Final = tuple(f"/proc/{name}" for name in ("sys", "sysrq-trigger", "fs", "acpi", "scsi"))
"""Settings of the kernel. root may write them whatever it has given up, and have the kernel run programs by them."""

TEMPORARY: Final = ("/tmp", "/var/tmp")
"""Folders in the place of which each session gets its own. With Landlock it is only told of its own, in TMPDIR."""

NOTHING: Final = "nothing"
"""An empty file in the session's temporary folder, which stands in the place of secret files."""

_CAPABILITIES: Final = ("DAC_OVERRIDE", "CHOWN", "FOWNER", "FSETID", "SETUID", "SETGID")
"""What root keeps: with the others it could undo the sandbox, without these it is less than other users."""

_DEVICES: Final = ("dri", "kfd", "dxg", "nvidia*")
"""Graphics cards, beside the devices that bubblewrap offers by itself."""

_RUN: Final = ("systemd/resolve", "resolvconf", "current-system", "booted-system", "opengl-driver", "nscd")
"""What is not hidden of /run: where names are resolved, and the programs of NixOS."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a command may do. All paths are absolute, links resolved.

    writable: folders beside the root. readonly: what is in them or in the root, exists, and must not be changed.
    hidden, emptied: folders and files whose content is not seen. visible: what is seen of `/run` and the temporary
    folders. temporary: the session's folder for them. private: folders, and what stands in their place.
    cache: where the caches are. devices: paths of devices. absent: files that are removed if a command makes them.
    pinned: files that are made for as long as a command runs, see `repositories.PINS`. unguarded: what should be
    read-only, and can't be.
    report: name of the file that says afterwards what the command left running, see `leftovers`; "" for none.
    """

    root: Path
    temporary: Path
    cache: Path
    private: tuple[tuple[Path, Path], ...] = ()
    writable: tuple[Path, ...] = ()
    readonly: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    emptied: tuple[Path, ...] = ()
    visible: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    absent: tuple[Path, ...] = ()
    pinned: tuple[Path, ...] = ()
    unguarded: tuple[str, ...] = ()
    network: bool = False
    report: str = ""

    def shows(self, path: Path) -> bool:
        """Whether a command sees this path, which lies outside of the root."""
        covered = (Path("/run"), *self.hidden, *(place for place, _ in self.private))
        return any(map(path.is_relative_to, self.visible)) or not any(map(path.is_relative_to, covered))


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What this machine gives. program: begins the command line. reason: why there is no better one, "" if it is the
    best."""

    kind: Kind
    program: tuple[str, ...] = ()
    reason: str = ""

    def notice(self, mode: SandboxMode, root: Path) -> str:
        """What the user should know before a command runs, "" for nothing. root: the workspace."""
        if mode == "strict" and not self.complete:
            return f"commands are refused, because there is no complete sandbox: {self.reason}; see: agent sandbox"
        if mode == "auto" and self.kind == "none":
            return f"commands run with all your rights, because there is no sandbox: {self.reason}; see: agent sandbox"
        wide = {Path("/"): "the whole machine", real(os.path.expanduser("~")): "your home folder"}.get(real(root))
        if wide and self.kind != "none":
            return f"the workspace is {wide}: commands may write everywhere in it; a project's folder is safer"
        return ""

    @property
    def complete(self) -> bool:
        """Whether it keeps every promise."""
        return self.kind == "bwrap"


def policy(
    root: Path, temporary: Path, path: str, *,
    network: bool = False, writable: Iterable[Path] = (), private: Iterable[Path] = (),
) -> Policy:  # fmt: skip
    """What commands in this workspace may do now: what there is on the disk decides about much of it.

    path: the variable PATH of the commands. private: folders of the agent's own beside the usual ones.
    """
    home = Path(os.path.expanduser("~"))
    every = {real(folder) for folder in (config_path().parent, state_path(), *private)}
    own = {one for one in every if every.isdisjoint(one.parents)}  # what is hidden can't hold another mount
    more = [real(folder) for folder in writable if os.path.isdir(folder)]
    secret = [
        one
        for one in own | {real(home / name) for name in SECRETS}
        if not any(folder.is_relative_to(one) for folder in (root, *more))
    ]
    git, agents = git_data(root), root / ".agent"
    apart = [one for one in map(Path, TEMPORARY) if one == real(one) and one.is_dir() and one not in (root, *more)]
    searched = [Path(part) for part in path.split(os.pathsep) if os.path.isabs(part)]
    return Policy(
        root,
        temporary,
        cache_path() / "commands" / sha256(os.fsencode(root)).hexdigest()[:16],
        tuple((folder, temporary / f"{folder.name}{number}") for number, folder in enumerate(apart)),
        (*git.writable, *more),
        tuple(sorted(one for one in {*own, agents, *git.readonly} if one.exists() and one == real(one))),
        tuple(sorted(one for one in secret if one.is_dir())),
        tuple(sorted(one for one in secret if one.is_file())),
        tuple(_visible((*searched, *git.top), (Path("/run"), *apart))),
        tuple(sorted(device for pattern in _DEVICES for device in Path("/dev").glob(pattern))),
        git.redirects,
        git.pinned,
        (*git.unguarded, *((str(agents),) if agents.is_symlink() else ())),
        network,
    )


def cache_path() -> Path:
    """The folder of what the program could make again; it need not exist."""
    import platformdirs

    return real(platformdirs.user_cache_dir("roundtrip", appauthor=False))


def _visible(searched: Iterable[Path], covered: tuple[Path, ...]) -> list[Path]:
    """What is seen of the covered folders: what /etc/resolv.conf points to, NixOS, and where programs are looked for,
    with what they need beside them."""
    kept = [*(Path("/run", name) for name in _RUN), real("/etc/resolv.conf")]
    for path in searched:
        beside = path.name in ("bin", "sbin") and path.parent not in covered
        kept.append(path.parent if beside else path)
    inside = (path for path in kept if any(folder in path.parents for folder in covered))
    return sorted({path for path in inside if path.exists()})


def bwrap_line(program: Iterable[str], policy: Policy, cwd: Path, command: Iterable[str], *, alone: bool) -> list[str]:
    """The command line. alone: without network it has a `localhost` to itself; otherwise that of its parent.

    What lies deeper is mounted later, so that it counts there; at the same place, the later in this list. What is
    read-only must be a mount, and so must all that is above it: other folders could be renamed and replaced.
    """
    mounts: list[tuple[Path, list[str]]] = [(Path("/"), ["--ro-bind", "/", "/"])]
    mounts += [
        (Path(path), [f"--{kind}", path]) for kind, path in (("dev", "/dev"), ("proc", "/proc"), ("tmpfs", "/run"))
    ]
    mounts += [(Path(path), ["--ro-bind-try", path, path]) for path in _KERNEL]
    mounts += [(place, ["--bind", str(source), str(place)]) for place, source in policy.private]
    for option, paths in (
        ("--dev-bind-try", policy.devices),
        ("--ro-bind-try", policy.visible),
        ("--bind", (policy.root, policy.cache, *policy.writable)),
        ("--bind-try", _pins(policy)),
        ("--ro-bind-try", policy.readonly),
    ):
        mounts += [(path, [option, str(path), str(path)]) for path in paths]
    mounts += [(path, ["--tmpfs", str(path), "--remount-ro", str(path)]) for path in policy.hidden]
    mounts += [(path, ["--ro-bind", str(policy.temporary / NOTHING), str(path)]) for path in policy.emptied]
    line = [*program, "--unshare-pid", "--unshare-ipc", "--die-with-parent"]
    line += ["--unshare-net"] if alone and not policy.network else []
    for _, words in sorted(mounts, key=lambda mount: len(mount[0].parts)):
        line += words
    return [*line, "--chdir", str(cwd), "--", *command]


def _pins(policy: Policy) -> list[Path]:
    """The folders between what is read-only and the writable folder around it."""
    tops = {policy.root, *policy.writable}
    found: set[Path] = set()
    for path in policy.readonly:
        above = [top for top in tops if path.is_relative_to(top)]
        if above:
            nearest = max(above, key=lambda top: len(top.parts))
            found |= {one for one in path.parents if one.is_relative_to(nearest) and one != nearest}
    return sorted(found)


def landlock_line(program: Iterable[str], policy: Policy, command: Iterable[str]) -> list[str]:
    """The command line of our launcher, see `landlock`."""
    writable = (policy.root, *(source for _, source in policy.private), policy.cache, *policy.writable)
    line = [*program, *(["--network"] if policy.network else [])]
    line += ["--report", str(policy.temporary / policy.report)] if policy.report else []
    for option, paths in (("--writable", writable), ("--hidden", (*policy.hidden, *policy.emptied))):
        line += [word for path in paths for word in (option, str(path))]
    return [*line, "--", *command]


def find(root: Path, kind: Kind | None = None) -> Sandbox:
    """The best sandbox that works here, or this kind if it works; proven by a run. Takes some milliseconds."""
    if kind == "none":
        return Sandbox("none", reason="it was asked for")
    reasons: list[str] = []
    for one, look in (("bwrap", _bwrap), ("landlock", _landlock)):
        if kind in (None, one):
            found = look(root)
            if isinstance(found, tuple):
                return Sandbox("bwrap" if one == "bwrap" else "landlock", found, "; ".join(reasons))
            reasons.append(found)
    return Sandbox("none", reason="; ".join(reasons))


def _bwrap(root: Path) -> tuple[str, ...] | str:
    """How it is called, or why it can't be."""
    path = program("bwrap", root)
    if not path:
        within = shutil.which("bwrap") is not None
        return f"bubblewrap (bwrap) is {'not used, because it lies in the workspace' if within else 'not installed'}"
    kept = [word for name in _CAPABILITIES for word in ("--cap-add", f"CAP_{name}")]
    own_users = (path, "--unshare-user", "--cap-drop", "ALL")
    ways = ((path, "--cap-drop", "ALL", *kept), own_users) if os.geteuid() == 0 else (own_users,)
    said, true = "", program("true", root) or "/bin/true"
    for way in ways:
        said = _tried(bwrap_line(way, Policy(Path("/usr"), Path("/"), Path("/usr")), Path("/"), [true], alone=True))
        if not said:
            return way
    return f"bubblewrap (bwrap) does not work: {said}"


def _landlock(root: Path) -> tuple[str, ...] | str:
    if landlock.version() < 1:
        return "the kernel has no Landlock"
    way = (os.path.realpath(sys.executable), "-I", "-S", "-E", landlock.__file__)
    said = _tried(landlock_line(way, Policy(root, Path("/"), root), [program("true", root) or "/bin/true"]))
    return f"Landlock does not work: {said}" if said else way


def _tried(line: list[str]) -> str:
    """What a program said that failed, in a line; "" if it did not."""
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1][:200]
    return "" if done.returncode == 0 else said or f"exit code {done.returncode}"
