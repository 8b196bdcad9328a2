"""Groups that leave an instance as it is, and schedules of representatives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.schedule.symmetry.layer_groups import node_groups, representatives, trivial
from tests.schedule.circulants import Shares, circulant, even_layer, layer_on
from tests.schedule.instances import WIRE, copy_along, two_chips
from tests.schedule.layers import layers_on

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def orders(instance: Instance) -> list[int]:
    """Return the orders of the groups of an instance's nodes and bundles."""
    return [len(node_map) for node_map, _ in node_groups(instance)]


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (even_layer(3, (1,)), [3]),
        (even_layer(4, (1, 2, 3)), [4, 2]),
        (two_chips(), [2]),
        (copy_along([WIRE.vector_time] * 2, 1), []),
    ],
)
def test_groups_of_small_fabrics(instance: Instance, expected: list[int]) -> None:
    """Tests a ring, a full mesh with its subgroup, a pair, and a path, which has none."""
    assert orders(instance) == expected


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
    assert orders(layers_on("lpx-rack", [chips]).problem().instance) == expected


def test_hosts_move_with_their_chips() -> None:
    """Tests a ring of three: the identity first, then all chips and hosts one on."""
    node_map, bundle_map = next(iter(node_groups(even_layer(3, (1,)))))
    assert node_map.tolist() == [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [2, 0, 1, 5, 3, 4]]
    # 0 -> 1, 0 -> host, 1 -> 2, 1 -> host, 2 -> 0, 2 -> host, and from the hosts.
    assert bundle_map.tolist()[1] == [2, 3, 4, 5, 0, 1, 7, 8, 6]


@pytest.mark.parametrize("column", ["lanes", "latency_cycles", "guard_cycles", "pitch_numerator"])
@pytest.mark.parametrize("bundle", [0, 8])
def test_one_bundle_that_differs_ends_the_symmetry(column: str, bundle: int) -> None:
    """Tests a link between chips and one of a host, longer, slower or wider than the others of its orbit."""
    instance = even_layer(3, (1,))
    changed = getattr(instance.network, column).copy()
    changed[bundle] += 1
    assert orders(replace(instance, network=replace(instance.network, **{column: changed}))) == []


def test_a_host_too_few_ends_the_symmetry() -> None:
    """Tests that hosts are matched to chips one by one or not at all."""
    instance = even_layer(3, (1,))
    network = replace(instance.network, fabric_node=instance.network.fabric_node[:5])
    assert orders(replace(instance, network=network)) == []


def test_twin_bundles_are_told_apart() -> None:
    """Tests two bundles of equal wires between the same chips: each goes to one of the two images."""
    instance = layer_on(circulant(2, (1, 1)), Shares([1, 1], [1, 1], [0, 0]))
    (_, bundle_map), *_ = node_groups(instance)
    assert sorted(bundle_map[1].tolist()) == list(range(instance.network.bundles))


def test_without_a_group_everything_represents_itself() -> None:
    """Tests the trivial group."""
    symmetry = trivial(two_chips())
    assert symmetry.order == 1
    assert representatives(symmetry.demand_map).tolist() == [0, 1, 2, 3]


def test_the_order_of_chips_does_not_matter() -> None:
    """Tests four chips of two trays in an order of no mixed radix: all eight still move freely over all eight."""
    chips = (0, 17, 2, 19, 16, 1, 18, 3)
    node_map, _ = next(iter(node_groups(layers_on("lpx-rack", [chips]).problem().instance)))
    assert len(node_map) == 8
    assert all(sorted(column) == list(range(8)) for column in node_map[:, :8].T.tolist())
