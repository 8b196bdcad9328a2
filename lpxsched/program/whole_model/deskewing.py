"""How many deskews lie between the layers of a segment, and where: weighed by the worst case that is proved of it.

A deskew takes its stall. Few of them let clocks run apart for long, which stands in the guard of every hop and in each
stall; many cost their stalls, and the second one lets the residuals of two alignments lie between begin and end. For a
number of deskews the layers are dealt so that the longest time between two is least, guards cover that time, and
layers are scheduled with these guards; since they grow with guards and guards with them, that is done until it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.clocks.latency import Run, worst_case_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.clocks.limits import DomainClock

# Guards and lengths are brought together in so many rounds, or a number of deskews is given up.
MOST_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Judge:
    """What is proved of a segment on some clocks.

    Attributes
    ----------
    clock : DomainClock
    levels : tuple of int
        Residuals that can lie between its begin and its end: with its opening deskew alone, and with further ones.
    start_cycles : int
        Longest waiting where chips do not poll for rows.
    """

    clock: DomainClock
    levels: tuple[int, int]
    start_cycles: int

    def worst_ns(self, makespan_cycles: int, deskews: int, *, pass_cycles: int, since_cycles: int) -> Fraction:
        """Return the worst case of a segment; what arrivals at hosts take beyond it does not depend on deskews.

        Parameters
        ----------
        makespan_cycles, deskews : int
        pass_cycles : int
            Longest waiting where chips poll for rows, else 0.
        since_cycles : int
            From the last deskew to the end.
        """
        run = Run(pass_cycles or self.start_cycles, makespan_cycles, self.levels[deskews > 1], since_cycles)
        return worst_case_ns(self.clock.specification, self.clock.clock_mhz, [run], arrivals_ns=Fraction(0))


class Timed(NamedTuple):
    """How long the layers take with some guards.

    Attributes
    ----------
    lengths : tuple of int
        Of each layer, in their order.
    pass_cycles : int
        Between the end of a run and the next opening deskew where chips poll for rows, else 0.
    guard_cycles : int
        The largest.
    """

    lengths: tuple[int, ...]
    pass_cycles: int
    guard_cycles: int


@dataclass(frozen=True, slots=True)
class Tried:
    """A number of deskews and what it comes to.

    Attributes
    ----------
    deskews : int
        The opening one included.
    interval_cycles : int or None
        Longest time between two; None where clocks do not drift.
    guard_cycles, stall_cycles : int
        The largest guard; of each deskew.
    makespan_cycles : int
    worst_ns : Fraction
    """

    deskews: int
    interval_cycles: int | None
    guard_cycles: int
    stall_cycles: int
    makespan_cycles: int
    worst_ns: Fraction

    @property
    def cost(self) -> tuple[Fraction, int, int]:
        """Worst case, then length, then number of deskews."""
        return self.worst_ns, self.makespan_cycles, self.deskews


def dealt_layers(lengths: Sequence[int], room: int) -> list[int]:
    """Return the first layer of each part, when as many layers as fit into some cycles go into each."""
    firsts, left = [0], room
    for layer, length in enumerate(lengths):
        if length > left and layer > firsts[-1]:
            firsts.append(layer)
            left = room
        left -= length
    return firsts


def least_room(lengths: Sequence[int], parts: int) -> int:
    """Return the least room of so many parts of layers in their order."""
    low, high = max(lengths) - 1, sum(lengths)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if len(dealt_layers(lengths, middle)) <= parts else (middle, high)
    return high


def between_deskews(timed: Timed) -> list[int]:
    """Return how long clocks run apart over each layer: a pass lies between the last one and the next deskew."""
    return [*timed.lengths[:-1], timed.lengths[-1] + timed.pass_cycles]


def weighed(timed: Timed, interval: int | None, judge: Judge) -> Tried:
    """Return what layers of given lengths come to with the fewest deskews no farther apart than an interval."""
    lengths = between_deskews(timed)
    opened = [0] if interval is None else dealt_layers(lengths, interval)
    count = len(opened)
    stall = judge.clock.stall_cycles(interval)
    makespan = sum(timed.lengths) + count * stall
    since = sum(timed.lengths[opened[-1] :])
    worst = judge.worst_ns(makespan, count, pass_cycles=timed.pass_cycles, since_cycles=since)
    return Tried(count, interval, timed.guard_cycles, stall, makespan, worst)


def all_tried(timed_over: Callable[[int | None], Timed], layers: int, judge: Judge) -> list[Tried]:
    """Return numbers of deskews with what they come to, the best first; none where a layer takes too long.

    One, two, four, .. and one before each layer; then numbers between the best one and its neighbours.

    Parameters
    ----------
    timed_over : callable
        How long layers take with the guards of an interval.
    layers : int
    judge : Judge
    """
    longest = judge.clock.longest_interval_cycles()
    if longest is None:
        return [weighed(timed_over(None), None, judge)]
    found: dict[int, Tried | None] = {}
    asked = [1 << power for power in range(layers.bit_length()) if 1 << power < layers] + [layers]
    while asked:
        for parts in asked:
            found[parts] = _settled(timed_over, parts, longest, judge)
        asked = _nearer(found)
    tried = {one.deskews: one for one in sorted(filter(None, found.values()), key=lambda one: one.cost, reverse=True)}
    return sorted(tried.values(), key=lambda one: one.cost)


def _settled(timed_over: Callable[[int | None], Timed], parts: int, longest: int, judge: Judge) -> Tried | None:
    """Return what so many deskews come to with guards that cover the time between them; None where none do."""
    interval, best = least_room(between_deskews(timed_over(0)), parts), None
    for _ in range(MOST_ROUNDS):
        if interval > longest:
            break
        timed = timed_over(interval)
        needed = least_room(between_deskews(timed), parts)
        if needed <= interval:
            one = weighed(timed, needed, judge)
            best = one if best is None else min(best, one, key=lambda tried: tried.cost)
            if timed_over(needed) == timed:
                break
        interval = needed
    return best


def _nearer(found: dict[int, Tried | None]) -> list[int]:
    """Return the numbers half way from the best one to its neighbours among those that were tried."""
    fits = {parts: one for parts, one in found.items() if one is not None}
    if not fits:
        return []
    best = min(fits, key=lambda parts: fits[parts].cost)
    below = max((parts for parts in found if parts < best), default=best)
    above = min((parts for parts in found if parts > best), default=best)
    return [half for half in ((below + best) // 2, (best + above + 1) // 2) if half not in found]


def shortest_laid(timed: Timed, covers: Callable[[int], bool], judge: Judge) -> Tried | None:
    """Return the best way to deal layers between deskews so that given guards cover the time between them.

    Parameters
    ----------
    timed : Timed
    covers : callable
        Whether the guards that the layers have cover an interval.
    judge : Judge
    """
    lengths, longest = between_deskews(timed), judge.clock.longest_interval_cycles()
    if longest is None:
        return weighed(timed, None, judge)
    rooms = (least_room(lengths, parts) for parts in range(1, len(lengths) + 1))
    fits = [weighed(timed, room, judge) for room in rooms if room <= longest and covers(room)]
    return min(fits, key=lambda one: one.cost, default=None)
