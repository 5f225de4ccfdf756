"""Step-3: `<steptml:invoke name="NAME"><steptml:parameter name="KEY">VALUE</steptml:parameter></steptml:invoke>`.

Between DeepSeek's markers, with spaces or low lines in them. Source: sglang's step3_detector.
"""

from __future__ import annotations

from roundtrip.agent.leaks.dialect import Dialect, Role
from roundtrip.agent.leaks.forms import tag_forms
from roundtrip.agent.leaks.marks import beginnings
from roundtrip.agent.leaks.tags import Tags

_TAGS = Tags(
    opens=(r"<steptml:parameter (?P<attributes>[^<>]{1,200})>",),
    opening=beginnings("<steptml:parameter [^<>]{1,200}>"),
    heads=("<steptml:parameter ",),
    closes=("</steptml:parameter>",),
    calls=("<steptml:invoke ",),
    ends=("</steptml:invoke>",),
    outside=("<[｜|]tool_call_end[｜|]>", "<[｜|]tool_calls_end[｜|]>"),
)

DIALECT = Dialect(
    name="step3",
    markers={
        "<steptml:invoke ": Role.CALL_BEGIN,
        "</steptml:invoke>": Role.CALL_END,
    },
    forms={"<steptml:invoke ": tag_forms(_TAGS)},
    live=(),
)
