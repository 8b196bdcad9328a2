"""Search forward in time, against its plain twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.policy import FIRST_CHUNKS
from lpxsched.schedule.routes.matching.queues import CHUNK, CLASSES
from lpxsched.schedule.routes.matching.search import match
from lpxsched.schedule.routes.matching.tables import Job
from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from lpxsched.traffic.collectives import Collective
from lpxsched.units import NEVER
from tests.schedule.bounds.problems import both_ways, problem_of
from tests.schedule.examples import line
from tests.schedule.fabrics import problems
from tests.schedule.plain_transfers import plain_match

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.wires import Wires
    from lpxsched.schedule.symmetry.quotient import Quotient

# Blocks of which not all have room at first.
MANY = FIRST_CHUNKS * CHUNK
NO_PARENTS = np.zeros((0, 0), dtype=np.int32)


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry; sums backwards in time, as the solvers search them."""
    which = problem.reversed() if problem.stage.is_sum else problem
    return quotient(which, flow_of(problem.stage, padded=False), trivial(problem.network))


def matched(wires: Wires, job: Job, noise: int = 0, limit: int = NEVER) -> tuple[list[tuple[int, ...]], int]:
    """Return what the kernel returns, as rows."""
    slots, makespan = match(wires, job, noise, len(job.blocks) * wires.nodes + 1, limit)
    return [tuple(row) for row in slots.T.tolist()], makespan


def plain_job(problem: Quotient, length: int, *, minimal: bool = False) -> Job:
    """Return a search in which all blocks are as urgent and nothing is asked of their ways."""
    blocks = problem.blocks(length)
    return Job(
        blocks,
        problem.way,
        np.zeros(problem.way.shape, dtype=np.uint8),
        minimal,
        np.full(len(blocks), -1, dtype=np.int64),
        np.zeros((0, problem.instance.network.bundles), dtype=np.int64),
        NO_PARENTS,
    )


@st.composite
def jobs(draw: st.DrawFn, problem: Quotient) -> Job:
    """Draw blocks, urgencies and ranks of bundles."""
    plain = plain_job(problem, draw(st.integers(1, 3)), minimal=draw(st.booleans()))
    classes = draw(st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=5))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    orders = draw(st.integers(0, 2))
    return plain._replace(
        urgency=random.choice(classes, size=problem.way.shape).astype(np.uint8),
        block_order=random.integers(-1, orders, size=len(plain.blocks)),
        rank=random.integers(0, 3, size=(orders, problem.instance.network.bundles)),
    )


@settings(max_examples=150)
@given(st.data(), problems(most_vectors=4), st.integers(0, 3), st.sampled_from((10, NEVER)))
def test_a_search_agrees_with_its_plain_twin(data: st.DataObject, problem: Instance, noise: int, limit: int) -> None:
    """Tests that compiled and plain code send every block alike, with ports, chance, and any urgency and ranks."""
    symmetry = data.draw(st.sampled_from([trivial(problem.network), *symmetries(problem)]))
    which = problem.reversed() if problem.stage.is_sum else problem
    small = quotient(which, flow_of(problem.stage, padded=symmetry.order > 1), symmetry)
    job = data.draw(jobs(small))
    assert matched(small.wires, job, noise, limit) == plain_match(small.wires, job, noise, limit)


@settings(max_examples=60)
@given(problems(kinds=("all-gather", "broadcast", "reduce-scatter", "reduce")), st.integers(0, 3))
def test_a_search_keeps_to_given_parents(problem: Instance, noise: int) -> None:
    """Tests that each node gets a block over the bundle that is asked for: here over that of another search."""
    small = whole(problem)
    job = plain_job(small, 2)
    other, _ = plain_match(small.wires, job, 7, NEVER)
    parents = np.full((len(job.blocks), problem.network.nodes), -1, dtype=np.int32)
    for block, bundle, _, _ in other:
        parents[block, small.wires.destination[bundle]] = bundle
    asked = job._replace(parents=parents)
    found = matched(small.wires, asked, noise)
    assert found == plain_match(small.wires, asked, noise, NEVER)
    assert {(block, bundle) for block, bundle, *_ in found[0]} == {(block, bundle) for block, bundle, *_ in other}


def test_queues_grow_with_the_number_of_blocks() -> None:
    """Tests a scatter of more single vectors than there is room for at first, all of which wait for one link."""
    small = whole(line("scatter", 2, MANY))
    job = plain_job(small, 1)
    rows, makespan = matched(small.wires, job, noise=1)
    # One leaves in each cycle and is read 3 cycles later.
    assert (len(rows), makespan) == (MANY, MANY - 1 + 3)
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
