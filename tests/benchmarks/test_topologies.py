"""Tests of the fabrics of the benchmarks."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.collectives.published import published
from benchmarks.collectives.topologies import (
    HETEROGENEOUS,
    HOMOGENEOUS,
    family,
    pipelined,
    quarter_chunks,
    slot_grid,
    write_family,
    write_links,
)
from lpxsched.fabric.profile import load_fabric

if TYPE_CHECKING:
    from pathlib import Path

INSTANCES = {row["instance"]: row for row in published("links")}


def test_every_fabric_of_the_peers_is_there() -> None:
    """Tests that the tables cover all fabrics that peers were measured on."""
    assert set(INSTANCES) == {*HOMOGENEOUS, *HETEROGENEOUS}


@pytest.mark.parametrize("name", sorted(INSTANCES))
def test_families_have_the_links_that_peers_were_measured_on(tmp_path: Path, name: str) -> None:
    """Tests the numbers of chips, and their links, by the hash of all lines."""
    write_links(tmp_path, family(name))
    text = (tmp_path / f"{name}-links.csv").read_bytes()
    assert text.count(b"\n") - 1 == int(INSTANCES[name]["links"])
    assert sha256(text).hexdigest() == INSTANCES[name]["sha256"]


@pytest.mark.parametrize(
    ("keys", "hops", "pitches"),
    [
        # 0.5 us and 1 MiB at 50 GiB/s, 19531.25 ns; a hop is rounded up to a cycle of 1 ns.
        (family("dfly_a4h1g5_20"), {20_032}, {20_031.25}),
        # 4882.8125 ns for a quarter.
        (quarter_chunks("dfly_a4h1g5_20"), {5_383}, {5_382.8125}),
        # 200 ns and 9765.625 ns, 1000 ns and 39062.5 ns.
        (family("dflyhet_a4h1g5_20"), {9_966, 40_063}, {9_965.625, 40_062.5}),
        # A vector a cycle, and a latency of 500 ns x 43.75 MHz = 21.875 cycles.
        (pipelined("dfly_a4h1g5_20"), {23}, {1.0}),
        (slot_grid("mesh", 3), {1}, {1.0}),
    ],
)
def test_wires_of_families_and_of_their_links_are_equal(
    tmp_path: Path, keys: dict[str, object], hops: set[int], pitches: set[float]
) -> None:
    """Tests links, latencies, rates and ports of a family and of its copy link by link."""
    one, other = load_fabric(write_family(tmp_path, keys)), load_fabric(write_links(tmp_path, keys))
    for fabric in (one, other):
        classes = fabric.link_classes
        busy = fabric.wire == "busy"
        assert {-int(-c.vector_time_cycles // 1) + c.latency_cycles for c in classes} == hops
        assert {float(c.vector_time_cycles) + busy * c.latency_cycles for c in classes} == pitches
    for column in ("source", "destination", "lane"):
        assert np.array_equal(getattr(one, column), getattr(other, column))
    for same in ("chips", "wire", "vector_bytes", "inject_per_cycle", "eject_per_cycle", "turnaround_cycles"):
        assert getattr(one, same) == getattr(other, same)


def test_renumbered_chips_keep_their_links(tmp_path: Path) -> None:
    """Tests a mesh of 2 x 2 renumbered: still a cycle of four, and the same for the same seed."""
    keys = slot_grid("mesh", 2)
    fabric = load_fabric(write_links(tmp_path, keys, 1))
    first = (tmp_path / f"{keys['name']}-links-1.csv").read_text()
    write_links(tmp_path, keys, 1)
    assert (tmp_path / f"{keys['name']}-links-1.csv").read_text() == first
    assert fabric.links == 8
    assert np.bincount(fabric.source).tolist() == np.bincount(fabric.destination).tolist() == [2, 2, 2, 2]
