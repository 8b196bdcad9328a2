"""What a manifest tells of deskews: how many, how far apart, and what quick schedules came to with others."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import picoseconds_up
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from lpxsched.program.frames.arranging import InFlight
    from lpxsched.program.whole_model.chain import Chain
    from lpxsched.program.whole_model.in_flight import ChainInFlight


def _told(one: object, *names: str) -> dict[str, Any]:
    """Return attributes of what was tried by their names."""
    return {name: getattr(one, name) for name in names}


def deskews_between(chain: Chain) -> dict[str, Any]:
    """Return where deskews lie, and what quick schedules came to with other numbers of them."""
    cycle, stall = np.array(chain.deskews).T
    apart = np.append(cycle[1:], chain.makespan_cycles + chain.pass_cycles) - cycle - stall
    return {
        "count": len(chain.deskews),
        "inside_layers": sum(len(layer.problem.instance.deskews) for layer in chain.layers),
        "interval_cycles": int(apart.max()),
        "stall_cycles": int(stall.max()),
        "tried": [
            _told(one, "deskews", "interval_cycles", "guard_cycles", "stall_cycles", "makespan_cycles")
            | {"worst_case_ns": picoseconds_up(one.worst_ns)}
            for one in sorted(chain.tried, key=lambda one: one.deskews)
        ],
    }


def deskews_in_gaps(in_flight: InFlight, mhz: Fraction) -> dict[str, Any]:
    """Return how often frames deskew, and what quick schedules came to with other intervals, on the slowest clock."""
    chain, frame = in_flight.chain, in_flight.frames[0]
    deskews = sorted(frame.deskews)
    again = [(cycle + chain.step_cycles, stall) for cycle, stall in deskews[:1]]
    fits = [one.longest_step_cycles for one in in_flight.tried if one.fits]
    apart = [later - cycle - stall for (cycle, stall), (later, _) in pairwise([*deskews, *again])]
    return {
        "count": len(frame.deskews),
        "interval_cycles": max(apart, default=0),
        "stall_cycles": max((stall for _, stall in frame.deskews), default=0),
        # Whether something else that was tried has a shorter longest step.
        "decided_by": "worst case" if chain.step_cycles <= min(fits, default=chain.step_cycles) else "nominal step",
        "tried": [
            _told(one, "deskews", "interval_cycles", "guard_cycles", "gaps", "windows", "period_cycles")
            | {
                "worst_case_ns": picoseconds_up(cycles_to_ns(one.longest_step_cycles, mhz)) if one.fits else None,
                "step_ns": picoseconds_up(cycles_to_ns(one.step_cycles, mhz)) if one.fits else None,
            }
            for one in in_flight.tried
        ],
    }


def deskews_each_period(chain: ChainInFlight, worst_ns: Callable[[int], Fraction]) -> dict[str, Any]:
    """Return how often a whole model in flight deskews, and what other periods came to.

    `worst_ns` is the longest step of a number of cycles, whatever clocks do.
    """
    frame = chain.frame
    stall = max((stall for _, stall in frame.deskews), default=0)
    return {
        "count": frame.windows * len(frame.deskews),
        "interval_cycles": frame.period_cycles - stall,
        "stall_cycles": stall,
        "tried": [
            _told(one, "interval_cycles", "guard_cycles", "stall_cycles", "windows", "period_cycles")
            | {"deskews": one.windows, "worst_case_ns": picoseconds_up(worst_ns(one.longest_step_cycles))}
            for one in sorted(chain.tried, key=lambda one: one.windows)
        ],
    }
