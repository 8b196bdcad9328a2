"""Tests of numbered ports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given

from lpxsched.errors import InputError
from lpxsched.fabric.ports import port_numbers, ports_of_chips
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import WIRE, change_shipped, connected_fabrics, fabric_of, families, write_family

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric


def used_ports(fabric: Fabric) -> dict[int, set[int]]:
    """Return the ports in use on each node."""
    used: dict[int, set[int]] = {node: set() for node in range(fabric.nodes)}
    for nodes, ports in zip((fabric.source, fabric.destination), port_numbers(fabric), strict=True):
        for node, port in zip(nodes.tolist(), ports.tolist(), strict=True):
            used[node].add(port)
    return used


def test_both_directions_of_a_lane_use_one_port() -> None:
    """Tests chip 1 between 0 and 2: port 0 to chip 0, port 1 to chip 2, out and in; the others have one port."""
    fabric = fabric_of([(0, 1), (1, 0), (1, 2), (2, 1)], grid=(1, 3))
    source_port, destination_port = port_numbers(fabric)
    assert source_port.tolist() == [0, 0, 1, 0]
    assert destination_port.tolist() == [0, 0, 0, 1]
    assert ports_of_chips(fabric).tolist() == [1, 2, 1]


def test_ports_go_by_class_then_peer_then_lane() -> None:
    """Tests chip 0 with two lanes of class 1 to chip 1, and one of class 0 to chip 2, which comes first."""
    fabric = fabric_of([(0, 1), (0, 1), (0, 2)], grid=(1, 3))
    fabric = replace(fabric, link_classes=fabric.link_classes * 2, link_class=np.array([1, 1, 0]))
    source_port, destination_port = port_numbers(replace(fabric, lane=np.array([0, 1, 0])))
    assert source_port.tolist() == [1, 2, 0]
    assert destination_port.tolist() == [0, 1, 0]


def test_a_fabric_without_links_uses_no_port() -> None:
    """Tests the empty case."""
    assert ports_of_chips(fabric_of([], grid=(1, 2))).tolist() == [0, 0]


def check_ports(fabric: Fabric) -> None:
    """Check that ports count from 0, one for each lane of each peer, the same in both directions."""
    source_port, destination_port = port_numbers(fabric)
    lanes: dict[tuple[int, ...], int] = {}
    columns = (fabric.source, fabric.destination, fabric.link_class, fabric.lane, source_port, destination_port)
    for a, b, kind, lane, port_of_a, port_of_b in zip(*(column.tolist() for column in columns), strict=True):
        assert lanes.setdefault((a, b, kind, lane), port_of_a) == port_of_a
        assert lanes.setdefault((b, a, kind, lane), port_of_b) == port_of_b
    for node, used in used_ports(fabric).items():
        assert used == set(range(len(used)))
        assert len(used) == sum(key[0] == node for key in lanes)
    assert ports_of_chips(fabric).tolist() == [len(used_ports(fabric)[chip]) for chip in range(fabric.chips)]


@given(connected_fabrics())
def test_ports_of_any_graph(fabric: Fabric) -> None:
    """Tests links of one direction and of two, with hosts."""
    check_ports(fabric)


@given(families())
def test_ports_of_any_family(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Any]) -> None:
    """Tests classes and lanes."""
    check_ports(load_fabric(write_family(tmp_path_factory.mktemp("family"), **keys)))


@pytest.mark.parametrize(
    ("name", "ports"),
    [
        ("lpx-rack", {91}),  # 60 tray + 30 spine + 1 host
        ("lpx-2-racks", {93}),  # and two to the other rack
        ("lpx-4-racks", {93, 95}),  # racks at the ends of the chain, and inside
        ("lpx-9-racks", {95}),  # 95 of 96 are accounted for
        ("tsp-node", {8}),  # 7 local and the PCIe interface
        ("tsp-264", {12}),  # 7 local, 4 global, PCIe
        ("tsp-rack", {10}),  # two global ports stay free
        ("tsp-10440", {12}),
    ],
)
def test_the_ports_of_shipped_chips(name: str, ports: set[int]) -> None:
    """Tests how many ports every chip uses, no more than it has."""
    fabric = load_fabric(name)
    assert set(ports_of_chips(fabric).tolist()) == ports
    assert fabric.ports is not None
    assert max(ports) <= fabric.ports


def test_more_lanes_than_ports_are_refused(tmp_path: Path) -> None:
    """Tests that a chip with most lanes is named, with both counts.

    A line of three chips with two lanes a pair: the middle one has four.
    """
    path = write_family(tmp_path, "mesh", shape=[3], link={**WIRE, "lanes": 2}, ports=3)
    with pytest.raises(InputError, match=r"toy\.yaml:6:1: ports: chip 1 has 4 lanes on 3 ports; join fewer"):
        load_fabric(path)


def test_ports_count_lanes_to_hosts_too(tmp_path: Path) -> None:
    """Tests a rack whose chips have 90 ports for 91 lanes."""
    path = change_shipped(tmp_path, "topology", "lpx-rack", {"ports.value": 90})
    with pytest.raises(InputError, match="ports: chip 0 has 91 lanes on 90 ports"):
        load_fabric(path)
