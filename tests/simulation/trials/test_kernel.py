"""Tests of what happens to vectors on given clocks, against the definitions followed one vector at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.draws import cut_off, spread_within, uniform
from lpxsched.simulation.egress import latency_cycles, read_egress
from lpxsched.simulation.trials.clocks import draw_clocks
from lpxsched.simulation.trials.kernel import columns_of, run_on
from tests.builds import ints, two_chip_build
from tests.simulation.examples import clock, deskewed_in_flight, limits_of, timeline_of

if TYPE_CHECKING:
    from lpxsched.simulation.trials.clocks import NodeClocks
    from lpxsched.timetable.build import Build

BUILDS = [two_chip_build(), deskewed_in_flight()]
V, LATENCY, CROSSING = 2.5, 10, 2
CLOCK = clock(
    ppm=5_000, residual_ns=2, jitter_ns=3, crossing=CROSSING, spread_ppm=20_000, spread_khz=1000, drift_ppm_per_s=1000
)
LIMITS = limits_of(CLOCK)


def one_trial(build: Build, seed: int) -> NodeClocks:
    """Return random clocks for one run of a build."""
    return draw_clocks(np.random.default_rng(seed), read_alignment(build), LIMITS)


class Node:
    """One clock: where its program stands at a true time, and when it stands there."""

    def __init__(self, build: Build, clocks: NodeClocks, node: int) -> None:
        self.ends: list[int] = (build.deskews.cycle + build.deskews.stall).tolist()
        self.rate = float(1 / clocks.slowness[0, node])
        self.aligned: list[float] = clocks.aligned_cycles[:, node].tolist()
        self.phase, self.ramp = clocks.phase[:, node].tolist(), float(clocks.ramp[node])

    def interval(self, program: float) -> int:
        """Return the deskew that aligned the node last before a program time."""
        return max(deskew for deskew, end in enumerate(self.ends) if end <= program)

    def true_time(self, program: float) -> float:
        """Return t_i(p)."""
        return self.time_since(self.interval(program), program)

    def time_since(self, deskew: int, program: float) -> float:
        """Return t_i(p), counted from a deskew."""
        passed = program - self.ends[deskew]
        strayed = summed(self.phase[deskew] + passed / 1000) - summed(self.phase[deskew]) - self.ramp * passed**2 / 2
        return self.aligned[deskew] + passed / self.rate + strayed


def summed(turns: float) -> float:
    """Return what a triangle of 1 % around its mean sums up to, from its peak on; a turn takes 1,000 cycles."""
    part = turns % 1
    # 10 cycles (v - 2 v^2), v up to a half; the triangle is then symmetric around its zero.
    return 10 * (part - 2 * part**2) if part < 0.5 else -10 * ((part - 0.5) - 2 * (part - 0.5) ** 2)


def slowly(build: Build, clocks: NodeClocks, row: int, seed: int) -> float:
    """Return the least slack of all vectors of one slot."""
    slots, links = build.slots, build.links
    link, depart, read = int(slots.link[row]), int(slots.depart[row]), int(slots.read[row])
    # Lanes of the host are nodes 3, to chip 0, and 4, to chip 1.
    sender = {4: 3, 5: 4}.get(link, int(links.src[link]))
    src, dst = (Node(build, clocks, node) for node in (sender, int(links.dst[link])))
    slacks, arrives = [], float("-inf")
    for k in range(int(slots.vectors[row])):
        sent = src.time_since(src.interval(depart), depart + k * V + V)
        arrives = max(arrives, sent + LATENCY + 3 * uniform(seed, row, k))
        due = dst.time_since(dst.interval(read), read + k * V - CROSSING)
        slacks.append((due - arrives) * dst.rate)
    return min(slacks)


@pytest.mark.parametrize("build", BUILDS, ids=["one deskew", "two deskews"])
@pytest.mark.parametrize("seed", range(5))
def test_slack_follows_the_definitions(build: Build, seed: int) -> None:
    """Tests the columns against every vector followed by itself, slots in flight across a deskew included."""
    clocks = one_trial(build, seed)
    slots = columns_of(build, timeline_of(build))
    seen = run_on(slots, clocks, LIMITS, deviation_cycles=0.0, seed=seed, each=True)
    # Rows 2 and 5 lead to the host.
    slow = [slowly(build, clocks, row, seed) for row in (0, 1, 3, 4, 6, 7)]
    np.testing.assert_allclose(seen.slack, slow, atol=1e-9)
    assert (seen.least[0], seen.at[0]) == (seen.slack.min(), (0, 1, 3, 4, 6, 7)[int(seen.slack.argmin())])


def test_a_link_delivers_in_order() -> None:
    """Tests vectors 2.5 cycles apart whose link jitters by 1,000: none overtakes, so the last is the latest."""
    build, wild = two_chip_build(), limits_of(clock(jitter_ns=1000))
    clocks = draw_clocks(np.random.default_rng(0), read_alignment(build), wild)
    slots = columns_of(build, timeline_of(build))
    for seed in range(20):
        seen = run_on(slots, clocks, wild, deviation_cycles=0.0, seed=seed, each=True)
        # Vector 0 arrives at depart + 12.5 and its jitter, vector 1 no earlier and is due 2.5 cycles later.
        first, second = (1000 * uniform(seed, 0, vector) for vector in (0, 1))
        latest = max(second + 2.5, first)
        assert abs(seen.slack[0] - min(5.5 - first, 5.5 + 2.5 - latest)) < 1e-9


@pytest.mark.parametrize("build", BUILDS, ids=["one deskew", "two deskews"])
@pytest.mark.parametrize("jitter_ns", [0, 3, 30, 1000])
@pytest.mark.parametrize("deviation", [0.0, 2.0])
def test_slots_that_are_left_out_change_nothing(build: Build, jitter_ns: int, deviation: float) -> None:
    """Tests runs that look at each slot beside those that leave out what cannot be late or tightest.

    From 3 ns of jitter on vectors are late, of 1,000 ns they wait for those before them.
    """
    limits = limits_of(clock(ppm=5_000, residual_ns=2, jitter_ns=jitter_ns, crossing=CROSSING))
    slots = columns_of(build, timeline_of(build))
    late = 0
    for seed in range(20):
        clocks = draw_clocks(np.random.default_rng(seed), read_alignment(build), limits)
        run = partial(run_on, slots, clocks, limits, deviation_cycles=deviation, seed=seed)
        every, some = run(each=True), run()
        for name in ("late", "overflows", "first", "least", "at"):
            assert getattr(every, name).tolist() == getattr(some, name).tolist()
        late += int(every.late[0])
    assert (late > 0) == (jitter_ns >= 3)


def test_a_slot_that_is_left_out_still_delays_those_behind_it() -> None:
    """Tests slots 3 and 4 on one link at 23 and 80, jitter of 1,000: 3 is due 9,000 later, so never late or tightest.

    Slot 4 is due 2,000 earlier, so tightest, and waits where slot 3 comes after it.
    """
    build, wild = two_chip_build(), limits_of(clock(jitter_ns=1000))
    reads = build.slots.read + ints(0, 0, 0, 9000, -2000, 0, 0, 0)
    build = replace(build, slots=replace(build.slots, read=reads))
    clocks = draw_clocks(np.random.default_rng(0), read_alignment(build), wild)
    slots, waits = columns_of(build, timeline_of(build)), 0
    for seed in range(20):
        run = partial(run_on, slots, clocks, wild, deviation_cycles=0.0, seed=seed)
        assert (run().least, run().at[0]) == (run(each=True).least, 4)
        first, second = (at + 1000 * max(uniform(seed, row, k) for k in (0, 1)) for row, at in ((3, 23), (4, 80)))
        waits += first > second
    assert 0 < waits < 20


def test_a_buffer_of_one_overflows() -> None:
    """Tests vectors 2.5 cycles apart that wait 5.5 cycles: the second finds the first, in six slots of two vectors."""
    build, limits = two_chip_build(), limits_of(clock())
    build = replace(build, chips=replace(build.chips, deskew_buffer_vectors=ints(1, 1, 0)))
    clocks = draw_clocks(np.random.default_rng(0), read_alignment(build), limits)
    seen = run_on(columns_of(build, timeline_of(build)), clocks, limits, deviation_cycles=0.0, seed=0)
    assert (seen.overflows[0], seen.late[0], seen.first.tolist()) == (6, 0, [-1, -1, 0, 1])


def test_jitter_is_normal_and_cut_off() -> None:
    """Tests 20,000 numbers in [0, 20] with a deviation of 3: mean 10, deviation 2.98, none outside."""
    tail = cut_off(0.0, 20.0, 3.0)
    numbers = np.array([spread_within(0.0, 20.0, 3.0, tail, uniform(5, 0, k)) for k in range(20_000)])
    assert abs(numbers.mean() - 10) < 0.1
    assert abs(numbers.std() - 2.98) < 0.1
    assert 0 <= numbers.min() < 1
    assert 19 < numbers.max() <= 20


@pytest.mark.parametrize("build", BUILDS, ids=["one deskew", "two deskews"])
def test_latency_follows_the_definitions(build: Build) -> None:
    """Tests 504 cycles of waiting by the root, its deskew [0, 2), and both chips' ways to cycle 128 since the start.

    Both ends are on the host, jitter and a crossing of two of the chip's cycles later.
    """
    clocks = one_trial(build, 3)
    egress = read_egress(build, read_alignment(build))
    chips = [Node(build, clocks, chip) for chip in (0, 1)]
    waiting = chips[0].time_since(0, 2) - chips[0].time_since(0, -504 * clocks.waiting)
    begin = float(clocks.aligned_cycles[0, :2].min())
    late = [0.25, 0.75]
    ends = [chip.true_time(128) + 3 * part + 2 / chip.rate for chip, part in zip(chips, late, strict=True)]
    expected = waiting + max(ends) - begin
    np.testing.assert_allclose(latency_cycles(egress, clocks, LIMITS, np.array(late)), expected, rtol=1e-12)
