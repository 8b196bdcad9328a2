"""Hop windows: how much can come from holders to a reader over all routes that are short enough for a makespan.

Let z read N_x vectors of each holder x of a set Z, different vectors for different holders (or let Z be one holder).
Within a makespan T, a departure on bundle b = (u, v) can serve this only within

    [least cost of a way from Z to u, T - hop_b - least cost of a way from v to z],

so it makes no more such departures than its lanes have room for in that window (`crossings`): c_b, say.
Follow each wanted vector on its way from its holder to z (for a sum: the summand, inside whatever sums). Different
vectors make different departures, and may leave out cycles of their way, so these ways are an integer flow from Z, N_x
out of x, into z, of at most c_b on b. If the maximum flow of these capacities is less than N_Z, no schedule ends by T;
it grows with T. The maximum flow finds by itself the narrowest cut between Z and z: the wires into a group, those of
one class, or the few routes of two hops between two chips.

A set of far holders is tried for every distance, as in `ends`. The same holds with time reversed, and in each period
of a repeating timetable, with the room of its lanes in a period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import least_integer

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """What a reader wants of a set of holders."""

    view: View
    reader: int
    holders: Integers
    idle: Integers
    complete: int

    @property
    def vectors(self) -> Integers:
        """What the reader wants of each holder."""
        vectors: Integers = self.view.wants.vectors[self.holders, self.reader]
        return vectors

    def fits_within(self, cycles: int) -> bool:
        """Whether a makespan, or period, is not excluded: all vectors come through in the room that it has."""
        capacity, needed = self.view.lanes.room(np.array([cycles]), self.idle), self.vectors.sum()
        usable = np.flatnonzero(capacity)
        return bool(_maximum_flow(self, usable, np.minimum(capacity[usable], needed)) >= needed)


def fan(view: View, reader: int, holders: Integers) -> Fan:
    """Return what a reader wants of some holders, and when each bundle can serve it."""
    network = view.network
    released = view.from_any(holders)[network.source]
    left = view.into(np.array([reader]))[0][network.destination]
    complete = int(min(view.holder_complete[holders].min(), view.reader_complete[reader]))
    return Fan(view, reader, holders, released + view.hop + left, complete)


def fan_bound(wanted: Fan, known: int) -> int:
    """Return a bound by a fan if it exceeds a known one, else something smaller."""
    final = wanted.view.final_cycles if wanted.complete > known else 0
    low = max(0, known - final)
    if wanted.fits_within(low):
        return 0
    without = least_integer(wanted.fits_within, low + 1)
    return int(wanted.view.ended(np.array([without]), np.array([wanted.complete]))[0])


def _maximum_flow(wanted: Fan, usable: Integers, capacity: Integers) -> int:
    """Return the most vectors that come from the holders to the reader over usable bundles."""
    from ortools.graph.python.max_flow import SimpleMaxFlow

    network = wanted.view.network
    origin = np.full(len(wanted.holders), network.nodes)
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(
        np.concatenate([origin, network.source[usable]]).astype(np.int32),
        np.concatenate([wanted.holders, network.destination[usable]]).astype(np.int32),
        np.concatenate([wanted.vectors, capacity]),
    )
    flow.solve(network.nodes, wanted.reader)
    return int(flow.optimal_flow())
