"""Which bundles a trip may cross: all hops of its shortest ways, or all hops that are in time for its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.cpsat.trips import Trip, Trips


class Crossings(NamedTuple):
    """Pairs of a trip and a bundle, sorted by trip, then bundle.

    Attributes
    ----------
    trip, bundle : ndarray of int64, shape (crossings,)
    """

    trip: Integers
    bundle: Integers

    def __len__(self) -> int:
        return len(self.trip)

    def of_trips(self, chosen: Flags) -> Crossings:
        """Return the crossings of some trips, told by their number."""
        rows = chosen[self.trip]
        return Crossings(self.trip[rows], self.bundle[rows])

    def united(self, trip: Integers, bundle: Integers) -> Crossings:
        """Return these crossings and others."""
        pairs = np.unique(np.column_stack([np.append(self.trip, trip), np.append(self.bundle, bundle)]), axis=0)
        return Crossings(pairs[:, 0], pairs[:, 1])


def crossings(trips: Trips, latest_cycles: int, *, detours: bool) -> Crossings:
    """Return the bundles that each trip may cross.

    Parameters
    ----------
    trips : Trips
    latest_cycles : int
        No read is later.
    detours : bool
        Whether ways may be longer than the shortest.
    """
    known: dict[tuple[object, ...], Integers] = {}
    found = []
    for trip in trips.rows:
        kind = (trip.base, trip.ends, trip.vectors, trip.is_sum, trip.before, trip.after)
        if kind not in known:
            latest = latest_cycles - trip.before - trip.after - trips.release
            known[kind] = np.flatnonzero(_usable(trips, trip, latest, detours))
        found.append(known[kind])
    trip_of = np.repeat(np.arange(len(found)), [len(row) for row in found])
    return Crossings(trip_of.astype(np.int64), np.concatenate([*found, np.zeros(0, dtype=np.int64)]))


def _usable(trips: Trips, trip: Trip, latest_cycles: int, detours: bool) -> Flags:
    """Return, for each bundle, whether a trip may cross it; for sums all is told backwards in time."""
    network, way = trips.problem.network, trips.problem.way.astype(np.int64)
    start, end = network.source, network.destination
    if trip.is_sum:
        way, start, end = way.T, end, start
    base, target, nodes = trip.base, trip.target, np.arange(network.nodes)
    read = way[base, start] + np.where(start != base, network.turnaround_cycles, 0) + network.hop_cycles
    after_first = network.hold_cycles(trip.vectors - 1)
    readers = np.isin(nodes, list(trip.ends))
    if target == EVERY:
        onward = (read + np.where(readers[end], after_first, 0) <= latest_cycles) & (end != base)
        shortest = read == way[base, end]
    else:
        rest = np.where(end != target, network.turnaround_cycles, after_first) + way[end, target]
        onward = (end != base) & (start != target) & (read + rest <= latest_cycles)
        shortest = read + rest - np.where(end != target, 0, after_first) == way[base, target]
    onward &= ((start == base) | (start < network.chips)) & (readers[end] | (end < network.chips))
    return _connected(onward & (shortest | detours), start, end, nodes == base, readers)


def _connected(usable: Flags, start: Integers, end: Integers, holders: Flags, readers: Flags) -> Flags:
    """Return the usable bundles to which others, or a holder, lead, and from which others, or a reader, lead on."""
    while True:
        reached, useful = holders.copy(), readers.copy()
        reached[end[usable]] = True
        useful[start[usable]] = True
        fewer = usable & reached[start] & useful[end]
        if (fewer == usable).all():
            return fewer
        usable = fewer
