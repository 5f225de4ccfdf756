"""What a server says of itself and its models. Each server says it elsewhere, and most say little: all is optional.

    llama.cpp, ik_llama.cpp   /props: the template, the context of a slot, slots, modalities
    vLLM, SGLang, OpenRouter, LM Studio, gateways   an entry of /v1/models: the context, sometimes what goes in
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_CONTEXT: Final = (
    "max_model_len", "n_ctx", "loaded_context_length", "context_length", "context_window", "max_context_length",
    "max_seq_len", "n_ctx_train",
)  # fmt: skip
"""Names for the tokens that fit into a request; first what is, last what the model could."""

_INSIDE: Final = ("meta", "top_provider", "parameters", "metadata")
"""Objects in an entry that may hold them."""


@dataclass(frozen=True, slots=True)
class Facts:
    """template: the chat template. context: tokens that fit into a request, slots: requests that are worked on at a
    time; 0 where that is not known. images: the model takes them, as far as is known."""

    template: str = ""
    context: int = 0
    slots: int = 0
    images: bool = False


def facts_of(props: Any, entry: Any) -> Facts:
    """From the answer to /props and the model's entry in /v1/models; either may be anything."""
    props, entry = _object(props), _object(entry)
    template = props.get("chat_template")
    context = _number(_object(props.get("default_generation_settings")).get("n_ctx")) or _number(props.get("n_ctx"))
    return Facts(
        template if isinstance(template, str) else "",
        context or _listed_context(entry),
        _number(props.get("total_slots")),
        _object(props.get("modalities")).get("vision") is True or _takes_images(entry),
    )


def _listed_context(entry: Mapping[str, Any]) -> int:
    places = (entry, *(_object(entry.get(name)) for name in _INSIDE))
    return next((number for name in _CONTEXT for place in places if (number := _number(place.get(name)))), 0)


def _takes_images(entry: Mapping[str, Any]) -> bool:
    inputs = _object(entry.get("architecture")).get("input_modalities")
    able = entry.get("capabilities")
    told = (*(inputs if isinstance(inputs, list) else ()), *(able if isinstance(able, list) else ()), entry.get("type"))
    return any(one in ("image", "vision", "multimodal", "vlm") for one in told) or _object(able).get("vision") is True


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int:
    """A count that makes sense, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 0
