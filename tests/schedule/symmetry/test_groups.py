"""Groups of translations that leave a network, and what is asked of it, as they are."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.symmetry.groups import network_groups, symmetries, trivial
from lpxsched.traffic.collectives import KINDS, ROOTED, Collective
from tests.schedule.bounds.problems import Wire, both_ways, path, problem_of, ring
from tests.schedule.circulants import Shares, circulant, even_layer, layer_on
from tests.schedule.fabrics import problems, random_fabrics, regular_fabrics
from tests.schedule.instances import WIRE, copy_along, instance_of, ints, two_chips
from tests.schedule.instances import both_ways as both_ways_of
from tests.schedule.layers import layers_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.traffic.collectives import Kind


def gather(width: int, wires: Iterable[Wire], *, relays: int = 0) -> Instance:
    """Return an all-gather of one vector a chip."""
    return problem_of(Collective("all-gather", width, 1), wires, relays=relays)


def orders(problem: Instance) -> list[int]:
    """Return the number of elements of each group that is found."""
    return [symmetry.order for symmetry in symmetries(problem)]


def network_orders(network: Network) -> list[int]:
    """Return the number of elements of each group of a network."""
    return [symmetry.order for symmetry in network_groups(network)]


def bundles(problem: Instance) -> list[tuple[int, ...]]:
    """Return what tells bundles apart, and their lanes."""
    ends = problem.network.source, problem.network.destination
    columns = (*ends, problem.network.link_class, problem.network.lanes)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def check(problem: Instance, symmetry: Symmetry) -> None:
    """Check that a group acts, and acts freely, on nodes, participants and bundles."""
    known = bundles(problem)
    elements = [tuple(element) for element in symmetry.node_map.tolist()]
    assert elements[0] == tuple(range(problem.network.nodes))
    # Closed under composition, and no two elements take a node to the same place.
    assert {tuple(one[node] for node in other) for one in elements for other in elements} == set(elements)
    assert all(len(set(images)) == len(elements) for images in zip(*elements, strict=True))
    for element, moved in zip(elements, symmetry.bundle_map.tolist(), strict=True):
        assert set(element[: problem.network.width]) == set(range(problem.network.width))
        for bundle, (source, destination, *wire) in enumerate(known):
            assert known[moved[bundle]] == (element[source], element[destination], *wire)
    for orbit in (symmetry.node_orbit(), symmetry.bundle_orbit()):
        assert set(np.unique(orbit, return_counts=True)[1].tolist()) <= {symmetry.order}


@settings(max_examples=80)
@given(problems(fabrics=st.one_of(regular_fabrics(), regular_fabrics(), random_fabrics())))
def test_every_group_acts_freely(problem: Instance) -> None:
    """Tests groups of random fabrics, of which any chips take part in any order."""
    found = list(symmetries(problem))
    assert [symmetry.order for symmetry in found] == sorted((s.order for s in found), reverse=True)
    for symmetry in found:
        assert symmetry.order > 1
        check(problem, symmetry)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        # Rotations of a ring, and its subgroups of every divisor.
        (gather(6, ring(6)), [6, 3, 2]),
        (gather(5, ring(5)), [5]),
        # Three axes of a cube, each of which may be left out; exclusive-or in other bases is not looked at.
        (gather(8, both_ways((a, b) for a, b in permutations(range(8), 2) if a < b and (a ^ b).bit_count() == 1)),
         [8, 4, 4, 4, 2, 2, 2]),
        (gather(4, path(4)), []),
        # A wire with two lanes, and one of another class, leave a rotation by two.
        (gather(4, [wire._replace(lanes=2 if wire.source % 2 else 1) for wire in ring(4)]), [2]),
        (gather(4, [wire._replace(link_class=wire.source % 2) for wire in ring(4)]), [2]),
        # Opposite chips of a ring take part, the others relay; the rotation by two swaps both pairs.
        (gather(2, both_ways([(0, 2), (2, 1), (1, 3), (3, 0)]), relays=2), [2]),
        (gather(1, []), []),
    ],
)  # fmt: skip
def test_the_orders_of_known_groups(problem: Instance, expected: list[int]) -> None:
    """Tests the orders of all groups, the largest first."""
    assert orders(problem) == expected


def test_translations_follow_chips_not_shards() -> None:
    """Tests chips 0 and 2 of a ring of four with relays 1 and 3: the rotation by two changes both pairs."""
    wires = both_ways([(0, 2), (2, 1), (1, 3), (3, 0)])
    problem = gather(2, wires, relays=2)
    problem = replace(problem, network=replace(problem.network, fabric_node=np.array([0, 2, 1, 3])))
    (symmetry,) = symmetries(problem)
    assert symmetry.node_map.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
    check(problem, symmetry)


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_stays_where_it_is(kind: Kind) -> None:
    """Tests a ring of four: kinds with a root have no group, all others have the rotations."""
    expected = [] if kind in ROOTED else [4, 2]
    assert orders(problem_of(Collective(kind, 4, 1), ring(4))) == expected


def test_the_trivial_group_moves_nothing() -> None:
    """Tests the group that every collective has."""
    problem = gather(3, path(3))
    symmetry = trivial(problem.network)
    check(problem, symmetry)
    assert symmetry.order == 1
    assert symmetry.bundle_orbit().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (even_layer(3, (1,)), [3]),
        (even_layer(4, (1, 2, 3)), [4, 2]),
        (two_chips(), [2]),
        (copy_along([WIRE.vector_time] * 2, 1), []),
    ],
)
def test_groups_of_layers_on_small_fabrics(instance: Instance, expected: list[int]) -> None:
    """Tests a ring, a full mesh with its subgroup, a pair, and a path, which has none."""
    assert network_orders(instance.network) == expected


@pytest.mark.parametrize(
    ("chips", "expected"),
    [
        # Seven chips of a tray are joined each to each.
        (range(7), [7]),
        # Two trays of four: both digits, then the powers of each.
        ((0, 1, 2, 3, 16, 17, 18, 19), [8, 4, 4, 2, 2]),
        # Two in one tray, one in another: a path.
        ((0, 1, 16), []),
    ],
)
def test_groups_of_an_lpx_rack(chips: tuple[int, ...], expected: list[int]) -> None:
    """Tests groups as the partition makes them, and one that is no sub-grid."""
    assert network_orders(layers_on("lpx-rack", [chips]).problem().instance.network) == expected


def test_hosts_move_with_their_chips() -> None:
    """Tests a ring of three: the identity first, then all chips and hosts one on."""
    symmetry = next(network_groups(even_layer(3, (1,)).network))
    assert symmetry.node_map.tolist() == [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [2, 0, 1, 5, 3, 4]]
    # 0 -> 1, 0 -> host, 1 -> 2, 1 -> host, 2 -> 0, 2 -> host, and from the hosts.
    assert symmetry.bundle_map.tolist()[1] == [2, 3, 4, 5, 0, 1, 7, 8, 6]


@pytest.mark.parametrize("column", ["lanes", "link_class", "latency_cycles", "guard_cycles", "pitch_numerator"])
@pytest.mark.parametrize("bundle", [0, 8])
def test_one_bundle_that_differs_ends_the_symmetry(column: str, bundle: int) -> None:
    """Tests a link between chips and one of a host, longer, slower or wider than the others of its orbit."""
    network = even_layer(3, (1,)).network
    changed = getattr(network, column).copy()
    changed[bundle] += 1
    assert network_orders(replace(network, **{column: changed})) == []


def with_hosts(at: Sequence[int]) -> Network:
    """Return a full mesh of four chips, of which some have hosts, in the given order."""
    mesh = both_ways_of((a, b) for a in range(4) for b in range(a))
    wires = mesh + both_ways_of((chip, 4 + number) for number, chip in enumerate(at))
    return instance_of(4, wires, [], [], hosts=len(at)).network


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # In whatever order they are numbered.
        ([2, 0, 3, 1], [4, 2]),
        # The rotation by two swaps chips 0 and 2, and 1 and 3.
        ([0, 2], [2]),
        # Rotations move the one host to where there is none.
        ([1], []),
        ([0, 1, 2], []),
        # Two hosts at one chip.
        ([0, 0, 2, 2], []),
    ],
)
def test_hosts_may_be_there_for_some_chips(at: list[int], expected: list[int]) -> None:
    """Tests that groups are lost only where they move a host to a chip that has none."""
    assert network_orders(with_hosts(at)) == expected


def test_a_host_of_several_chips_ends_the_symmetry() -> None:
    """Tests one host that two chips share, each of which has links from and to it."""
    wires = both_ways_of([(0, 1), (0, 2), (1, 2)])
    assert network_orders(instance_of(2, wires, [], [], hosts=1).network) == []


def test_twin_bundles_are_told_apart() -> None:
    """Tests two bundles of equal wires between the same chips: each goes to one of the two images."""
    instance = layer_on(circulant(2, (1, 1)), Shares([1, 1], [1, 1], [0, 0]))
    symmetry = next(network_groups(instance.network))
    assert sorted(symmetry.bundle_map[1].tolist()) == list(range(instance.network.bundles))


def test_the_order_of_chips_does_not_matter() -> None:
    """Tests four chips of two trays in an order of no mixed radix: all eight still move freely over all eight."""
    chips = (0, 17, 2, 19, 16, 1, 18, 3)
    node_map = next(network_groups(layers_on("lpx-rack", [chips]).problem().instance.network)).node_map
    assert len(node_map) == 8
    assert all(sorted(column) == list(range(8)) for column in node_map[:, :8].T.tolist())


def test_things_move_with_their_nodes() -> None:
    """Tests two things on each of two chips that swap, in an order that is not the chips': the k-th to the k-th."""
    symmetry = next(network_groups(two_chips().network))
    assert symmetry.node_map[1].tolist() == [1, 0, 3, 2]
    assert symmetry.carried(ints([1, 0, 0, 1])).tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
