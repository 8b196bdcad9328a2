"""Times of slots on bundles, parts of networks, and the network of chips of a fabric."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lpxsched.fabric.profile import load_fabric
from lpxsched.schedule.problem.network import BUNDLE_COLUMNS, Network, network_on
from tests.schedule.instances import Bundle, copy_along, instance_of, ints

RACK, NODE = "lpx-rack", "tsp-node"


def ways(network: Network) -> list[tuple[int, int]]:
    """Return the ends of each bundle."""
    return list(zip(network.source.tolist(), network.destination.tolist(), strict=True))


def mixed() -> Network:
    """Return 0 -> 1 with v = 5/2 cycles and 1 -> 2 with v = 1."""
    return copy_along([Fraction(5, 2), Fraction(1)], 1).network


def test_a_slot_holds_its_link_to_the_end_of_its_last_cycle() -> None:
    """Tests ceil(n v): 0, 3, 5 and 8 cycles for up to three vectors of 5/2, three of 1."""
    assert mixed().hold_cycles(ints([0, 1, 2, 3, 3]), ints([0, 0, 0, 0, 1])).tolist() == [0, 3, 5, 8, 3]
    assert mixed().hold_cycles(3).tolist() == [8, 3]


@pytest.mark.parametrize(
    ("vector_time", "expected"),
    [(Fraction(5, 2), 18), (Fraction(1, 3), 16), (Fraction(2), 17)],
)
def test_a_hop_is_one_serialisation_latency_and_guard(vector_time: Fraction, expected: int) -> None:
    """Tests that a vector is read ceil(v + 10 + 5) after it departs."""
    assert copy_along([vector_time], 1).network.hop_cycles.tolist() == [expected]


def test_a_busy_wire_is_held_until_the_vector_has_arrived() -> None:
    """Tests that a hop is as long as on pipelined wires, and that each vector holds the link for all of it."""
    fabric = load_fabric(NODE)
    pipelined = network_on(fabric, range(8))
    busy = network_on(replace(fabric, wire="busy"), range(8))
    assert busy.hop_cycles.tolist() == pipelined.hop_cycles.tolist()
    assert busy.hold_cycles(3).tolist() == (3 * pipelined.hop_cycles).tolist()


def test_guards_lengthen_hops_alone() -> None:
    """Tests one guard for all bundles, and one for each: 13 and 11 cycles a hop without."""
    assert mixed().with_guards(2).hop_cycles.tolist() == [15, 13]
    guarded = mixed().with_guards(ints([0, 7]))
    assert guarded.hop_cycles.tolist() == [13, 18]
    assert guarded.hold_cycles(4).tolist() == mixed().hold_cycles(4).tolist()


def test_a_reversed_network_has_its_bundles_the_other_way_round() -> None:
    """Tests that bundles keep their numbers, and that back and forth is nothing."""
    assert ways(mixed().reversed()) == [(1, 0), (2, 1)]
    assert ways(mixed().reversed().reversed()) == ways(mixed())


def test_a_relay_goes_with_its_bundles() -> None:
    """Tests chips 0, 1 and 3 of a line without relay 2: 0 and 1 are left, 3 is the third, links are kept."""
    wires = [Bundle(0, 1), Bundle(1, 2, lanes=2), Bundle(1, 3), Bundle(2, 3)]
    whole = replace(instance_of(4, wires, [], []).network, width=2)
    network = whole.without_relays(np.array([True, True, False, True]))
    assert (network.width, network.chips, network.fabric_node.tolist()) == (2, 3, [0, 1, 3])
    assert ways(network) == [(0, 1), (1, 2)]
    assert [network.links[bundle].tolist() for bundle in range(2)] == [[0], [3]]
    assert {len(getattr(network, name)) for name in BUNDLE_COLUMNS} == {2}
    assert whole.without_relays(np.ones(4, dtype=np.bool_)) is whole


def test_nodes_are_chips_relays_and_a_host_for_each_chip() -> None:
    """Tests chips 3 and 1 of a TSP node with chip 0 as a relay; the node's host is there for each of the two."""
    fabric = load_fabric(NODE)
    host = fabric.host_of_chip()[3]
    network = network_on(fabric, [3, 1], relays=[0], hosts=[host, host])
    assert (network.width, network.chips, network.nodes) == (2, 3, 5)
    assert network.fabric_node.tolist() == [3, 1, 0, host, host]
    between = [(a, b) for a in range(3) for b in range(3) if a != b]
    assert sorted(set(ways(network))) == sorted([*between, (0, 3), (3, 0), (1, 4), (4, 1)])
    for bundle, (source, destination) in enumerate(ways(network)):
        links = network.links[bundle]
        assert set(fabric.source[links]) == {network.fabric_node[source]}
        assert set(fabric.destination[links]) == {network.fabric_node[destination]}
        assert network.lanes[bundle] == len(links)


def test_bundles_are_sorted_by_ends_and_class() -> None:
    """Tests two trays of a rack."""
    network = network_on(load_fabric(RACK), [16, 17, 0, 1])
    rows = list(zip(*ends_and_class(network), strict=True))
    assert rows == sorted(rows)


def ends_and_class(network: Network) -> list[list[int]]:
    """Return columns of source, destination and class."""
    return [column.tolist() for column in (network.source, network.destination, network.link_class)]
