"""One property from demands to bytes: what is laid keeps every rule, gives the right numbers, and runs as programs.

Fabrics, demands, clocks and solvers are drawn. Of every timetable hold: no rule is broken; replayed numbers are those
of a dense run; its makespan is no shorter than its bound; on clocks that do not drift each vector arrives as long
before its read as the columns say; and programs in bytes give the same numbers on clocks that do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpxsched.collective_pipeline import compile_collective
from lpxsched.instructions.encoding import decode, encode
from lpxsched.instructions.execution import execute
from lpxsched.options import CollectiveOptions
from lpxsched.simulation.reference.chosen import Chosen, prepare
from lpxsched.simulation.reference.program import sessions
from lpxsched.simulation.reference.run import run_session
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.fabric.examples import write_topology
from tests.instructions.test_execution import lowered
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

QUICK, MORE = 4, 25
# Of a cycle: femtoseconds are whole.
ROUNDING = 1e-3
KINDS = ("all-gather", "reduce-scatter", "all-reduce", "all-to-all", "broadcast", "reduce", "gather", "scatter")
anywhere = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def topologies(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw links and keys of a topology: a ring of random order, so that all reach all, and more links at will."""
    chips = draw(st.integers(2, 6))
    ring = draw(st.permutations(range(chips)))
    ends = {*zip(ring, [*ring[1:], ring[0]], strict=True), *zip([*ring[1:], ring[0]], ring, strict=True)}
    pairs = st.tuples(st.integers(0, chips - 1), st.integers(0, chips - 1)).filter(lambda pair: pair[0] != pair[1])
    # Chips align along links that lead both ways.
    ends |= {pair for one in draw(st.lists(pairs, max_size=chips)) for pair in (one, one[::-1])}
    rows = [f"{a},{b},{draw(st.integers(1, 2))}" for a, b in sorted(ends)]
    link = {"latency_ns": draw(st.integers(0, 30)), "gbps": draw(st.sampled_from([100, 1000, 2560, 3000]))}
    return "src,dst,lanes\n" + "\n".join(rows) + "\n", {"chips": chips, "link": link}


@st.composite
def collectives(draw: st.DrawFn) -> tuple[tuple[str, dict[str, Any]], dict[str, Any]]:
    """Draw a topology and what is asked of it."""
    kind, cyclic = draw(st.sampled_from(KINDS)), draw(st.booleans())
    clock = "none" if cyclic else draw(st.sampled_from(["none", "xo-100ppm", "sris"]))
    solver = draw(st.sampled_from(["greedy", "auto"]))
    choices = {"kind": kind, "vectors": draw(st.integers(1, 6)), "clock": clock, "solver": solver, "cyclic": cyclic}
    return draw(topologies()), choices


def hold_all_the_way(build: Build) -> None:
    """Assert everything that holds of a build, unless it lacks room and would not be written."""
    faults = check(build).violations
    assert [fault for fault in faults if not fault.lacks_room] == []
    if faults:
        return
    assert replay(build).ok
    assert (build.segments.makespan_cycles >= build.segments.lower_bound_cycles).all()
    assert (build.frames.period_cycles >= build.frames.lower_bound_cycles).all()
    _arrives_as_told(build)
    programs = [decode(encode(program), Path("node.lpx")) for program in lowered(build)]
    found = execute(build, programs)
    assert found.ok, found.faults


def _arrives_as_told(build: Build) -> None:
    """Assert what is left before each first read where nothing drifts nor jitters, with the time to cross domains.

    That is read - depart - latency - v.
    """
    reference, links, slots = prepare(build), build.links, build.slots
    if reference.limits.slowdown:
        # Clocks that spread their spectrum are never still.
        return
    v = links.vector_time_numerator / links.vector_time_denominator
    left = slots.read - slots.depart - links.latency_cycles[slots.link] - v[slots.link]
    still = Chosen({}, lambda _row, _vector: 0, lambda _child, _number: 0)
    seen = 0
    for session in sessions(build):
        outcome = run_session(reference, session, still)
        assert not outcome.failures
        for (row, vector), slack_fs in outcome.slack_fs.items():
            if not vector:
                slack = slack_fs / float(reference.wave.cycle_fs) + reference.limits.crossing_cycles
                assert abs(slack - left[row]) < ROUNDING
                seen += 1
    assert seen


def laid(folder: Path, drawn: tuple[tuple[str, dict[str, Any]], dict[str, Any]]) -> Build:
    """Return the build of what was drawn."""
    (links, keys), choices = drawn
    topology = write_topology(folder, links, **keys)
    return compile_collective(CollectiveOptions(topology=topology, effort=1, **choices))[0]


@settings(anywhere, max_examples=QUICK)
@given(drawn=collectives())
def test_any_collective_holds_all_the_way(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[str, dict[str, Any]], dict[str, Any]]
) -> None:
    """Tests a few collectives on fabrics without regularity."""
    hold_all_the_way(laid(tmp_path_factory.mktemp("any"), drawn))


@pytest.mark.slow
@settings(anywhere, max_examples=MORE)
@given(drawn=collectives())
def test_many_collectives_hold_all_the_way(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[str, dict[str, Any]], dict[str, Any]]
) -> None:
    """Tests many of them."""
    hold_all_the_way(laid(tmp_path_factory.mktemp("many"), drawn))


@settings(anywhere, max_examples=3)
@given(
    batch=st.integers(1, 4),
    in_flight=st.sampled_from([1, 3]),
    policy=st.sampled_from([{"moe": "sharded"}, {"moe": "whole"}, {"moe": "dispatch"}]),
    clock=st.sampled_from(["none", "xo-100ppm"]),
    group=st.sampled_from([[[0, 1, 2, 3], [4, 5, 6, 7]], [[0, 1, 2, 3], [2, 3, 4, 5]]]),
)
def test_any_layers_hold_all_the_way(tmp_path_factory: pytest.TempPathFactory, **drawn: Any) -> None:
    """Tests layers of a toy model: on chips of their own or shared ones, on demand or in flight, by every policy."""
    policy, group = drawn.pop("policy"), drawn.pop("group")
    hold_all_the_way(compiled(tmp_path_factory.mktemp("layers"), chips=group, **drawn, **policy))
