"""Clocks drawn at random within their specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.propagation import SlotClocks

if TYPE_CHECKING:
    from lpxsched.simulation.alignment import Alignment
    from lpxsched.simulation.propagation import Floats, Limits
    from lpxsched.simulation.timeline import Timeline


@dataclass(frozen=True, slots=True, eq=False)
class NodeClocks:
    """The clocks of all nodes in some trials.

    Attributes
    ----------
    rate : ndarray of float64, shape (trials, nodes)
        1 + delta.
    aligned_cycles : ndarray of float64, shape (trials, deskews, nodes)
        True time at which a node ends a deskew, from the ideal end of the segment's first deskew.
    delay_cycles : ndarray of float64, shape (trials, slots)
        Jitter of the link of each slot.
    arrival_cycles : ndarray of float64, shape (trials, ends)
        Jitter of the last vector of each end of a segment.
    waiting : ndarray of float64, shape (trials, segments)
        Waiting and start-up as a part of the longest, in [0, 1).
    """

    rate: Floats
    aligned_cycles: Floats
    delay_cycles: Floats
    arrival_cycles: Floats
    waiting: Floats


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many random numbers one trial takes: a rate a node, a residual a node and deskew, and so on."""

    nodes: int
    deskews: int
    slots: int
    ends: int
    segments: int

    @property
    def total(self) -> int:
        """Random numbers of one trial."""
        return self.nodes * (1 + self.deskews) + self.slots + self.ends + self.segments

    def split(self, numbers: Floats) -> list[Floats]:
        """Return the parts of the rows of `numbers`: rates, residuals, delays, arrivals, waiting."""
        ends = np.cumsum([self.nodes, self.nodes * self.deskews, self.slots, self.ends])
        return np.split(numbers, ends, axis=1)


def draw_clocks(
    generator: np.random.Generator, trials: int, numbers: Numbers, alignment: Alignment, limits: Limits
) -> NodeClocks:
    """Return clocks that are uniform within their limits.

    Each trial takes its numbers from the generator in one go, so that what it sees does not depend on how
    many trials are drawn together.

    Parameters
    ----------
    generator : numpy.random.Generator
    trials : int
    numbers : Numbers
    alignment : Alignment
    limits : Limits
    """
    uniform = generator.random((trials, numbers.total))
    rates, residuals, delays, arrivals, waiting = numbers.split(uniform)
    most = float(limits.delay_cycles)
    rate = 1 + float(limits.rho) * (2 * rates - 1)
    error = float(limits.residual_cycles) * (2 * residuals - 1)
    error = _sum_along_tree(error.reshape(trials, numbers.deskews, numbers.nodes), alignment)
    elapsed = alignment.elapsed_cycles[:, np.newaxis] / rate[:, np.newaxis, alignment.root]
    return NodeClocks(rate, elapsed + error, most * delays, most * arrivals, waiting)


def _sum_along_tree(residual: Floats, alignment: Alignment) -> Floats:
    """Return the error of every node: its own residual and its parent's; a root has none, nor a node in no tree."""
    depth, parent = alignment.tree.depth, alignment.tree.parent
    error = np.where(depth <= 0, 0.0, residual)
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        error[..., nodes] += error[..., parent[nodes]]
    return error


def slot_clocks(timeline: Timeline, clocks: NodeClocks) -> SlotClocks:
    """Return the clocks at the ends of each slot."""
    trials, _, nodes = clocks.aligned_cycles.shape
    aligned = clocks.aligned_cycles.reshape(trials, -1)
    sender = aligned[:, timeline.src_deskew * nodes + timeline.src]
    receiver = aligned[:, timeline.dst_deskew * nodes + timeline.dst]
    return SlotClocks(
        src_rate=clocks.rate[:, np.newaxis, timeline.src],
        dst_rate=clocks.rate[:, np.newaxis, timeline.dst],
        misalignment_cycles=sender - receiver,
        delay_cycles=clocks.delay_cycles[:, np.newaxis, :],
    )
