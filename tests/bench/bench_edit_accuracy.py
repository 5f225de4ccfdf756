"""How edits end that models make on real files: python tests/bench/bench_edit_accuracy.py [CASES] [SEED] [--blocks]

`edit_file` gets the calls; with --blocks it is `apply_diff`, one SEARCH/REPLACE block each (what a block cannot say is
left out). Printed for every kind of damage: cases, applied, refused, wrong, and of those that had to be applied the
share that was; behind the table every case that went wrong, and what had to be applied and was not.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from edits.cases import KINDS, generate
from edits.judge import Verdict, judged, shown, table


def main(cases: int, seed: int, blocks: bool) -> int:
    begun = time.monotonic()
    with TemporaryDirectory() as root:
        verdicts = list(judged(Path(root), generate(seed, -(-cases // len(KINDS))), blocks=blocks))
    print(f"{'rule':14}{'kind':22}{'cases':>7}{'applied':>9}{'refused':>9}{'wrong':>7}{'recovered':>11}")
    for row in table(verdicts):
        share = f"{row.recovered / row.sure:.2%}" if row.sure else ""
        print(
            f"{KINDS[row.kind][0]:14}{row.kind:22}{row.cases:7}{row.applied:9}{row.refused:9}{row.wrong:7}{share:>11}"
        )
    odd = [verdict for verdict in verdicts if is_odd(verdict)]
    wrong = sum(verdict.outcome == "wrong" for verdict in odd)
    print(f"\n{len(verdicts)} cases, seed {seed}, {time.monotonic() - begun:.0f} s; {wrong} wrong")
    for verdict in odd:
        print("\n" + shown(verdict))
    return bool(wrong)


def is_odd(verdict: Verdict) -> bool:
    return verdict.outcome == "wrong" or (verdict.case.expected, verdict.outcome) == ("apply", "refused")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=int, default=5_600)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--blocks", action="store_true")
    arguments = parser.parse_args()
    sys.exit(main(arguments.cases, arguments.seed, arguments.blocks))
