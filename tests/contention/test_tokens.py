"""Tests of which experts rows meet."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.contention.tokens import SKEW, drawn_experts, popularities
from lpxsched.verify.replay.routings import HeldExperts, Routed


def routed(rows: int, experts: int, per_row: int, shards: int = 4) -> Routed:
    """Return experts that lie whole on some shards."""
    each = experts // shards
    held = [tuple(range(first, first + each)) for first in range(0, experts, each)]
    return Routed(rows, experts, 0, per_row, tuple(HeldExperts(one, 0, 1) for one in held))


def generator(seed: int = 0) -> np.random.Generator:
    """Return a source of random numbers."""
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize(("experts", "per_row"), [(128, 4), (32, 4), (256, 8)])
def test_the_hottest_expert_is_as_hot_as_was_measured(experts: int, per_row: int) -> None:
    """Tests popularities that fall, sum to k, and begin at 5.2 times the mean."""
    popular = popularities(experts, per_row, SKEW)
    assert popular.sum() == pytest.approx(per_row)
    assert popular[0] / popular.mean() == pytest.approx(SKEW)
    assert (np.diff(popular) < 0).all()
    assert popularities(experts, per_row, 1.0).tolist() == pytest.approx([per_row / experts] * experts)


def test_no_expert_meets_a_row_twice() -> None:
    """Tests k = 4 of 8: 5.2 times the mean would be 2.6 of each row, so the hottest one meets every row."""
    popular = popularities(8, 4, SKEW)
    assert popular[0] == 1
    assert popular.sum() == pytest.approx(4)
    chosen = drawn_experts(routed(500, 8, 4), "skewed", generator())
    assert all(len(set(row)) == 4 for row in chosen.tolist())
    assert np.bincount(chosen.reshape(-1)).max() == 500


def test_experts_are_met_as_often_as_they_are_popular() -> None:
    """Tests 20,000 rows, k = 2 of 16: the hottest takes 5.2 x 2 / 16 = 0.65 of them, within four deviations."""
    rows = 20_000
    met = np.bincount(drawn_experts(routed(rows, 16, 2), "skewed", generator(3)).reshape(-1), minlength=16)
    popular = popularities(16, 2, SKEW)
    assert popular[0] == pytest.approx(0.65)
    deviation = np.sqrt(rows * popular * (1 - popular))
    assert (np.abs(np.sort(met)[::-1] - rows * popular) < 4 * deviation).all()


def test_the_adversary_sends_all_to_the_first_chip() -> None:
    """Tests k = 2, 2 experts a chip: all 6 rows meet both of chip 0."""
    chosen = drawn_experts(routed(6, 8, 2), "adversarial", generator())
    assert np.bincount(chosen.reshape(-1), minlength=8).tolist() == [6, 6, 0, 0, 0, 0, 0, 0]
