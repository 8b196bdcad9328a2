"""Tests of iterations of a frame that repeats in trials, and of phases of spread that an adversary chooses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.egress import latency_cycles, read_egress, slowest_clocks
from lpxsched.simulation.summary import simulate
from lpxsched.simulation.timeline import read_timeline, slots_to_chips
from lpxsched.simulation.trials.clocks import slowest_phase, swing
from lpxsched.simulation.trials.iterations import iterations
from lpxsched.simulation.trials.kernel import columns_of
from tests.builds import ints, two_chip_build
from tests.simulation.examples import clock, limits_of
from tests.verify.changes import change
from tests.verify.test_frames import gapped


def test_all_iterations_between_two_deskews_run() -> None:
    """Tests seven windows of 200 cycles after a deskew: every slot seven times, in the order of time on each link."""
    build, limits = gapped(), limits_of(clock())
    alignment = read_alignment(build)
    timeline = read_timeline(build, alignment, limits, slots_to_chips(build))
    slot, earlier = iterations(build, timeline)
    assert np.bincount(slot).tolist() == [7] * timeline.slots
    assert sorted(set(earlier.tolist())) == [200 * number for number in range(7)]
    columns = columns_of(build, timeline)
    assert len(columns.row) == 7 * timeline.slots
    # One queue a link, as all iterations are one session.
    assert len(columns.src) == len(np.unique(timeline.link))
    for begin, end in pairwise(columns.first.tolist()):
        assert (np.diff(columns.depart[begin:end]) >= 0).all()
    # The first window begins when the deskew has ended, or later in it.
    assert 0 <= columns.depart.min() < 200 < columns.depart.max() < 1600


def test_slots_run_after_whichever_deskew_is_theirs() -> None:
    """Tests a deskew every 30 cycles at 20, for 3: slots of 128 cycles, each once, from the deskew before it."""
    build = change(gapped(gaps=[]), "deskews", 0, cycle=20, every_periods=1)
    build = replace(build, frames=replace(build.frames, period_cycles=ints(30)))
    alignment, limits = read_alignment(build), limits_of(clock())
    timeline = read_timeline(build, alignment, limits, slots_to_chips(build))
    slot, earlier = iterations(build, timeline)
    assert np.bincount(slot).tolist() == [1] * timeline.slots
    assert set(earlier.tolist()) == {0}
    # The segment begins at phase 0, so deskews end at -7, 23, 53, 83; slots leave at 2, 23 and 80.
    since = build.slots.depart[timeline.row] - timeline.depart_cycles[0]
    assert set(since.tolist()) == {-7, 23, 53}


def test_vectors_of_the_iteration_before_take_room() -> None:
    """Tests reads 100 cycles later than they need be, in a buffer for one vector: the next iteration meets it full.

    Within one iteration two vectors of 2.5 cycles wait beside each other already.
    """
    build = gapped()
    slots = replace(build.slots, read=build.slots.read + 250)
    full = simulate(replace(build, slots=slots), clock(), trials=1, seed=0)
    depth = replace(build.chips, deskew_buffer_vectors=np.full(len(build.chips), 2))
    narrow = simulate(replace(build, slots=slots, chips=depth), clock(), trials=1, seed=0)
    once = simulate(replace(build, chips=depth), clock(), trials=1, seed=0)
    assert (full.overflows, once.overflows) == (0, 0)
    assert narrow.overflows > 0


@pytest.mark.parametrize("turns", [0.1, 0.5, 0.9, 1.0, 1.3, 1.7, 2.2])
def test_no_phase_falls_behind_further(turns: float) -> None:
    """Tests the phase that is told against a thousand others, for intervals below and above a period."""
    limits = limits_of(clock(spread_ppm=20_000, spread_khz=1000))
    rate = float(limits.spread_rate)
    phases = np.append(np.linspace(0, 1, 1001), slowest_phase(limits, turns / rate))
    behind = swing(phases + turns, 10.0) - swing(phases, 10.0)
    assert behind[-1] >= behind.max() - 1e-9


def test_the_longest_latency_has_its_spread() -> None:
    """Tests two chips that wait 504 cycles, deskew for 2 and end 126 later at 2 % spread of 1 MHz, 1 % slow.

    The last chip is the root, which counts 632 cycles in a row: in 0.632 of a turn it falls behind by 2 x 10 x (0.316 -
    2 x 0.316^2) = 2.32576. The bound lets it fall behind by 2.5, as in half a turn, and its way to the end beside that.
    """
    build, limits = two_chip_build(), limits_of(clock(spread_ppm=20_000, spread_khz=1000))
    alignment = read_alignment(build)
    egress = read_egress(build, alignment)
    longest = latency_cycles(egress, slowest_clocks(egress, alignment, limits), limits, np.ones(len(egress.node)))
    assert longest == pytest.approx(632 / 0.99 + 2.32576)
