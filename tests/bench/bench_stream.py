"""What one long call costs on its way from SSE bytes to `AssistantEnded`, in CPU time.

    python tests/bench/bench_stream.py [--profile]

The unit is what `json.loads` needs for the data of the same events, so that the figures mean the same on any machine.
One argument string, sent in chunks of four characters, as a structured call and as leaked markup; one event per
network block, which is how models stream, and in blocks of 64 kB. Nothing is asserted here.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import time
from collections.abc import Callable

from roundtrip.agent.events import AssistantEnded
from roundtrip.agent.leaks import Offer
from roundtrip.agent.wire.profiles import KIMI
from roundtrip.agent.wire.reply import Reply

SIZE = 100_000
RUNS = 7
BLOCK = 65_536
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}}
OFFERS = (Offer("write_to_file", SCHEMA | {"required": ["path", "content"]}),)
LINE = "    for number, line in enumerate(lines): print('{}: {}'.format(number, line))\n"


def arguments(size: int) -> str:
    """Source code as a model writes it into a file."""
    return json.dumps({"path": "src/main.py", "content": (LINE * (size // len(LINE) + 1))[:size]})


def events(deltas: list[dict[str, object]]) -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "kimi"}
    chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def native(text: str) -> list[bytes]:
    first = {"index": 0, "id": "functions.write_to_file:0", "type": "function", "function": {"name": "write_to_file"}}
    rest = [{"index": 0, "function": {"arguments": text[at : at + 4]}} for at in range(0, len(text), 4)]
    return events([{"tool_calls": [call]} for call in (first, *rest)])


def leaked(text: str) -> list[bytes]:
    begin = "<|tool_calls_section_begin|><|tool_call_begin|>functions.write_to_file:0<|tool_call_argument_begin|>"
    text = f"{begin}{text}<|tool_call_end|><|tool_calls_section_end|>"
    return events([{"content": text[at : at + 4]} for at in range(0, len(text), 4)])


def read(blocks: list[bytes]) -> AssistantEnded:
    reply = Reply(0, OFFERS, KIMI, content_type="text/event-stream")
    for block in blocks:
        reply.feed(block)
    ended = reply.end()[-1]
    assert isinstance(ended, AssistantEnded)
    assert len(ended.message.calls) == 1
    assert not ended.message.calls[0].problem
    return ended


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def measure(make: Callable[[str], list[bytes]], size: int) -> tuple[float, float, float]:
    """Seconds for json.loads alone, for one event a block, and for large blocks."""
    blocks = make(arguments(size))
    data = [block[6:-2].decode() for block in blocks[:-1]]
    joined = b"".join(blocks)
    large = [joined[at : at + BLOCK] for at in range(0, len(joined), BLOCK)]
    loads = seconds(lambda: [json.loads(line) for line in data])
    return loads, seconds(lambda: read(blocks)), seconds(lambda: read(large))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    profile = parser.parse_args().profile
    print(f"{'':8} {'json.loads':>11} {'by event':>20} {'by 64 kB':>20} {'twice the size':>15}")
    for make in (native, leaked):
        loads, small, large = measure(make, SIZE)
        _, twice, _ = measure(make, 2 * SIZE)
        figures = f"{small * 1e3:9.1f} ms = {small / loads:4.2f}x {large * 1e3:9.1f} ms = {large / loads:4.2f}x"
        print(f"{make.__name__:8} {loads * 1e3:8.1f} ms {figures} {twice / small:14.2f}x")
        if profile:
            blocks = make(arguments(SIZE))
            with cProfile.Profile() as profiler:
                read(blocks)
            pstats.Stats(profiler).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
