"""A problem as the bounds look at it, and the same with time reversed.

**Reversal.** Turn all bundles round, exchange holders with readers, and run a schedule backwards: a departure on b at
cycle t becomes a departure on the turned bundle at T - t - hop_b. Windows of departures keep their lengths, ways keep
their costs. So whatever is proven about vectors that enter a reader holds for vectors that leave a holder, if what the
holder gives to different readers are different vectors.

**How a sum ends.** Let z read a result to which all shards hold summands, and let s be the shortest sum of two
operands. Either z itself makes the last sum of every vector that it wants, s after the last read at least; or some
vector comes to z complete. Then some other node w made its last sum, of all its leaves, of which all but its own came
to w. It leaves w a turnaround t and a sum at least after the last of their reads (R2), and comes to z no sooner than

    complete_z = min over w other than z of (max over x other than w of way(x, w)) + t + s + way(w, z).

So if a bound T holds without a sum at the end, max(T, min(T + s, complete_z)) is a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.network import CostedNetwork, shortest_sum
from lpxsched.schedule.bounds.wants import Wants, wants_of
from lpxsched.schedule.policy import FEW_SHARDS, SMALL_TABLE
from lpxsched.schedule.problem.wires import FAR

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A problem in one direction of time.

    Attributes
    ----------
    network : CostedNetwork
    wants : Wants
    final_cycles : int
        The shortest sum, by which a reader may have to end; 0 without sums.
    holder_complete, reader_complete : ndarray of int64, shape (width,)
        The earliest cycle at which a reader gets a complete sum from elsewhere, `FAR` for the side that does not read.
    """

    network: CostedNetwork
    wants: Wants
    final_cycles: int
    holder_complete: Integers
    reader_complete: Integers

    def ended(self, makespan_cycles: Integers, complete: Integers) -> Integers:
        """Return bounds with the sum at the end, from bounds without (see the module's docstring)."""
        return np.maximum(makespan_cycles, np.minimum(makespan_cycles + self.final_cycles, complete))


def views(problem: Instance) -> tuple[View, View]:
    """Return a problem as it is, and with time reversed."""
    wants = wants_of(problem.stage)
    network, turned = CostedNetwork(problem), CostedNetwork(problem.reversed())
    never = np.full(problem.network.width, FAR, dtype=np.int64)
    complete = _complete_cycles(problem, network) if problem.stage.is_sum else never
    forward = View(network, wants, shortest_sum(problem), never, complete)
    backward = replace(forward, network=turned, wants=wants.reversed(), holder_complete=complete, reader_complete=never)
    return forward, backward


def representatives(view: View) -> Integers:
    """Return shards that differ in their wires, in what they want or in their distances; a few if there are many."""
    network, width = view.network, view.wants.width
    if not is_small(view):
        return np.unique(np.linspace(0, width - 1, FEW_SHARDS).astype(np.int64))
    cost = network.into(np.arange(width))
    found: dict[bytes, int] = {}
    for shard in range(width):
        into = network.destination == shard
        wires = np.stack([network.lanes, network.hop, network.pitch, network.pitch_of])[:, into]
        sources = np.sort(cost[:, network.source[into]].sum(axis=0))
        wanted = view.wants.vectors[:, shard]
        order = np.lexsort((wanted, cost[shard, :width]))
        parts = (wires[:, np.lexsort(wires)], sources, cost[shard, :width][order], wanted[order])
        found.setdefault(b"".join(part.tobytes() for part in parts), shard)
    return np.array(sorted(found.values()), dtype=np.int64)


def is_small(view: View) -> bool:
    """Whether the ways between all nodes are found in well under a second."""
    return view.network.nodes * view.network.bundles <= SMALL_TABLE


def _complete_cycles(problem: Instance, network: CostedNetwork) -> Integers:
    """Return the earliest cycle at which a complete sum can be read that was made elsewhere, for each shard."""
    width = problem.network.width
    if network.nodes * network.bundles > SMALL_TABLE or width < 2:
        return np.zeros(width, dtype=np.int64)
    cost = network.into(np.arange(network.nodes))
    # A cost ends with a turnaround.
    left = cost[:, :width].max(axis=1) + shortest_sum(problem)
    read = left[:, None] + cost[:width].T - network.between_cycles
    read[np.arange(width), np.arange(width)] = FAR
    return np.asarray(read.min(axis=0), dtype=np.int64)
