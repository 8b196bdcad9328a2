"""The clocks of one run: at random within their specification, or told.

After a deskew that ends at its program time c a node reaches program time c + q at the true time

    aligned + q slowness + swing(phase + f q) - swing(phase) - ramp q^2 / 2

in cycles, counted from the ideal end of its segment's first deskew. swing is what a triangle sums up to (see
`lpxsched.simulation.reference.oscillator`, which reckons with whole numbers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.limits import Limits
    from lpxsched.timetable.columns import Integers

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NodeClocks:
    """The clocks of all nodes in one run.

    Attributes
    ----------
    aligned_cycles, slowness, phase : ndarray of float64, shape (deskews, nodes)
        True time of the end of each deskew; true cycles a cycle of the node from there on; turns of its spread passed.
    ramp : ndarray of float64, shape (nodes,)
        Part of its rate that a clock gains a cycle.
    spread_rate, swing_cycles : float
        Turns of the spread a cycle, and d / (2 f).
    waiting : float
        Waiting and start-up as a part of the longest, in [0, 1].
    """

    aligned_cycles: Floats
    slowness: Floats
    phase: Floats
    ramp: Floats
    spread_rate: float
    swing_cycles: float
    waiting: float

    def times(self, deskew: Integers, node: Integers, passed: Floats) -> Floats:
        """Return when nodes have counted so many cycles after deskews, elementwise."""
        phase = self.phase[deskew, node]
        swung = swing(phase + self.spread_rate * passed, self.swing_cycles) - swing(phase, self.swing_cycles)
        steady = self.aligned_cycles[deskew, node] + passed * self.slowness[deskew, node]
        found: Floats = steady + swung - self.ramp[node] * passed**2 / 2
        return found


def swing(turns: Floats, cycles: float) -> Floats:
    """Return by how much a clock is behind its mean, of d / (2 f) cycles, from the peak of its triangle on."""
    if not cycles:
        return np.zeros_like(turns)
    half, part = np.divmod(turns % 1.0, 0.5)
    found: Floats = np.where(half > 0, -1.0, 1.0) * cycles * (part - 2 * part**2)
    return found


def slowest_phase(limits: Limits, interval_cycles: float) -> float:
    """Return the phase of a clock that has fallen behind most when an interval is over; half a turn more is fastest.

    The triangle is even around its peak, so the two ends of the interval lie on either side of a peak or a trough.
    """
    turns = float(limits.spread_rate) * interval_cycles
    return -turns / 2 if turns % 2 < 1 else 0.5 - turns / 2


def draw_clocks(generator: np.random.Generator, alignment: Alignment, limits: Limits) -> NodeClocks:
    """Return clocks that are uniform within their limits; nodes with one oscillator count alike.

    Parameters
    ----------
    generator : numpy.random.Generator
    alignment : Alignment
    limits : Limits
    """
    deskews, nodes = len(alignment.segment), alignment.nodes
    rates, phases, ramps = generator.random((3, nodes))[:, alignment.oscillator]
    residuals = generator.random((deskews, nodes))
    rate = float(1 - limits.slowdown) + float(limits.rho) * (2 * rates - 1)
    error = sum_along_tree(float(limits.residual_cycles) * (2 * residuals - 1), alignment)
    waiting = float(generator.random())
    return clocks_of(alignment, limits, 1 / rate, phases, (2 * ramps - 1) * float(limits.ramp), error, waiting)


def clocks_of(
    alignment: Alignment,
    limits: Limits,
    slowness: Floats,
    phase: Floats,
    ramp: Floats,
    error_cycles: Floats,
    waiting: float,
) -> NodeClocks:
    """Return the clocks of nodes whose roots count the time from deskew to deskew.

    Parameters
    ----------
    alignment : Alignment
    limits : Limits
    slowness, ramp : ndarray of float64, shape (nodes,)
    phase : ndarray of float64, shape (nodes,) or (deskews, nodes)
        That at the first deskew of each segment, the same of all or by the segment of each deskew.
    error_cycles : ndarray of float64, shape (deskews, nodes)
        By how much each node ends a deskew after its root.
    waiting : float
    """
    rate, deskews = float(limits.spread_rate), len(alignment.segment)
    swung = float(limits.slowdown / limits.spread_rate)
    elapsed = alignment.elapsed_cycles.astype(np.float64)[:, np.newaxis]
    phases = phase + rate * elapsed
    root = alignment.root
    roots = elapsed * slowness[root] + swing(phases[:, root], swung) - swing(phase[..., root], swung)
    roots = roots - ramp[root] * elapsed**2 / 2
    slow = np.broadcast_to(slowness, (deskews, len(slowness))).copy()
    return NodeClocks(roots + error_cycles, slow, phases, ramp, rate, swung, waiting)


def sum_along_tree(residual: Floats, alignment: Alignment) -> Floats:
    """Return the error of every node: its own residual and its parent's; a root has none, nor a node in no tree."""
    depth, parent = alignment.tree.depth, alignment.tree.parent
    error = np.where(depth <= 0, 0.0, residual)
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        error[..., nodes] += error[..., parent[nodes]]
    return error


def ways_apart(alignment: Alignment, src: int, dst: int, *, apart: bool) -> tuple[list[int], list[int]]:
    """Return the nodes below the nearest common ancestor on the ways to both ends; below the root, aligned apart."""
    to_src, to_dst = (_upwards(alignment, node) for node in (src, dst))
    common = set() if apart else set(to_src) & set(to_dst)
    return [node for node in to_src if node not in common], [node for node in to_dst if node not in common]


def _upwards(alignment: Alignment, node: int) -> list[int]:
    way = []
    while alignment.tree.depth[node] > 0:
        way.append(node)
        node = int(alignment.tree.parent[node])
    return way if alignment.tree.depth[node] != NONE else []
