"""Which model it is: the first that a server lists, where none was named, and the family it belongs to."""

from __future__ import annotations

from roundtrip.agent.runtime.addresses import without_password
from roundtrip.agent.runtime.client import OpenAIModel
from roundtrip.agent.runtime.config import Settings
from roundtrip.agent.tooling import ModelFailure
from roundtrip.agent.wire.facts import Facts
from roundtrip.agent.wire.profiles import GENERIC, PROFILES, Profile, profile_for, profile_of_template


async def first_model(client: OpenAIModel, settings: Settings) -> str | ModelFailure:
    """The first model that the server lists, or why there is none."""
    listed = await client.models()
    where = f"{without_password(settings.base_url)} ({settings.source})"
    if isinstance(listed, ModelFailure):
        advice = "is the server running? Set --base-url and --model, or see the agent without one: agent demo"
        return ModelFailure(listed.kind, f"{where} does not list its models: {listed.text}; {advice}")
    if not listed:
        return ModelFailure("refused", f"{where} lists no models (is it a model server?); name one with --model")
    return listed[0]


def family(name: str, seen: str, facts: Facts) -> Profile:
    """What was seen of this model (the name of a profile, "" for none), or what its name says, or the server's chat
    template where that says nothing."""
    profile = PROFILES.get(seen) or profile_for(name)
    return profile_of_template(facts.template) if profile is GENERIC else profile
