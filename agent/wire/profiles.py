"""What a model family, and its servers, want in a request.

A profile is found from the model's name, and later from what is seen: an id or a leak tells the family when the name
("default", a path, an alias) does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks import DIALECTS, Role
from roundtrip.agent.wire.control_tokens import CONTROL_TOKENS

MARKERS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(token for dialect in DIALECTS for token in dialect.tokens),
            *(token for tokens in CONTROL_TOKENS.values() for token in tokens),
        ]
    )
)
"""Control tokens of all known families. All are defused for every profile: the name of a model proves little."""


@dataclass(frozen=True, slots=True)
class Profile:
    """ids: how calls are named on the wire.

    kimi      functions.NAME:N, N counting the calls of the whole request from 0: the template prints ids into the
              prompt, and the model imitates what it sees (MoonshotAI/Kimi-K2 docs/tool_call_guidance.md)
    mistral   nine alphanumeric characters: the template refuses all others
    received  as the server sent them, minted where they are missing or repeated

    reasoning: whether reasoning is sent back (all but servers that refuse the field).
    """

    name: str
    ids: Literal["kimi", "mistral", "received"] = "received"
    reasoning: bool = True
    markers: tuple[str, ...] = MARKERS


GENERIC = Profile("generic")
KIMI = Profile("kimi_k2", ids="kimi")
MISTRAL = Profile("mistral", ids="mistral")
PROFILES = {profile.name: profile for profile in (GENERIC, KIMI, MISTRAL)}

_BY_NAME: tuple[tuple[re.Pattern[str], Profile], ...] = (
    (re.compile(r"kimi[-_. ]?k?3(?![0-9])|\bk3\b", re.I), GENERIC),  # K3 has no ids on the wire
    (re.compile(r"kimi|moonshot|\bk2p[0-9]", re.I), KIMI),
    (re.compile(r"mi[sx]tral|devstral|codestral|magistral", re.I), MISTRAL),
)


def profile_for(model: str) -> Profile:
    """The profile that a model's name suggests."""
    return next((profile for pattern, profile in _BY_NAME if pattern.search(model)), GENERIC)


_BY_DIALECT = {"kimi_k2": KIMI, "mistral": MISTRAL}
_KIMI_ID = re.compile(r"functions\.[\w.-]+:\d+")


def profile_seen(profile: Profile, ids: tuple[str, ...], leaked: tuple[str, ...]) -> Profile:
    """The profile, given the ids a server sent and the dialects in which calls leaked."""
    if profile is not GENERIC:
        return profile
    if any(_KIMI_ID.fullmatch(call_id) for call_id in ids):
        return KIMI
    return next((_BY_DIALECT[name] for name in leaked if name in _BY_DIALECT), GENERIC)


def profile_of_template(template: str) -> Profile:
    """The profile of the family whose call markup a server's chat template writes."""
    for dialect in DIALECTS:
        begins = [text for text, role in dialect.markers.items() if role in (Role.CALL_BEGIN, Role.SECTION_BEGIN)]
        if dialect.name in _BY_DIALECT and any(text in template for text in begins):
            return _BY_DIALECT[dialect.name]
    return GENERIC
