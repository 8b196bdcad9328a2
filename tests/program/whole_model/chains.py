"""Chains of visits of trays of a rack, and clocks that run apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.clocks.latency import segment_levels
from lpxsched.clocks.specification import ClockSpecification
from lpxsched.program.whole_model.chain import Chain, solve_chain
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.layer import ending_chips

if TYPE_CHECKING:
    from tests.program.whole_model.examples import Visits

GREEDY = SolveOptions("greedy", 1, 0)
RACK = "lpx-rack"
# An epoch, and one for each of two levels.
START = 756
TRAY, NEXT, OVER = (0, 1, 2, 3), (16, 17, 18, 19), (2, 3, 4, 5)
# Three layers on a tray, and one on the next.
ROUTE = (TRAY, TRAY, TRAY, TRAY, NEXT, NEXT)


def chained(visits: Visits) -> Chain:
    """Return the chain of all visits, found greedily."""
    chips = sorted({chip for group in visits.groups for chip in group.chips})
    ends = ending_chips(visits.problems[-1])
    levels = tuple(segment_levels(visits.tree, chips, ends, deskews=deskews) for deskews in (1, 2))
    return solve_chain(
        visits.problems, GREEDY, ways=visits.ways, levels=levels, start_cycles=START, progress=lambda *_: None
    )


def drifting(offset_ppm: float, residual_ns: float = 0.5) -> ClockSpecification:
    """Return a clock of the usual counter."""
    facts = {"offset_ppm": offset_ppm, "residual_ns": residual_ns, "jitter_peak_to_peak_ns": 1}
    facts |= {"crossing_cycles": 1, "temperature_ns": 0, "hac_period_cycles": 252}
    return ClockSpecification.model_validate({"name": "test", **facts})
