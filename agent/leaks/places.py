"""Where an item stands among its neighbours."""

from __future__ import annotations

from roundtrip.agent.leaks.context import in_sentence
from roundtrip.agent.leaks.dialect import WHITE, Role
from roundtrip.agent.leaks.items import ENDS, Item
from roundtrip.agent.leaks.thoughts import NO_CALL


def is_call_mark(item: Item) -> bool:
    return item.kind == "mark" and item.role not in NO_CALL


def enclosed_in_thoughts(items: list[Item]) -> set[int]:
    """Numbers of the items between <think> and </think> in the middle of the text: somebody's thoughts, or words."""
    found: set[int] = set()
    begin = -1
    for number, item in enumerate(items):
        if item.role is Role.THINK_BEGIN and begin < 0:
            begin = number
        elif item.role is Role.THINK_END and begin >= 0:
            found.update(range(begin, number))
            begin = -1
    return found


def last_torn(items: list[Item]) -> int:
    """Number of the last block with tags that an end tag of nothing follows, with text between; -1 for none."""
    last = block = -1
    said = False
    for number, item in enumerate(items):
        if item.kind == "block" and any(call.tagged for call in item.calls):
            block, said = number, False
            last = number if item.torn else last
        elif item.role in ENDS and said:
            last = block
        said = said or (item.kind == "text" and bool(item.raw.strip(WHITE)))
    return last


def is_mentioned(items: list[Item], number: int) -> bool:
    """Whether an item is a word in the middle of a sentence."""
    before, behind = number - 1, number + 1
    while before >= 0 and is_call_mark(items[before]):
        before -= 1
    while behind < len(items) and (is_call_mark(items[behind]) or items[behind].role is Role.STOP):
        behind += 1
    near = [items[n] if 0 <= n < len(items) else None for n in (before, behind)]
    return in_sentence(*(item.raw if item and item.kind == "text" else "" for item in near))
