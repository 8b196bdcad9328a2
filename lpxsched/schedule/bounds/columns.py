"""Bounds in columns: cycles, and the arguments that entered them.

Where several bounds are equal the first decides, so that what is told does not hang on how they are compared.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.problem.network import Network


class BoundColumns(NamedTuple):
    """Bounds in cycles and the arguments that entered them, of equal shapes."""

    cycles: Integers
    arguments: Integers

    def later(self, cycles: Integers | int, argument: Integers | int = 0) -> BoundColumns:
        """Return these bounds moved by some cycles, by an argument if there is one."""
        return BoundColumns(self.cycles + cycles, self.arguments | argument)

    def at(self, places: Integers) -> BoundColumns:
        """Return the bounds at some places."""
        return BoundColumns(self.cycles[places], self.arguments[places])

    def where(self, holds: Flags, other: BoundColumns) -> BoundColumns:
        """Return these bounds where a condition holds, others elsewhere."""
        return BoundColumns(
            np.where(holds, self.cycles, other.cycles), np.where(holds, self.arguments, other.arguments)
        )

    def joined(self, other: BoundColumns) -> BoundColumns:
        """Return these bounds and then others."""
        return BoundColumns(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def none(count: int, cycles: int = NONE) -> BoundColumns:
    """Return so many bounds that say nothing: before all cycles, or after."""
    return BoundColumns(np.full(count, cycles, dtype=np.int64), np.zeros(count, dtype=np.int64))


def latest(bounds: BoundColumns, *others: BoundColumns) -> BoundColumns:
    """Return the first of the latest of several bounds, place by place."""
    for other in others:
        bounds = other.where(other.cycles > bounds.cycles, bounds)
    return bounds


def earliest(bounds: BoundColumns, other: BoundColumns) -> BoundColumns:
    """Return the first of the earliest of two bounds, place by place."""
    return other.where(other.cycles < bounds.cycles, bounds)


def of_rows(bounds: BoundColumns, offsets: Integers, *, least: bool = False) -> BoundColumns:
    """Return the first of the latest bounds (or of the earliest) of each row; of none in empty rows."""
    result, filled = none(len(offsets) - 1), np.flatnonzero(np.diff(offsets))
    if len(filled):
        best = (np.minimum if least else np.maximum).reduceat(bounds.cycles, offsets[filled])
        places = np.flatnonzero(bounds.cycles == np.repeat(best, np.diff(offsets)[filled]))
        first = places[np.searchsorted(places, offsets[filled])]
        result.cycles[filled], result.arguments[filled] = bounds.at(first)
    return result


class NodeLanes(NamedTuple):
    """All lanes out of each node or into it: how many, and the shortest time of a vector on any of them."""

    number: Integers
    time: Integers
    time_of: Integers

    def spread(self, node: Integers, vectors: Integers) -> Integers:
        """Cycles from the first to the last of some vectors on the fullest lane, rounded up; 0 without lanes."""
        number = self.number[node]
        others = -(-vectors // np.maximum(number, 1)) - 1
        return np.where(number, -(-np.maximum(others, 0) * self.time[node] // self.time_of[node]), 0)


def lanes_at(network: Network, end: Integers, counted: Flags) -> NodeLanes:
    """Return the lanes of each node, over the bundles that count."""
    count, time, time_of = (np.full(network.nodes, value, dtype=np.int64) for value in (0, 0, 1))
    np.add.at(count, end[counted], network.lanes[counted])
    base = int(network.pitch_denominator.max(initial=0)) + 1
    pitch = network.pitch_numerator * base + network.pitch_denominator
    # The shortest last: it stays.
    for kind in sorted(np.unique(pitch).tolist(), key=lambda kind: -Fraction(*divmod(kind, base))):
        nodes = end[counted & (pitch == kind)]
        time[nodes], time_of[nodes] = divmod(kind, base)
    return NodeLanes(count, time, time_of)
