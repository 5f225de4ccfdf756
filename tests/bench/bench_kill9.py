"""Kills 300 sessions at random moments, and goes on with each: .venv/bin/python tests/bench/bench_kill9.py [COUNT]"""

import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from kill9 import Victim, check, moments


def main(count: int) -> None:
    with TemporaryDirectory() as folder:
        lifetime = max(Victim(Path(folder) / f"whole{n}").lifetime() for n in range(3))
        print(f"a session takes {lifetime:.2f} s")
        begun = time.monotonic()
        ends: Counter[str] = Counter()
        for number, moment in enumerate(moments(count, lifetime, seed=300), 1):
            ends[check(Path(folder) / str(number), moment)] += 1
            if number % 20 == 0:
                print(f"{number} of {count}, {time.monotonic() - begun:.0f} s", flush=True)
    for end, times in ends.most_common():
        print(f"{times:4}  {end}")
    print(f"{count} sessions killed; every one could be gone on with, and none forgot or repeated a tool")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
