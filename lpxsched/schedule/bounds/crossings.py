"""The counting argument that most bounds share: departures that must be made, and the room there is for them.

**Room on a lane.** A slot carries at most R vectors, those of the largest value. They leave p apart, the pitch, and a
slot of n vectors holds its lane for ceil(n p) cycles (R1). A window of d cycles, ends included, has room for at most

    1 + min(floor(d / p), floor((d + 2 (R - 1) (e - p)) / e)),    e = min over n <= R of ceil(n p) / n, at least p,

counted departures on one lane. *Proof.* Two departures on one lane are at least p apart, which gives the first. For the
second let the slots with counted departures count n_1, .., n_m of them. A slot between the first and the last holds the
lane for n_i e at least. So does the first, if it begins with a counted departure; else it has n_1 <= R - 1 and takes
n_1 p = n_1 e - n_1 (e - p) at least from there on. From the last slot's first counted departure to its last it takes
(n_m - 1) p >= (n_m - 1) e - (R - 1) (e - p). Together d >= (n_1 + .. + n_m - 1) e - 2 (R - 1) (e - p).

**Lemma.** Let every schedule make W departures over some bundles that leave b no earlier than a_b and are followed by
at least z_b cycles to the end of the schedule. Then no makespan T is possible for which the rooms of the windows
[a_b, T - z_b] on all lanes of these bundles sum up to less than W. Room grows with T, so the least T that has enough is
a lower bound. `idle` is a_b + z_b.

In a timetable that repeats with period P, each iteration makes such departures. Slots take at most P cycles of a lane
in each period, n e at least for n vectors, so there is room for floor(P / e) on each lane.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.network import Network

# Products of times with these denominators stay within 64 bits.
MOST_PRECISE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """Lanes of some bundles: how many, p and e as numerator and denominator, shape (bundles,), and R, the longest run.

    Cycles are those of a makespan, or of a period where it `repeats`.
    """

    count: Integers
    pitch: Integers
    pitch_of: Integers
    dense: Integers
    dense_of: Integers
    longest_run: int
    repeats: bool = False

    def at(self, bundles: Integers) -> Lanes:
        """Return the lanes of some of the bundles."""
        count, pitch, dense = self.count[bundles], self.pitch[bundles], self.dense[bundles]
        pitch_of, dense_of = self.pitch_of[bundles], self.dense_of[bundles]
        return replace(self, count=count, pitch=pitch, pitch_of=pitch_of, dense=dense, dense_of=dense_of)

    def room(self, cycles: Integers, idle: Integers) -> Integers:
        """Return the room for departures on each bundle, of a schedule or of one iteration of what repeats.

        No departure counts in the `idle` cycles at the beginning and the end of a schedule; a period has none. Shapes
        are (..., 1) and (..., bundles).
        """
        if self.repeats:
            return self.count * (cycles * self.dense_of // self.dense)
        window = np.maximum(cycles - idle, 0)
        by_pitch = window * self.pitch_of // self.pitch
        # 2 (R - 1) (e - p) over the product of both denominators.
        both = self.pitch_of * self.dense_of
        spare = 2 * (self.longest_run - 1) * (self.dense * self.pitch_of - self.pitch * self.dense_of)
        by_slots = (window * both + spare) * self.dense_of // (self.dense * both)
        room = np.where(cycles >= idle, np.minimum(by_pitch, by_slots) + 1, 0)
        return self.count * room

    def shortest(self, needed: Integers, idle: Integers) -> Integers:
        """Return the least makespan, or period, with room for all departures, for each of several counts.

        At least one bundle of each row of `idle`, shape (counts, bundles), is usable: less than `FAR`.
        """
        low, bundle = 0 * needed if self.repeats else idle.min(axis=1), idle.argmin(axis=1)
        # In which this bundle can make all departures alone.
        vectors = -(-needed // self.count[bundle])
        window = -(-vectors * self.dense[bundle] // self.dense_of[bundle])
        found = least(lambda cycles: self.room(cycles[:, None], idle).sum(axis=1) >= needed, low, low + window)
        return np.where(needed > 0, found, 0)


def lanes_of(network: Network, longest_run: int, *, repeats: bool = False) -> Lanes:
    """Return the lanes of all bundles of a network, on which slots carry so many vectors at most."""
    pitch, pitch_of = network.pitch_numerator, network.pitch_denominator
    dense, dense_of = pitch.copy(), pitch_of.copy()
    for kind in sorted(set(zip(pitch.tolist(), pitch_of.tolist(), strict=True))):
        here, least_time = (pitch == kind[0]) & (pitch_of == kind[1]), densest(Fraction(*kind), longest_run)
        dense[here], dense_of[here] = least_time.numerator, least_time.denominator
    return Lanes(network.lanes, pitch, pitch_of, dense, dense_of, longest_run, repeats)


def densest(pitch: Fraction, longest_run: int) -> Fraction:
    """Return the least of ceil(n pitch) / n over slots of at most so many vectors; the pitch if that is hard to say."""
    lengths = min(longest_run, pitch.denominator)
    if lengths == pitch.denominator or lengths * lengths * pitch.denominator > MOST_PRECISE:
        return pitch
    return min(Fraction(ceil_cycles(vectors * pitch), vectors) for vectors in range(1, lengths + 1))


def least(holds: Callable[[Integers], Flags], low: Integers, high: Integers) -> Integers:
    """Return the least integers in [low, high] at which a monotone condition holds; it holds at `high`."""
    low, high = low.copy(), high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        met = holds(middle)
        high = np.where(met, middle, high)
        low = np.where(met, low, np.minimum(middle + 1, high))
    return low


def least_integer(holds: Callable[[int], bool], low: int) -> int:
    """Return the least integer from `low` on at which a monotone condition holds."""
    step = 1
    while not holds(low + step - 1):
        low, step = low + step, 2 * step
    return low + bisect_left(range(low, low + step - 1), True, key=holds)
