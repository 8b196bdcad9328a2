"""Tests that a group whose chips fall apart is refused."""

from __future__ import annotations

from lpxsched.fabric.profile import load_fabric
from lpxsched.program.connected import split_group
from lpxsched.traffic.group import Group


def group(*chips: int) -> Group:
    """Return a group of chips; hosts do not matter here."""
    return Group(0, chips, tuple(0 for _ in chips))


def test_chips_of_one_tray_and_of_one_position_are_joined() -> None:
    """Tests a pair inside a tray, a pair over the spine, and a sub-grid of 2 x 2."""
    rack = load_fabric("lpx-rack")
    assert split_group(rack, [group(0, 1), group(2, 18), group(3, 4, 19, 20)]) is None


def test_a_diagonal_pair_falls_apart() -> None:
    """Tests chip 0.0 and chip 1.1: two hops apart, and both relays are outside of the group."""
    rack = load_fabric("lpx-rack")
    assert split_group(rack, [group(0, 1), group(0, 17)]) == (group(0, 17), [0], [17])


def test_the_smaller_side_is_named_last() -> None:
    """Tests three chips of which two are joined."""
    rack = load_fabric("lpx-rack")
    assert split_group(rack, [group(17, 0, 1, 2)]) is None
    assert split_group(rack, [group(33, 0, 2)]) == (group(33, 0, 2), [0, 2], [33])


def test_a_lone_chip_is_whole() -> None:
    """Tests a group of one chip."""
    assert split_group(load_fabric("tsp-node"), [group(5)]) is None
