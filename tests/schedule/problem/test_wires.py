"""Shortest ways and leads, against their plain twins."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.problem import wires as kernels
from lpxsched.schedule.problem.wires import lead_cycles
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from tests.schedule.examples import line
from tests.schedule.fabrics import VECTOR_TIMES, problems
from tests.schedule.plain_transfers import plain_ways

if TYPE_CHECKING:
    import pytest

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry; sums backwards in time, as the solvers search them."""
    which = problem.reversed() if problem.stage.is_sum else problem
    return quotient(which, flow_of(problem.stage, padded=False), trivial(problem.network))


@settings(max_examples=60)
@given(problems())
def test_ways_agree_with_their_plain_twin(problem: Instance) -> None:
    """Tests the length of the shortest way from every node to every other, turnaround included."""
    small = whole(problem)
    expected = plain_ways(small.wires, problem.network.turnaround_cycles)
    found = {ends: int(cycles) for ends, cycles in np.ndenumerate(small.way) if cycles < kernels.FAR}
    assert found == expected


def test_a_way_counts_hops_and_turnarounds() -> None:
    """Tests a line of four: three hops of 3 cycles, and 2 cycles at each of two relays."""
    assert whole(line("broadcast", 4, turnaround=2)).way[0].tolist() == [0, 3, 8, 13]


def test_ways_are_found_from_few_roots_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that ways do not depend on how many roots are looked at together: three at a time on a line of five."""
    at_once = whole(line("broadcast", 5)).way
    monkeypatch.setattr(kernels, "ROWS_AT_ONCE", 3)
    assert whole(line("broadcast", 5)).way.tolist() == at_once.tolist()


@given(st.sampled_from(VECTOR_TIMES), st.sampled_from(VECTOR_TIMES), st.integers(1, 9))
def test_a_relay_waits_until_no_vector_leaves_before_its_read(into: Fraction, out: Fraction, vectors: int) -> None:
    """Tests the least whole wait w for which read k v <= w + k v' for every vector k."""
    problem = line("broadcast", 3)
    wires = quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network)).wires
    # Bundles 0 and 2 lead from 0 over 1 to 2.
    pitches = [into, Fraction(1), out, Fraction(1)]
    numerator = np.array([pitch.numerator for pitch in pitches], dtype=np.int64)
    denominator = np.array([pitch.denominator for pitch in pitches], dtype=np.int64)
    wires = wires._replace(numerator=numerator, denominator=denominator)
    expected = next(w for w in range(100) if all(k * into <= w + k * out for k in range(vectors)))
    assert lead_cycles(wires, 0, 2, vectors) == expected
