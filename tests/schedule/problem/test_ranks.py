"""The order of precedence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
from hypothesis import given, settings

from lpxsched.schedule.problem.ranks import ranks
from tests.schedule.instances import two_chips
from tests.strategies import instances

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance


def test_ranks_are_longest_chains() -> None:
    """Tests ranks of the layer: ingress 0, inputs 1, router 2, experts 3, combine 4, outputs 5, egress 6."""
    operator_rank, demand_rank = ranks(two_chips())
    assert operator_rank.tolist() == [0, 0, 2, 2, 3, 3, 4, 4, 6, 6]
    assert demand_rank.tolist() == [1, 1, 5, 5]


@given(instances())
@settings(max_examples=30, deadline=None)
def test_ranks_are_generations(instance: Instance) -> None:
    """Tests ranks against the generations of the graph of operators and demands."""
    graph: nx.DiGraph[tuple[str, int]] = nx.DiGraph()
    graph.add_nodes_from(("operator", operator) for operator in range(instance.operators))
    for operator in range(instance.operators):
        for other in instance.operator_after[operator].tolist():
            graph.add_edge(("operator", other), ("operator", operator))
        for demand in instance.operator_demands[operator].tolist():
            graph.add_edge(("demand", demand), ("operator", operator))
    for demand in range(instance.demands):
        for operator in instance.demand_leaf_operators[demand].tolist():
            graph.add_edge(("operator", operator), ("demand", demand))
    rank = {node: index for index, layer in enumerate(nx.topological_generations(graph)) for node in layer}
    operator_rank, demand_rank = ranks(instance)
    assert operator_rank.tolist() == [rank["operator", index] for index in range(instance.operators)]
    assert demand_rank.tolist() == [rank["demand", index] for index in range(instance.demands)]
