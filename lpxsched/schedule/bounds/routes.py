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

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import least_integer

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View


def routes_bound(view: View, reader: int, holders: Integers, known: int) -> int:
    """Return a bound by what a reader wants of a set of holders if it exceeds a known one, else something smaller."""
    network, wanted = view.network, view.wants.vectors[holders, reader]
    left = view.into(np.array([reader]))[0][network.destination]
    idle = view.from_any(holders)[network.source] + view.hop + left
    complete = min(view.holder_complete[holders].min(), view.reader_complete[reader])

    def is_possible(cycles: int) -> bool:
        capacity = np.minimum(view.lanes.room(np.array([cycles]), idle), wanted.sum())
        return bool(_maximum_flow(view, reader, (holders, wanted), capacity) >= wanted.sum())

    low = max(0, known - (view.final_cycles if complete > known else 0))
    if is_possible(low):
        return 0
    without = least_integer(is_possible, low + 1)
    return int(view.ended(np.array([without]), np.array([complete]))[0])


def _maximum_flow(view: View, reader: int, given: tuple[Integers, Integers], capacity: Integers) -> int:
    """Return the most vectors that come to a reader over bundles, of the holders and the vectors that are given."""
    from ortools.graph.python.max_flow import SimpleMaxFlow

    (holders, vectors), usable, network = given, np.flatnonzero(capacity), view.network
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(
        np.append(np.full(len(holders), network.nodes), network.source[usable]).astype(np.int32),
        np.append(holders, network.destination[usable]).astype(np.int32),
        np.append(vectors, capacity[usable]),
    )
    flow.solve(network.nodes, reader)
    return int(flow.optimal_flow())
