"""How often frames that repeat deskew: guards that grow with the time between two, against windows that gaps take.

Seldom deskews ask for long guards, so that layers take longer and with them the longest step; frequent ones leave few
windows between their gaps. So quick schedules are arranged over longer and longer intervals, and compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A longest step may be longer by one part in so many for a shorter nominal one: windows round it by more.
NEAR_STEPS = 50


@dataclass(frozen=True, slots=True)
class TriedGaps:
    """An interval between two deskews, and what quick schedules come to with it.

    Attributes
    ----------
    interval_cycles : int or None
        None where clocks do not drift.
    guard_cycles : int
        The largest.
    deskews, gaps, windows, period_cycles : int
        Deskews in a step of windows, windows that the frame with the most gaps leaves out, all windows, and P; 0 where
        too few windows are left.
    longest_step_cycles, step_cycles : int
        N P, and a nominal step; 0 likewise.
    """

    interval_cycles: int | None
    guard_cycles: int
    deskews: int = 0
    gaps: int = 0
    windows: int = 0
    period_cycles: int = 0
    longest_step_cycles: int = 0
    step_cycles: int = 0

    @property
    def fits(self) -> bool:
        """Whether all micro-batches have windows."""
        return self.windows > 0


def tried_gaps(intervals: Iterable[int | None], tried_over: Callable[[int | None], TriedGaps]) -> list[TriedGaps]:
    """Return intervals with what they come to, the best first, then those with too few windows, the longest first.

    The shortest nominal step counts of those whose longest step is next to the least.
    """
    found = [tried_over(interval) for interval in intervals]
    fits = [one for one in found if one.fits]
    least = min((one.longest_step_cycles for one in fits), default=0)

    def cost(one: TriedGaps) -> tuple[bool, int, int]:
        near = one.longest_step_cycles * NEAR_STEPS <= least * (NEAR_STEPS + 1)
        return not near, one.step_cycles if near else one.longest_step_cycles, one.longest_step_cycles

    return [*sorted(fits, key=cost), *reversed([one for one in found if not one.fits])]
