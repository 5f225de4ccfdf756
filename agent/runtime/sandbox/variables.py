"""The variables of a command in the sandbox: what it does not get, and what they say of its folders and its network."""

from __future__ import annotations

import re
from typing import Final, Literal

from roundtrip.agent.runtime.sandbox.policy import Kind, Policy

WITHHELD: Final = {
    "always": r"(?:AGENT|OPENAI)_API_KEY",
    "without network": r".+_(?:TOKEN|API_?KEY|SECRET|(?:SECRET|ACCESS|PRIVATE)_KEY(?:_ID)?|PAT|PASSPHRASE)"
    r"|(?!(?:\w+_)?(?:DB|DATABASE|PG|POSTGRES\w*|MYSQL|MARIADB|MONGO\w*|REDIS|RABBITMQ\w*|TEST)_).+_PASSW(?:OR)?D",
}
"""Variables that commands don't get, by their whole names, upper and lower case alike. Always: the key is for the
model's server alone. In a sandbox without network: what opens something that can't be reached anyway, and would only be
read by the model. Passwords of databases stay, because tests use them with databases of their own; and so does what
has no underscore (SECRET_KEY of Django, PGPASSWORD). With the network allowed, or without a sandbox, all of it stays.
"""

CACHES: Final = {
    "UV_CACHE_DIR": "uv",
    "PIP_CACHE_DIR": "pip",
    "npm_config_cache": "npm",
    "YARN_CACHE_FOLDER": "yarn",
    "GOCACHE": "go",
    "CCACHE_DIR": "ccache",
    "SCCACHE_DIR": "sccache",
    "MPLCONFIGDIR": "matplotlib",
}
"""Caches that a program can't do without, or that are slow to fill. Each workspace has its own: a shared one could be
filled by a command in the sandbox with what the user runs outside. All others stay where they are, read-only."""

OFFLINE: Final = {
    "PIP_RETRIES": "0",
    "UV_HTTP_RETRIES": "0",
    "npm_config_fetch_retries": "0",
    "CARGO_NET_RETRY": "0",
}
"""Where there is no network, asking for it again only takes time."""


def withheld(name: str, when: Literal["always", "without network"]) -> bool:
    return re.fullmatch(WITHHELD[when], name, re.IGNORECASE) is not None


def environment_of(kind: Kind, policy: Policy) -> dict[str, str]:
    """What the variables of a command say of its folders, and of its network."""
    if kind == "none" or not policy.private:
        return {}
    temporary = str(policy.private[0][kind == "landlock"])
    caches = {name: str(policy.cache / folder) for name, folder in CACHES.items()}
    offline = {} if policy.network else OFFLINE
    return {**caches, **offline, "UV_LINK_MODE": "copy", "TMPDIR": temporary, "TMP": temporary, "TEMP": temporary}
