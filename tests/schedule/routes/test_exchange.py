"""All-reduce by exchanges: sequences of phases, verified by counting summands on the links."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.exchange import Phase, exchange_classes, exchange_plan, exchange_sequences
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.quotient import quotient
from lpxsched.schedule.times.placement import depth, placed
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import EVERY, Collective, Pieces
from tests.schedule.bounds.problems import Wire, adds_of, both_ways, path, problem_of, ring
from tests.schedule.fabrics import problems, regular_fabrics
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.schedule.symmetry.quotient import Quotient

FULL = list(combinations(range(4), 2))
CUBE = [Wire(a, a ^ 1 << axis, link_class=axis) for a in range(8) for axis in range(3)]
HYPERX = [
    Wire(a, b, link_class=int(a % 3 == b % 3))
    for a in range(9)
    for b in range(9)
    if a != b and (a // 3 == b // 3 or a % 3 == b % 3)
]
# Three nodes of two chips; every pair of nodes is joined once, so that chips and links make a ring of six.
NODES = [wire._replace(link_class=int({wire.source // 2} != {wire.destination // 2})) for wire in ring(6)]
# Five nodes of two chips: the first chip of each is joined to those of the next nodes, the second to those after them.
PAIRS = [
    *both_ways([(2 * node, 2 * node + 1) for node in range(5)]),
    *both_ways([(2 * node, 2 * ((node + 1) % 5)) for node in range(5)], link_class=1),
    *both_ways([(2 * node + 1, 2 * ((node + 2) % 5) + 1) for node in range(5)], link_class=1),
]
LOCAL, GLOBAL = 0, 1


def all_reduce(chips: int, wires: Sequence[Wire], vectors: int = 1) -> Instance:
    """Return an all-reduce in which each addition takes 2 cycles."""
    return problem_of(Collective("all-reduce", chips, vectors), wires, add_cost=adds_of(2))


def exchanged(problem: Instance, symmetry: Symmetry | None = None) -> Quotient:
    """Return the problem of one tensor that everyone holds and everyone reads."""
    whole, every = np.full(1, problem.stage.vectors, dtype=np.int64), np.full(1, EVERY, dtype=np.int64)
    return quotient(problem, Pieces(0 * whole, 0 * whole, whole, every, every), symmetry or trivial(problem.network))


def by_link(problem: Instance) -> tuple[NDArray[np.int64], list[tuple[Phase, ...]]]:
    """Return the classes of links, and the sequences over them."""
    small = exchanged(problem)
    classes = exchange_classes(small)[0]
    return classes, exchange_sequences(small, classes)


def summands(problem: Instance, classes: NDArray[np.int64], phases: Sequence[Phase]) -> list[Counter[int]]:
    """Return how often each chip's summand is in each chip's total after some phases."""
    total = [Counter([chip]) for chip in range(problem.network.width)]
    brought: list[Counter[int]] = [Counter() for _ in range(problem.network.width)]
    for phase in phases:
        sent = [Counter(counter) for counter in (total if phase.sends_total else brought)]
        brought = [Counter() for _ in range(problem.network.width)]
        for bundle in np.flatnonzero(classes == phase.link_class).tolist():
            brought[problem.network.destination[bundle]] += sent[problem.network.source[bundle]]
        for chip in range(problem.network.width):
            total[chip] += brought[chip]
    return total


def totals(*classes: int) -> tuple[Phase, ...]:
    """Return phases that all send the total so far."""
    return tuple(Phase(number, True) for number in classes)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (all_reduce(2, path(2)), [totals(0)]),
        (all_reduce(4, both_ways(FULL)), [totals(0)]),
        # Eight summands in three doublings, over the axes in any order.
        (all_reduce(8, CUBE), [totals(*axes) for axes in permutations(range(3))]),
        (all_reduce(9, HYPERX), [totals(0, 1), totals(1, 0)]),
        # A node adds up, sends its total over global links, and hands round what they brought; or begins with those.
        (all_reduce(6, NODES), [
            (*totals(LOCAL, GLOBAL), Phase(LOCAL, False)),
            (*totals(GLOBAL, LOCAL), Phase(GLOBAL, False)),
        ]),
        (all_reduce(10, PAIRS), [(*totals(LOCAL, GLOBAL), Phase(LOCAL, False))]),
        # The middle would get both ends, and the ends not each other.
        (all_reduce(3, path(3)), []),
        (all_reduce(5, ring(5)), []),
        (all_reduce(1, []), []),
    ],
)  # fmt: skip
def test_the_sequences_of_known_fabrics(problem: Instance, expected: list[tuple[Phase, ...]]) -> None:
    """Tests full meshes, a hypercube, a HyperX, and three fully connected nodes; lines and odd rings have none."""
    classes, found = by_link(problem)
    assert found == expected
    for sequence in found:
        assert summands(problem, classes, sequence) == [Counter(range(problem.network.width))] * problem.network.width


@settings(max_examples=25)
@given(problems(kinds=("all-reduce",)))
def test_every_sequence_sums_each_summand_once(problem: Instance) -> None:
    """Tests sequences on random fabrics by counting, over classes of links and over orbits."""
    for symmetry in (*symmetries(problem), trivial(problem.network)):
        small = exchanged(problem, symmetry)
        for classes in exchange_classes(small):
            for sequence in exchange_sequences(small, classes):
                assert (
                    summands(problem, classes, sequence)
                    == [Counter(range(problem.network.width))] * problem.network.width
                )


def test_orbits_tell_axes_apart_where_links_do_not() -> None:
    """Tests a cube of one class of links: all three neighbours at once lead nowhere, the orbits are the axes."""
    problem = all_reduce(8, [wire._replace(link_class=0) for wire in CUBE])
    assert by_link(problem)[1] == []
    small = exchanged(problem, next(symmetries(problem)))
    assert [len(exchange_sequences(small, classes)) for classes in exchange_classes(small)] == [0, 6]


def test_only_the_first_of_parallel_bundles_is_used() -> None:
    """Tests two chips joined by two classes of links: the summand must not come twice."""
    problem = all_reduce(2, [*path(2), *path(2, link_class=1)])
    assert by_link(problem)[0].tolist() == [0, -1, 0, -1]


def test_links_to_relays_have_no_class() -> None:
    """Tests chips 0 and 1 with relay 2 beside them: bundles 0 -> 1, 0 -> 2, 1 -> 0, 2 -> 0."""
    problem = problem_of(Collective("all-reduce", 2, 1), both_ways([(0, 1), (0, 2)]), relays=1)
    assert by_link(problem)[0].tolist() == [0, -1, 0, -1]


def scheduled(
    small: Quotient, classes: NDArray[np.int64], sequences: Sequence[tuple[Phase, ...]], lengths: Sequence[int]
) -> Schedule:
    """Return a plan of exchanges, placed phase by phase and lifted."""
    plan = exchange_plan(small, classes, sequences, lengths)
    tasks = plan_tasks(small, plan)
    return lifted_collective(Found(small, plan, placed(tasks, np.argsort(depth(tasks), kind="stable"))))


@pytest.mark.parametrize(("chips", "wires"), [(4, both_ways(FULL)), (8, CUBE), (9, HYPERX), (6, NODES), (10, PAIRS)])
def test_every_sequence_of_known_fabrics_is_an_all_reduce(chips: int, wires: list[Wire]) -> None:
    """Tests plans of two blocks under every group, by all rules."""
    problem = all_reduce(chips, wires, vectors=3)
    for symmetry in (*symmetries(problem), trivial(problem.network)):
        small = exchanged(problem, symmetry)
        classes = exchange_classes(small)[0]
        sequences = exchange_sequences(small, classes)
        for first, second in zip(sequences, [*sequences[1:], sequences[0]], strict=True):
            assert broken_rules(problem, scheduled(small, classes, [first, second], [2, 1])) == []


@settings(max_examples=40)
@given(st.data(), problems(kinds=("all-reduce",), fabrics=regular_fabrics(), limits=False))
def test_every_plan_of_exchanges_is_an_all_reduce(data: st.DataObject, problem: Instance) -> None:
    """Tests blocks with sequences of their own, under a group or none, by all rules."""
    symmetry = data.draw(st.sampled_from([trivial(problem.network), *symmetries(problem)]))
    small = exchanged(problem, symmetry)
    for classes in exchange_classes(small):
        sequences = exchange_sequences(small, classes)
        if not sequences:
            continue
        parts = min(problem.stage.vectors, data.draw(st.integers(1, 3)))
        chosen = [data.draw(st.sampled_from(sequences)) for _ in range(parts)]
        lengths = [problem.stage.vectors - parts + 1, *[1] * (parts - 1)]
        assert broken_rules(problem, scheduled(small, classes, chosen, lengths)) == []


def test_a_chip_that_has_every_summand_early_adds_nothing_more() -> None:
    """Tests two classes of links: 0 hears 1 and 2 in a first phase, all else comes later; no sum has one operand."""
    wires = [Wire(0, 1), Wire(1, 0), Wire(2, 0), Wire(1, 2, link_class=1), Wire(2, 1, link_class=1)]
    problem = all_reduce(3, wires, vectors=1)
    small = exchanged(problem, trivial(problem.network))
    found = [
        (classes, sequence) for classes in exchange_classes(small) for sequence in exchange_sequences(small, classes)
    ]
    assert found
    for classes, sequence in found:
        assert broken_rules(problem, scheduled(small, classes, [sequence], [1])) == []
        plan = exchange_plan(small, classes, [sequence], [1])
        assert plan.operand_counts().min() >= 2
