"""From a layer on its group of chips to an `Instance` over local numbers, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.limits import Hop
from lpxsched.errors import InputError
from lpxsched.schedule.problem.instance import UNITS, AddCost, Instance
from lpxsched.schedule.problem.network import network_on
from lpxsched.schedule.problem.opening import opening_on
from lpxsched.schedule.problem.ragged import Interned, Ragged
from lpxsched.traffic.demands import implied_collective, layer_demands, needed_demands
from lpxsched.units import NONE
from lpxsched.workload.costs import cycles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.problem.opening import Opening
    from lpxsched.traffic.demands import Demand
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.graph import LayerGraph, Operator


@dataclass(frozen=True, slots=True)
class PlacedOperator:
    """An operator of the graph on one chip of the group (or for one chip's host link)."""

    operator: Operator
    shard: int
    cost: Cost


@dataclass(frozen=True, slots=True, eq=False)
class LayerProblem:
    """One layer's scheduling problem with its way back to the fabric.

    Attributes
    ----------
    group : Group
    graph : LayerGraph
        The operators and tensors of this layer.
    demands : tuple of Demand
    operators : tuple of PlacedOperator
        In the order of the instance.
    opening : Opening
    interval_cycles : int or None
        Longest time between a deskew and a read that the guard covers; None where clocks do not drift.
    resident : bool
        The chips poll for rows: a pass lies between the deskew and the segment.
    instance : Instance
        Its release is the stall of the opening deskew.
    """

    group: Group
    graph: LayerGraph
    demands: tuple[Demand, ...]
    operators: tuple[PlacedOperator, ...]
    opening: Opening
    interval_cycles: int | None
    resident: bool
    instance: Instance

    def node(self, local: int) -> int:
        """Return the node of the fabric behind a local number."""
        return int(self.instance.network.fabric_node[local])

    def over(self, interval_cycles: int | None) -> LayerProblem:
        """Return the problem with the guards and the stall of another interval."""
        return replace(
            self, interval_cycles=interval_cycles, instance=self.opening.over(self.instance, interval_cycles)
        )

    def distinct_key(self) -> tuple[str, bytes, int]:
        """Return what is equal for layers that are one problem over every interval."""
        return self.instance.key(), self.opening.levels.tobytes(), self.opening.clock.depth

    def shortest_hops(self) -> list[Hop]:
        """Return the shortest hop from hosts to chips, between chips, and to hosts, where there are such hops."""
        network, shortest = self.instance.network, dict[tuple[bool, bool], Hop]()
        inside = (network.source < network.chips).tolist(), (network.destination < network.chips).tolist()
        for ends, hop in zip(zip(*inside, strict=True), self.opening.hops(network), strict=True):
            if ends not in shortest or hop.wire_cycles < shortest[ends].wire_cycles:
                shortest[ends] = hop
        return list(shortest.values())

    def refuse_long_hops(self) -> None:
        """Refuse a layer of which the shortest hops are longer than clocks may run apart.

        Raises
        ------
        InfeasibleError
        """
        for hop in self.shortest_hops():
            self.opening.clock.refuse_long_hop(hop)


def layer_problem(
    fabric: Fabric,
    group: Group,
    graph: LayerGraph,
    costs: list[dict[str, Cost]],
    *,
    clock: ClockSpecification,
    tree: AlignmentTree,
) -> LayerProblem:
    """Return the problem of one layer, without drift.

    Parameters
    ----------
    fabric : Fabric
    group : Group
    graph : LayerGraph
        Of this layer alone.
    costs : list of dict
        Cost of each operator kind on each chip of the group.
    clock, tree : ClockSpecification, AlignmentTree
    """
    width = len(group.chips)
    demands = layer_demands(graph, width)
    operators = _place_operators(graph, costs, demands, width)
    network = network_on(fabric, group.chips, hosts=group.hosts)
    opening = opening_on(fabric, network, tree, clock)
    return LayerProblem(
        group=group,
        graph=graph,
        demands=demands,
        operators=operators,
        opening=opening,
        interval_cycles=None,
        resident=fabric.chip.resident,
        instance=opening.over(_instance(fabric, graph, demands, operators, network), None),
    )


def _instance(
    fabric: Fabric,
    graph: LayerGraph,
    demands: tuple[Demand, ...],
    operators: tuple[PlacedOperator, ...],
    network: Network,
) -> Instance:
    width = network.width
    partial_bits = max(tensor.element_bits for tensor in graph.tensors.values() if tensor.layout == "partial")
    numbers = {(placed.operator.name, placed.shard): index for index, placed in enumerate(operators)}
    producers = {operator.output: operator.name for operator in graph.operators}
    return Instance(
        network=network,
        release_cycles=0,
        operator_node=_integers(p.shard + width * (p.operator.place == "hosts") for p in operators),
        operator_unit=_integers(UNITS[p.operator.unit] for p in operators),
        operator_cycles=_integers(cycles(p.cost, p.operator.unit, fabric.chip) for p in operators),
        operator_after=Ragged.of(
            [
                numbers[producers[name], placed.shard]
                for name, layout in placed.operator.inputs
                if not implied_collective(graph.tensors[name], layout, placed.operator.place)
            ]
            for placed in operators
        ),
        operator_demands=Interned.of(_reads(graph, demands, operators, width)),
        demand_vectors=_integers(demand.vectors for demand in demands),
        demand_root=_integers(demand.root for demand in demands),
        demand_leaves=Interned.of(demand.leaves for demand in demands),
        demand_leaf_operators=Interned.of(_makers(demands, producers, numbers, width)),
        demand_consumers=Interned.of(demand.consumers for demand in demands),
        add_cost=AddCost.on(fabric, partial_bits),
    )


def _reads(
    graph: LayerGraph, demands: tuple[Demand, ...], operators: tuple[PlacedOperator, ...], width: int
) -> Iterator[list[int]]:
    """Yield the demands that each operator reads; those of one that reads no shares are looked up once."""
    known: dict[tuple[str, int], list[int]] = {}
    for placed in operators:
        operator = placed.operator
        by_shard = any(layout == "sharded" for _, layout in operator.inputs)
        key = operator.name, placed.shard if by_shard else NONE
        if key not in known:
            known[key] = needed_demands(operator, placed.shard, graph, demands, width)
        yield known[key]


def _makers(
    demands: tuple[Demand, ...], producers: dict[str, str], numbers: dict[tuple[str, int], int], width: int
) -> Iterator[list[int]]:
    """Yield the operators that make what each demand begins with; those of equal leaves are looked up once."""
    known: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for demand in demands:
        key = demand.tensor, demand.leaves
        if key not in known:
            known[key] = [numbers[producers[demand.tensor], leaf % width] for leaf in demand.leaves]
        yield known[key]


def _place_operators(
    graph: LayerGraph, costs: list[dict[str, Cost]], demands: tuple[Demand, ...], width: int
) -> tuple[PlacedOperator, ...]:
    """Return every operator on every chip; a host operator only where its share has vectors."""
    sources = {(demand.tensor, leaf) for demand in demands for leaf in demand.leaves}
    targets = {(demand.tensor, consumer) for demand in demands for consumer in demand.consumers}

    def has_vectors(operator: Operator, shard: int) -> bool:
        host = width + shard
        return (operator.output, host) in sources or any((name, host) in targets for name, _ in operator.inputs)

    return tuple(
        PlacedOperator(operator, shard, costs[shard][operator.kind])
        for operator in graph.operators
        for shard in range(width)
        if operator.place == "chips" or has_vectors(operator, shard)
    )


def _integers(values: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(values, dtype=np.int64)


def layer_problems(
    fabric: Fabric,
    groups: Sequence[Group],
    graph: LayerGraph,
    costs_of_group: Callable[[Group], list[dict[str, Cost]]],
    *,
    clock: ClockSpecification,
    tree: AlignmentTree,
) -> list[LayerProblem]:
    """Return the problem of each layer, without drift.

    Parameters
    ----------
    costs_of_group : callable
        Costs of a layer's operators on each chip of its group.

    Raises
    ------
    InputError
        When the wires are not pipelined, or injection or ejection is limited.
    """
    if fabric.wire != "pipelined":
        problem = (
            f"wire: {fabric.wire} is a model of published synthesizers for comparison; compile needs wire: pipelined"
        )
        raise InputError(fabric.name, problem)
    for key in ("inject_per_cycle", "eject_per_cycle"):
        if getattr(fabric, key) is not None:
            problem = "is for lpxsched collective; compile does not schedule limits of ports, leave the key out"
            raise InputError(fabric.name, problem, key=key)
    return [
        layer_problem(fabric, group, graph.layer(group.layer), costs_of_group(group), clock=clock, tree=tree)
        for group in groups
    ]
