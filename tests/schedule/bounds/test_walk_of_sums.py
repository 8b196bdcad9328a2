"""Bounds of both engines against schedules that make their sums anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.collective_pipeline import compile_collective
from lpxsched.fabric.profile import load_fabric
from lpxsched.options import CollectiveOptions
from lpxsched.schedule import bounds
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.schedule.result import LowerBound, Result
from lpxsched.schedule.solve_layer import solve
from lpxsched.traffic.collectives import Collective
from lpxsched.verify.check import check
from tests.fabric.examples import write_family
from tests.schedule.bounds.exact import shortest_makespan
from tests.schedule.bounds.problems import adds_of, path, problem_of, shipped, small_problems
from tests.schedule.examples import schedule_of
from tests.schedule.layer_of import layer_of
from tests.schedule.rules import violations
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.schedule.problem.instance import Instance

GREEDY = "greedy"
LINK = {"hop_ns": 350, "gbps": 100}


def test_a_sum_in_the_middle_is_no_sooner_than_one_at_the_end() -> None:
    """Tests a reduce to the end of a line of three, 18 cycles a hop, turnaround 50, sums of 5.

    Chip 1 has all summands at 18 and sends their sum at 18 + 50 + 5, read at 91. Passed on by themselves they are at
    chip 0 at 18 + 50 + 18, where the sum takes 5: 91 as well. To add at chip 1 and again at chip 0 takes 96.
    """
    problem = problem_of(Collective("reduce", 3, 1), path(3, hop=18), turnaround=50, add_cost=adds_of(5))
    assert bounds.lower_bound(problem).cycles == shortest_makespan(problem) == 91
    assert lower_bound(layer_of(problem)) == LowerBound(91, "critical path")


def test_the_last_vector_may_come_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a reduce of 17 vectors over a wire of 26.24 cycles a vector, by hand, and that the checker accepts it.

    Chip 1 sends 16 vectors from 0 on, read from 350 to 743.6; chip 0 adds 15 of them from 718 on, the last from 744 on.
    Meanwhile chip 0 sends its own last vector at 0, chip 1 adds to it from 350 to 355 and may send it from 405 on: it
    follows the others at 16 x 26.24, so at 420, and is complete when it is read at 770. Whoever adds at chip 0 alone
    needs 5 cycles more.
    """
    wires = {"chip": "lp30", "vector_bytes": 320, "wire_bytes": 328, "turnaround_cycles": 50, "link": LINK}
    path_of_file = write_family(tmp_path, "full-mesh", chips=2, **wires)
    problem = collective_instance(load_fabric(path_of_file), [0, 1], Collective("reduce", 2, 17), relays=False)
    # Values 0 and 1 are the summands, 2 to 4 the sums. Bundle 0 leads to chip 1, bundle 1 to chip 0.
    schedule = schedule_of(
        problem,
        770,
        slots=[(1, 0, 16, 1, 0, 0), (0, 16, 1, 0, 0, 0), (4, 0, 1, 1, 0, 420)],
        sums=[
            (0, 718, 5, 0, 15, True, [(0, 0), (1, 0)]),
            (0, 744, 5, 15, 1, True, [(0, 15), (1, 15)]),
            (1, 350, 5, 16, 1, True, [(0, 16), (1, 16)]),
        ],
        deliveries=[(0, 2, 0, 15), (0, 3, 0, 1), (0, 4, 0, 1)],
    )
    assert broken_rules(problem, schedule) == []
    by_hand = Result(schedule, bounds.lower_bound(problem), "hand")
    monkeypatch.setattr("lpxsched.schedule.collective.solve_transfers", lambda *_: by_hand)
    build, _ = compile_collective(CollectiveOptions(kind="reduce", topology=path_of_file, vectors=17))
    assert check(build).violations == ()
    assert bounds.lower_bound(problem).cycles == 770
    assert lower_bound(layer_of(problem)) == LowerBound(770, "critical path + cut")


def test_a_torus_as_a_layer_is_called_optimal_at_its_bound_only() -> None:
    """Tests an all-reduce of 16 vectors on a torus of 4 x 4, each share summed at one chip.

    The engine of collectives may sum a share in several places; no schedule of it ends before the bound.
    """
    problem = shipped("torus-4x4", "all-reduce", 16)
    found = solve_transfers(problem, SolveOptions(GREEDY, 1)).schedule
    layer = layer_of(problem)
    result = solve(layer, SolveOptions(GREEDY))
    assert broken_rules(problem, found) == []
    assert result.bound.cycles <= min(found.makespan_cycles, result.makespan_cycles)
    assert (result.status == "optimal") == (result.makespan_cycles == result.bound.cycles)


@pytest.mark.slow
@settings(max_examples=300)
@given(small_problems(), st.data())
def test_no_bound_of_a_layer_exceeds_the_optimum(problem: Instance, data: st.DataObject) -> None:
    """Tests tiny collectives as layers, whose chips hold their vectors from some cycle on, against the optimum.

    The optimum may sum anywhere, in any order, and take any ways.
    """
    produced = data.draw(st.lists(st.integers(0, 9), min_size=problem.network.width, max_size=problem.network.width))
    assert lower_bound(layer_of(problem, produced)).cycles <= shortest_makespan(problem, produced)


@settings(max_examples=60)
@given(small_problems())
def test_no_bound_exceeds_what_the_other_engine_finds(problem: Instance) -> None:
    """Tests that each engine's bound is no more than the makespan of either."""
    layer = layer_of(problem)
    schedule = solve(layer, SolveOptions("auto", 2)).schedule
    found = solve_transfers(problem, SolveOptions("auto", 2)).schedule
    assert violations(layer, schedule) == []
    assert broken_rules(problem, found) == []
    least = lower_bound(layer).cycles, bounds.lower_bound(problem).cycles
    assert least[0] <= found.makespan_cycles
    if not problem.network.inject_per_cycle:
        assert max(least) <= schedule.makespan_cycles
