"""What the leak parser costs in every dialect, in CPU time: `Scanner` over the chunks, and `decide`.

    python tests/bench/bench_leaks.py [--quick] [--dialect NAME]

The unit is what `json.loads` needs for the same text as chat-completion chunks, so that the figures mean the same on
any machine. Printed: milliseconds at N and 2N characters, growth (2N / N) and the ratio to `json.loads` at 2N; then how
late the pieces of a call come out, fed in single characters, and what a scanner holds. Nothing is asserted about time.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

from roundtrip.agent.leaks import DIALECTS, Decision, Kind, Offer, Piece, Scanner, decide
from roundtrip.agent.leaks.marks import atoms

RUNS = 3
SLOW = 2.0  # seconds; what takes longer is not repeated
QUICK = ((4_000, 1), (8_000, 4), (16_000, 64))  # (N, characters of a chunk)
USUAL = ((10_000, 1), (25_000, 4), (100_000, 64))
LONG = ((10_000, 1), (10_000, 4), (10_000, 64), (100_000, 1), (100_000, 4), (100_000, 64), (500_000, 64))
GROWTH, RATIO = 2.3, 4.0
LINE = "    for number, line in enumerate(lines): print('{}: {}'.format(number, line))\n"
PROSE = "The model writes a sentence, then a second one (with brackets); nothing here is a call.\n"
NAME = "write_to_file"
KEYS = (["path", "content"], ["path"])
WRITE, READ = ({"properties": {key: {"type": "string"} for key in keys}, "required": keys} for keys in KEYS)
OFFERS = (Offer(NAME, WRITE), Offer("read_file", READ, merely_reads=True))


class Writing(NamedTuple):
    """How a dialect writes calls; in `call` the arguments, or the value, stand for `%s`."""

    dialect: str
    before: str
    call: str
    between: str
    after: str
    value: Callable[[str], str]

    def calls(self, content: str, count: int = 1) -> str:
        call = self.call.replace("%s", self.value(content))
        return self.before + self.between.join([call] * count) + self.after


def as_json(content: str) -> str:
    return json.dumps({"path": "a.py", "content": content})


def tags(opened: str, closed: str) -> str:
    """The two parameters as tags."""
    return "\n".join(f"{opened.format(key)}{value}{closed}" for key, value in (("path", "a.py"), ("content", "%s")))


def invoke(space: str, extra: str = "") -> str:
    inner = tags(f'<{space}parameter name="{{}}"{extra}>', f"</{space}parameter>")
    return f'<{space}invoke name="{NAME}">\n{inner}\n</{space}invoke>\n'


ARGS = tags("<arg_key>{}</arg_key>\n<arg_value>", "</arg_value>")
K3 = tags('<|open|>argument key="{}" type="string"<|sep|>', "<|close|>argument<|sep|>").replace("\n", "")
M = "]<]minimax[>["
M3 = f"{M}<path>a.py{M}</path>{M}<content>%s{M}</content>"
PYTHON_CALL = f"{NAME}(path='a.py', content=%s)"
R1_CALL = f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{NAME}\n```json\n%s\n```<｜tool▁call▁end｜>"
HARMONY = f"<|start|>assistant<|channel|>commentary to=functions.{NAME} <|constrain|>json<|message|>%s<|call|>"
K2_CALL = f"<|tool_call_begin|>functions.{NAME}:0<|tool_call_argument_begin|>%s<|tool_call_end|>"


def named(key: str) -> str:
    return f'{{"name": "{NAME}", "{key}": %s}}'


WRITINGS = {
    "cohere": ("<|START_ACTION|>[", named("parameters").replace("name", "tool_name", 1), ", ", "]<|END_ACTION|>",
               as_json),
    "deepseek_dsml": ("<｜DSML｜tool_calls>\n", invoke("｜DSML｜", ' string="true"'), "", "</｜DSML｜tool_calls>", str),
    "deepseek_r1": ("<｜tool▁calls▁begin｜>", R1_CALL, "\n", "<｜tool▁calls▁end｜>", as_json),
    "deepseek_v3": ("<｜tool▁calls▁begin｜>", f"<｜tool▁call▁begin｜>{NAME}<｜tool▁sep｜>%s<｜tool▁call▁end｜>", "",
                    "<｜tool▁calls▁end｜>", as_json),
    "gemma": ("", f'<|tool_call>call:{NAME}{{path:<|"|>a.py<|"|>,content:<|"|>%s<|"|>}}<tool_call|>', "", "", str),
    "glm": ("", f"<tool_call>{NAME}\n{ARGS}\n</tool_call>", "\n", "", str),
    "harmony": ("", HARMONY, "", "", as_json),
    "hermes": ("", f"<tool_call>\n{named('arguments')}\n</tool_call>", "\n", "", as_json),
    "hunyuan": ("<tool_calls>\n", f"<tool_call>{NAME}<tool_sep>\n{ARGS}\n</tool_call>", "\n", "</tool_calls>", str),
    "invoke": ("<function_calls>\n", invoke(""), "", "</function_calls>", str),
    "kimi_k2": ("<|tool_calls_section_begin|>", K2_CALL, "", "<|tool_calls_section_end|>", as_json),
    "kimi_k3": ("<|open|>tools<|sep|>", f'<|open|>call tool="{NAME}" index="1"<|sep|>{K3}<|close|>call<|sep|>', "",
                "<|close|>tools<|sep|>", str),
    "lfm2": ("<|tool_call_start|>[", PYTHON_CALL, ", ", "]<|tool_call_end|>", repr),
    "llama": ("<|python_tag|>", named("parameters"), "; ", "<|eom_id|>", as_json),
    "llama4": ("<|python_start|>[", PYTHON_CALL, ", ", "]<|python_end|>", repr),
    "longcat": ("", f"<longcat_tool_call>{named('arguments')}</longcat_tool_call>", "\n", "", as_json),
    "minimax_m2": ("<minimax:tool_call>\n", invoke(""), "", "</minimax:tool_call>", str),
    "minimax_m3": (f"{M}<tool_call>\n", f'{M}<invoke name="{NAME}">{M3}{M}</invoke>', "\n", f"{M}</tool_call>", str),
    "mistral": ("", f"[TOOL_CALLS]{NAME}[ARGS]%s", "", "", as_json),
    "mistral_v3": ("[TOOL_CALLS][", named("arguments"), ", ", "]</s>", as_json),
    "qwen_coder": ("", f"<tool_call>\n<function={NAME}>\n" + tags("<parameter={}>\n", "\n</parameter>")
                   + "\n</function>\n</tool_call>", "\n", "", str),
    "step3": ("<|tool_calls_begin|>",
              f"<|tool_call_begin|>function<|tool_sep|>{invoke('steptml:')}<|tool_call_end|>", "\n",
              "<|tool_calls_end|>", str),
}  # fmt: skip
OF = {"deepseek_r1": "deepseek_v3", "llama4": "llama", "mistral_v3": "mistral"}


def writings(only: str) -> dict[str, Writing]:
    made = {name: Writing(OF.get(name, name), *row) for name, row in WRITINGS.items()}
    missing = {dialect.name for dialect in DIALECTS} - {writing.dialect for writing in made.values()}
    assert not missing, f"no row for {missing}"
    return {name: writing for name, writing in made.items() if only in ("", name, writing.dialect)}


def example(spelling: str) -> str:
    """A marker of that spelling."""
    parts = [atom for atom in atoms(spelling) if not atom.endswith("?") and "{0," not in atom]
    return "".join(part[1] if part[0] in "\\[" else part for part in (p.replace("[\\", "[") for p in parts))


def markers(name: str) -> list[str]:
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    return [*dialect.markers, *map(example, dialect.spelt)]


def filled(parts: list[str], size: int) -> str:
    text = "".join(parts)
    return (text * (size // len(text) + 1))[:size]


def contents(name: str, writing: Writing | None) -> dict[str, Callable[[int], tuple[str, int]]]:
    """kind of row -> the text of about that size, and the number of calls in it."""
    if writing is None:
        return {
            "prose": lambda size: (filled([PROSE], size), 0),
            "angles": lambda size: (filled(["a < b, x<y <", "<< <| </ <a> <", "<|x|> "], size), 0),
            "only <": lambda size: ("<" * size, 0),
        }
    marks = markers(writing.dialect)
    halves = [mark[:length] for mark in marks for length in (len(mark) - 1, len(mark) // 2) if length > 0]
    small = len(writing.calls("x")) - len(writing.before) - len(writing.after) + len(writing.between)
    return {
        "argument": lambda size: (writing.calls(filled([LINE], size)), 1),
        "< inside": lambda size: (writing.calls(filled(["a < b </ <| c\n", *halves], size)), 1),
        "halves": lambda size: (filled(halves, size), 0),
        "markers": lambda size: (filled(marks, size), -1),
        "begin": lambda size: (filled([writing.before or writing.call.split(NAME)[0]], size), -1),
        "bullets": lambda size: (filled([f"- one\n-{mark} a\n" for mark in marks], size), -1),
        "calls": lambda size: (writing.calls("x", size // small), size // small),
        "messages": lambda size: (filled([writing.calls("x") + "\n"], size - size % 300), -1),
    }


def chunked(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def sse(chunks: list[str]) -> list[str]:
    head = {"id": "chatcmpl-8f3a61d0c2", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "k2"}
    choice = {"index": 0, "finish_reason": None}
    return [json.dumps(head | {"choices": [choice | {"delta": {"content": chunk}}]}) for chunk in chunks]


def read(chunks: list[str]) -> tuple[float, float, Decision]:
    """CPU seconds of all and of the scanner, and the verdict."""
    gc.collect()
    start = time.process_time()
    scanner = Scanner(DIALECTS)
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += scanner.feed(chunk)
    pieces += scanner.finish()
    between = time.process_time()
    decision = decide(pieces, (), (), OFFERS, DIALECTS)
    return time.process_time() - start, between - start, decision


def loads(lines: list[str]) -> float:
    start = time.process_time()
    _ = [json.loads(line) for line in lines]
    return time.process_time() - start


class Row(NamedTuple):
    name: str
    kind: str
    chunk: int
    size: int
    growth: float
    ratio: float

    def __str__(self) -> str:
        return f"{self.name:14} {self.kind:9} {self.chunk:5} {self.size:8}"


def row(name: str, kind: str, make: Callable[[int], tuple[str, int]], chunk: int, size: int, runs: int) -> Row:
    costs, sizes = [], []
    for text, calls in (make(size), make(2 * size)):  # noqa: B007
        chunks = chunked(text, chunk)
        tries = [read(chunks)]
        while len(tries) < runs and tries[0][0] < SLOW:
            tries.append(read(chunks))
        costs.append(min(cost[:2] for cost in tries))
        sizes.append(len(text))
        good = sum(not call.problem for call in tries[0][2].calls)
    lines = sse(chunks)
    unit = min(loads(lines) for _ in range(runs))
    (once, _), (twice, scan) = costs
    result = Row(name, kind, chunk, size, 2 * twice / once * sizes[0] / sizes[1], twice / unit)
    over = " " + "G" * (result.growth > GROWTH) + "R" * (result.ratio > RATIO)
    wrong = f" {good} calls of {calls}" if calls >= 0 and good != calls else ""
    times = f"{once * 1e3:9.1f} {twice * 1e3:9.1f} ms (scan {scan / twice:4.0%})"
    print(f"{result!s} {times} {result.growth:6.2f} {result.ratio:6.2f}{over}{wrong}", flush=True)
    return result


def late(name: str, writing: Writing) -> str:
    """Fed in single characters: how many characters behind its end a marker, behind its end a header, and behind
    their beginning the arguments come out; and the longest silence inside a value."""
    text = writing.calls(filled([LINE], 10_000))
    value = text.index(writing.value("    for num").strip("{}\"'")[-7:])
    scanner = Scanner(DIALECTS)
    delays: dict[str, int] = {}
    out = silence = longest = 0
    for fed, char in enumerate(text, 1):
        pieces = scanner.feed(char)
        for piece in pieces:
            start, out = out, out + len(piece.raw)
            key = piece.kind.value
            late_by = fed - (start if piece.kind is Kind.ARGUMENTS else out)
            if not delays.get("arguments"):
                delays[key] = max(delays.get(key, 0), late_by) if piece.raw.strip() else delays.get(key, 0)
            if key in ("header", "arguments"):
                delays.setdefault("first", fed)
        silence = 0 if pieces else silence + 1
        longest = max(longest, silence) if value < fed < value + 9_900 else longest
    begun = len(writing.before) + min(len(writing.call.split(NAME)[0]), 40)
    shown = " ".join(f"{delays.get(key, '-')!s:>9}" for key in ("mark", "header", "arguments"))
    return f"{name:14} {shown} {delays['first'] - begun:9} {longest:9}"


def held(text: str, chunk: int) -> str:
    """Bytes that a scanner holds after a tenth of the text, and after all of it; its pieces are thrown away."""
    chunks = chunked(text, chunk)
    Scanner(DIALECTS).feed(text[:1000])
    gc.collect()
    tracemalloc.start()
    scanner = Scanner(DIALECTS)
    figures = []
    for number, part in enumerate(chunks, 1):
        scanner.feed(part)
        if number in (max(1, len(chunks) // 10), len(chunks)):
            gc.collect()
            figures.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return f"{figures[0]:9} {figures[-1]:9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short texts, and each once")
    parser.add_argument("--dialect", default="", help="a dialect or a writing, or 'text' for plain text")
    options = parser.parse_args()
    chosen = writings(options.dialect)
    runs = 1 if options.quick else RUNS
    subjects = [*([("text", None)] if options.dialect in ("", "text") else []), *chosen.items()]
    print(f"{'':14} {'':9} chunk     size {'N':>9} {'2N':>9} {'':16} growth  ratio")
    rows = []
    for name, writing in subjects:
        for kind, make in contents(name, writing).items():
            for size, chunk in QUICK if options.quick else LONG if kind in ("argument", "prose") else USUAL:
                try:
                    rows.append(row(name, kind, make, chunk, size, runs))
                except Exception as error:  # the parser never raises, but a table shall be complete
                    print(f"{name:14} {kind:9} {chunk:5} {size:8} RAISES {error!r:.80}", flush=True)
    print(f"\nworst growth ({GROWTH} is the target) and worst ratio ({RATIO})")
    for key in ("growth", "ratio"):
        for found in sorted(rows, key=lambda row: -getattr(row, key))[: 3 if options.quick else 12]:
            print(f"{key:6} {getattr(found, key):7.2f}  {found!s}")
    print(f"\ncharacters late: {'mark':>12} {'header':>9} {'arguments':>9} {'first':>9} {'silence':>9}")
    for name, writing in chosen.items():
        print(late(name, writing))
    print("\nbytes held by a scanner after a tenth, and after 1 MB")
    million = 100_000 if options.quick else 1_000_000
    tests = {"plain text": filled([PROSE], million)} if options.dialect in ("", "text") else {}
    for name, writing in chosen.items():
        tests[f"{name} halves"] = contents(name, writing)["halves"](million)[0]
        tests[f"{name} between calls"] = filled([writing.calls("x") + "\n" + PROSE], million)
        tests[f"{name} behind a long call"] = PROSE * (million // 500) + writing.calls(filled([LINE], million)) + PROSE
    for name, text in tests.items():
        print(f"{name:34}", *(f"{chunk:6}: {held(text, chunk)}" for chunk in (4, 64)))


if __name__ == "__main__":
    main()
