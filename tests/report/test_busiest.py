"""Tests of the busiest links and chips."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.report.busiest import (
    alike_chips,
    alike_links,
    busiest_by_unit,
    busiest_by_vectors,
    busy_chips,
    busy_links,
)
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build
from tests.verify.doubled import shared_build
from tests.verify.test_frames import phased


def test_tray_links_lead() -> None:
    """Tests that links with 4 vectors x 5/2 of 128 cycles stand before those with 2 vectors."""
    links = busy_links(two_chip_build())
    assert [(link.link, link.vectors, link.share) for link in links] == [
        (0, 4, 10 / 128),
        (2, 4, 10 / 128),
        *((link, 2, 5 / 128) for link in (1, 3, 4, 5)),
    ]
    assert (links[0].link_class, links[0].source, links[0].destination) == ("tray", "0.0", "0.1")


def test_links_without_vectors_are_left_out() -> None:
    """Tests that only used links are listed."""
    build = two_chip_build()
    moved = replace(build, slots=replace(build.slots, link=ints(0, 0, 1, 2, 2, 3, 4, 4)))
    assert [link.link for link in busy_links(moved)] == [0, 2, 4, 1, 3]


def test_shares_of_units_and_vectors_of_a_chip() -> None:
    """Tests a chip's numbers: matrix 11 + 20 and vector 5 + 6 of 128 cycles, 2 + 2 + 2 vectors in, 6 out."""
    first, second = busy_chips(two_chip_build())
    assert (first.position, second.position) == ("0.0", "0.1")
    assert first.unit_shares == {"matrix": 31 / 128, "vector": 11 / 128}
    # in: 2 from the host, 2 rows and 2 summands of the other chip; out: 2 + 2 to it, 2 to the host
    assert (first.vectors_in, first.vectors_out) == (6, 6)


def test_layers_of_a_chip() -> None:
    """Tests that chips 2 and 3 run layer 1 and that hosts are not listed."""
    assert [chip.layers for chip in busy_chips(repeated_build(2))] == [(0,), (0,), (1,), (1,)]


def test_orders() -> None:
    """Tests that a longer operator and more vectors each bring a chip to the front of one list."""
    build = two_chip_build()
    longer = (build.operators.operator == 5) * 1
    chips = busy_chips(replace(build, operators=replace(build.operators, cycles=build.operators.cycles + longer)))
    assert [chip.chip for chip in busiest_by_unit(chips)] == [1, 0]
    assert [chip.chip for chip in busiest_by_vectors(chips)] == [0, 1]
    # One vector more goes from chip 1 to the host.
    more = replace(build, slots=replace(build.slots, vectors=ints(2, 2, 2, 2, 2, 3, 2, 2)))
    assert [chip.chip for chip in busiest_by_vectors(busy_chips(more))] == [1, 0]


def test_segments_that_share_chips_count_together() -> None:
    """Tests two layers on the same chips: on demand over both makespans, 256 cycles, and over a period of 200."""
    for build, cycles in ((shared_build(), 256), (phased(200, 100), 200)):
        # 31 cycles of each layer on the matrix unit, 11 on the vector unit.
        first = busy_chips(build)[0]
        assert first.layers == (0, 1)
        assert first.unit_shares == {"matrix": 62 / cycles, "vector": 22 / cycles}
        # Link 0 carries four vectors of 5/2 cycles of each layer.
        link = next(link for link in busy_links(build) if link.link == 0)
        assert (link.layers, link.vectors, link.share) == ((0, 1), 8, 20 / cycles)


def test_what_is_alike_stands_once() -> None:
    """Tests that 3 layers of 2 tray links and 2 chips are one row each with their number and layers."""
    links = alike_links(busy_links(repeated_build(3)))
    assert [(alike.one.link_class, alike.count, alike.layers) for alike in links] == [
        ("tray", 6, (0, 1, 2)),
        ("host", 12, (0, 1, 2)),
    ]
    (chips,) = alike_chips(busy_chips(repeated_build(3)))
    assert (chips.one.position, chips.count, chips.layers) == ("0.0", 6, (0, 1, 2))
