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

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.bounds.crossings import Lanes, lanes_of
from lpxsched.schedule.policy import FEW_SHARDS, SMALL_TABLE
from lpxsched.schedule.problem.wires import FAR, least_lengths, relaxed
from lpxsched.traffic.collectives import EVERY, Collective

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Wants:
    """Vectors that must go from holders to readers, alone or inside sums.

    ``vectors[x, z]`` are held by shard x, or it holds a summand to them, and read by shard z; 0 where x is z. Where
    `holders_differ` what a reader gets of one is never in the same vector as what it gets of another: no sums. Where
    `readers_differ` the same holds of what a holder gives: no copies.
    """

    vectors: Integers
    holders_differ: bool
    readers_differ: bool

    @property
    def width(self) -> int:
        """Number of shards."""
        return len(self.vectors)

    @property
    def is_exchange(self) -> bool:
        """Whether each vector has one holder and one reader, and there are several of both."""
        several = (self.vectors.any(axis=0).sum() > 1) and (self.vectors.any(axis=1).sum() > 1)
        return bool(self.holders_differ and self.readers_differ and several)

    def reversed(self) -> Wants:
        """Return the same with holders and readers exchanged."""
        return Wants(self.vectors.T, self.readers_differ, self.holders_differ)


def wants_of(collective: Collective) -> Wants:
    """Return what the pieces of a collective ask for."""
    pieces = collective.pieces()
    vectors = np.zeros((collective.width, collective.width), dtype=np.int64)
    summed, copied = pieces.source == EVERY, pieces.target == EVERY
    single, only_copied, only_summed = ~summed & ~copied, copied & ~summed, summed & ~copied
    np.add.at(vectors, (pieces.source[single], pieces.target[single]), pieces.vectors[single])
    np.add.at(vectors, pieces.source[only_copied], pieces.vectors[only_copied, None])
    np.add.at(vectors.T, pieces.target[only_summed], pieces.vectors[only_summed, None])
    vectors += pieces.vectors[summed & copied].sum()
    np.fill_diagonal(vectors, 0)
    return Wants(vectors, not summed.any(), not copied.any())


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A problem in one direction of time, its makespan or its period, and the costs of ways.

    The cost of a way from u to v counts, for every hop, the cycles from its departure to its read and then to the next
    departure from there: the turnaround, which a sum with the vector in it pays as well. So a vector that is at u at
    cycle 0 leaves v no earlier than the cost, and is read at v no earlier than the cost less `between_cycles`.

    `final_cycles` is the shortest sum, by which a reader may have to end; 0 without sums, and of a period. The earliest
    cycle at which a reader gets a complete sum from elsewhere is by holder or by reader, shape (width,), `FAR` for the
    side that does not read.
    """

    network: Network
    wants: Wants
    final_cycles: int
    holder_complete: Integers
    reader_complete: Integers
    lanes: Lanes
    hop: Integers
    _into: dict[int, Integers] = field(default_factory=dict)

    @property
    def between_cycles(self) -> int:
        """Least time between a read and the next departure of what was read, alone or in a sum: the turnaround."""
        return self.network.turnaround_cycles

    def into(self, nodes: Integers) -> Integers:
        """Return the cost of a way from each node to each of some nodes, shape (len(nodes), nodes)."""
        missing = sorted(set(nodes.tolist()) - self._into.keys())
        if missing:
            cost = least_lengths(np.array(missing), self.network.reversed(), self.hop + self.between_cycles)
            self._into.update(zip(missing, cost, strict=True))
        found = [self._into[node] for node in nodes.tolist()]
        return np.array(found, dtype=np.int64).reshape(len(nodes), self.network.nodes)

    def from_any(self, nodes: Integers) -> Integers:
        """Return the cost of a way to each node from the nearest of some nodes, shape (nodes,)."""
        start = np.full((1, self.network.nodes), FAR, dtype=np.int64)
        start[0, nodes] = 0
        return np.asarray(relaxed(start, self.network, self.hop + self.between_cycles)[0])

    def ended(self, makespan_cycles: Integers, complete: Integers) -> Integers:
        """Return bounds with the sum at the end, from bounds without (see the module's docstring)."""
        return np.maximum(makespan_cycles, np.minimum(makespan_cycles + self.final_cycles, complete))


def views(problem: Instance, *, repeats: bool = False) -> tuple[View, View]:
    """Return a problem as it is, and with time reversed; bounds are of its period where it repeats."""
    network, wants = problem.network, wants_of(problem.stage)
    never = np.full(network.width, FAR, dtype=np.int64)
    ends_with_sum = problem.stage.is_sum and not repeats
    final = problem.add_cost.cycles(2, 1) if ends_with_sum else 0
    lanes = lanes_of(network, longest_run(problem.stage), repeats=repeats)
    forward = View(network, wants, final, never, never, lanes, network.hop_cycles)
    backward = replace(forward, network=network.reversed(), wants=wants.reversed(), _into={})
    if not ends_with_sum:
        return forward, backward
    complete = _complete_cycles(forward)
    return replace(forward, reader_complete=complete), replace(backward, holder_complete=complete)


def longest_run(collective: Collective) -> int:
    """Return the vectors of the largest value, those that one shard holds of one tensor."""
    return max(
        tensor.vectors // collective.width if tensor.layout == "sharded" else tensor.vectors
        for tensor in collective.tensors
    )


def representatives(view: View) -> Integers:
    """Return shards that differ in their wires, in what they want or in their distances.

    If there are many, a few, and the one that wants the most for the rate of its lanes.
    """
    network, width = view.network, view.wants.width
    if not is_small(view):
        lanes = network.lanes * network.pitch_denominator / network.pitch_numerator
        rate = np.bincount(network.destination, lanes, network.nodes)[:width]
        starved = (view.wants.vectors.sum(axis=0) / np.maximum(rate, np.finfo(np.float64).tiny)).argmax()
        return np.unique([*np.linspace(0, width - 1, FEW_SHARDS).astype(np.int64), starved])
    cost = view.into(np.arange(width))
    away, vectors = cost.sum(axis=0), np.ascontiguousarray(view.wants.vectors.T)
    wires = np.stack([network.lanes, view.hop, network.pitch_numerator, network.pitch_denominator])
    found: dict[bytes, int] = {}
    for shard in range(width):
        into = np.flatnonzero(network.destination == shard)
        order = np.lexsort((vectors[shard], cost[shard, :width]))
        wanted = np.stack([cost[shard, :width], vectors[shard]])[:, order]
        kinds = wires[:, into]
        parts = (kinds[:, np.lexsort(kinds)], np.sort(away[network.source[into]]), wanted)
        found.setdefault(b"".join(part.tobytes() for part in parts), shard)
    return np.array(sorted(found.values()), dtype=np.int64)


def is_small(view: View) -> bool:
    """Whether the ways between all nodes are found in well under a second."""
    return view.network.nodes * view.network.bundles <= SMALL_TABLE


def _complete_cycles(view: View) -> Integers:
    """Return the earliest cycle at which a complete sum can be read that was made elsewhere, for each shard."""
    width = view.network.width
    if not is_small(view) or width < 2:
        return np.zeros(width, dtype=np.int64)
    cost = view.into(np.arange(view.network.nodes))
    # A cost ends with a turnaround.
    left = cost[:, :width].max(axis=1) + view.final_cycles
    read = left[:, None] + cost[:width].T - view.between_cycles
    read[np.arange(width), np.arange(width)] = FAR
    return np.asarray(read.min(axis=0), dtype=np.int64)
