"""Leads of streams that relays send on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.schedule.routes.matching.serving import lead
from lpxsched.schedule.symmetry.groups import trivial
from lpxsched.schedule.symmetry.quotient import flow_of, quotient
from tests.schedule.examples import line
from tests.schedule.fabrics import VECTOR_TIMES


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
    assert lead(wires, 0, 2, vectors) == expected
    assert lead(wires, -1, 2, vectors) == 0
