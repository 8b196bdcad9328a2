"""Tests of what happens to vectors on given clocks, against the definitions followed one vector at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.drift import NodeClocks, Numbers, draw_clocks, slot_clocks
from lpxsched.simulation.egress import latency_cycles, read_egress
from lpxsched.simulation.propagation import Limits, slack_cycles
from lpxsched.simulation.timeline import read_timeline
from tests.builds import two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

BUILDS = [two_chip_build(), deskewed_in_flight()]
V, LATENCY, CROSSING = 2.5, 10, 2
LIMITS = Limits.of(clock(ppm=5_000, residual_ns=2, jitter_ns=3, crossing=CROSSING), Fraction(1000), in_hop=False)


def one_trial(build: Build, seed: int) -> NodeClocks:
    """Return random clocks for one run of a build of six slots to chips, and two ends."""
    alignment = read_alignment(build)
    numbers = Numbers(alignment.nodes, len(alignment.segment), slots=6, ends=2, segments=1)
    return draw_clocks(np.random.default_rng(seed), 1, numbers, alignment, LIMITS)


class Node:
    """One clock: where its program stands at a true time, and when it stands there."""

    def __init__(self, build: Build, clocks: NodeClocks, node: int) -> None:
        self.ends: list[int] = (build.deskews.cycle + build.deskews.stall).tolist()
        self.rate = float(clocks.rate[0, node])
        self.aligned: list[float] = clocks.aligned_cycles[0, :, node].tolist()

    def interval(self, program: float) -> int:
        """Return the deskew that aligned the node last before a program time."""
        return max(deskew for deskew, end in enumerate(self.ends) if end <= program)

    def true_time(self, program: float) -> float:
        """Return t_i(p)."""
        deskew = self.interval(program)
        return self.aligned[deskew] + (program - self.ends[deskew]) / self.rate

    def program_time(self, true: float, deskew: int) -> float:
        """Return the inverse of t_i within the interval of a deskew."""
        return self.ends[deskew] + (true - self.aligned[deskew]) * self.rate


def slowly(build: Build, clocks: NodeClocks, row: int, delay: float) -> float:
    """Return the least slack of all vectors of one slot."""
    slots, links = build.slots, build.links
    link, depart, read = int(slots.link[row]), int(slots.depart[row]), int(slots.read[row])
    # Lanes of the host are nodes 3, to chip 0, and 4, to chip 1.
    sender = {4: 3, 5: 4}.get(link, int(links.src[link]))
    src, dst = (Node(build, clocks, node) for node in (sender, int(links.dst[link])))
    slacks = []
    for k in range(int(slots.vectors[row])):
        leaves = src.true_time(depart + k * V)
        arrives = leaves + V / src.rate + LATENCY + delay
        due = read + k * V
        slacks.append(due - dst.program_time(arrives, dst.interval(due)) - CROSSING)
    return min(slacks)


@pytest.mark.parametrize("build", BUILDS, ids=["one deskew", "two deskews"])
@pytest.mark.parametrize("seed", range(5))
def test_slack_follows_the_definitions(build: Build, seed: int) -> None:
    """Tests the columns against every vector followed by itself, slots in flight across a deskew included."""
    clocks = one_trial(build, seed)
    timeline = read_timeline(build, read_alignment(build))
    fast = slack_cycles(timeline, slot_clocks(timeline, clocks), CROSSING)[0].min(axis=0)
    # Rows 2 and 5 lead to the host.
    delays = zip([0, 1, 3, 4, 6, 7], clocks.delay_cycles[0].tolist(), strict=True)
    slow = [slowly(build, clocks, row, delay) for row, delay in delays]
    np.testing.assert_allclose(fast, slow, atol=1e-9)


@pytest.mark.parametrize("build", BUILDS, ids=["one deskew", "two deskews"])
def test_latency_follows_the_definitions(build: Build) -> None:
    """Tests waiting, the root's deskew [0, 2), and both chips' ways to cycle 128 since the first start.

    Both ends are on the host, jitter and a crossing of two of the chip's cycles later.
    """
    clocks = one_trial(build, 3)
    egress = read_egress(build, read_alignment(build))
    chips, root_rate = [Node(build, clocks, chip) for chip in (0, 1)], float(clocks.rate[0, 0])
    waiting = 504 / (1 - 0.005) * float(clocks.waiting[0, 0])
    begin = float(clocks.aligned_cycles[0, 0, :2].min())
    late = clocks.arrival_cycles[0].tolist()
    ends = [chip.true_time(128) + delay + 2 / chip.rate for chip, delay in zip(chips, late, strict=True)]
    expected = waiting + 2 / root_rate + max(ends) - begin
    np.testing.assert_allclose(latency_cycles(egress, clocks, LIMITS), [expected], rtol=1e-12)
