"""Ingress and egress by distance: what must enter one reader, or leave one holder.

Let z read N_x vectors of each holder x, different vectors for different holders, and let Z be any set of holders. Each
of the N_Z vectors of Z enters z by a departure on some bundle b = (u, z) into z: one that leaves u no earlier than the
least cost of a way from Z to u, and no later than hop_b before the end. So the lemma of `crossings` holds for the
bundles into z with W = N_Z and

    idle_b = (least cost of a way from Z to u) + hop_b.

The sets Z that are tried are all holders at least so far from z, for every distance: near holders have sent everything
before the first vector from afar can follow, so that wires into z fall idle or must end later. With one holder x alone
W = N_x, sums included, since what x gives to z are N_x different vectors even inside sums. Egress is the same with time
reversed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import lanes_of

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.bounds.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Entering:
    """What enters one reader: bounds for sets of far holders, and for single holders.

    Attributes
    ----------
    reader : int
    holders : ndarray of int64, shape (holders,)
        Those of which it reads something, the farthest first.
    sets : ndarray of int64, shape (sets,)
        Set k is the first ``sets[k]`` holders; empty if holders share vectors.
    set_cycles : ndarray of int64, shape (sets,)
        Bound of the makespan by each set.
    single_cycles : ndarray of int64, shape (holders,)
        Bound of the makespan by each holder alone.
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
    """Return bounds of the makespan by what enters a reader."""
    network = view.network
    wanted = view.wants.vectors[:, reader]
    holders = np.flatnonzero(wanted)
    if not len(holders):
        return Entering(reader, holders, holders, holders, holders)
    cost = network.into(np.array([reader]))[0][holders]
    order = np.argsort(-cost, kind="stable")
    holders, cost = holders[order], cost[order]
    into = np.flatnonzero(network.destination == reader)
    lanes = lanes_of(network, into)
    released = network.into(network.source[into])[:, holders].T
    ready = np.minimum(view.holder_complete[holders], view.reader_complete[reader])
    single = lanes.shortest_makespan(wanted[holders], released + network.hop[into])
    sets = np.flatnonzero(np.append(np.diff(cost) != 0, True)[: len(cost)]) + 1
    if not view.wants.holders_differ or not len(sets):
        return Entering(reader, holders, sets[:0], single[:0], view.ended(single, ready))
    earliest = np.minimum.accumulate(released, axis=0)[sets - 1]
    several = lanes.shortest_makespan(np.cumsum(wanted[holders])[sets - 1], earliest + network.hop[into])
    set_ready = np.minimum.accumulate(ready)[sets - 1]
    return Entering(reader, holders, sets, view.ended(several, set_ready), view.ended(single, ready))


def entering_period(view: View, reader: int) -> int:
    """Return a bound of the period by what enters a reader in each iteration."""
    wanted = view.wants.vectors[:, reader]
    needed = wanted.sum() if view.wants.holders_differ else wanted.max()
    into = np.flatnonzero(view.network.destination == reader)
    if not needed:
        return 0
    return int(lanes_of(view.network, into).shortest_period(np.array([needed]))[0])
