"""The scheduling problem: times of wires and sums, and equal keys for equal problems."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from math import ceil
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.problem.instance import PLACES, AddCost, Instance, ranks, sum_cycles
from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Interned, Ragged
from lpxsched.traffic.collectives import Collective
from tests.schedule.instances import ADD_COST, FREE_ADD, Bundle, Demand, Operator, grid, instance_of, ints, two_chips
from tests.strategies import instances


@pytest.mark.parametrize(
    ("operands", "vectors", "expected"),
    [
        (2, 1, 1 + 4),  # 960 bytes / 960, 160 operations / 160
        (2, 2, 2 + 4),  # 1920 / 960, 320 / 160
        (3, 1, 2 + 4),  # ceil(1280 / 960), 320 / 160
        (5, 3, 12 + 4),  # ceil(5760 / 960) = 6, 1920 / 160 = 12
    ],
)
def test_a_sum_takes_the_slower_of_memory_and_arithmetic(operands: int, vectors: int, expected: int) -> None:
    """Tests the duration of a sum on the chip of ``tests/builds.py``."""
    assert ADD_COST.cycles(operands, vectors) == expected


def test_a_sum_on_no_vector_unit_takes_no_time() -> None:
    """Tests that with no rate the unit is left out of account, its pipeline included."""
    assert replace(ADD_COST, operations_per_cycle=0).cycles(4, 100) == 0


@pytest.mark.parametrize(("cycles_in_hop", "expected"), [(1, 4), (5, 0), (9, 0)])
def test_a_sum_takes_less_by_what_the_hop_contains(cycles_in_hop: int, expected: int) -> None:
    """Tests 1 + 4 cycles for two operands of one vector, less some, and never below 0."""
    assert replace(ADD_COST, cycles_in_hop=cycles_in_hop).cycles(2, 1) == expected


@given(st.lists(st.tuples(st.integers(2, 5), st.integers(1, 4)), max_size=6))
def test_each_sum_costs_what_it_costs_alone(sums: list[tuple[int, int]]) -> None:
    """Tests random operands and vectors, with a vector unit and without.

    (m + 1) n 320 bytes at 960 a cycle, (m - 1) n 160 operations at 160 a cycle, and 4 cycles.
    """
    operands, vectors = ints(m for m, _ in sums), ints(n for _, n in sums)
    expected = [max(ceil(Fraction((m + 1) * n, 3)), (m - 1) * n) + 4 for m, n in sums]
    assert sum_cycles(ADD_COST, operands, vectors).tolist() == expected
    assert sum_cycles(FREE_ADD, operands, vectors).tolist() == [0] * len(sums)


def test_a_demand_of_several_leaves_is_a_sum() -> None:
    """Tests that the inputs of a layer are copies and its outputs sums."""
    assert [two_chips().is_reduction(demand) for demand in range(4)] == [False, False, True, True]


def test_wires_alone_take_all_the_time() -> None:
    """Tests that with compute left out no operator and no sum takes time, and nothing else changes."""
    instance, wires = two_chips(), two_chips().wires_only()
    assert not wires.operator_cycles.any()
    assert wires.add_cost.cycles(2, 2) == 0
    back = replace(wires, operator_cycles=instance.operator_cycles, add_cost=instance.add_cost)
    assert back.key() == instance.key()


def test_equal_problems_have_equal_keys() -> None:
    """Tests that the key depends on what is in an instance, not on which object it is."""
    assert two_chips().key() == two_chips().key()
    assert two_chips().key() != grid().key()


def _other(value: Any, data: st.DataObject) -> Any:
    """Return a value of the same type that differs in one place."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}, but not quite"
    if isinstance(value, AddCost):
        name = data.draw(st.sampled_from([field.name for field in fields(value)]))
        return replace(value, **{name: getattr(value, name) + 1})
    if isinstance(value, tuple):
        return (*value, Collective("all-gather", 2, 1))
    if isinstance(value, Interned | Ragged):
        rows = [value[row].tolist() for row in range(len(value))]
        rows[data.draw(st.integers(0, len(rows) - 1))].append(data.draw(st.integers(0, 5)))
        return type(value).of(rows)
    # Without skips a column of them is empty.
    changed = value.copy() if len(value) else np.zeros(1, dtype=np.int64)
    changed[data.draw(st.integers(0, len(changed) - 1))] += data.draw(st.sampled_from((-1, 1)))
    return changed


KEYED = [field.name for field in fields(Instance) if field.name != "network"]
KEYED_OF_NETWORK = [field.name for field in fields(Network) if field.name not in PLACES]


@given(instances(), st.sampled_from([*KEYED, *KEYED_OF_NETWORK]), st.data())
@settings(max_examples=60, deadline=None)
def test_unequal_problems_have_unequal_keys(instance: Instance, name: str, data: st.DataObject) -> None:
    """Tests that a difference in any field, in any place of it, changes the key."""
    if name in KEYED:
        changed = replace(instance, **{name: _other(getattr(instance, name), data)})
    else:
        other = _other(getattr(instance.network, name), data)
        changed = replace(instance, network=replace(instance.network, **{name: other}))
    assert changed.key() != instance.key()


def test_a_key_does_not_tell_where_in_the_fabric_an_instance_lies() -> None:
    """Tests other chips and other links of the same wires, and a host more, which is another problem."""
    instance = two_chips()
    network = replace(instance.network, fabric_node=instance.network.fabric_node + 7, class_names=("tray",))
    assert replace(instance, network=network).key() == instance.key()
    network = replace(instance.network, fabric_node=np.append(instance.network.fabric_node, 9))
    assert replace(instance, network=network).key() != instance.key()


def test_a_key_tells_rows_from_their_boundaries() -> None:
    """Tests that moving a number from one list to the next changes the key although the numbers stay the same."""
    keys = {
        instance_of(
            2, [Bundle(0, 1)], [Operator(0), Operator(1, demands=(0,))], [Demand(1, 0, (0,), (0,), (1,))]
        ).key(),
        instance_of(
            2, [Bundle(0, 1)], [Operator(0, demands=(0,)), Operator(1)], [Demand(1, 0, (0,), (0,), (1,))]
        ).key(),
    }
    assert len(keys) == 2


def test_a_key_tells_columns_from_their_boundaries() -> None:
    """Tests the same for two columns: the bytes one after the other are equal, the problems are not."""
    instance = two_chips()
    first = replace(instance, demand_vectors=ints([1, 2]), demand_root=ints([3]))
    second = replace(instance, demand_vectors=ints([1]), demand_root=ints([2, 3]))
    assert first.key() != second.key()


def test_columns_are_64_bit() -> None:
    """Tests that kernels and hashes see one type of integer."""
    instance = two_chips()
    columns = [getattr(where, field.name) for where in (instance, instance.network) for field in fields(where)]
    assert {column.dtype for column in columns if isinstance(column, np.ndarray)} == {np.dtype(np.int64)}


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
