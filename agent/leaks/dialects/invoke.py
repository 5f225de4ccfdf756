"""The form of Anthropic's models, which many others imitate; MiniMax-M2 uses it inside tags of its own.

    <function_calls>
    <invoke name="NAME">
    <parameter name="KEY">VALUE</parameter>
    </invoke>
    </function_calls>

Values are raw; their types are the schema's. It is ordinary text for most tokenizers. Sources: Anthropic's
documentation of tool use, the chat template of MiniMax-M2, HolmesGPT#2349, qwen-code#8003.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import tag_forms
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_SPACES = ("", "antml:")
_PARAMETERS = tuple(f"<{space}parameter " for space in _SPACES)
_CALLS = tuple(f"<{space}invoke " for space in _SPACES)
_SECTIONS = tuple(f"<{space}function_calls>" for space in _SPACES)


def _end(*tags: str) -> tuple[str, ...]:
    return tuple(f"</{tag.strip('<> ')}>" for tag in tags)


_TAGS = Tags(
    opens=tuple(rf"{head}(?P<attributes>[^<>]{{1,200}})>" for head in _PARAMETERS),
    opening=beginnings(*(f"{head}[^<>]{{1,200}}>" for head in _PARAMETERS)),
    heads=_PARAMETERS,
    closes=_end(*_PARAMETERS),
    inner=("<parameter>",),
    calls=(*_CALLS, *_SECTIONS, "<minimax:tool_call>"),
    ends=_end(*_CALLS),
    outside=(*_end(*_SECTIONS), "</minimax:tool_call>"),
)

DIALECT = Dialect(
    name="invoke",
    markers={
        **dict.fromkeys(_SECTIONS, Role.SECTION_BEGIN),
        **dict.fromkeys(_end(*_SECTIONS), Role.SECTION_END),
        **dict.fromkeys(_CALLS, Role.CALL_BEGIN),
        **dict.fromkeys(_end(*_CALLS), Role.CALL_END),
        **dict.fromkeys(_end(*_PARAMETERS), Role.TAG),
    },
    forms=dict.fromkeys(_CALLS, tag_forms(_TAGS)),
    live=(),
)
