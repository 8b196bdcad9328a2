"""From cycles of program time to the worst latency of one token, in ns.

Segments run one after the other. Each waits for a pass of the chips that poll, or for an epoch and its start-up,
runs its program on a clock that may be slow, and its last result may leave a chip that is aligned later than the one
that started first. On the way to a host no guard covers jitter, temperature and crossing: they come on top.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.clocks.guard import (
    crossing_cycles,
    fastest_rate,
    ramp_per_cycle,
    residual_cycles,
    slowest_rate,
    wander_cycles,
    wire_cycles,
)
from lpxsched.units import NEVER, ceil_div, cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric


def start_cycles(clock: ClockSpecification, depth: int, latency_cycles: int) -> int:
    """Return the longest time from an asynchronous event to time zero of a program that is started by it, in cycles.

    One epoch of waiting, and ``floor(latency / period) + 1`` epochs of start-up for each level of the
    alignment tree (Abts et al., ISCA 2022).

    Parameters
    ----------
    clock : ClockSpecification
    depth : int
        Levels of the tree; 0 where clocks need none.
    latency_cycles : int
        Latency of its links as counters see it, from `hac_latency_cycles`.
    """
    period = clock.hac_period_cycles.value
    return period * (1 + depth * (latency_cycles // period + 1))


def pass_cycles(clock: ClockSpecification, load_cycles: int) -> int:
    """Return the length of one pass of chips that poll for rows: whole epochs that hold what the pass sends.

    Rows that come just after a pass has begun wait for the next one, so this is the longest time from an asynchronous
    event to a segment's time zero.

    Parameters
    ----------
    clock : ClockSpecification
    load_cycles : int
        Largest time that any link is held in a pass.
    """
    return clock.hac_period_cycles.value * ceil_div(load_cycles, clock.hac_period_cycles.value)


def hac_latency_cycles(fabric: Fabric, tree: AlignmentTree) -> int:
    """Return the latency of links as counters see it; where nobody has said, the largest of the links of a tree.

    Of parallel links from a parent to a child the fastest aligns them.
    """
    if fabric.hac_latency_cycles is not None:
        return fabric.hac_latency_cycles
    in_tree = fabric.link_up & (tree.parent[fabric.destination] == fabric.source)
    latency = np.array([link_class.latency_cycles for link_class in fabric.link_classes], dtype=np.int64)
    fastest = np.full(fabric.nodes, NEVER, dtype=np.int64)
    np.minimum.at(fastest, fabric.destination[in_tree], latency[fabric.link_class[in_tree]])
    return int(fastest[fastest < NEVER].max(initial=0))


def restart_cycles(fabric: Fabric, clock: ClockSpecification, tree: AlignmentTree) -> int:
    """Return what it costs to start the program of a whole fabric anew, in cycles: a start along its deepest tree.

    A program is started anew after an uncorrectable error of a link, and when another takes its place.

    Parameters
    ----------
    fabric : Fabric
    clock : ClockSpecification
    tree : AlignmentTree
        The trees of all time domains.
    """
    return start_cycles(clock, max(0, int(tree.depth.max(initial=0))), hac_latency_cycles(fabric, tree))


def largest_levels(tree: AlignmentTree, nodes: Sequence[int], ends: Sequence[int]) -> int:
    """Return the largest number of tree edges from one of the nodes to one of the ends, which hang from one root."""
    # From any node of a tree one of the two ends of the longest path is the farthest.
    others = np.array(ends, dtype=np.int64)
    return max(int(tree.levels_between(np.full_like(others, one), others).max()) for one in tree.farthest(nodes))


def segment_levels(tree: AlignmentTree, nodes: Sequence[int], ends: Sequence[int], *, deskews: int) -> int:
    """Return how many residuals can lie between the start of a segment and its end.

    Within one deskew the errors of common ancestors cancel; those of two deskews are drawn afresh and do not.

    Parameters
    ----------
    tree : AlignmentTree
    nodes : sequence of int
        Chips of the segment.
    ends : sequence of int
        Those of them on which it ends, or which send to hosts where it ends.
    deskews : int
        Deskews of the segment, the one at its time zero included.
    """
    if deskews <= 1:
        return largest_levels(tree, nodes, ends)
    return sum(max(0, *(int(tree.depth[node]) for node in some)) for some in (nodes, ends))


def nominal_ns(clock_mhz: Fraction, *, makespan_cycles: Iterable[int]) -> Fraction:
    """Return the latency of one token on perfect clocks without waiting, in ns.

    Parameters
    ----------
    clock_mhz : Fraction
    makespan_cycles : iterable of int
        One for each segment.
    """
    return cycles_to_ns(sum(map(int, makespan_cycles)), clock_mhz)


def slowest_mhz(clock: ClockSpecification, clock_mhz: Fraction) -> Fraction:
    """Return the least mean frequency of a clock, in MHz."""
    return clock_mhz * slowest_rate(clock)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a segment, from its event to its last result, in cycles.

    Attributes
    ----------
    waiting_cycles, makespan_cycles : int
    levels : int
        From `segment_levels`.
    since_cycles : int
        From the end of its last deskew to its end; where it has none, from the one before it.
    before_cycles : int
        From the deskew before it to its begin; 0 where it opens with one.
    """

    waiting_cycles: int
    makespan_cycles: int
    levels: int
    since_cycles: int
    before_cycles: int = 0

    def wander_cycles(self, clock: ClockSpecification, clock_mhz: Fraction) -> Fraction:
        """Return by how much clocks that ramp and spread lengthen it at most, in cycles.

        Nobody corrects the root, which counts from the event to the last deskew. The chip that ends last strays since
        that, and the one that begins first since the deskew before; the root has then ramped until the wait as well.
        """
        waits, before = self.waiting_cycles, self.before_cycles
        to_last = before + self.makespan_cycles - self.since_cycles
        spans = [before, waits, to_last] if before else [waits + to_last]
        strays = sum(wander_cycles(clock, span, clock_mhz) for span in (*spans, self.since_cycles))
        return strays + ramp_per_cycle(clock, clock_mhz) * before * waits


def arrival_ns(clock: ClockSpecification, clock_mhz: Fraction, *, in_hop: bool) -> Fraction:
    """Return how much later than nominal a vector can be complete at a host, in ns: jitter, temperature, crossing.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    in_hop : bool
        Whether the published hop contains jitter and crossing.
    """
    crossing = Fraction(crossing_cycles(clock, in_hop=in_hop))
    wires_ns = cycles_to_ns(wire_cycles(clock, clock_mhz, in_hop=in_hop), clock_mhz)
    return wires_ns + cycles_to_ns(crossing, slowest_mhz(clock, clock_mhz))


def worst_case_ns(
    clock: ClockSpecification, clock_mhz: Fraction, runs: Iterable[Run], *, arrivals_ns: Fraction
) -> Fraction:
    """Return a latency that no token exceeds while all clocks keep their specification, in ns.

    The sum over all runs of ``(waiting + makespan) / (clock (1 - d/2 - rho)) + levels x residual + wander``, where a
    deskew lies before a run what clocks have drifted apart since, and what arrivals at hosts take beyond their nominal
    times. What a token spends outside of the fabric is no part of it.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    runs : iterable of Run
    arrivals_ns : Fraction
        `arrival_ns` for each run that ends on hosts.
    """
    slow, fast = slowest_rate(clock), fastest_rate(clock)
    total = Fraction(0)
    for run, times in Counter(runs).items():
        lasting = Fraction(run.waiting_cycles + run.makespan_cycles + run.before_cycles) / slow
        errors = residual_cycles(clock, run.levels, clock_mhz) + run.wander_cycles(clock, clock_mhz)
        total += times * (lasting - run.before_cycles / fast + errors)
    return cycles_to_ns(total, clock_mhz) + arrivals_ns


def reserved_step_ns(clock: ClockSpecification, clock_mhz: Fraction, *, step_cycles: int, depth: int) -> Fraction:
    """Return the longest time from one window of a micro-batch to the same window of its next step, in ns.

    The root counts N P, and strays meanwhile; the chip that begins, aligned by two deskews, strays since each.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    step_cycles : int
        N P.
    depth : int
        Levels of the tree of the chips; `NONE` where they hang from none.
    """
    errors = residual_cycles(clock, 2 * max(0, depth), clock_mhz) + 3 * wander_cycles(clock, step_cycles, clock_mhz)
    return cycles_to_ns(step_cycles, slowest_mhz(clock, clock_mhz)) + cycles_to_ns(errors, clock_mhz)
