"""Groups of translations that leave a collective as it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.traffic.collectives import KINDS, ROOTED, Collective
from tests.schedule.bounds.problems import Wire, both_ways, path, problem_of, ring
from tests.schedule.fabrics import problems, random_fabrics, regular_fabrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.schedule.problem.collective import TransferProblem
    from lpxsched.schedule.symmetry.groups import Symmetry
    from lpxsched.traffic.collectives import Kind


def gather(width: int, wires: Iterable[Wire], *, relays: int = 0) -> TransferProblem:
    """Return an all-gather of one vector a chip."""
    return problem_of(Collective("all-gather", width, 1), wires, relays=relays)


def orders(problem: TransferProblem) -> list[int]:
    """Return the number of elements of each group that is found."""
    return [symmetry.order for symmetry in symmetries(problem)]


def bundles(problem: TransferProblem) -> list[tuple[int, ...]]:
    """Return what tells bundles apart, and their lanes."""
    ends = problem.network.source, problem.network.destination
    columns = (*ends, problem.network.link_class, problem.network.lanes)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def check(problem: TransferProblem, symmetry: Symmetry) -> None:
    """Check that a group acts, and acts freely, on nodes, participants and bundles."""
    known = bundles(problem)
    elements = [tuple(element) for element in symmetry.node_map.tolist()]
    assert elements[0] == tuple(range(problem.network.nodes))
    # Closed under composition, and no two elements take a node to the same place.
    assert {tuple(one[node] for node in other) for one in elements for other in elements} == set(elements)
    assert all(len(set(images)) == len(elements) for images in zip(*elements, strict=True))
    for element, moved in zip(elements, symmetry.bundle_map.tolist(), strict=True):
        assert set(element[: problem.width]) == set(range(problem.width))
        for bundle, (source, destination, *wire) in enumerate(known):
            assert known[moved[bundle]] == (element[source], element[destination], *wire)
    for orbit in (symmetry.node_orbit(), symmetry.bundle_orbit()):
        assert set(np.unique(orbit, return_counts=True)[1].tolist()) <= {symmetry.order}


@settings(max_examples=80)
@given(problems(fabrics=st.one_of(regular_fabrics(), regular_fabrics(), random_fabrics())))
def test_every_group_acts_freely(problem: TransferProblem) -> None:
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
def test_the_orders_of_known_groups(problem: TransferProblem, expected: list[int]) -> None:
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
    symmetry = trivial(problem)
    check(problem, symmetry)
    assert symmetry.order == 1
    assert symmetry.bundle_orbit().tolist() == [0, 1, 2, 3]
