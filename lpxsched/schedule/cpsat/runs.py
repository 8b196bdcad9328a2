"""How CP-SAT is run: one worker, a seed, a limit in deterministic time that several models share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from lpxsched.schedule.policy import LEAST_SECONDS, SECONDS_PER_VARIABLE

# What a run says of a model of which it has a solution.
SOLVED = (cp_model.OPTIMAL, cp_model.FEASIBLE)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to look.

    Attributes
    ----------
    seconds : float
        Deterministic seconds of CP-SAT in all, the same on every machine.
    seed : int
    enough_cycles : int
        A lower bound of the makespan: nothing is looked for below it.
    near_cycles : int
        A makespan with which the search for ways of a collective is content.
    """

    seconds: float
    seed: int
    enough_cycles: int
    near_cycles: int = 0


@dataclass(slots=True)
class Allowance:
    """Deterministic seconds that are left, the number of runs, which seeds the next, and the solver of the last."""

    effort: Effort
    left: float
    runs: int = 0
    solver: cp_model.CpSolver = field(default_factory=cp_model.CpSolver)

    def run(self, model: cp_model.CpModel, seconds: float, *, is_hinted: bool = False) -> cp_model.CpSolverStatus:
        """Solve a model within some seconds of those that are left.

        Raises
        ------
        ValueError
            When the model is malformed.
        """
        allowed = max(0.0, min(seconds, self.left))
        self.solver = one_worker(self.effort.seed + self.runs, allowed, is_hinted=is_hinted)
        self.runs += 1
        parameters = self.solver.parameters
        # Linear relaxations say nothing of packings in time, and probing takes longer than the search.
        parameters.linearization_level = 0
        parameters.cp_model_probing_level = 0
        parameters.symmetry_level = 0
        status = solve_interruptibly(self.solver, model)
        making = LEAST_SECONDS + SECONDS_PER_VARIABLE * len(model.proto.variables)
        self.left -= making + self.solver.response_proto.deterministic_time
        if status == cp_model.MODEL_INVALID:
            raise ValueError(f"CP-SAT refuses a model: {model.validate()}")
        return status


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
