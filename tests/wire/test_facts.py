"""What servers say of themselves, as each of them says it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roundtrip.agent.wire.facts import Facts, facts_of

LLAMA = {
    "default_generation_settings": {"id": 0, "n_ctx": 32768, "params": {"n_predict": -1}},
    "total_slots": 4,
    "model_path": "/models/kimi.gguf",
    "chat_template": "{{ messages }}",
    "modalities": {"vision": True, "audio": False},
}
ENTRIES: dict[str, tuple[dict[str, Any], Facts]] = {
    "vLLM": ({"id": "m", "object": "model", "owned_by": "vllm", "max_model_len": 40960}, Facts(context=40960)),
    "SGLang": ({"id": "m", "owned_by": "sglang", "max_model_len": 131072}, Facts(context=131072)),
    "llama.cpp": ({"id": "m", "meta": {"n_ctx_train": 262144, "n_embd": 4096}}, Facts(context=262144)),
    "what is before what could be": ({"meta": {"n_ctx_train": 262144, "n_ctx": 8192}}, Facts(context=8192)),
    "LM Studio": (
        {"id": "m", "type": "vlm", "max_context_length": 131072, "loaded_context_length": 4096},
        Facts(context=4096, images=True),
    ),
    "OpenRouter": (
        {
            "id": "moonshotai/kimi-k2",
            "context_length": 262144,
            "architecture": {"input_modalities": ["text", "image"]},
            "top_provider": {"context_length": 131072},
        },
        Facts(context=262144, images=True),
    ),
    "OpenRouter, text": (
        {"context_length": 65536, "architecture": {"input_modalities": ["text"]}},
        Facts(context=65536),
    ),
    "Mistral": ({"max_context_length": 32768, "capabilities": {"vision": True}}, Facts(context=32768, images=True)),
    "Ollama": ({"id": "m", "object": "model", "capabilities": ["completion", "vision"]}, Facts(images=True)),
    "nothing": ({"id": "m"}, Facts()),
}


def test_a_llama_server_says_it_in_its_props() -> None:
    assert facts_of(LLAMA, {"meta": {"n_ctx_train": 262144}}) == Facts("{{ messages }}", 32768, 4, True)
    assert facts_of({**LLAMA, "modalities": {"vision": False}}, {}).images is False


@pytest.mark.parametrize(("entry", "facts"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_of_a_list_of_models(entry: dict[str, Any], facts: Facts) -> None:
    assert facts_of(None, entry) == facts


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "8192", None, 10**12])
def test_a_number_that_makes_no_sense_is_not_known(number: object) -> None:
    assert facts_of({"total_slots": number, "default_generation_settings": {"n_ctx": number}}, {}) == Facts()
    assert facts_of({}, {"max_model_len": number}) == Facts()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([*LLAMA, "meta", "architecture", "input_modalities", "capabilities", "n_ctx"]), inner
        )
    ),
    max_leaves=6,
)


@given(ANYTHING, ANYTHING)
def test_nothing_that_a_server_says_raises(props: Any, entry: Any) -> None:
    assert isinstance(facts_of(props, entry), Facts)
