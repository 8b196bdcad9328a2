"""Tests of boardflies."""

from __future__ import annotations

import numpy as np

from lpxsched.fabric.facts import fabric_facts
from lpxsched.fabric.families.boardfly import boardfly
from lpxsched.fabric.profile import load_fabric


def test_two_groups_of_two_trays_by_hand() -> None:
    """Tests two chips a tray and one port a chip beyond the tray: port 0 to the other tray, port 1 to the other group.

    Of each tray chip 0 has port 0 and chip 1 port 1; the one cable between the groups starts on tray 0 of both.
    """
    pairs = boardfly(2, 2, 2, 1).pairs
    assert pairs["tray"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert pairs["group"].tolist() == [[0, 2], [4, 6]]
    assert pairs["global"].tolist() == [[1, 5]]


def test_every_two_trays_of_a_group_and_every_two_groups_share_one_link() -> None:
    """Tests the published size: 28 pairs of trays a group, 630 pairs of groups, three ports a chip beyond its tray."""
    pairs = boardfly(36, 8, 4, 3).pairs
    trays, groups = np.sort(pairs["group"] // 4, axis=1), np.sort(pairs["global"] // 32, axis=1)
    assert len(np.unique(trays, axis=0)) == len(trays) == 36 * 28
    assert len(np.unique(groups, axis=0)) == len(groups) == 630
    used = np.bincount(np.concatenate([pairs["group"].ravel(), pairs["global"].ravel()]), minlength=1152)
    assert used.max() == 3
    # 56 + 35 of the 96 ports that trays of a group have beyond their own links.
    assert used.reshape(36, 32).sum(axis=1).tolist() == [91] * 36


def test_the_published_size_is_seven_hops_wide() -> None:
    """Tests 1,152 chips: three hops in a group, one between groups, three in the other."""
    fabric = load_fabric("boardfly")
    assert (fabric.chips, fabric_facts(fabric).diameter) == (1152, 7)
