"""Tests of who takes part in a collective: each wrong choice is one line that names the option."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.program.participants import participants, root_shard
from lpxsched.traffic.collectives import KINDS, ROOTED, Kind
from tests.fabric.examples import fabric_of, hosted_grid

LINE = fabric_of([(0, 1), (1, 0), (1, 2), (2, 1)], grid=(1, 3))


def test_all_chips_that_are_up_take_part() -> None:
    """Tests that chip 1, which is down, and the host are left out."""
    fabric = hosted_grid(1, 3)
    down = replace(fabric, node_down=np.array([False, True, False, False]))
    assert participants(fabric, None, relays=False) == (0, 1, 2)
    assert participants(down, None, relays=False) == (0, 2)


def test_chosen_chips_keep_their_order() -> None:
    """Tests that shard 0 is the first chip of the list."""
    assert participants(LINE, [2, 0], relays=False) == (2, 0)


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ([0, 3], "there is no chip 3; toy has chips 0 to 2"),
        ([0, 1, 0], "chip 0 is listed 2 times; list each chip once"),
        ([1], "a collective needs 2 chips or more, got 1"),
        ([], "a collective needs 2 chips or more, got 0"),
    ],
)
def test_a_wrong_list_is_refused(chosen: list[int], problem: str) -> None:
    """Tests chips that are not there, twice there, or too few."""
    with pytest.raises(InputError) as caught:
        participants(LINE, chosen, relays=False)
    assert str(caught.value) == f"--chips: {problem}"


def test_a_chip_that_is_down_cannot_be_chosen() -> None:
    """Tests that the user is told which one."""
    down = replace(LINE, node_down=np.array([False, False, True]))
    with pytest.raises(InputError, match="--chips: chip 2 is down in toy; leave it out"):
        participants(down, [0, 2], relays=False)


def test_a_host_is_no_chip() -> None:
    """Tests the node after the last chip."""
    with pytest.raises(InputError, match="there is no chip 3; toy has chips 0 to 2"):
        participants(hosted_grid(1, 3), [0, 3], relays=False)


def test_two_chips_must_be_up() -> None:
    """Tests a fabric of which all chips but one are down."""
    with pytest.raises(InputError, match="needs 2 chips or more, got 1"):
        participants(replace(LINE, node_down=np.array([True, False, True])), None, relays=False)


@pytest.mark.parametrize("kind", ROOTED)
def test_a_root_is_told_as_a_chip_and_kept_as_a_shard(kind: Kind) -> None:
    """Tests that chip 0 of chips 2, 0 is shard 1, and that the first is the default."""
    assert root_shard(kind, (2, 0), 0) == 1
    assert root_shard(kind, (2, 0), None) == 0


def test_a_root_must_take_part() -> None:
    """Tests a chip of the fabric that was not chosen."""
    with pytest.raises(InputError, match="--root: must be a chip that takes part, one of 0,2; got 1"):
        root_shard("broadcast", (2, 0), 1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ROOTED])
def test_a_root_of_a_kind_without_one_is_refused(kind: Kind) -> None:
    """Tests that it is not ignored, even where it takes part."""
    with pytest.raises(InputError, match=f"--root: {kind} has no root; leave it out"):
        root_shard(kind, (2, 0), 0)
    assert root_shard(kind, (2, 0), None) == 0


def test_somebody_must_be_left_to_relay() -> None:
    """Tests a line of three of which all, or two, take part."""
    with pytest.raises(InputError, match="--relays: all chips that are up take part"):
        participants(LINE, [2, 0, 1], relays=True)
    assert participants(LINE, [2, 0], relays=True) == (2, 0)
