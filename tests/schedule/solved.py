"""Results of collectives without clocks, each judged by the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.schedule.collective import solve_transfers
from lpxsched.schedule.options import SolveOptions
from tests.schedule.bounds.problems import both_ways
from tests.schedule.transfer_rules import broken_rules

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Result

# Chip 0 in the middle of four others.
STAR = both_ways([(0, leaf) for leaf in range(1, 5)])


def options(**changes: Any) -> SolveOptions:
    """Return options of the least effort."""
    return SolveOptions(**({"effort": 1} | changes))


def solved(problem: Instance, **changes: Any) -> Result:
    """Return a result that keeps all rules and says of itself what is true."""
    result = solve_transfers(problem, options(**changes))
    assert broken_rules(problem, result.schedule) == []
    assert result.objective_cycles >= result.bound.cycles
    assert (result.status == "optimal") == (result.objective_cycles == result.bound.cycles)
    assert result.gap >= 1
    assert (result.schedule.period_cycles > 0) == bool(changes.get("cyclic"))
    return result
