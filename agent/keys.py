"""Names of files that hold keys and passwords: what reads them has the user's keys.

Names are compared as the most lenient file system would: without the invisible characters that HFS+ ignores, without
the tail that NTFS ignores (`:stream`, dots, blanks), without regard to case. A unit of its own, because the rules ask
before such a file is read, and the search passes it over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import PurePath
from typing import Final

Table = tuple[tuple[str, str], ...]

KEYS: Final = (
    (".ssh/", "holds SSH keys"),
    (".gnupg/", "holds GPG keys"),
    (".password-store/", "holds passwords"),
    (".aws/", "holds keys of a cloud"),
    (".azure/", "holds keys of a cloud"),
    (".config/gcloud/", "holds keys of a cloud"),
    (".kube/", "holds keys of a cluster"),
    (".docker/config.json", "holds passwords of registries"),
    (".config/gh/", "holds a token of GitHub"),
    (".config/op/", "holds keys of a password store"),
    (".local/share/keyrings/", "holds passwords"),
    (".git-credentials", "holds passwords of git servers"),
    (".config/git/credentials", "holds passwords of git servers"),
    (".netrc", "holds passwords"),
    ("_netrc", "holds passwords"),
    (".pgpass", "holds passwords of databases"),
    (".my.cnf", "may hold passwords of databases"),
    (".npmrc", "may hold a token"),
    (".yarnrc.yml", "may hold a token"),
    (".pypirc", "may hold a token"),
    (".cargo/credentials*", "holds a token"),
    (".gem/credentials", "holds a token"),
    (".terraformrc", "may hold a token"),
    (".vault-token", "holds a token"),
    (".htpasswd", "holds passwords"),
    ("id_rsa*", "is an SSH key"),
    ("id_dsa*", "is an SSH key"),
    ("id_ecdsa*", "is an SSH key"),
    ("id_ed25519*", "is an SSH key"),
    ("*.pem", "may be a key"),
    ("*.ppk", "is an SSH key"),
    ("*.p12", "holds keys"),
    ("*.pfx", "holds keys"),
    ("*.jks", "holds keys"),
    ("*.keystore", "holds keys"),
    ("*.kdbx", "holds passwords"),
    (".*_history", "holds what was typed, passwords among it"),
    (".env", "often holds keys"),
    (".env.*", "often holds keys"),
    ("*.env", "often holds keys"),
    ("proc/*/environ", "holds the keys in a program's environment"),
    ("proc/*/task/*/environ", "holds the keys in a program's environment"),
    ("etc/shadow*", "holds passwords"),
)
"""Last parts of paths (a final `/`: parts of folders, anywhere), and why reading them is asked."""

OPEN: Final = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", "sample.env"})
"""Names that look like those of `KEYS`, and are made to be read."""


def folded(name: str) -> str:
    """A name as the most lenient file system reads it: HFS+ ignores invisible characters, NTFS the tail, both case."""
    visible = name
    if not name.isascii():
        visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return visible.split(":")[0].rstrip(" .").casefold()


def key(path: PurePath) -> str:
    """Why reading this must be asked, "" if it need not."""
    parts = [folded(part) for part in path.parts]
    return "" if parts and parts[-1] in OPEN else why(parts, KEYS)


def why(parts: Iterable[str], table: Table) -> str:
    """What a table says of a path, given by its folded parts; "" if it is not in there."""
    found = _pattern(table).search("/".join(parts))
    return table[found.lastindex - 1][1] if found and found.lastindex else ""


@cache
def _pattern(table: Table) -> re.Pattern[str]:
    """One pattern for all rows, with a group for each: a table is asked about every file of a search."""
    rows = (f"({_translated(row.rstrip('/'))}{'(?=/|$)' if row.endswith('/') else '$'})" for row, _ in table)
    return re.compile(f"(?:^|/)(?:{'|'.join(rows)})", re.DOTALL)


def _translated(row: str) -> str:
    return re.escape(row).replace(r"\*", "[^/]*")
