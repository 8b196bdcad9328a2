"""The full model of an instance and its blocks in CP-SAT: routes, links, sums and operators chosen together.

Every slot is an optional interval on its bundle, whose lanes are a cumulative capacity (in linear time capacity k is
always k-colourable, so lanes are assigned afterwards). Routes are all shortest ones, and those of the hint. The hint
is a complete schedule: the solver starts from it and can only improve on it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat.layer_rules import add_rules
from lpxsched.schedule.cpsat.layer_variables import Variables

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import LowerBound, Schedule
    from lpxsched.schedule.symmetry.groups import Symmetry


class Effort(NamedTuple):
    """How hard to look.

    Attributes
    ----------
    seed : int
    deterministic_seconds : float
        Limit in CP-SAT's deterministic time, the same on every machine.
    """

    seed: int
    deterministic_seconds: float


def improve(
    instance: Instance,
    hint: Schedule,
    bound: LowerBound,
    effort: Effort,
    *,
    symmetry: Symmetry | None = None,
) -> tuple[Schedule, bool]:
    """Return the best schedule found with the blocks of a hint, the hint itself when nothing is better.

    Parameters
    ----------
    instance : Instance
    hint : Schedule
    bound : LowerBound
        Search ends when it is met.
    effort : Effort
    symmetry : Symmetry, optional
        A group that leaves instance and hint as they are; the schedule will be left as it is, too.

    Returns
    -------
    schedule : Schedule
    is_proven : bool
        Whether the model, whose ways are the shortest and the hint's, has no shorter schedule.
    """
    model, makespan = full_model(instance, hint, bound, symmetry=symmetry)
    model.cp.add_hint(makespan, model.horizon)
    solver = one_worker(*effort)
    status = solve_interruptibly(solver, model.cp)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return hint, False
    found = model.schedule(solver)
    return found if found.makespan_cycles < hint.makespan_cycles else hint, status == cp_model.OPTIMAL


def full_model(
    instance: Instance, hint: Schedule, bound: LowerBound, *, symmetry: Symmetry | None = None
) -> tuple[Variables, cp_model.IntVar]:
    """Return the model of all rules with its hint, and the makespan, which it makes short."""
    model = Variables(instance, hint, symmetry)
    add_rules(model)
    makespan = model.cp.new_int_var(bound.cycles, model.horizon, "makespan")
    model.cp.add_max_equality(makespan, [model.starts[operator] for operator in model.orbits.operators])
    model.cp.minimize(makespan)
    return model, makespan


def one_worker(seed: int, deterministic_seconds: float, *, is_hinted: bool = True) -> cp_model.CpSolver:
    """Return a solver that gives equal results whatever the number of cores."""
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = deterministic_seconds
    # Without it the presolve of OR-Tools 9.15 may lose a hint and fail (absl::btree_map::at, its issue 5288).
    solver.parameters.keep_all_feasible_solutions_in_presolve = is_hinted
    # Its own handler would swallow Ctrl-C and go on with the next problem.
    solver.parameters.catch_sigint_signal = False
    return solver


def solve_interruptibly(solver: cp_model.CpSolver, model: cp_model.CpModel) -> cp_model.CpSolverStatus:
    """Solve in a thread, so that this one can be interrupted, and then ends the search."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        search = thread.submit(solver.solve, model)
        try:
            return search.result()
        except KeyboardInterrupt:
            solver.stop_search()
            raise
