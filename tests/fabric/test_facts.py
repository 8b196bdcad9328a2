"""Tests of what is derived of a fabric, against publications where there are any."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.fabric.facts import Facts, fabric_facts
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import fabric_of, write_family, write_topology

if TYPE_CHECKING:
    from pathlib import Path


def links_by_class(facts: Facts) -> dict[str, tuple[int, int]]:
    """Return the links of each class, and how many leave a chip at most."""
    return {of_class.name: (of_class.links, of_class.per_chip) for of_class in facts.classes}


@pytest.mark.parametrize(
    ("name", "gbps"),
    [
        ("ring-8", 2 * 100),
        ("torus-4x4", 8 * 100),  # two links for each of four lines
        ("mesh-4x4", 4 * 100),  # one for each
        ("hypercube-16", 8 * 100),
        # Trays halved: 8 x 8 pairs of trays x 16 positions x 2 lanes; positions halved: 16 trays x 8 x 8 x 4 lanes are
        # 409,600.
        ("lpx-rack", 204_800),
        # Positions halved: 32 trays x 4 x 4 pairs x 4 lanes; trays halved: 16 x 16 x 8 x 2 lanes are 409,600.
        ("lpx-rack-32x8", 204_800),
        ("lpx-2-racks", 256 * 2 * 100),
        ("lpx-9-racks", 256 * 2 * 2 * 100),  # a ring is cut at two places
        ("tsp-node", 4 * 4 * 100),
        ("tsp-264", 16 * 17 * 100),  # 16 nodes from 17
        ("tsp-rack", 4 * 5 * 2 * 100),
        ("dragonfly-20", 2 * 3 * 100),
        ("tsp-10440", 72 * 73 * 100),
    ],
)
def test_the_bisection_of_shipped_fabrics(name: str, gbps: int) -> None:
    """Tests the payload rate, one way, across the weakest cut through the middle of a coordinate."""
    assert fabric_facts(load_fabric(name)).bisection_gbps == gbps


def test_an_explicit_fabric_has_no_coordinates_to_halve(tmp_path: Path) -> None:
    """Tests that no bisection is told where it is not known."""
    facts = fabric_facts(load_fabric(write_topology(tmp_path, "src,dst\n0,1\n1,2\n2,3\n3,0\n")))
    assert (facts.bisection_gbps, facts.diameter, facts.symmetry.order) == (None, 3, 4)


def test_an_explicit_fabric_may_be_in_pieces(tmp_path: Path) -> None:
    """Tests two pairs of chips: there is no diameter."""
    facts = fabric_facts(load_fabric(write_topology(tmp_path, "src,dst\n0,1\n1,0\n2,3\n3,2\n")))
    assert facts.diameter is None


@pytest.mark.parametrize("kind", ["ring", "full-mesh"])
def test_one_chip(tmp_path: Path, kind: str) -> None:
    """Tests the smallest fabric: nothing to cross, nothing to cut."""
    facts = fabric_facts(load_fabric(write_family(tmp_path, kind, chips=1)))
    assert (facts.diameter, facts.bisection_gbps, facts.per_chip_links, facts.symmetry.order) == (0, 0, 0, 1)
    assert links_by_class(facts) == {"link": (0, 0)}


def test_a_fabric_without_links() -> None:
    """Tests chips that nothing joins."""
    facts = fabric_facts(fabric_of([], grid=(1, 3)))
    assert (facts.diameter, facts.per_chip_links) == (None, 0)


def test_links_that_are_down_do_not_count(tmp_path: Path) -> None:
    """Tests a ring of eight without 3 -> 4, which crosses the middle: 7 hops from 3 to 4, one link in the cut."""
    facts = fabric_facts(load_fabric(write_family(tmp_path, "ring", chips=8, down={"links": [[3, 4]]})))
    assert (facts.diameter, facts.bisection_gbps, facts.symmetry.order) == (7, 100, 1)
    assert links_by_class(facts) == {"link": (15, 2)}


def test_chips_that_are_down_do_not_count(tmp_path: Path) -> None:
    """Tests a ring of eight without chip 0: a line of seven chips, six hops long."""
    facts = fabric_facts(load_fabric(write_family(tmp_path, "ring", chips=8, down={"chips": [0]})))
    assert (facts.diameter, facts.bisection_gbps) == (6, 100)
    assert links_by_class(facts) == {"link": (12, 2)}


def test_the_facts_of_nine_racks() -> None:
    """Tests 95 wired lanes a chip (60 + 30 + 4 + 1) and six hops: two in the rack, four round the ring of racks."""
    facts = fabric_facts(load_fabric("lpx-9-racks"))
    assert (facts.per_chip_links, facts.diameter) == (95, 6)
    chips = 9 * 256
    assert links_by_class(facts) == {
        "tray": (60 * chips, 60),
        "spine": (30 * chips, 30),
        "rack": (4 * chips, 4),
        "host": (2 * chips, 1),  # to the host and back
        "fpga": (9 * 16 * 15 * 2, 0),
    }


def test_the_facts_of_a_rack_as_published() -> None:
    """Tests 8,160 backplane lanes, 2.52 TB/s a chip and 645 TB/s a rack.

    Backplane: 256 chips x 30 lanes + 32 hosts x 15 lanes. NVIDIA counts 90 lanes x 112 Gb/s x 2 directions / 8 bits.
    """
    facts = fabric_facts(load_fabric("lpx-rack"))
    links = links_by_class(facts)
    assert links["spine"][0] + links["fpga"][0] == 8160
    lines = [of_class for of_class in facts.classes if of_class.name in ("tray", "spine")]
    chip_gbytes = sum(of_class.per_chip * of_class.line_gbps for of_class in lines) * 2 / 8
    assert chip_gbytes == 2520
    assert round(chip_gbytes * 256 / 1000) == 645
    assert {of_class.hop_cycles for of_class in facts.classes} == {350}
    assert lines[0].gbps == 100


def test_a_node_has_28_cables() -> None:
    """Tests 56 links of one direction, seven a chip, and 650 cycles a hop: 722 ns at 900 MHz."""
    facts = fabric_facts(load_fabric("tsp-node"))
    assert links_by_class(facts) == {"local": (2 * 28, 7), "host": (16, 1)}
    assert facts.classes[0].hop_cycles == 650
    assert isinstance(facts.bisection_gbps, Fraction)


def test_the_facts_of_145_racks() -> None:
    """Tests 10,440 chips, and seven hops: the paper's five are not met with one cable a rack pair.

    The chip with the cable is up to three hops away in the first rack, and the last chip in the second.
    """
    fabric = load_fabric("tsp-10440")
    facts = fabric_facts(fabric)
    assert (fabric.chips, facts.diameter, facts.per_chip_links) == (10_440, 6, 12)
    assert links_by_class(facts) == {
        "local": (7 * 10_440, 7),
        "rack": (2 * 10_440, 2),
        "global": (2 * 10_440, 2),
        "host": (2 * 10_440, 1),
    }
