"""How hard a search looks, and for what."""

from __future__ import annotations

from dataclasses import dataclass

from lpxsched.options import DEFAULT_EFFORT, Solver

GREEDY_ONLY_EFFORT = 1


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """How hard to look, and for what.

    Attributes
    ----------
    solver : str
        ``greedy``; ``symmetric`` (schedules that a group of translations leaves as they are, on representatives);
        ``cpsat`` (greedy, then CP-SAT however many tasks there are); ``auto`` tries all, as long as the bound is not
        met, and leaves CP-SAT out where it has too many tasks.
    effort : int
        1 is greedy alone, justified; each further step doubles what is tried and the deterministic time of CP-SAT.
    seed : int
    cyclic : bool
        Look for the shortest period of a timetable that repeats.
    deadline_cycles : int or None
        Longest makespan that is asked for, counted from the segment's time zero.
    """

    solver: Solver = "auto"
    effort: int = DEFAULT_EFFORT
    seed: int = 0
    cyclic: bool = False
    deadline_cycles: int | None = None

    @property
    def asks_cpsat(self) -> bool:
        """Whether CP-SAT is run."""
        return self.effort > GREEDY_ONLY_EFFORT and self.solver != "greedy"

    def seconds(self, at_effort_2: float) -> float:
        """Return the deterministic seconds of CP-SAT where effort 2 has so many; each further step doubles them."""
        return at_effort_2 * 2.0 ** (self.effort - 2)
