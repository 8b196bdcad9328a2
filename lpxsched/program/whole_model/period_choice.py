"""How often a whole model in flight deskews, once in every period: the period is weighed by the longest step.

A deskew in every period leaves no choice but that of the period. Short ones deskew often, and visits that would not end
before a deskew wait for it; long ones ask for longer guards, which each hop waits for. So chains of layers are laid
with guards for longer and longer intervals, then for just the interval of the best of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Guards and periods are brought together in so many rounds at most.
MOST_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class TriedPeriod:
    """A period, and what it comes to.

    Attributes
    ----------
    interval_cycles : int or None
        From one deskew to the next; None where clocks do not drift.
    covered_cycles : int or None
        The interval that guards and stall hold for, no less.
    guard_cycles, stall_cycles : int
        The largest guard; of each deskew.
    windows, period_cycles : int
        N, which is the number of deskews a step, and P.
    step_cycles : int
        A nominal step.
    """

    interval_cycles: int | None
    covered_cycles: int | None
    guard_cycles: int
    stall_cycles: int
    windows: int
    period_cycles: int
    step_cycles: int

    @property
    def longest_step_cycles(self) -> int:
        """N P, with which the worst case grows."""
        return self.windows * self.period_cycles

    @property
    def cost(self) -> tuple[int, int, int]:
        """The longest step, then the nominal one, then the number of deskews."""
        return self.longest_step_cycles, self.step_cycles, self.windows


def tried_periods(
    intervals: Iterable[int | None], periods_over: Callable[[int | None], list[TriedPeriod]]
) -> list[TriedPeriod]:
    """Return for each number of deskews a step the best period that was tried, the best of all first.

    Parameters
    ----------
    intervals : iterable of int or None
        Longer and longer ones, tried as long as they help.
    periods_over : callable
        Periods with windows enough, with the guards of an interval.
    """
    found: dict[int, TriedPeriod] = {}

    def best_over(interval: int | None) -> TriedPeriod | None:
        periods = periods_over(interval)
        for one in periods:
            found[one.windows] = min(found.get(one.windows, one), one, key=lambda tried: tried.cost)
        return min(periods, key=lambda tried: tried.cost, default=None)

    best: TriedPeriod | None = None
    for interval in intervals:
        other = best_over(interval)
        if other is not None and (best is None or other.cost < best.cost):
            best = other
        elif best is not None:
            break
    for _ in range(MOST_ROUNDS):
        other = best_over(best.interval_cycles) if best and best.interval_cycles is not None else None
        if best is None or other is None or other.cost >= best.cost:
            break
        best = other
    return sorted(found.values(), key=lambda tried: tried.cost)
