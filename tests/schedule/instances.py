"""Instances small enough to be worked out by hand, and the words in which they are written down.

Wires are as in ``tests/builds.py`` unless a test says otherwise: v = 5/2 cycles, latency 10, guard 5, so a vector is
read ceil(5/2) + 10 + 5 = 18 cycles after it departs; turnaround 3. A sum of m operands of n vectors takes

    max(ceil((m + 1) n 320 / 960), ceil((m - 1) n 160 / 160)) + 4 cycles,

that is 5 for two operands of one vector.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.instance import HOST, MATRIX, VECTOR, AddCost, Instance
from lpxsched.schedule.problem.network import NO_LIMIT, Network
from lpxsched.schedule.problem.ragged import Interned, Ragged
from lpxsched.schedule.symmetry.quotient import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

ADD_COST = AddCost(
    vector_bytes=320, elements_per_vector=160, sram_bytes_per_cycle=960, operations_per_cycle=160, fixed_cycles=4
)
FREE_ADD = replace(ADD_COST, operations_per_cycle=0)


class Bundle(NamedTuple):
    """Parallel links from one node to another."""

    source: int
    destination: int
    lanes: int = 1
    latency: int = 10
    guard: int = 5
    vector_time: Fraction = Fraction(5, 2)


WIRE = Bundle(0, 0)


class Operator(NamedTuple):
    """An operator on a node: the operators on the same node after which it comes, and the demands that it reads."""

    node: int
    unit: int = MATRIX
    cycles: int = 0
    after: tuple[int, ...] = ()
    demands: tuple[int, ...] = ()


class Demand(NamedTuple):
    """What must be where: leaves and the operators that produce them, one each."""

    vectors: int
    root: int
    leaves: tuple[int, ...]
    leaf_operators: tuple[int, ...]
    consumers: tuple[int, ...]


def ints(values: Iterable[int]) -> NDArray[np.int64]:
    """Return an int64 column."""
    return np.array(list(values), dtype=np.int64)


def numbered_links(lanes: Iterable[int]) -> Ragged:
    """Return links of bundles of so many lanes, numbered one after the other."""
    counts = list(lanes)
    return Ragged.of(range(end - count, end) for end, count in zip(accumulate(counts), counts, strict=True))


def both_ways(pairs: Iterable[tuple[int, int]], wire: Bundle = WIRE) -> list[Bundle]:
    """Return one bundle in each direction for every pair of nodes, each with the same wire."""
    return [wire._replace(source=s, destination=d) for a, b in pairs for s, d in ((a, b), (b, a))]


def instance_of(
    chips: int,
    bundles: Sequence[Bundle],
    operators: Sequence[Operator],
    demands: Sequence[Demand],
    *,
    hosts: int = 0,
    turnaround: int = 3,
    release: int = 0,
    add_cost: AddCost = ADD_COST,
) -> Instance:
    """Return an instance of rows; bundles are put in order."""
    rows = sorted(bundles)
    network = Network(
        width=chips,
        chips=chips,
        fabric_node=np.arange(chips + hosts, dtype=np.int64),
        class_names=("link",),
        source=ints(bundle.source for bundle in rows),
        destination=ints(bundle.destination for bundle in rows),
        lanes=ints(bundle.lanes for bundle in rows),
        link_class=ints(0 for _ in rows),
        latency_cycles=ints(bundle.latency for bundle in rows),
        guard_cycles=ints(bundle.guard for bundle in rows),
        pitch_numerator=ints(bundle.vector_time.numerator for bundle in rows),
        pitch_denominator=ints(bundle.vector_time.denominator for bundle in rows),
        links=numbered_links(bundle.lanes for bundle in rows),
        turnaround_cycles=turnaround,
        inject_per_cycle=NO_LIMIT,
        eject_per_cycle=NO_LIMIT,
        wire="pipelined",
    )
    return Instance(
        network=network,
        release_cycles=release,
        operator_node=ints(operator.node for operator in operators),
        operator_unit=ints(operator.unit for operator in operators),
        operator_cycles=ints(operator.cycles for operator in operators),
        operator_after=Ragged.of(operator.after for operator in operators),
        operator_demands=Interned.of(operator.demands for operator in operators),
        demand_vectors=ints(demand.vectors for demand in demands),
        demand_root=ints(demand.root for demand in demands),
        demand_leaves=Interned.of(demand.leaves for demand in demands),
        demand_leaf_operators=Interned.of(demand.leaf_operators for demand in demands),
        demand_consumers=Interned.of(demand.consumers for demand in demands),
        add_cost=add_cost,
    )


def two_chips() -> Instance:
    """Return the layer of ``tests/builds.py``: chips 0 and 1, the far ends 2 and 3 of their host links.

    Two input vectors for each chip; the whole output, four vectors, is summed in two shares of two.
    """
    kinds = [(2, HOST, 0), (0, MATRIX, 11), (0, MATRIX, 20), (0, VECTOR, 5), (2, HOST, 0)]
    after = [(), (), (2,), (4,), ()]
    reads = [((), ()), ((0, 1), (0, 1)), ((0, 1), (0, 1)), ((), ()), ((2,), (3,))]
    operators = [
        Operator(node + shard, unit, cycles, tuple(a + shard for a in after[kind]), reads[kind][shard])
        for kind, (node, unit, cycles) in enumerate(kinds)
        for shard in (0, 1)
    ]
    demands = [
        Demand(2, 2, (2,), (0,), (0, 1)),
        Demand(2, 3, (3,), (1,), (0, 1)),
        Demand(2, 0, (0, 1), (6, 7), (2,)),
        Demand(2, 1, (0, 1), (6, 7), (3,)),
    ]
    return instance_of(2, both_ways([(0, 1), (0, 2), (1, 3)]), operators, demands, hosts=2, release=2)


def copy_along(
    vector_times: Sequence[Fraction], vectors: int, *, latency: int = 10, guard: int = 5, turnaround: int = 3
) -> Instance:
    """Return a path of chips along which one demand is copied from the first to the last; wire i has its own v."""
    last = len(vector_times)
    bundles = [Bundle(i, i + 1, 1, latency, guard, v) for i, v in enumerate(vector_times)]
    operators = [Operator(0), Operator(last, demands=(0,))]
    return instance_of(last + 1, bundles, operators, [Demand(vectors, 0, (0,), (0,), (last,))], turnaround=turnaround)


def path_of_three(vectors: int = 1) -> Instance:
    """Return a copy from chip 0 over chip 1 to chip 2."""
    return copy_along([Fraction(5, 2)] * 2, vectors)


def summed(
    chips: int, bundles: Sequence[Bundle], leaves: tuple[int, ...], *, root: int = 0, vectors: int = 1
) -> Instance:
    """Return one sum of leaves at a root, read there by an operator."""
    operators = [Operator(leaf) for leaf in leaves] + [Operator(root, demands=(0,))]
    demand = Demand(vectors, root, leaves, tuple(range(len(leaves))), ())
    return instance_of(chips, bundles, operators, [demand])


def grid(vectors: int = 1) -> Instance:
    """Return a 2 x 2 grid whose four summands meet at chip 0; that of chip 3 goes over chip 1 or chip 2."""
    return summed(4, both_ways([(0, 1), (0, 2), (1, 3), (2, 3)]), (0, 1, 2, 3), vectors=vectors)


def late_summand() -> Instance:
    """Return a sum of four vectors at chip 0, to which chip 1 sends its summand at once, chip 2 after 100 cycles.

    Chip 2 has a lane to chip 0 and three to chip 1.
    """
    operators = [Operator(0), Operator(1), Operator(2, cycles=100), Operator(0, demands=(0,))]
    demand = Demand(4, 0, (0, 1, 2), (0, 1, 2), ())
    return instance_of(3, [Bundle(1, 0), Bundle(2, 0), Bundle(2, 1, 3)], operators, [demand])


def two_sums(*, second_after: int = 0) -> Instance:
    """Return two sums of two vectors, at chips 0 and 1; chip 3 sends a summand of each over chip 2, by one lane."""
    operators = [Operator(0), Operator(1), Operator(3), Operator(3, VECTOR, second_after)]
    operators += [Operator(0, demands=(0,)), Operator(1, demands=(1,))]
    demands = [Demand(2, 0, (0, 3), (0, 2), ()), Demand(2, 1, (1, 3), (1, 3), ())]
    return instance_of(4, [Bundle(3, 2), Bundle(2, 0), Bundle(2, 1)], operators, demands)


def lone_relay(vectors: int = 1) -> Instance:
    """Return a path whose middle chip passes the summand of chip 2 on to chip 0, with none of its own."""
    return summed(3, both_ways([(0, 1), (1, 2)]), (0, 2), vectors=vectors)


def rootless(vectors: int = 1) -> Instance:
    """Return a path of four: chips 2 and 3 sum on chip 2, chip 1 passes on, the root 0 has no summand."""
    return summed(4, both_ways([(0, 1), (1, 2), (2, 3)]), (2, 3), vectors=vectors)


def wide(lanes: int, vectors: int) -> Instance:
    """Return a copy over one bundle of several lanes."""
    demand = Demand(vectors, 0, (0,), (0,), (1,))
    return instance_of(2, [Bundle(0, 1, lanes)], [Operator(0), Operator(1, demands=(0,))], [demand])


def one_chip() -> Instance:
    """Return a layer on one chip: no links between chips, and the output is a copy, not a sum."""
    operators = [
        Operator(1, HOST),
        Operator(0, MATRIX, 20, (), (0,)),
        Operator(0, VECTOR, 5, (1,)),
        Operator(1, HOST, 0, (), (1,)),
    ]
    demands = [Demand(2, 1, (1,), (0,), (0,)), Demand(2, 0, (0,), (2,), (1,))]
    return instance_of(1, both_ways([(0, 1)]), operators, demands, hosts=1)


def beside_hosts(root: int, reader: int) -> Instance:
    """Return a copy of four vectors between two chips, 0 and 1, and their hosts, 2 and 3.

    One lane each way joins the chips, two each way join a chip and its host.
    """
    bundles = both_ways([(0, 1)]) + both_ways([(0, 2), (1, 3)], WIRE._replace(lanes=2))
    units = [HOST if node > 1 else MATRIX for node in (root, reader)]
    operators = [Operator(root, units[0]), Operator(reader, units[1], demands=(0,))]
    return instance_of(2, bundles, operators, [Demand(4, root, (root,), (0,), (reader,))], hosts=2)


def hub() -> Instance:
    """Return copies of two vectors from chips 1 and 2, both over chip 3 and its one lane to chip 0."""
    operators = [Operator(1), Operator(2), Operator(0, demands=(0, 1))]
    demands = [Demand(2, 1, (1,), (0,), (0,)), Demand(2, 2, (2,), (1,), (0,))]
    return instance_of(4, [Bundle(1, 3), Bundle(2, 3), Bundle(3, 0)], operators, demands)


def crossing() -> Instance:
    """Return an instance on which greedy is beaten: two demands share a wire, and the longer tail should go first.

    Chip 0 sends a vector to chip 1 for each of two operators there: one of 0 cycles, one followed by 40 cycles more.
    Greedy knows ranks, not tails, so it takes demand 0 first.
    """
    operators = [
        Operator(0),
        Operator(1, VECTOR, 0, (), (0,)),
        Operator(1, MATRIX, 40, (), (1,)),
        Operator(1, MATRIX, 0, (2,)),
    ]
    demands = [Demand(4, 0, (0,), (0,), (1,)), Demand(4, 0, (0,), (0,), (1,))]
    return instance_of(2, [Bundle(0, 1)], operators, demands)


def fork() -> Instance:
    """Return a vector from chip 0 to chip 3 over chip 1 or 2, when chip 1 sends one of its own there from 20 on.

    Greedy takes chip 1 at [21, 24), and the other vector waits until 24: read at 42. Over chip 2 the first is read at
    39, the other at 38.
    """
    bundles = [Bundle(0, 1), Bundle(0, 2), Bundle(1, 3), Bundle(2, 3)]
    demands = [Demand(1, 0, (0,), (0,), (3,)), Demand(1, 1, (1,), (1,), (3,))]
    return instance_of(4, bundles, [Operator(0), Operator(1, cycles=20), Operator(3, demands=(0, 1))], demands)


def free_sum() -> Instance:
    """Return a sum that takes no time, on a chip whose vector unit is busy for the first 100 cycles."""
    operators = [Operator(0), Operator(1), Operator(0, VECTOR, 100), Operator(0, MATRIX, 0, (), (0,))]
    demand = Demand(1, 0, (0, 1), (0, 1), ())
    return instance_of(2, both_ways([(0, 1)]), operators, [demand], add_cost=FREE_ADD)


def blocks_of(*rows: tuple[int, int, int]) -> Blocks:
    """Return blocks of rows (demand, first vector, vectors)."""
    piece, first_vector, vectors = (ints(column) for column in zip(*rows, strict=True))
    return Blocks(piece, first_vector, vectors, piece * 0 - 1, piece * 0 - 1)
