"""Solvers and the checker mean the same rules, on the chips that are shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from lpxsched.collective_pipeline import compile_collective
from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.options import CollectiveOptions
from lpxsched.schedule import attempts
from lpxsched.traffic.collectives import KINDS, ROOTED, SUMMED
from lpxsched.verify.check import check
from tests.fabric.examples import write_family

if TYPE_CHECKING:
    from pathlib import Path

CHIPS = ("lp30", "tsp")
SHAPES = (
    ("ring", {"chips": 5}),
    ("full-mesh", {"chips": 8}),
    ("mesh", {"shape": [2, 3]}),
    ("hypercube", {"dimensions": 3}),
    ("torus", {"shape": [3, 3]}),
)


@pytest.mark.slow
@pytest.mark.parametrize("vectors", [500, 700, 1000])
def test_a_sum_of_no_cycles_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch, vectors: int) -> None:
    """Tests sums that a hop of the TSP contains: some take cycles of their own, others of the same chip none.

    Packed trees send vectors one by one, and then no sum takes any: so they are left out.
    """
    options = CollectiveOptions(kind="reduce", topology="tsp-node", vectors=vectors)
    packed, _ = compile_collective(options)
    assert check(packed).violations == ()
    monkeypatch.setattr(attempts, "packs_trees", lambda problem: False)
    build, _ = compile_collective(options)
    cycles = set(build.operators.cycles.tolist())
    assert 0 in cycles
    assert max(cycles) > 0
    assert check(build).violations == ()


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_checker_accepts_what_solvers_find(data: st.DataObject, tmp_path: Path) -> None:
    """Tests random collectives: kinds, sizes, wires, relays, ports, periods and effort."""
    ports = data.draw(st.sampled_from([None, None, 1, 2]))
    options = data.draw(requests(data.draw(topologies(tmp_path, ports)), has_ports=ports is not None))
    try:
        build, _ = compile_collective(options)
    except (InfeasibleError, NothingFoundError):
        reject()
    assert check(build).violations == ()


@st.composite
def topologies(draw: st.DrawFn, folder: Path, ports: int | None) -> str:
    """Draw a topology of either chip and write it."""
    family, keys = draw(st.sampled_from(SHAPES))
    # A hop contains a vector.
    gbps, vector_ns = draw(st.sampled_from([(25, 103), (100, 26), (800, 4)]))
    link = {"hop_ns": draw(st.integers(max(30, vector_ns), 400)), "gbps": gbps, "lanes": draw(st.integers(1, 3))}
    limits = {"inject_per_cycle": ports, "eject_per_cycle": ports}
    turnaround = draw(st.sampled_from([0, 1, 50]))
    chip = draw(st.sampled_from(CHIPS))
    return write_family(folder, family, chip=chip, link=link, turnaround_cycles=turnaround, **limits, **keys)


@st.composite
def requests(draw: st.DrawFn, topology: str, *, has_ports: bool) -> CollectiveOptions:
    """Draw a collective on a topology; half of them sum."""
    kind = draw(st.sampled_from(SUMMED) if draw(st.booleans()) else st.sampled_from(KINDS))
    chips = draw(st.permutations(range(4)))[: draw(st.integers(2, 4))]
    alone = draw(st.booleans())
    return CollectiveOptions(
        kind=kind,
        topology=topology,
        vectors=draw(st.integers(1, 12) if has_ports else st.sampled_from([1, 7, 40, 64, 100, 500])),
        root=draw(st.sampled_from(chips)) if kind in ROOTED else None,
        chips=tuple(chips) if alone else None,
        relays=alone,
        cyclic=draw(st.booleans()),
        effort=draw(st.sampled_from([1, 1, 2])),
        seed=draw(st.integers(0, 3)),
    )
