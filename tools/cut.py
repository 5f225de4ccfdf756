"""Cuts texts that are too long for a model, in the middle and so that it can be seen. Pure."""

from __future__ import annotations


def cut_middle(text: str, budget: int, total: int = 0) -> str:
    """At most about `budget` bytes of a text, whole lines where possible: a third from its head, the rest from
    its tail, because what a program says last matters most.

    total: bytes of the original, where `text` is itself only its head and tail.
    """
    data = text.encode("utf-8", "replace")
    if len(data) <= budget:
        return text
    head, tail = data[: budget // 3], data[-(budget - budget // 3) :]
    last, first = head.rfind(b"\n") + 1, tail.find(b"\n") + 1
    head = head[:last] if last > len(head) // 2 else head
    tail = tail[first:] if first < len(tail) // 2 else tail
    omitted = max(total, len(data)) - len(head) - len(tail)
    before, after = (end.decode("utf-8", "ignore") for end in (head, tail))  # without characters cut in two
    gap = "" if before.endswith("\n") else "\n"
    return f"{before}{gap}… {omitted} bytes omitted …\n{after}"
