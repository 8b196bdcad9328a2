"""Shortest ways over the bundles of a collective's problem."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.wires import FAR, relaxed
from lpxsched.units import ceil_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.traffic.collectives import Collective

# Products of times with these denominators stay within 64 bits.
MOST_PRECISE = 1 << 22


class CostedNetwork:
    """The bundles of a problem, and the costs of ways over them.

    The cost of a way from u to v counts, for every hop, the cycles from its departure to its read and then to the next
    departure from there: the turnaround, which a sum with the vector in it pays as well. So a vector that is at u at
    cycle 0 leaves v no earlier than the cost, and is read at v no earlier than the cost less `between_cycles`.

    Attributes
    ----------
    nodes : int
    source, destination, lanes, hop : ndarray of int64, shape (bundles,)
        As in `Instance`.
    pitch, pitch_of : ndarray of int64, shape (bundles,)
        Numerator and denominator of the pitch.
    longest_run : int
        Vectors of the largest value, the most that a slot may carry.
    dense, dense_of : ndarray of int64, shape (bundles,)
        Numerator and denominator of the least time that a slot holds a lane, over its vectors.
    between_cycles : int
        Least time between a read and the next departure of what was read, alone or in a sum: the turnaround.
    """

    def __init__(self, problem: Instance) -> None:
        self.nodes = problem.network.nodes
        self.source, self.destination = problem.network.source, problem.network.destination
        self.lanes, self.hop = problem.network.lanes, problem.network.hop_cycles
        self.pitch, self.pitch_of = problem.network.pitch_numerator, problem.network.pitch_denominator
        self.longest_run = longest_run(problem.stage)
        self.dense, self.dense_of = self.pitch.copy(), self.pitch_of.copy()
        for pitch in sorted(set(zip(self.pitch.tolist(), self.pitch_of.tolist(), strict=True))):
            here = (self.pitch == pitch[0]) & (self.pitch_of == pitch[1])
            dense = densest(Fraction(*pitch), self.longest_run)
            self.dense[here], self.dense_of[here] = dense.numerator, dense.denominator
        self.between_cycles = problem.network.turnaround_cycles
        self._into: dict[int, Integers] = {}

    @property
    def bundles(self) -> int:
        """Number of bundles."""
        return len(self.source)

    def into(self, nodes: Integers) -> Integers:
        """Return the cost of a way from each node to each of some nodes, shape (len(nodes), nodes)."""
        missing = sorted(set(nodes.tolist()) - self._into.keys())
        if missing:
            start = np.full((len(missing), self.nodes), FAR, dtype=np.int64)
            start[np.arange(len(missing)), missing] = 0
            cost = relaxed(start, self.destination, self.source, self.hop + self.between_cycles)
            self._into.update(zip(missing, cost, strict=True))
        return np.stack([self._into[node] for node in nodes.tolist()])

    def from_any(self, nodes: Integers) -> Integers:
        """Return the cost of a way to each node from the nearest of some nodes, shape (nodes,)."""
        start = np.full((1, self.nodes), FAR, dtype=np.int64)
        start[0, nodes] = 0
        cost: Integers = relaxed(start, self.source, self.destination, self.hop + self.between_cycles)[0]
        return cost


def shortest_sum(problem: Instance) -> int:
    """Return the duration of the shortest sum of a problem; 0 without sums."""
    return problem.add_cost.cycles(2, 1) if problem.stage.is_sum else 0


def longest_run(collective: Collective) -> int:
    """Return the vectors of the largest value, those that one shard holds of one tensor."""
    return max(
        tensor.vectors // collective.width if tensor.layout == "sharded" else tensor.vectors
        for tensor in collective.tensors
    )


def densest(pitch: Fraction, longest_run: int) -> Fraction:
    """Return the least of ceil(n pitch) / n over slots of at most so many vectors; the pitch if that is hard to say."""
    lengths = min(longest_run, pitch.denominator)
    if lengths == pitch.denominator or lengths * lengths * pitch.denominator > MOST_PRECISE:
        return pitch
    return min(Fraction(ceil_cycles(vectors * pitch), vectors) for vectors in range(1, lengths + 1))
