"""Tests of what is out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.fabric.down import ranges
from lpxsched.fabric.facts import fabric_facts
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import WIRE, change_shipped, write_family, write_topology

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric


def square(folder: Path, lanes: int = 1, **down: list[Any]) -> str:
    """Write a ring of four chips of which something is down, in the sixth line."""
    return write_family(folder, "ring", chips=4, link={**WIRE, "lanes": lanes}, down=down)


def links_down(fabric: Fabric) -> list[tuple[int, int, int]]:
    """Return source, destination and lane of the links that are down."""
    columns = (fabric.source, fabric.destination, fabric.lane)
    return list(zip(*(column[fabric.link_down].tolist() for column in columns), strict=True))


def test_nothing_is_down_unless_a_file_says_so(tmp_path: Path) -> None:
    """Tests a file without the key, and one with empty lists."""
    for path in (write_family(tmp_path, "ring", chips=4), square(tmp_path, links=[], chips=[], trays=[])):
        fabric = load_fabric(path)
        assert not fabric.link_down.any()
        assert not fabric.node_down.any()


def test_a_link_is_one_direction_of_all_lanes_or_of_one(tmp_path: Path) -> None:
    """Tests two ends without a lane, and with lane 1."""
    fabric = load_fabric(square(tmp_path, 2, links=[[0, 1], [2, 3, 1]]))
    assert links_down(fabric) == [(0, 1, 0), (0, 1, 1), (2, 3, 1)]
    assert int(fabric.link_up.sum()) == 16 - 3


def test_the_links_of_a_chip_that_is_down_are_not_up(tmp_path: Path) -> None:
    """Tests chip 2 of the square: of eight links four are left, and the numbers of links do not change."""
    fabric = load_fabric(square(tmp_path, chips=[2]))
    assert fabric.node_down.tolist() == [False, False, True, False]
    assert (fabric.links, int(fabric.link_up.sum())) == (8, 4)


def test_what_is_named_twice_is_down_once(tmp_path: Path) -> None:
    """Tests a chip twice, and a link with and without its lane."""
    fabric = load_fabric(square(tmp_path, chips=[3, 3], links=[[0, 3], [0, 3, 0]]))
    assert fabric.node_down.sum() == 1
    assert links_down(fabric) == [(0, 3, 0)]


def test_a_tray_is_a_row_of_chips(tmp_path: Path) -> None:
    """Tests tray 3 of a rack, chips 48 to 63; of nine racks tray 17 is the second of rack 1."""
    rack = load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", {"down": {"trays": [3]}}))
    assert np.flatnonzero(rack.node_down).tolist() == list(range(48, 64))
    racks = load_fabric(change_shipped(tmp_path, "topology", "lpx-9-racks", {"down": {"trays": [17]}}))
    assert np.flatnonzero(racks.node_down).tolist() == list(range(272, 288))


def test_a_rack_without_a_tray_holds_together(tmp_path: Path) -> None:
    """Tests that 15 trays have diameter 2, 14 x 2 spine lanes a chip, and half the cut 7 x 8 x 16 x 2 x 100 Gb/s.

    The cut of trays stands before tray 8: tray 3 is on its lower side.
    """
    facts = fabric_facts(load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", {"down": {"trays": [3]}})))
    assert facts.diameter == 2
    assert facts.per_chip_links == 60 + 28 + 1
    assert facts.bisection_gbps == 7 * 8 * 16 * 2 * 100
    assert (facts.symmetry.order, facts.symmetry.orbits) == (16, 16)


def test_explicit_fabrics_may_have_something_down(tmp_path: Path) -> None:
    """Tests a ring of four both ways without the link 3 -> 0."""
    table = "src,dst\n" + "".join(f"{a},{(a + step) % 4}\n" for a in range(4) for step in (1, 3))
    fabric = load_fabric(write_topology(tmp_path, table, down={"links": [[3, 0]]}))
    assert links_down(fabric) == [(3, 0, 0)]


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ({"chips": [1, 4]}, "6:21: down.chips.1: there is no chip 4, only 0 to 3"),
        ({"chips": [-1]}, "6:18: down.chips.0: input should be greater than or equal to 0, got -1"),
        ({"chips": 1}, "6:8: down.chips: input should be a valid list, got 1"),
        ({"trays": [1]}, "6:18: down.trays.0: there is no tray 1, only 0 to 0"),
        ({"links": [[0, 2]]}, "6:18: down.links.0: there is no link 0 -> 2"),
        ({"links": [[0, 1], [0, 1, 1]]}, "6:26: down.links.1: there is no link 0 -> 1 with lane 1"),
        ({"links": [[0, 9]]}, "6:18: down.links.0: there is no link 0 -> 9"),
        ({"links": [[0]]}, "6:18: down.links.0: list should have at least 2 items after validation, not 1, got [0]"),
        ({"links": [[0, 1, 0, 0]]}, "6:18: down.links.0: list should have at most 3 items after validation, not 4"),
        ({"links": [0, 1]}, "6:18: down.links.0: input should be a valid list, got 0"),
        ({"links": [[0, -1]]}, "6:22: down.links.0.1: input should be greater than or equal to 0, got -1"),
        ({"chip": [1]}, "6:8: down.chip: unknown key; did you mean chips?"),
        ({"trays": [0]}, "6:1: down: no chip is left in service"),
        ({"chips": [0, 1, 2, 3]}, "6:1: down: no chip is left in service"),
        ({"chips": [0, 2]}, "6:1: down: splits the fabric: chips 3 cannot be reached from chips 1; leave them a way"),
        (
            {"links": [[0, 1], [0, 3]]},
            "6:1: down: splits the fabric: chips 1-3 cannot be reached from chips 0; leave them a way",
        ),
        (
            {"links": [[1, 0], [3, 0]]},
            "6:1: down: splits the fabric: chips 1-3 cannot reach chips 0; leave them a way",
        ),
        (
            {"links": [[3, 2], [1, 2]]},
            "6:1: down: splits the fabric: chips 2 cannot be reached from chips 0-1,3; leave them a way",
        ),
    ],
)
def test_what_cannot_be_down_is_refused(tmp_path: Path, down: dict[str, Any], expected: str) -> None:
    """Tests numbers that are not there, at their place, and fabrics that fall apart, with both sides."""
    with pytest.raises(InputError) as caught:
        load_fabric(square(tmp_path, **down))
    assert expected in str(caught.value)


def test_one_chip_may_be_left(tmp_path: Path) -> None:
    """Tests that a single chip is not split."""
    assert fabric_facts(load_fabric(square(tmp_path, chips=[0, 1, 3]))).diameter == 0


@pytest.mark.parametrize(
    ("numbers", "text"), [([4], "4"), ([0, 1, 2], "0-2"), ([0, 2, 3, 9], "0,2-3,9"), ([5, 7], "5,7")]
)
def test_numbers_are_written_as_people_do(numbers: list[int], text: str) -> None:
    """Tests runs and single numbers."""
    assert ranges(np.array(numbers)) == text
