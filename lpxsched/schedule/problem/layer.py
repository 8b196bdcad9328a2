"""From a layer on its group of chips to an `Instance` over local numbers, and the way back.

A layer of a program of several groups begins with what the layer before it left on its own chips, and ends when all
that the layer after it reads is there: two kinds of operators that take no time stand for both (`between`), so that a
border is a change of layout of the layer that reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lpxsched.clocks.limits import Hop
from lpxsched.errors import InputError
from lpxsched.schedule.opening import Opening, opening_on
from lpxsched.schedule.problem.instance import UNITS, AddCost, Instance
from lpxsched.schedule.problem.network import Network, network_on
from lpxsched.schedule.problem.ragged import Interned, Ragged, column
from lpxsched.traffic.demands import Demand, Nodes, all_needed_demands, is_moved, layer_demands
from lpxsched.units import BITS_PER_BYTE
from lpxsched.workload.costs import Cost, cycles
from lpxsched.workload.graph import LayerGraph, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group

# Kinds of operators that no row of a build tells: what the layer before left, and what the layer after may read.
GIVEN, LEFT = BETWEEN = ("given", "left")
NO_COST = Cost(dtype="none", sram_bytes=0, macs=0, fixed_cycles=0)


@dataclass(frozen=True, slots=True)
class PlacedOperator:
    """An operator of the graph on one chip of its layer's group (or for one chip's host link), by its local number."""

    operator: Operator
    shard: int
    node: int
    cost: Cost

    @property
    def is_told(self) -> bool:
        """Whether it runs; others stand for what is between two layers."""
        return self.operator.kind not in BETWEEN


@dataclass(frozen=True, slots=True, eq=False)
class LayerProblem:
    """One layer's scheduling problem with its way back to the fabric.

    The group `before` is that of the layer before, None where nothing of it is read. The graph has the operators and
    tensors of this layer, from `between`; its placed operators are in the order of the instance, whose release is the
    stall of the opening deskew. Guards cover `interval_cycles`, the longest time between a deskew and a read, None
    where clocks do not drift. `resident` chips poll for rows: a pass lies between the deskew and the segment.
    """

    group: Group
    before: Group | None
    graph: LayerGraph
    demands: tuple[Demand, ...]
    operators: tuple[PlacedOperator, ...]
    opening: Opening
    interval_cycles: int | None
    resident: bool
    instance: Instance

    @property
    def meets_hosts(self) -> bool:
        """Whether rows come from hosts, or go there."""
        return self.instance.network.nodes > self.instance.network.chips

    def node(self, local: int) -> int:
        """Return the node of the fabric behind a local number."""
        return int(self.instance.network.fabric_node[local])

    def over(self, interval_cycles: int | None) -> LayerProblem:
        """Return the problem with the guards and the stall of another interval."""
        return replace(
            self, interval_cycles=interval_cycles, instance=self.opening.over(self.instance, interval_cycles)
        )

    def unopened(self, interval_cycles: int | None, deskews: tuple[tuple[int, int], ...] = ()) -> LayerProblem:
        """Return the problem with the guards of another interval and deskews inside, no stall before it."""
        over = self.over(interval_cycles)
        return replace(over, instance=replace(over.instance, release_cycles=0, deskews=deskews))

    def distinct_key(self) -> tuple[str, bytes, int, bool]:
        """Return what is equal for layers that are one problem over every interval."""
        levels, shared = self.opening.levels.tobytes(), self.opening.shared.tobytes()
        return self.instance.key(), levels + shared, self.opening.clock.depth, self.opening.clock.drifts

    @property
    def hosts_polled(self) -> tuple[int, ...]:
        """The first chip that has the same host, for each chip, where chips poll: each host has flags of its own."""
        return tuple(map(self.group.hosts.index, self.group.hosts)) if self.resident else ()

    def shortest_hops(self) -> list[Hop]:
        """Return the shortest hop from hosts to chips, between chips, and to hosts, where there are such hops."""
        network, shortest = self.instance.network, dict[tuple[bool, bool], Hop]()
        inside = (network.source < network.chips).tolist(), (network.destination < network.chips).tolist()
        for ends, hop in zip(zip(*inside, strict=True), self.opening.hops(network), strict=True):
            if ends not in shortest or hop.wire_cycles < shortest[ends].wire_cycles:
                shortest[ends] = hop
        return list(shortest.values())

    def refuse_long_hops(self) -> None:
        """Refuse a layer as infeasible of which the shortest hops are longer than clocks may run apart."""
        for hop in self.shortest_hops():
            self.opening.clock.refuse_long_hop(hop)


def between(graph: LayerGraph, layer: int) -> LayerGraph:
    """Return the part of one layer, after what the layer before leaves for it, and before what it leaves itself.

    Raises
    ------
    ValueError
        When it reads what an earlier layer left.
    """
    part, makers = graph.layer(layer), {operator.output: operator for operator in graph.operators}
    foreign = {
        name: graph.tensors[name] for one in part.operators for name, _ in one.inputs if name not in part.tensors
    }
    if any(tensor.layer != layer - 1 for tensor in foreign.values()):
        raise ValueError(f"layer {layer} reads {', '.join(foreign)}; it can read what layer {layer - 1} leaves")
    given = [replace(makers[name], kind=GIVEN, unit="host", inputs=()) for name in foreign]
    read = {name for one in graph.operators if one.layer == layer + 1 for name, _ in one.inputs}
    inputs = tuple((name, tensor.layout) for name, tensor in part.tensors.items() if name in read)
    left = [Operator(LEFT, LEFT, layer, "chips", "host", inputs, "")] if inputs else []
    return LayerGraph((*given, *part.operators, *left), foreign | part.tensors)


def layer_problem(
    fabric: Fabric,
    groups: tuple[Group | None, Group],
    graph: LayerGraph,
    costs: list[dict[str, Cost]],
    *,
    clock: ClockSpecification,
    tree: AlignmentTree,
) -> LayerProblem:
    """Return the problem of one layer, without drift.

    `groups` are that of the layer before (None where there is none) and its own; `graph` is of this layer alone, from
    `between`; `costs` are of each operator kind on each chip of the group.
    """
    before, group = groups if any(one.kind == GIVEN for one in graph.operators) else (None, groups[1])
    others = [chip for chip in before.chips if chip not in group.chips] if before else []
    members = {chip: node for node, chip in enumerate([*group.chips, *others])}
    nodes = Nodes(len(group.chips), tuple(members[chip] for chip in before.chips) if before else ())
    demands = layer_demands(graph, nodes)
    operators = _place_operators(graph, costs, demands, nodes)
    hosts = group.hosts if any(one.place == "hosts" for one in graph.operators) else ()
    network = network_on(fabric, group.chips, relays=others, hosts=hosts)
    opening = opening_on(fabric, network, tree, clock)
    return LayerProblem(
        group=group,
        before=before,
        graph=graph,
        demands=demands,
        operators=operators,
        opening=opening,
        interval_cycles=None,
        resident=fabric.chip.resident and bool(hosts),
        instance=opening.over(_instance(fabric, graph, demands, operators, (network, nodes)), None),
    )


def _instance(
    fabric: Fabric,
    graph: LayerGraph,
    demands: tuple[Demand, ...],
    operators: tuple[PlacedOperator, ...],
    around: tuple[Network, Nodes],
) -> Instance:
    network, nodes = around
    partial_bits = [tensor.element_bits for tensor in graph.tensors.values() if tensor.layout == "partial"]
    numbers = {(placed.operator.name, placed.node): index for index, placed in enumerate(operators)}
    producers = {name: operator.name for operator in graph.operators for name in operator.outputs}
    skips = [d.first_vector if graph.tensors[d.tensor].layout == "replicated" else 0 for d in demands]
    return Instance(
        network=network,
        release_cycles=0,
        operator_node=column(p.node for p in operators),
        operator_unit=column(UNITS[p.operator.unit] for p in operators),
        operator_cycles=column(cycles(p.cost, p.operator.unit, fabric.chip) for p in operators),
        operator_after=Ragged.of(
            [
                numbers[producers[name], placed.node]
                for name, layout in placed.operator.inputs
                if not is_moved(graph.tensors[name], layout, placed.operator, nodes)
            ]
            for placed in operators
        ),
        operator_demands=Interned.of(
            all_needed_demands(((placed.operator, placed.shard) for placed in operators), graph, demands, nodes)
        ),
        demand_vectors=column(demand.vectors for demand in demands),
        demand_root=column(demand.root for demand in demands),
        demand_leaves=Interned.of(demand.leaves for demand in demands),
        demand_leaf_operators=Interned.of(
            [numbers[producers[demand.tensor], leaf] for leaf in demand.leaves] for demand in demands
        ),
        demand_consumers=Interned.of(demand.consumers for demand in demands),
        demand_skips=column(skips if any(skips) else ()),
        add_cost=AddCost.on(fabric, max(partial_bits, default=BITS_PER_BYTE)),
    )


def _place_operators(
    graph: LayerGraph, costs: list[dict[str, Cost]], demands: tuple[Demand, ...], nodes: Nodes
) -> tuple[PlacedOperator, ...]:
    """Return every operator on every chip; a host operator only where its share has vectors."""
    sources = {(demand.tensor, leaf) for demand in demands for leaf in demand.leaves}
    targets = {(demand.tensor, consumer) for demand in demands for consumer in demand.consumers}

    def has_vectors(operator: Operator, host: int) -> bool:
        return (operator.output, host) in sources or any((name, host) in targets for name, _ in operator.inputs)

    return tuple(
        PlacedOperator(operator, shard, node, NO_COST if operator.kind in BETWEEN else costs[shard][operator.kind])
        for operator in graph.operators
        for shard, node in enumerate(_nodes_of(operator, nodes))
        if operator.place == "chips" or has_vectors(operator, node)
    )


def _nodes_of(operator: Operator, nodes: Nodes) -> tuple[int, ...]:
    if operator.kind == GIVEN:
        return nodes.before
    return tuple(nodes.node(shard, operator.place) for shard in range(nodes.width))


def layer_problems(
    fabric: Fabric,
    groups: Sequence[Group],
    graph: LayerGraph,
    costs_of_group: Callable[[Group], list[dict[str, Cost]]],
    *,
    clock: ClockSpecification,
    tree: AlignmentTree,
) -> list[LayerProblem]:
    """Return the problem of each layer, without drift; costs are of its operators on each chip of its group.

    Raises
    ------
    InputError
        When the wires are not pipelined, or injection or ejection is limited.
    """
    if fabric.wire != "pipelined":
        problem = f"wire: {fabric.wire} is a model of published synthesizers; compile needs wire: pipelined"
        raise InputError(fabric.name, problem)
    for key in ("inject_per_cycle", "eject_per_cycle"):
        if getattr(fabric, key) is not None:
            problem = "is for lpxsched collective; compile does not schedule limits of ports, leave the key out"
            raise InputError(fabric.name, problem, key=key)
    before = (None, *groups)
    return [
        layer_problem(fabric, pair, between(graph, pair[1].layer), costs_of_group(pair[1]), clock=clock, tree=tree)
        for pair in zip(before, groups, strict=False)
    ]


def ending_chips(problem: LayerProblem) -> list[int]:
    """Return the chips on which a layer ends, or which send to hosts where it ends."""
    return [problem.group.chips[one.shard] for one in problem.operators if one.is_told and one.operator.ends]
