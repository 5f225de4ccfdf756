"""Edits as models make them, on files of this machine: see `edits/cases.py` for what they are and where they come from.

A few of every kind always, two hundred for every rule with the long tests, as many as you like with
`python tests/bench/bench_edit_accuracy.py`.
"""

from collections import Counter
from pathlib import Path

import pytest
from edits.cases import KINDS, generate
from edits.judge import Verdict, judged, shown

SEED = 2026
RECOVERED = 0.99
"""Of the edits that one rule should understand, the share that must be applied; the rest may be refused."""


def none_is_wrong(verdicts: list[Verdict]) -> None:
    assert verdicts
    wrong = [verdict for verdict in verdicts if verdict.outcome == "wrong"]
    assert not wrong, "\n\n".join(map(shown, wrong[:5]))


def nearly_all_are_applied(verdicts: list[Verdict]) -> None:
    must = [verdict for verdict in verdicts if verdict.case.expected == "apply"]
    every = Counter(verdict.case.step for verdict in must)
    lost = [verdict for verdict in must if verdict.outcome != "applied"]
    for step, count in Counter(verdict.case.step for verdict in lost).items():
        some = (shown(verdict) for verdict in lost if verdict.case.step == step)
        assert count <= every[step] * (1 - RECOVERED), "\n\n".join(some)


def test_a_few_edits_of_every_kind(tmp_path: Path) -> None:
    verdicts = list(judged(tmp_path, generate(SEED, 4)))
    none_is_wrong(verdicts)
    assert {verdict.case.kind for verdict in verdicts} == KINDS.keys()


def test_a_few_edits_as_blocks(tmp_path: Path) -> None:
    none_is_wrong(list(judged(tmp_path, generate(SEED, 2), blocks=True)))


@pytest.mark.once
def test_two_thousand_edits(tmp_path: Path) -> None:
    verdicts = list(judged(tmp_path, generate(SEED + 1, 50, per_step=200)))
    assert len(verdicts) >= 2_000
    assert min(Counter(verdict.case.step for verdict in verdicts).values()) >= 200
    none_is_wrong(verdicts)
    nearly_all_are_applied(verdicts)


@pytest.mark.once
def test_five_hundred_edits_as_blocks(tmp_path: Path) -> None:
    verdicts = list(judged(tmp_path, generate(SEED + 2, 28), blocks=True))
    assert len(verdicts) > 500
    none_is_wrong(verdicts)
