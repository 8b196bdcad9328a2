"""From a layer on its group of chips to an instance, and the way back."""

from __future__ import annotations

import pytest

from lpxsched.clocks.limits import DomainClock
from lpxsched.schedule.problem.instance import HOST, MATRIX, VECTOR, Instance
from lpxsched.schedule.routes.blocks import Cut
from lpxsched.traffic.demands import Nodes, layer_demands
from tests.schedule.greedy import greedy_schedule
from tests.schedule.layers import INTERVAL_CYCLES, Layers, layers_on
from tests.schedule.rules import violations

RACK, NODE = "lpx-rack", "tsp-node"
# A row of a tray, a 2 x 2 sub-grid of two trays, a whole TSP node, one chip alone.
PLACES = [(RACK, (16, 17, 18)), (RACK, (0, 1, 16, 17)), (NODE, tuple(range(8))), (RACK, (5,))]


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]}-{len(place[1])}")
def layers(request: pytest.FixtureRequest) -> Layers:
    """Return one layer on each of the places."""
    topology, chips = request.param
    return layers_on(topology, [chips])


def class_names(instance: Instance) -> list[str]:
    """Return the class of the links of each bundle."""
    return [instance.network.class_names[number] for number in instance.network.link_class.tolist()]


def test_bundles_are_the_links_of_the_group(layers: Layers) -> None:
    """Tests that every link between two chips of the group, or between one and its host, is in one bundle."""
    fabric, group, problem = layers.fabric, layers.groups[0], layers.problem()
    host_links = {*zip(group.chips, group.hosts, strict=True), *zip(group.hosts, group.chips, strict=True)}
    expected = [
        link
        for link, ends in enumerate(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True))
        if set(ends) <= set(group.chips) or ends in host_links
    ]
    assert sorted(problem.instance.network.links.values.tolist()) == expected


def test_bundles_keep_ends_and_wires_of_their_links(layers: Layers) -> None:
    """Tests that the way back leads to the same ends, and that latency and rate are those of the links."""
    fabric, problem = layers.fabric, layers.problem()
    instance = problem.instance
    for bundle, links in enumerate(problem.instance.network.links):
        assert instance.network.lanes[bundle] == len(links)
        assert set(fabric.source[links]) == {problem.node(int(instance.network.source[bundle]))}
        assert set(fabric.destination[links]) == {problem.node(int(instance.network.destination[bundle]))}
        wire = fabric.link_classes[int(fabric.link_class[links[0]])]
        assert instance.network.latency_cycles[bundle] == wire.latency_cycles
        assert instance.network.pitch_numerator[bundle] == wire.vector_time_cycles.numerator
        assert instance.network.pitch_denominator[bundle] == wire.vector_time_cycles.denominator


def test_each_chip_has_a_host_of_its_own(layers: Layers) -> None:
    """Tests that host links lead from node w + c to chip c and back only, though chips share a host in the fabric."""
    problem = layers.problem()
    instance, width = problem.instance, len(layers.groups[0].chips)
    ends = set(zip(instance.network.source.tolist(), instance.network.destination.tolist(), strict=True))
    at_hosts = {pair for pair in ends if max(pair) >= width}
    assert at_hosts == {(width + c, c) for c in range(width)} | {(c, width + c) for c in range(width)}
    assert [problem.node(local) for local in range(2 * width)] == [*layers.groups[0].chips, *layers.groups[0].hosts]


def test_the_guard_is_that_of_the_worst_pair_of_a_class(layers: Layers) -> None:
    """Tests every bundle: between chips the most tree edges of its class, from a host one, to a host no guard."""
    fabric, problem = layers.fabric, layers.problem()
    width, instance = len(layers.groups[0].chips), problem.instance
    domain = DomainClock(layers.clock, problem.opening.clock.depth, fabric.chip.clock_mhz, fabric.guard_in_hop)
    most: dict[str, int] = {}
    names = class_names(instance)
    for bundle, links in enumerate(problem.instance.network.links):
        if max(instance.network.source[bundle], instance.network.destination[bundle]) < width:
            ends = fabric.source[links[:1]], fabric.destination[links[:1]]
            levels = int(layers.tree.levels_between(*ends)[0])
            most[names[bundle]] = max(levels, most.get(class_names(problem.instance)[bundle], 0))
    for bundle, guard in enumerate(instance.network.guard_cycles.tolist()):
        if instance.network.destination[bundle] >= width:
            assert guard == 0
        else:
            levels = 1 if instance.network.source[bundle] >= width else most[names[bundle]]
            assert guard == domain.guard_cycles(levels, INTERVAL_CYCLES)
    assert instance.release_cycles == domain.stall_cycles(INTERVAL_CYCLES)


def test_guards_of_two_trays() -> None:
    """Tests 2 x 2 chips of trays 1 and 2: two levels in a tray, four over the spine, one from a host.

    Chip 0 is the root of the rack, 16 and 32 hang from it, the others from these. At 1000 MHz: levels x 10.6 + 24.
    """
    problem = layers_on(RACK, [(16, 17, 32, 33)]).problem()
    instance = problem.instance
    guards = set(zip(class_names(instance), instance.network.guard_cycles.tolist(), strict=True))
    assert guards == {("tray", 35), ("spine", 67), ("host", 35), ("host", 0)}
    assert (problem.opening.clock.depth, problem.instance.release_cycles) == (2, 44)


def test_a_longer_interval_needs_a_larger_guard(layers: Layers) -> None:
    """Tests that 100 ppm either way over 100,000 cycles more add 20 cycles to each guard, and nothing but guards."""
    short, long = layers.problem().instance, layers.problem(interval_cycles=INTERVAL_CYCLES + 100_000).instance
    guarded = short.network.guard_cycles > 0
    assert set((long.network.guard_cycles - short.network.guard_cycles)[guarded].tolist()) == {20}
    assert not long.network.guard_cycles[~guarded].any()
    assert long.network.latency_cycles.tolist() == short.network.latency_cycles.tolist()


def test_the_shortest_hops_are_those_of_wires(layers: Layers) -> None:
    """Tests one hop from hosts, one between chips where there are two, one to hosts, all without their guards."""
    problem = layers.problem()
    hops = problem.shortest_hops()
    assert len(hops) == (3 if len(layers.groups[0].chips) > 1 else 2)
    wires = problem.instance.network.hop_cycles - problem.instance.network.guard_cycles
    assert {hop.wire_cycles for hop in hops} <= set(wires.tolist())
    assert [hop.levels for hop in hops if hop.levels is None] == [None]


def test_demands_are_those_of_the_layer(layers: Layers) -> None:
    """Tests that columns of demands are the demands of the layer graph on as many chips."""
    problem = layers.problem()
    instance, width = problem.instance, len(layers.groups[0].chips)
    assert problem.demands == layer_demands(layers.graph, Nodes(width))
    for index, demand in enumerate(problem.demands):
        assert instance.demand_vectors[index] == demand.vectors
        assert instance.demand_root[index] == demand.root
        assert tuple(instance.demand_leaves[index]) == demand.leaves
        assert tuple(instance.demand_consumers[index]) == demand.consumers
        makers = [problem.operators[made] for made in instance.demand_leaf_operators[index]]
        assert [made.operator.output for made in makers] == [demand.tensor] * len(demand.leaves)
        assert [made.shard for made in makers] == [leaf % width for leaf in demand.leaves]


def test_operators_run_where_the_graph_says(layers: Layers) -> None:
    """Tests nodes and units: hosts for ingress and egress, which take no time, chips for all others."""
    problem = layers.problem()
    instance, width = problem.instance, len(layers.groups[0].chips)
    units = {"ingress": HOST, "egress": HOST}
    units |= {"router_in": MATRIX, "router": VECTOR, "experts": MATRIX, "combine": VECTOR}
    for index, placed in enumerate(problem.operators):
        on_host = units[placed.operator.kind] == HOST
        assert instance.operator_unit[index] == units[placed.operator.kind]
        assert instance.operator_node[index] == placed.shard + width * on_host
        assert (instance.operator_cycles[index] == 0) == on_host


def test_operators_follow_their_operands(layers: Layers) -> None:
    """Tests that experts read what was chosen on their chip, combine both, and routers all of the input."""
    problem = layers.problem()
    after, demands = problem.instance.operator_after, problem.instance.operator_demands
    for index, placed in enumerate(problem.operators):
        before = [(problem.operators[other].operator.kind, problem.operators[other].shard) for other in after[index]]
        waits = {"router": ["router_in"], "experts": ["router"], "combine": ["expert_output", "router"]}
        expected = waits.get(placed.operator.kind, [])
        assert len(before) == len(expected)
        assert {shard for _, shard in before} <= {placed.shard}
        moved = {problem.demands[demand].tensor for demand in demands[index]}
        reads = {"router_in": {"layer.0.input"}, "experts": {"layer.0.input"}, "egress": {"layer.0.output"}}
        assert moved == reads.get(placed.operator.kind, set())


def test_a_layer_can_be_scheduled(layers: Layers) -> None:
    """Tests that a greedy schedule of the instance keeps all rules."""
    instance = layers.problem().instance
    schedule = greedy_schedule(instance, Cut(4, 1))
    assert violations(instance, schedule) == []


def test_hosts_without_vectors_have_no_operators() -> None:
    """Tests one row on four chips: its 2 vectors enter at two hosts, its 4 vectors leave at all."""
    problem = layers_on(NODE, [(0, 1, 2, 3)], batch=1).problem()
    shards = {
        kind: [placed.shard for placed in problem.operators if placed.operator.kind == kind]
        for kind in ("ingress", "router", "egress")
    }
    assert shards == {"ingress": [0, 1], "router": [0, 1, 2, 3], "egress": [0, 1, 2, 3]}


def test_one_chip_has_host_links_only() -> None:
    """Tests a layer on one chip: two bundles, and the output is a copy."""
    instance = layers_on(RACK, [(5,)]).problem().instance
    assert instance.network.source.tolist() == [0, 1]
    assert [instance.is_reduction(demand) for demand in range(instance.demands)] == [False, False]


def test_translated_groups_have_equal_keys() -> None:
    """Tests that the first seven chips of a tray are the same problem in every tray."""
    keys = {layers_on(RACK, [range(start, start + 7)]).problem().instance.key() for start in (0, 16, 240)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "chips",
    [
        (16, 17, 18),  # narrower
        (16, 17, 32, 33),  # four chips, but in two trays
    ],
)
def test_other_shapes_have_other_keys(chips: tuple[int, ...]) -> None:
    """Tests that a group of another shape is another problem than four chips of a tray."""
    row, other = layers_on(RACK, [(16, 17, 18, 19), chips]).problems
    assert row.over(1000).instance.key() != other.over(1000).instance.key()


def test_the_key_knows_clock_and_batch() -> None:
    """Tests that a longer interval, another clock or another batch is another problem."""
    row = [(16, 17, 18, 19)]
    keys = [
        layers_on(RACK, row).problem().instance.key(),
        layers_on(RACK, row).problem(interval_cycles=100_000).instance.key(),
        layers_on(RACK, row, clock="none").problem().instance.key(),
        layers_on(RACK, row, batch=4).problem().instance.key(),
    ]
    assert len(set(keys)) == 4
