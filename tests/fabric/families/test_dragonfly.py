"""Tests of dragonflies."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.fabric.families.dragonfly import dragonfly


def test_five_groups_of_four_by_hand() -> None:
    """Tests that chip k of a group leads to the group k + 1 further on, where chip 3 - k leads back.

    Group 0 (chips 0-3): 0 to group 1, whose chip 3 (7) leads 4 further on, that is to group 0; 1 to group 2, chip 10;
    2 to group 3, chip 13; 3 to group 4, chip 16. Every group is group 0 moved on by 4 chips modulo 20.
    """
    wiring = dragonfly(4, 1, 5)
    first = [(0, 7), (1, 10), (2, 13), (3, 16)]
    moved = {frozenset(((a + 4 * group) % 20, (b + 4 * group) % 20)) for group in range(5) for a, b in first}
    assert (wiring.shape, wiring.hosts) == ((5, 4), 0)
    assert {frozenset(pair) for pair in wiring.pairs["global"].tolist()} == moved
    assert len(wiring.pairs["global"]) == 10
    assert wiring.pairs["local"].tolist()[:6] == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert len(wiring.pairs["local"]) == 5 * 6


def test_eight_groups_of_eight() -> None:
    """Tests 7 of 8 global links in use: the last chip of a group has none; 28 pairs of groups, one link each."""
    between = dragonfly(8, 1, 8).pairs["global"]
    assert np.bincount(between.ravel(), minlength=64).tolist() == ([1] * 7 + [0]) * 8
    assert len({tuple(pair) for pair in (between // 8).tolist()}) == len(between) == 28


@pytest.mark.parametrize(("chips", "links", "groups"), [(2, 2, 5), (4, 3, 13), (3, 1, 2), (1, 3, 4), (2, 1, 1)])
def test_every_two_groups_share_one_link(chips: int, links: int, groups: int) -> None:
    """Tests as many groups as fit (a h + 1), fewer, groups of one chip, and a single group."""
    between = dragonfly(chips, links, groups).pairs["global"]
    joined = {frozenset(pair) for pair in (between // chips).tolist()}
    assert len(joined) == len(between) == groups * (groups - 1) // 2
    assert all(len(pair) == 2 for pair in joined)
    assert np.bincount(between.ravel(), minlength=1).max() <= links
