"""Tests of the way from a topology's file to a fabric."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from lpxsched.units import ceil_cycles
from tests.fabric.examples import change_shipped, write_family

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric


@pytest.fixture(scope="module")
def rack() -> Fabric:
    """Return the shipped LPX rack."""
    return load_fabric("lpx-rack")


@pytest.fixture(scope="module")
def node() -> Fabric:
    """Return the shipped TSP node."""
    return load_fabric("tsp-node")


def class_links(fabric: Fabric, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which links are of a class."""
    names = [link_class.name for link_class in fabric.link_classes]
    return np.equal(fabric.link_class, names.index(name))


def read_after_hops(fabric: Fabric, name: str, hops: int) -> int:
    """Return the cycle at which a vector that departs at 0 is read after some hops, without guard."""
    wire = fabric.link_classes[[link_class.name for link_class in fabric.link_classes].index(name)]
    read = -fabric.turnaround_cycles
    for _ in range(hops):
        depart = read + fabric.turnaround_cycles
        read = depart + ceil_cycles(wire.vector_time_cycles + wire.latency_cycles)
    return read


def test_a_rack_has_256_chips_and_32_hosts(rack: Fabric) -> None:
    """Tests 16 trays x 16 chips, and two hosts a tray."""
    assert (rack.chips, rack.hosts, rack.nodes, rack.grid) == (256, 32, 288, (16, 16))
    assert (rack.vector_bytes, rack.wire_bytes, rack.turnaround_cycles, rack.wire) == (320, 328, 50, "pipelined")


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("tray", 60),  # 15 chips of the tray x 4 lanes
        ("spine", 30),  # one chip in each of 15 trays x 2 lanes
        ("host", 1),
        ("fpga", 0),
    ],
)
def test_each_chip_has_91_lanes_out_and_in(rack: Fabric, name: str, lanes: int) -> None:
    """Tests the lanes of every chip, class by class, in both directions."""
    of_class = class_links(rack, name)
    for ends in (rack.source, rack.destination):
        assert set(np.bincount(ends[of_class], minlength=rack.nodes)[: rack.chips]) == {lanes}


def test_a_chip_moves_2_52_tb_a_second(rack: Fabric) -> None:
    """Tests the published rate: 90 lanes x 112 Gb/s x 2 directions / 8 bits = 2520 GB/s."""
    lanes = ((rack.source == 0) & (rack.destination < rack.chips)).sum()
    assert lanes * 112 * 2 / 8 == 2520


def test_the_backplane_has_8160_lanes(rack: Fabric) -> None:
    """Tests the published number of copper pairs: 16 trays x 510 lanes that leave the tray.

    510 = 16 chips x 15 trays x 2 lanes + 2 hosts x 15 trays x 1 lane. Each lane is one pair of wires in one direction.
    """
    backplane = class_links(rack, "spine") | class_links(rack, "fpga")
    assert backplane.sum() == 16 * 510 == 8160


def test_two_chips_of_a_rack_are_two_hops_apart_at_most(rack: Fabric) -> None:
    """Tests the diameter of the chips, without hosts."""
    between_chips = (rack.source < rack.chips) & (rack.destination < rack.chips)
    graph = nx.DiGraph(list(zip(rack.source[between_chips], rack.destination[between_chips], strict=True)))
    assert nx.diameter(graph) == 2


@pytest.mark.parametrize("name", ["tray", "spine", "host", "fpga"])
@pytest.mark.parametrize(("hops", "cycles"), [(1, 350), (2, 750), (3, 1150)])
def test_hops_of_a_rack_take_the_published_time(rack: Fabric, name: str, hops: int, cycles: int) -> None:
    """Tests 350, 350 + 50 + 350 = 750 and 750 + 50 + 350 = 1150 cycles of 1 ns, serialisation inside."""
    assert read_after_hops(rack, name, hops) == cycles


def test_the_latency_of_a_rack_is_the_hop_less_one_vector(rack: Fabric) -> None:
    """Tests v = 26.24 ns = 656/25 cycles and latency = 350 - 27 = 323 cycles."""
    assert rack.link_classes[0].vector_time_cycles == Fraction(656, 25)
    assert rack.link_classes[0].latency_cycles == 323


def test_a_tsp_node_has_28_cables(node: Fabric) -> None:
    """Tests 8 chips, one host, and 28 cables of two directions."""
    assert (node.chips, node.hosts) == (8, 1)
    assert class_links(node, "local").sum() == 2 * 28


@pytest.mark.parametrize(("hops", "cycles"), [(1, 650), (3, 1950)])
def test_hops_of_a_tsp_node_take_the_published_time(node: Fabric, hops: int, cycles: int) -> None:
    """Tests that 722 ns at 900 MHz are 649.8, so 650 cycles, and three hops 1950 with nothing between."""
    assert node.chip.clock_mhz == 900
    assert read_after_hops(node, "local", hops) == cycles


def test_the_fitted_tsp_node_moves_11_14_gb_a_second(node: Fabric) -> None:
    """Tests 320 bytes in 14400/557 cycles of 900 MHz, 28.725 ns, and that nothing else differs: a hop is 650 cycles."""
    fitted = load_fabric("tsp-node-11gb")
    local = fitted.link_classes[0]
    assert local.vector_time_cycles == Fraction(14400, 557)
    assert float(320 / (local.vector_time_cycles / Fraction(9, 10))) == pytest.approx(11.14)
    assert read_after_hops(fitted, "local", 1) == read_after_hops(node, "local", 1) == 650
    assert (fitted.links, fitted.chip, fitted.ports) == (node.links, node.chip, node.ports)


@pytest.mark.parametrize("name", ["lpx-rack", "tsp-node"])
def test_links_are_sorted_and_both_ways(name: str) -> None:
    """Tests the order by source, destination, lane, and that each link has its opposite."""
    fabric = load_fabric(name)
    rows = list(zip(fabric.source.tolist(), fabric.destination.tolist(), fabric.lane.tolist(), strict=True))
    assert rows == sorted(set(rows))
    assert {(source, destination, lane) for destination, source, lane in rows} == set(rows)


def test_a_hop_contains_a_vector(tmp_path: Path) -> None:
    """Tests a vector of 26.24 ns at 1 GHz: hops of 27 ns have no latency, those of 26 are refused at their key."""
    fabric = load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", {"tray.hop_ns": 27}))
    assert fabric.link_classes[0].latency_cycles == 0
    with pytest.raises(InputError, match=r"tray.hop_ns: 26 ns are less than the 26.24 ns of a vector on this wire"):
        load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", {"tray.hop_ns": 26}))
    wire = {"gbps": 100, "hop_ns": 350}
    short = write_family(tmp_path, "torus", shape=[3, 3], link=None, axes=[wire, wire | {"hop_ns": 0.35}])
    with pytest.raises(InputError, match=r"axes.1.hop_ns: 0.35 ns are less than the 25.6 ns"):
        load_fabric(short)


def test_a_line_rate_that_is_not_told_is_that_of_the_payload(rack: Fabric, node: Fabric) -> None:
    """Tests 112 Gb/s around a payload of 100 in a rack, and no other rate than 100 in a node."""
    assert (rack.link_classes[0].gbps, rack.link_classes[0].line_gbps) == (100, 112)
    assert (node.link_classes[0].gbps, node.link_classes[0].line_gbps) == (100, 100)


def test_limits_of_injection_and_ejection_are_kept(tmp_path: Path) -> None:
    """Tests that there is no limit unless a file tells one."""
    unlimited = load_fabric(write_family(tmp_path, "ring", chips=3))
    assert (unlimited.inject_per_cycle, unlimited.eject_per_cycle, unlimited.ports) == (None, None, None)
    limited = load_fabric(write_family(tmp_path, "ring", chips=3, inject_per_cycle=2, eject_per_cycle=1, ports=2))
    assert (limited.inject_per_cycle, limited.eject_per_cycle, limited.ports) == (2, 1, 2)


def test_a_family_may_set_its_clock(tmp_path: Path) -> None:
    """Tests 5 ns at 500 MHz: 2.5 cycles, rounded up to 3; 320 x 8 / 100 = 25.6 ns are 12.8 cycles."""
    fabric = load_fabric(write_family(tmp_path, "ring", chips=3, clock_mhz=500))
    wire = fabric.link_classes[0]
    assert (fabric.chip.clock_mhz, wire.latency_cycles, wire.vector_time_cycles) == (500, 3, Fraction(64, 5))


@pytest.mark.parametrize(
    ("changes", "nodes"),
    [
        ({"trays": 1}, (16, 2)),
        ({"trays": 1, "chips_per_tray": 1}, (1, 1)),
        ({"host.chips_per_host": 99}, (256, 16)),
        ({"trays": 32, "chips_per_tray": 8}, (256, 32)),
    ],
)
def test_other_sizes_of_rack(tmp_path: Path, changes: dict[str, int], nodes: tuple[int, int]) -> None:
    """Tests one tray, one chip, a host for more chips than a tray has, and the other published reading."""
    fabric = load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", changes))
    assert (fabric.chips, fabric.hosts) == nodes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"kind": "star"},
            "2:1: kind: must be one of full-mesh, ring, mesh, torus, hypercube, hyperx, circulant, ",
        ),
        ({"kind": ["lpx"]}, "circulant, dragonfly, boardfly, lpx, tsp, explicit, got ['lpx']"),
        ({"kind": "ring"}, "trays: unknown key; known keys: chip, chips"),
        ({"trays": 0}, "trays: input should be greater than or equal to 1, got 0"),
        ({"trays": -16}, "trays: input should be greater than or equal to 1, got -16"),
        (
            {"trays": 1_000_000},
            # A chip has at most 16 x 4 + 1,000,000 x 2 + 1,000,002 x 1 links.
            "trays: makes 16,000,000 chips and up to 48,001,056,000,000 links; at most 20,000 and 5,000,000 fit",
        ),
        ({"tray.lanes": 1_000_000}, "trays: makes 256 chips and up to 4,096,012,800 links; at most"),
        ({"wire_bytes": 8}, "wire_bytes: must hold a vector of 320 bytes, got 8"),
        ({"tray.gbps": 0}, "tray.gbps: input should be greater than or equal to 0.000000001, got 0"),
        ({"tray.gbps": 10**400}, "tray.gbps: input should be a valid number, got 1000000000"),
        ({"tray.gbps": 100.123456789012}, "too large for 64-bit times; write gbps and clock_mhz with fewer digits"),
        ({"chip": "lp31"}, "3:1: chip: lp31: no chip of this name and no such file; did you mean lp30?"),
        ({"chip": "x" * 5000}, "cannot be read: File name too long"),
        ({"spine": 2}, "spine: must be a mapping of keys, got 2"),
        ({"spin": 2}, "spin: unknown key; did you mean spine?"),
        ({"spine.lane": 2}, "spine.lane: unknown key; did you mean lanes?"),
        ({"wire": "slow"}, "wire: input should be 'pipelined' or 'busy', got 'slow'"),
    ],
)
def test_a_wrong_rack_is_refused_at_its_key(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Tests that every fault points into the topology's file and says what would be right."""
    path = change_shipped(tmp_path, "topology", "lpx-rack", changes)
    with pytest.raises(InputError, match=r"lpx-rack\.yaml:\d+:\d+: ") as caught:
        load_fabric(path)
    assert expected in str(caught.value)


def test_a_node_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """Tests 3000 chips: at most 3000 + 2 links a chip, 9,006,000 links."""
    path = change_shipped(tmp_path, "topology", "tsp-node", {"chips_per_node": 3000})
    with pytest.raises(InputError, match="chips_per_node: makes 3,000 chips and up to 9,006,000 links"):
        load_fabric(path)


def test_a_fault_of_the_chip_points_into_the_chips_file(tmp_path: Path) -> None:
    """Tests that a chip's own file is named when that is where the fault is."""
    chip = change_shipped(tmp_path, "chip", "lp30", {"sram_bytes": 0})
    with pytest.raises(InputError, match=r"/lp30\.yaml:\d+:1: sram_bytes: "):
        load_fabric(change_shipped(tmp_path, "topology", "lpx-rack", {"chip": chip}))


@pytest.mark.parametrize("text", ["", "- 1\n", "5\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    """Tests an empty file, a list and a number in place of a topology."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.yaml:1:1: must be a mapping of keys, not (an empty file|list|int)$"):
        load_fabric(str(path))


@pytest.mark.parametrize(
    ("name", "hac_latency_cycles", "guard_in_hop"),
    [("tsp-node", 217, True), ("lpx-rack", 117, False), ("ring-8", 217, True)],
)
def test_how_clocks_see_the_links_of_shipped_fabrics(name: str, hac_latency_cycles: int, guard_in_hop: bool) -> None:
    """Tests 241.1 ns at 900 MHz = 216.99 cycles, rounded up, and 117 ns at 1000 MHz."""
    fabric = load_fabric(name)
    assert (fabric.hac_latency_cycles, fabric.guard_in_hop) == (hac_latency_cycles, guard_in_hop)


def test_a_file_may_leave_out_how_clocks_see_its_links(tmp_path: Path) -> None:
    """Tests the defaults: no latency of the counters, and a hop that contains no margin."""
    fabric = load_fabric(write_family(tmp_path, "ring", chips=3))
    assert (fabric.hac_latency_cycles, fabric.guard_in_hop) == (None, False)


def test_hosts_that_answer_requests_are_refused(tmp_path: Path) -> None:
    """Tests that the second way to time a host, which a range names, cannot be chosen."""
    path = change_shipped(tmp_path, "topology", "tsp-node", {"host.host_timing.value": "slave"})
    with pytest.raises(InputError, match=r"host\.host_timing: only follower can be timed; write follower"):
        load_fabric(path)
