"""Compiled kernels of the greedy solvers, against their plain twins."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.kernels import NEVER
from lpxsched.schedule.transfers import kernels
from lpxsched.schedule.transfers.reduced import flow_of, reduced
from lpxsched.schedule.transfers.symmetry import symmetries, trivial
from lpxsched.traffic.collectives import Collective
from tests.schedule.transfers.bounds.problems import both_ways, problem_of
from tests.schedule.transfers.examples import line
from tests.schedule.transfers.fabrics import VECTOR_TIMES, problems
from tests.schedule.transfers.plain import plain_match, plain_ways

if TYPE_CHECKING:
    from lpxsched.schedule.transfers.problem import TransferProblem
    from lpxsched.schedule.transfers.reduced import Reduced

NO_PARENTS = np.zeros((0, 0), dtype=np.int32)


def whole(problem: TransferProblem) -> Reduced:
    """Return a problem without symmetry; sums backwards in time, as the solvers search them."""
    which = problem.reversed() if problem.collective.is_sum else problem
    return reduced(which, flow_of(problem.collective, padded=False), trivial(problem))


def matched(
    wires: kernels.Wires, job: kernels.Job, noise: int = 0, limit: int = NEVER
) -> tuple[list[tuple[int, ...]], int]:
    """Return what the kernel returns, as rows."""
    slots, makespan = kernels.match(wires, job, noise, len(job.source) * wires.nodes + 1, limit)
    return [tuple(row) for row in slots.tolist()], makespan


def plain_job(problem: Reduced, length: int, *, minimal: bool = False) -> kernels.Job:
    """Return a search in which all blocks are as urgent and nothing is asked of their ways."""
    blocks = problem.blocks(length)
    return kernels.Job(
        blocks.source,
        blocks.target,
        blocks.vectors,
        problem.way,
        np.zeros(problem.way.shape, dtype=np.uint8),
        minimal,
        np.full(len(blocks), -1, dtype=np.int64),
        np.zeros((0, problem.problem.bundles), dtype=np.int64),
        NO_PARENTS,
    )


@st.composite
def jobs(draw: st.DrawFn, problem: Reduced) -> kernels.Job:
    """Draw blocks, urgencies and ranks of bundles."""
    plain = plain_job(problem, draw(st.integers(1, 3)), minimal=draw(st.booleans()))
    classes = draw(st.lists(st.integers(0, kernels.CLASSES - 1), min_size=1, max_size=5))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    orders = draw(st.integers(0, 2))
    return plain._replace(
        urgency=random.choice(classes, size=problem.way.shape).astype(np.uint8),
        block_order=random.integers(-1, orders, size=len(plain.source)),
        rank=random.integers(0, 3, size=(orders, problem.problem.bundles)),
    )


@settings(max_examples=150)
@given(st.data(), problems(most_vectors=4), st.integers(0, 3), st.sampled_from((10, NEVER)))
def test_a_search_agrees_with_its_plain_twin(
    data: st.DataObject, problem: TransferProblem, noise: int, limit: int
) -> None:
    """Tests that compiled and plain code send every block alike, with ports, chance, and any urgency and ranks."""
    symmetry = data.draw(st.sampled_from([trivial(problem), *symmetries(problem)]))
    which = problem.reversed() if problem.collective.is_sum else problem
    small = reduced(which, flow_of(problem.collective, padded=symmetry.order > 1), symmetry)
    job = data.draw(jobs(small))
    assert matched(small.wires, job, noise, limit) == plain_match(small.wires, job, noise, limit)


@settings(max_examples=60)
@given(problems(kinds=("all-gather", "broadcast", "reduce-scatter", "reduce")), st.integers(0, 3))
def test_a_search_keeps_to_given_parents(problem: TransferProblem, noise: int) -> None:
    """Tests that each node gets a block over the bundle that is asked for: here over that of another search."""
    small = whole(problem)
    job = plain_job(small, 2)
    other, _ = plain_match(small.wires, job, 7, NEVER)
    parents = np.full((len(job.source), problem.nodes), -1, dtype=np.int32)
    for block, bundle, _, _ in other:
        parents[block, small.wires.destination[bundle]] = bundle
    asked = job._replace(parents=parents)
    found = matched(small.wires, asked, noise)
    assert found == plain_match(small.wires, asked, noise, NEVER)
    assert {(block, bundle) for block, bundle, *_ in found[0]} == {(block, bundle) for block, bundle, *_ in other}


@settings(max_examples=60)
@given(problems())
def test_ways_agree_with_their_plain_twin(problem: TransferProblem) -> None:
    """Tests the length of the shortest way from every node to every other, turnaround included."""
    small = whole(problem)
    expected = plain_ways(small.wires, problem.turnaround_cycles)
    found = {ends: int(cycles) for ends, cycles in np.ndenumerate(small.way) if cycles < kernels.FAR}
    assert found == expected


def test_a_way_counts_hops_and_turnarounds() -> None:
    """Tests a line of four: three hops of 3 cycles, and 2 cycles at each of two relays."""
    assert whole(line("broadcast", 4, turnaround=2)).way[0].tolist() == [0, 3, 8, 13]


@given(st.sampled_from(VECTOR_TIMES), st.integers(0, 100))
def test_a_stream_is_rounded_up_once(pitch: Fraction, vectors: int) -> None:
    """Tests that n vectors hold a link for ceil(n v) cycles."""
    wires = whole(line("broadcast", 2, pitch=(pitch.numerator, pitch.denominator))).wires
    assert kernels.hold(wires, 0, vectors) == ceil(vectors * pitch)


@given(st.sampled_from(VECTOR_TIMES), st.sampled_from(VECTOR_TIMES), st.integers(1, 9))
def test_a_relay_waits_until_no_vector_leaves_before_its_read(into: Fraction, out: Fraction, vectors: int) -> None:
    """Tests the least whole wait w for which read k v <= w + k v' for every vector k."""
    wires = whole(line("broadcast", 3)).wires
    # Bundles 0 and 2 lead from 0 over 1 to 2.
    pitches = [into, Fraction(1), out, Fraction(1)]
    numerator = np.array([pitch.numerator for pitch in pitches], dtype=np.int64)
    denominator = np.array([pitch.denominator for pitch in pitches], dtype=np.int64)
    wires = wires._replace(numerator=numerator, denominator=denominator)
    expected = next(w for w in range(100) if all(k * into <= w + k * out for k in range(vectors)))
    assert kernels.lead(wires, 0, 2, vectors) == expected
    assert kernels.lead(wires, -1, 2, vectors) == 0


@given(st.integers(1, 2**63 - 1))
def test_the_lowest_bit_is_found(word: int) -> None:
    """Tests words of 63 bits."""
    position = next(bit for bit in range(64) if word >> bit & 1)
    assert kernels.lowest_bit(np.uint64(word)) == position


@given(st.lists(st.none() | st.tuples(st.integers(0, 1), st.integers(0, 62), st.booleans()), max_size=60))
def test_queues_serve_the_most_urgent_first(steps: list[tuple[int, int, bool] | None]) -> None:
    """Tests entering (resource, urgency, whether in front) and, for None, taking from both, against plain lists."""
    small = whole(line("broadcast", 2))
    # The line has two resources, one in each direction.
    _, queues, _, _ = kernels.beginnings(small.wires, plain_job(small, 1), 1, 0)
    plain: dict[tuple[int, int], deque[tuple[int, int, int]]] = {
        (resource, urgency): deque() for resource in range(2) for urgency in range(kernels.CLASSES)
    }
    for number, step in enumerate(steps):
        if step is not None:
            resource, urgency, front = step
            kernels.wait(queues, resource, urgency, number, 7 * number, front)
            queue = plain[resource, urgency]
            (queue.appendleft if front else queue.append)((number, 7 * number, urgency))
            continue
        for resource in range(2):
            waiting = [plain[resource, urgency] for urgency in range(kernels.CLASSES) if plain[resource, urgency]]
            assert bool(queues.waiting[resource]) == bool(waiting)
            if waiting:
                assert kernels.take(queues, resource) == waiting[0].popleft()


def test_queues_grow_with_the_number_of_blocks() -> None:
    """Tests a scatter of more single vectors than there is room for at first, all of which wait for one link."""
    small = whole(line("scatter", 2, kernels.FIRST_ROOM + 100))
    job = plain_job(small, 1)
    rows, makespan = matched(small.wires, job, noise=1)
    # One leaves in each cycle and is read 3 cycles later.
    assert (len(rows), makespan) == (kernels.FIRST_ROOM + 100, kernels.FIRST_ROOM + 99 + 3)
    assert (rows, makespan) == plain_match(small.wires, job, 1, NEVER)


def test_a_search_gives_up_where_no_way_is() -> None:
    """Tests a broadcast from 0 to 1 on a line 0 - 2 - 1: blocks that everyone reads pass no relay."""
    ends = both_ways([(0, 2), (2, 1)])
    small = whole(problem_of(Collective("broadcast", 2, 1), ends, relays=1))
    assert matched(small.wires, plain_job(small, 1)) == ([], NEVER)


@pytest.mark.parametrize(("limit", "slots"), [(6, 2), (5, 0)])
def test_a_search_gives_up_beyond_its_limit(limit: int, slots: int) -> None:
    """Tests a broadcast over two hops of 3 cycles with a limit of 6 cycles, and of 5."""
    small = whole(line("broadcast", 3))
    assert len(matched(small.wires, plain_job(small, 1), limit=limit)[0]) == slots
