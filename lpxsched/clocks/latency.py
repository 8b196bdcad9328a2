"""From cycles of program time to the worst latency of one token, in ns.

Segments run one after the other. Each waits for an epoch and starts up, runs its program on a clock that may
be slow, and its last result may leave a host that is aligned later than the node that started first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.clocks.guard import PARTS_PER_MILLION
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.clocks.tree import AlignmentTree


def start_allowance_cycles(clock: ClockSpecification, depth: int, latency_cycles: int) -> int:
    """Return the longest time from an asynchronous event to a segment's time zero, in cycles.

    One epoch of waiting, and ``floor(latency / period) + 1`` epochs of start-up for each level of the
    spanning tree (Abts et al., ISCA 2022).

    Parameters
    ----------
    clock : ClockSpecification
    depth : int
        Levels of the segment's spanning tree.
    latency_cycles : int
        Largest latency of a link of that tree.
    """
    period = clock.hac_period_cycles.value
    return period * (1 + depth * (latency_cycles // period + 1))


def largest_levels(tree: AlignmentTree, nodes: Sequence[int]) -> int:
    """Return the largest number of tree edges between two of the nodes, which hang from one root.

    The node farthest from any one of them is an end of the longest path, so two sweeps suffice.
    """
    start = max(nodes, key=lambda node: (tree.levels_between(nodes[0], node), -node))
    return max(tree.levels_between(start, node) for node in nodes)


def segment_levels(tree: AlignmentTree, nodes: Sequence[int], *, deskews: int) -> int:
    """Return how many residuals can lie between the start of a segment and its end.

    Within one deskew the errors of common ancestors cancel; those of two deskews are drawn afresh and do not.

    Parameters
    ----------
    tree : AlignmentTree
    nodes : sequence of int
        Chips and hosts of the segment.
    deskews : int
        Deskews of the segment, the one at its time zero included.
    """
    if deskews <= 1:
        return largest_levels(tree, nodes)
    return 2 * max(int(tree.depth[node]) for node in nodes)


def gpu_part_ns(layers: int, gpu_ns: float | None, gpu_latency_ns: float | None) -> Fraction:
    """Return what a token spends outside of the chips: ``layers x (gpu_ns + 2 gpu_latency_ns)``, in ns.

    A value that was not given (None) counts as 0.
    """
    return layers * (exact(gpu_ns or 0) + 2 * exact(gpu_latency_ns or 0))


def nominal_ns(clock_mhz: Fraction, *, makespan_cycles: Iterable[int], gpu_ns: Fraction) -> Fraction:
    """Return the latency of one token on perfect clocks without waiting, in ns.

    Parameters
    ----------
    clock_mhz : Fraction
    makespan_cycles : iterable of int
        One for each segment.
    gpu_ns : Fraction
        The whole time outside of the chips, from `gpu_part_ns`.
    """
    return cycles_to_ns(sum(map(int, makespan_cycles)), clock_mhz) + gpu_ns


def worst_case_ns(
    clock: ClockSpecification,
    clock_mhz: Fraction,
    *,
    start_allowance_cycles: Iterable[int],
    makespan_cycles: Iterable[int],
    levels: Iterable[int],
    gpu_ns: Fraction,
) -> Fraction:
    """Return a latency that no token exceeds while all clocks keep their specification, in ns.

    The sum over the segments of ``(start allowance + makespan) / (clock (1 - rho)) + levels x residual``, and
    the time outside of the chips.

    Parameters
    ----------
    clock : ClockSpecification
    clock_mhz : Fraction
        Clock in which cycles are counted.
    start_allowance_cycles, makespan_cycles, levels : iterable of int
        One for each segment; `levels` is that of `segment_levels`.
    gpu_ns : Fraction
        The whole time outside of the chips, from `gpu_part_ns`.
    """
    program = sum(map(int, start_allowance_cycles)) + sum(map(int, makespan_cycles))
    slowest_mhz = clock_mhz * (1 - exact(clock.offset_ppm.value) / PARTS_PER_MILLION)
    residual_ns = sum(map(int, levels)) * exact(clock.residual_ns.value)
    return cycles_to_ns(program, slowest_mhz) + residual_ns + gpu_ns
