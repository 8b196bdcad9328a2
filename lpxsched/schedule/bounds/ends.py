"""Latency, ingress, egress, ports and hop windows: what must enter one reader, or leave one holder.

Let z read N_x vectors of each holder x, different vectors for different holders, and let Z be any set of holders. Each
of the N_Z vectors of Z enters z by a departure on some bundle b = (u, z) into z: one that leaves u no earlier than the
least cost of a way from Z to u, and no later than hop_b before the end. So the lemma of `crossings` holds for the
bundles into z with W = N_Z and

    idle_b = (least cost of a way from Z to u) + hop_b.

The sets Z that are tried are all holders at least so far from z, for every distance: near holders have sent everything
before the first vector from afar can follow, so that wires into z fall idle or must end later. With one holder x alone
W = N_x, sums included, since what x gives to z are N_x different vectors even inside sums. Egress is the same with time
reversed.

**Latency.** A vector, or a sum with it inside, that comes from holder x to reader z makes hops along some way from x to
z. Each hop takes hop_b cycles from departure to read at least, and between two hops lies the turnaround: what is added
on the way leaves no earlier than a turnaround and the sum after its read (R2). So z reads it no earlier than the least
cost of a way from x to z, less the turnaround after its last hop. `view` proves how a sum adds to this. It is the least
idle_b above, so that one vector of x alone proves no less: its name tells that distance decides.

**Sums.** Let z read results to which all of Z hold summands. Either all N_Z summands come to z alone: then they are
different vectors, and the lemma holds for them as above. Or one of them was added elsewhere, at the cost of a sum on
its way: z reads it no earlier than the least cost of a way from Z to z, less a turnaround, and that sum.

**Copies.** What enters all readers together proves no more than what enters each: if holders give different vectors,
and the bundles into all readers have too little room for all that these want, those into some reader have too little
for what it wants of all its holders, the largest Z. Sums with one reader each are the same with time reversed.

**Ports.** Where only so many vectors e may end at a chip in a cycle (R7), the vectors of Z end at z no earlier than the
least way w from Z to z, so in the cycles w .. T, of which each ends e of them at most: e (T - w + 1) >= N_Z. The same
holds for what begins at a holder, with time reversed, and e P >= N_Z in each period P. For one holder, N_x vectors end
(or begin) at z even if they are sums: what is sent from a chip as a part of a sum was summed there, or is the summand
itself.

**Hop windows.** How much can come from Z to z over all routes that are short enough for a makespan? Within a makespan T
a departure on a bundle b = (u, v) can serve this only within

    [least cost of a way from Z to u, T - hop_b - least cost of a way from v to z],

so it makes no more such departures than its lanes have room for in that window (`crossings`): c_b, say.
Follow each wanted vector on its way from its holder to z (for a sum: the summand, inside whatever sums). Different
vectors make different departures, and may leave out cycles of their way, so these ways are an integer flow from Z, N_x
out of x, into z, of at most c_b on b. If the maximum flow of these capacities is less than N_Z, no schedule ends by T;
it grows with T. The maximum flow finds by itself the narrowest cut between Z and z: the wires into a group, those of
one class, or the few routes of two hops between two chips.

The same holds with time reversed, and in each period of a repeating timetable, with the room of its lanes in a period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import least_integer
from lpxsched.schedule.problem.wires import FAR

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Entering:
    """What enters one reader: bounds for sets of far holders, and for single holders.

    Holders, shape (holders,), are those of which it reads something, the farthest first. Set k, shape (sets,), is the
    first ``sets[k]`` of them; none if they share vectors. There is a bound in cycles by each set, of results that the
    reader reads by each set of summands, and one by each holder alone.
    """

    reader: int
    holders: Integers
    sets: Integers
    set_cycles: Integers
    single_cycles: Integers

    @property
    def cycles(self) -> int:
        """The best of these bounds."""
        return int(max(self.set_cycles.max(initial=0), self.single_cycles.max(initial=0)))


def entering(view: View, reader: int) -> Entering:
    """Return bounds by what enters a reader."""
    network = view.network
    wanted = view.wants.vectors[:, reader]
    holders = np.flatnonzero(wanted)
    if not len(holders):
        return Entering(reader, holders, holders, holders, holders)
    cost = view.into(np.array([reader]))[0][holders]
    order = np.argsort(-cost, kind="stable")
    holders, cost = holders[order], cost[order]
    into = np.flatnonzero(network.destination == reader)
    lanes = view.lanes.at(into)
    released = view.into(network.source[into])[:, holders].T
    ready = np.minimum(view.holder_complete[holders], view.reader_complete[reader])
    single = lanes.shortest(wanted[holders], released + view.hop[into])
    sets = np.flatnonzero(np.append(np.diff(cost) != 0, True)[: len(cost)]) + 1
    is_added = view.final_cycles > 0 and bool(view.reader_complete[reader] < FAR)
    if not (view.wants.holders_differ or is_added) or not len(sets):
        return Entering(reader, holders, sets[:0], single[:0], view.ended(single, ready))
    earliest = np.minimum.accumulate(released, axis=0)[sets - 1]
    several = lanes.shortest(np.cumsum(wanted[holders])[sets - 1], earliest + view.hop[into])
    set_ready = np.minimum.accumulate(ready)[sets - 1]
    if is_added:
        several, sets = np.minimum(several, cost[sets - 1] - view.between_cycles + view.final_cycles), sets[:0]
    return Entering(reader, holders, sets, view.ended(several, set_ready), view.ended(single, ready))


def latency(view: View, readers: Integers) -> int:
    """Return a bound of the makespan by the farthest holder of some readers."""
    read = view.into(readers)[:, : view.wants.width] - view.between_cycles
    complete = np.minimum(view.holder_complete, view.reader_complete[readers][:, None])
    ended = view.ended(read, complete)
    return int(ended[view.wants.vectors.T[readers] > 0].max(initial=0))


def ending_cycles(view: View, end: Entering, limit: int) -> int:
    """Return the bound by what ends at a reader, at most `limit` vectors a cycle."""
    way, vectors = view.into(np.array([end.reader]))[0][end.holders], view.wants.vectors[end.holders, end.reader]
    # Cycles but for those that one vector after the other takes to end.
    before = 0 * way if view.lanes.repeats else way - view.between_cycles - 1
    single = before + -(-vectors // limit)
    several = before[end.sets - 1] + -(-np.cumsum(vectors)[end.sets - 1] // limit)
    return int(max(single.max(initial=0), several.max(initial=0)))


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
