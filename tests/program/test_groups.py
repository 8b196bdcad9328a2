"""Tests of how a grid of chips is cut into groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.connected import split_group
from lpxsched.program.groups import automatic_groups, group_on, smallest_width
from tests.fabric.examples import fabric_of, hosted_grid


def test_36_layers_take_a_whole_rack() -> None:
    """Tests gpt-oss-120b: 2 sevens in each of 16 trays are 32 groups, the 2 columns left are 4 groups of 4 x 2.

    32 x 7 + 4 x 8 = 256 chips.
    """
    groups = automatic_groups(load_fabric("lpx-rack"), 36, 7)
    assert Counter(len(group.chips) for group in groups) == {7: 32, 8: 4}
    assert groups[0].chips == (0, 1, 2, 3, 4, 5, 6)
    assert groups[1].chips == (7, 8, 9, 10, 11, 12, 13)
    assert groups[32].chips == (14, 15, 30, 31, 46, 47, 62, 63)
    assert len({chip for group in groups for chip in group.chips}) == 256


def test_24_layers_take_a_whole_rack() -> None:
    """Tests gpt-oss-20b: a ten in each of 16 trays, and 6 columns left that are 8 groups of 2 x 6.

    16 x 10 + 8 x 12 = 256 chips.
    """
    groups = automatic_groups(load_fabric("lpx-rack"), 24, 1)
    assert Counter(len(group.chips) for group in groups) == {10: 16, 12: 8}
    assert groups[16].chips == (10, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30, 31)
    assert len({chip for group in groups for chip in group.chips}) == 256


def test_a_group_knows_its_hosts() -> None:
    """Tests that hosts stand in the order of the chips: chips 0 to 7 have host 256, chips 8 and up 257."""
    group = automatic_groups(load_fabric("lpx-rack"), 36, 7)[1]
    assert group.hosts == (256, 257, 257, 257, 257, 257, 257)


@pytest.mark.parametrize(
    ("layers", "widths"),
    [
        (1, [8]),  # the whole grid
        (2, [4, 4]),  # a tray each
        (3, [2, 3, 3]),  # a three in each tray, and the column that is left
        (4, [2, 2, 2, 2]),
        (5, [1, 1, 1, 1, 1]),
        (8, [1] * 8),
    ],
)
def test_the_groups_of_two_trays_of_four(layers: int, widths: list[int]) -> None:
    """Tests that the narrowest group is as wide as it can be, on a grid that can be checked by eye."""
    groups = automatic_groups(hosted_grid(2, 4), layers, 1)
    assert sorted(len(group.chips) for group in groups) == widths
    assert [group.layer for group in groups] == list(range(layers))


def test_no_cut_is_not_called_infeasible() -> None:
    """Tests that three trays hold three groups of three, nine single chips four pairs, but 3 x 3 no four threes."""
    assert [len(group.chips) for group in automatic_groups(hosted_grid(3, 3), 3, 3)] == [3, 3, 3]
    assert [len(group.chips) for group in automatic_groups(hosted_grid(9, 1), 4, 2)] == [2, 2, 2, 2]
    with pytest.raises(NothingFoundError) as caught:
        automatic_groups(hosted_grid(3, 3), 4, 3)
    assert str(caught.value) == (
        "unknown: nothing found (no cut of a 3 x 3 grid into 4 sub-grids of at least 3 chips); "
        "write the groups with --partition"
    )


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 70), st.integers(1, 20))
def test_groups_are_disjoint_and_wide_enough(trays: int, positions: int, layers: int, least_width: int) -> None:
    """Tests any grid: either a group of sub-grid shape for each layer, or an honest answer that none was found."""
    fabric = hosted_grid(trays, positions)
    try:
        groups = automatic_groups(fabric, layers, least_width)
    except NothingFoundError:
        # A group a layer needs at least this many chips; equal trays or tiles of one chip always fit otherwise.
        assert least_width > 1 or layers > fabric.chips
        return
    assert [group.layer for group in groups] == list(range(layers))
    chips = [chip for group in groups for chip in group.chips]
    assert len(chips) == len(set(chips))
    assert set(chips) <= set(range(fabric.chips))
    for group in groups:
        rows, columns = ({divmod(chip, positions)[axis] for chip in group.chips} for axis in (0, 1))
        assert len(group.chips) == len(rows) * len(columns) >= least_width
        assert group.hosts == (fabric.chips,) * len(group.chips)


@pytest.mark.parametrize(("capacity", "width"), [(24, 1), (23, 2), (12, 2), (8, 3), (7, 4), (1, 24)])
def test_the_smallest_width(capacity: int, width: int) -> None:
    """Tests 24 bytes dealt over w chips, ceil(24 / w) each."""
    fabric = hosted_grid(1, 30, sram_bytes=capacity)
    assert smallest_width(fabric, [(1, lambda chips: -(-24 // chips))], "a model") == width


def test_a_layer_that_fits_no_group_is_infeasible() -> None:
    """Tests that the proof names bytes, chips and capacity."""
    with pytest.raises(InfeasibleError) as caught:
        smallest_width(hosted_grid(1, 4), [(1, lambda chips: 1001)], "a model")
    assert str(caught.value) == (
        "infeasible: one layer of a model needs 1,001 bytes on each of all 4 chips of toy, a chip holds 1,000"
    )


def test_layers_that_need_more_chips_than_there_are_are_infeasible() -> None:
    """Tests 3 layers of 3000 bytes on chips of 1000: 3 chips each, 9 of 8."""
    with pytest.raises(InfeasibleError) as caught:
        smallest_width(hosted_grid(1, 8), [(3, lambda chips: 3000 // chips)], "a model")
    assert str(caught.value) == (
        "infeasible: a model needs 9 chips, 3 layers on at least 3 chips each (1,000 bytes a chip, 9,000 in all; "
        "a chip holds 1,000), and toy has 8 chips with 8,000 bytes"
    )


def test_layers_of_two_kinds_each_need_their_own_width() -> None:
    """Tests 4 layers that fit on one chip of 1000 bytes and one that takes 4: 8 chips do, 7 are proven too few."""
    kinds = [(4, lambda chips: 900 // chips), (1, lambda chips: 4000 // chips)]
    assert smallest_width(hosted_grid(1, 8), kinds, "a model") == 4
    with pytest.raises(InfeasibleError) as caught:
        smallest_width(hosted_grid(1, 7), kinds, "a model")
    assert "a model needs 8 chips, 4 layers on at least 1 chip each (900 bytes a chip, " in str(caught.value)
    assert " and 1 layer on at least 4 chips each (1,000 bytes a chip, 4,000 in all" in str(caught.value)


def test_a_chip_without_host_is_refused() -> None:
    """Tests that a chip that no host reaches is named."""
    fabric = fabric_of([(0, 2), (2, 0)], grid=(1, 2), hosts=1)
    with pytest.raises(InputError, match=r"^toy: chip 1 has no link from and to a host"):
        automatic_groups(fabric, 2, 1)
    assert group_on(fabric, 3, (0,)).hosts == (2,)


def test_tiles_avoid_chips_that_are_down() -> None:
    """Tests two trays of four, chip 1 down, three layers.

    Pairs inside trays: 0-1 is lost, 2-3, 4-5 and 6-7 are left, one for each layer.
    """
    fabric = hosted_grid(2, 4)
    node_down = fabric.node_down.copy()
    node_down[1] = True
    groups = automatic_groups(replace(fabric, node_down=node_down), 3, 1)
    assert [group.chips for group in groups] == [(2, 3), (4, 5), (6, 7)]


def test_groups_whose_chips_do_not_reach_each_other_are_passed_over() -> None:
    """Tests nine nodes of 8 TSPs: threes leave two chips of each node, which columns of three nodes do not join."""
    rack = load_fabric("tsp-rack")
    groups = automatic_groups(rack, layers=24, least_width=2)
    assert split_group(rack, groups) is None
    assert {len(group.chips) for group in groups} == {2}
    with pytest.raises(NothingFoundError, match="of at least 3 chips that reach each other"):
        automatic_groups(rack, layers=24, least_width=3)
