"""Which family a model is of: by its name, and by what was seen."""

import pytest
from roundtrip.agent.wire.profiles import GENERIC, KIMI, MISTRAL, PROFILES, Profile, profile_for, profile_seen


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("Kimi-K2-Instruct", KIMI),
        ("moonshotai/Kimi-K2-Thinking", KIMI),
        ("kimi-k2-0905-preview", KIMI),
        ("kimi-k2.5", KIMI),
        ("kimi-latest", KIMI),
        ("kimi-for-coding", KIMI),
        ("moonshot-v1-128k", KIMI),
        ("accounts/fireworks/models/kimi-k2p5", KIMI),
        ("k2p6-turbo", KIMI),
        ("unsloth/Kimi-K2-Thinking-GGUF:UD-Q3_K_XL", KIMI),
        ("Kimi-K2-Instruct-128k-3bit", KIMI),
        ("/models/KIMI_K2/model-00001-of-00012.gguf", KIMI),
        ("kimi-k3", GENERIC),
        ("moonshotai/Kimi-K3-Instruct", GENERIC),
        ("kimi_k3", GENERIC),
        ("k3", GENERIC),
        ("mistral-large-latest", MISTRAL),
        ("mistralai/Mixtral-8x7B-Instruct", MISTRAL),
        ("Devstral-Small-2507", MISTRAL),
        ("codestral", MISTRAL),
        ("magistral-medium", MISTRAL),
        ("gpt-4o", GENERIC),
        ("Qwen3-Coder-480B", GENERIC),
        ("deepseek-v3.1", GENERIC),
        ("LLM360/K2-Think", GENERIC),
        ("default", GENERIC),
        ("", GENERIC),
    ],
)
def test_by_name(model: str, profile: Profile) -> None:
    assert profile_for(model) is profile


@pytest.mark.parametrize(
    ("before", "ids", "leaked", "after"),
    [
        (GENERIC, (), (), GENERIC),
        (GENERIC, ("call_1", "chatcmpl-tool-9"), (), GENERIC),
        (GENERIC, ("functions.read_file:0",), (), KIMI),
        (GENERIC, ("call_1", "functions.a.b-c:12"), (), KIMI),
        (GENERIC, ("functions.read_file",), (), GENERIC),
        (GENERIC, (), ("kimi_k2",), KIMI),
        (GENERIC, (), ("hermes", "mistral"), MISTRAL),
        (GENERIC, (), ("deepseek_v3",), GENERIC),
        (MISTRAL, ("functions.read_file:0",), ("kimi_k2",), MISTRAL),
        (KIMI, (), (), KIMI),
    ],
)
def test_by_what_was_seen(before: Profile, ids: tuple[str, ...], leaked: tuple[str, ...], after: Profile) -> None:
    assert profile_seen(before, ids, leaked) is after


def test_a_log_finds_its_profile_again() -> None:
    assert all(PROFILES[profile.name] is profile for profile in (GENERIC, KIMI, MISTRAL))
