"""The guard and the stall of a segment's opening deskew cover its schedule, and bounds hold for any guard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.schedule.bounds import lower_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.opening import Opening
    from lpxsched.schedule.result import LowerBound, Result


def solve_covered(
    bare: Instance,
    opening: Opening,
    least: Sequence[Instance],
    attempts: Callable[[Instance, int | None], Iterator[Result]],
    *,
    pass_cycles: Callable[[Result], int] = lambda _: 0,
    names: tuple[str, str],
) -> tuple[Instance, int | None, Result]:
    """Return an instance over an interval between deskews, that interval (None without drift), and what it holds.

    Guards grow with the time since the last deskew. One in the middle of a segment costs about an epoch, so a segment
    opens with its only one, and the interval doubles until it holds the segment, and the pass before it if chips poll.

    No schedule fits into an interval shorter than the bound of the `least`, which `bounded` has too. `attempts` yields
    results over an interval, the quickest first: one that is too long tells that the interval is. `pass_cycles` of a
    result lie between the deskew and its schedule; `names` say in messages what the segment is, and what to try where
    it is too long.

    Raises
    ------
    InfeasibleError
        When the alignment tree is too deep for the clock, or the segment is provably longer than clocks may run apart.
    NothingFoundError
    """
    lengths, longest = [0], opening.clock.longest_interval_cycles()
    for interval in opening.clock.intervals():
        if interval is not None and interval < _bound_of(least).cycles:
            continue
        instance, lengths = opening.over(bare, interval), []
        for result in attempts(instance, interval):
            lengths.append(pass_cycles(result) + result.makespan_cycles)
            if interval is not None and lengths[-1] > interval:
                break
        else:
            return instance, interval, result
        if longest is not None and lengths[0] > longest:
            break
    bound, (what, remedy) = _bound_of(least), names
    raise opening.clock.too_long(
        what, least_cycles=bound.cycles, proof=bound.name, found_cycles=lengths[-1], remedy=remedy
    )


def bounded(result: Result, instance: Instance, least: Sequence[Instance]) -> Result:
    """Return a result beside the bound of every schedule: guards that cover it ask for more than the rules do.

    It is a result of the instance. The bound is that of the `least`: all that share it, with the least guards and
    stalls, from `Opening.least`.
    """
    return result if all(is_least(instance, of) for of in least) else replace(result, bound=_bound_of(least))


def _bound_of(least: Sequence[Instance]) -> LowerBound:
    return min(map(lower_bound, least), key=lambda bound: bound.cycles)


def is_least(instance: Instance, least: Instance) -> bool:
    """Return whether an instance has no longer guards, and no longer stall, than the rules ask for."""
    guards = instance.network.guard_cycles.tolist(), least.network.guard_cycles.tolist()
    return guards[0] == guards[1] and instance.release_cycles == least.release_cycles
