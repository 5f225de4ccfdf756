"""What a model family, and its servers, want in a request.

A profile is found from the model's name, and later from what is seen: an id or a leak tells the family when the name
("default", a path, an alias) does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from roundtrip.agent.leaks import DIALECTS, KIMI_K2, Dialect, Role

MARKERS: tuple[str, ...] = tuple(
    dict.fromkeys(token for dialect in DIALECTS for token in (*dialect.markers, *dialect.control))
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
    dialect: Dialect = KIMI_K2


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


def profile_seen(profile: Profile, ids: tuple[str, ...], leaked: bool) -> Profile:
    """The profile, given the ids a server sent and whether the family's markup leaked."""
    if profile is GENERIC and (leaked or any(KIMI_K2.canonical.fullmatch(call_id) for call_id in ids)):
        return KIMI
    return profile


def profile_of_template(template: str) -> Profile:
    """The profile of the family whose call markup a server's chat template writes."""
    begins = [text for text, role in KIMI_K2.markers.items() if role is Role.CALL_BEGIN]
    return KIMI if any(text in template for text in begins) else GENERIC
