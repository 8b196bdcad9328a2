"""Tests of whole builds: latencies worked out by hand, the timetable's own where nobody is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.cli.main import run
from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.kernel import run as run_segment
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.state import fresh_state
from lpxsched.contention.steps import contended_steps
from lpxsched.options import ContendOptions
from lpxsched.timetable.reader import read_sound_build
from tests.fabric.examples import write_topology
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

# 320 bytes in a cycle of 1 ns, 10 cycles on the way.
LINK = {"lanes": 1, "latency_ns": 10, "gbps": 2560}
LATENCY = 10
QUIET = ContendOptions(runtime="none", steps=3)


def collective(folder: Path, kind: str, links: list[tuple[int, int]], *options: str) -> Build:
    """Return the build of a collective on chips that are joined as told."""
    rows = "".join(f"{source},{destination}\n" for source, destination in links)
    chips = 1 + max(max(pair) for pair in links)
    topology = write_topology(folder, "src,dst\n" + rows, link=LINK, chips=chips)
    out = folder / "build"
    assert run(["collective", kind, str(topology), "--clock", "none", "-o", str(out), *options]) == 0
    return read_sound_build(out)


def steps_ns(build: Build, options: ContendOptions) -> np.ndarray:
    """Return how long steps take, in ns."""
    return contended_steps(build, options, runtime_of(read_runtime(options.runtime))).step_ps / 1000


def both(*pairs: tuple[int, int]) -> list[tuple[int, int]]:
    """Return links in both directions."""
    return [*pairs, *((destination, source) for source, destination in pairs)]


@pytest.mark.parametrize(
    ("kind", "links", "options"),
    [
        ("broadcast", both((0, 1), (1, 2), (2, 3)), ("--vectors", "5")),
        ("scatter", both((0, 1)), ("--vectors", "7")),
        ("all-gather", both((0, 1), (1, 2), (0, 2)), ("--vectors", "4")),
    ],
)
def test_without_rivals_a_step_is_the_timetable(
    tmp_path: Path, kind: str, links: list[tuple[int, int]], options: tuple[str, ...]
) -> None:
    """Tests a line that passes vectors on, one link, and three chips that each send on links of their own."""
    build = collective(tmp_path, kind, links, *options)
    assert steps_ns(build, QUIET).tolist() == [build.manifest.results["makespan_ns"]] * 3


@pytest.mark.parametrize("vectors", [4, 30])
def test_two_flows_share_one_link(tmp_path: Path, vectors: int) -> None:
    """Tests a gather on a line of three: what chip 0 sends comes to chip 1, which has as much to send, and goes on.

    Chip 0's first vector is at chip 1 after 1 + 10 cycles. With n = 4 chip 1 has sent its own by then, and the last one
    is there at 11 + 4 + 10; with n = 30 the link is busy from 0 to 60 without a gap, and the last is there at 70.
    """
    build = collective(tmp_path, "gather", both((0, 1), (1, 2)), "--vectors", str(vectors), "--root", "2")
    first = 1 + LATENCY
    expected = first + vectors + LATENCY if vectors <= first else 2 * vectors + LATENCY
    assert steps_ns(build, QUIET).tolist() == [expected] * 3


@pytest.mark.parametrize("vectors", [3, 25])
def test_a_ring_of_three(tmp_path: Path, vectors: int) -> None:
    """Tests an all-gather on a ring one way: each link carries its own chip's vectors and those of the one before.

    These come from cycle 11 on, a vector a cycle. n = 3 have gone by then: 11 + 3 + 10. With 25 the link is busy
    until 50.
    """
    build = collective(tmp_path, "all-gather", [(0, 1), (1, 2), (2, 0)], "--vectors", str(vectors))
    expected = 1 + LATENCY + vectors + LATENCY if vectors <= 1 + LATENCY else 2 * vectors + LATENCY
    assert steps_ns(build, QUIET).tolist() == [expected] * 3


@pytest.mark.parametrize("kind", ["all-gather", "all-to-all", "all-reduce", "reduce-scatter", "gather", "reduce"])
@pytest.mark.parametrize("routing", ["minimal", "hash", "adaptive"])
def test_bytes_are_conserved(tmp_path: Path, kind: str, routing: str) -> None:
    """Tests a grid of four: lanes carry what hops ask for, each node gets what it lacks, and nobody waits for ever."""
    build = collective(tmp_path, kind, both((0, 1), (1, 2), (2, 3), (3, 0)), "--vectors", "8")
    options = ContendOptions(runtime="device", steps=1, routing=routing, arbitration="random")
    drawing = drawing_of(build, 0, options, runtime_of(read_runtime("device")))
    step, state = drawing.step(0), fresh_state(drawing.laid.program)
    carried = step.carried.copy()
    assert run_segment(drawing.laid.program, step, state) == 0
    # Packets that choose take one of the ways that hops are laid for.
    least = 1 if routing == "adaptive" else carried.sum()
    assert least <= state.carried.sum() <= carried.sum()
    assert (step.missing == 0).all()
    assert (state.ended >= 0).all()


def test_a_step_is_the_same_whatever_comes_after_it(tmp_path: Path) -> None:
    """Tests that steps follow from seed and number alone, and differ from each other."""
    build = compiled(tmp_path, num_hidden_layers=2)
    few, many = (steps_ns(build, ContendOptions(steps=steps, tokens="skewed")) for steps in (3, 9))
    assert np.array_equal(few, many[:3])
    assert len(set(many.tolist())) == 9
    assert not np.array_equal(few, steps_ns(build, ContendOptions(steps=3, tokens="skewed", seed=1)))


def test_start_up_comes_on_top_of_every_call(tmp_path: Path) -> None:
    """Tests a broadcast to one neighbour: one call, whose start-up is all that is added, 1 us in the median."""
    build = collective(tmp_path, "broadcast", both((0, 1)), "--vectors", "1")
    quiet = steps_ns(build, QUIET)[0]
    started = steps_ns(build, ContendOptions(runtime="device", steps=2001)) - quiet
    assert np.median(started) == pytest.approx(1000, rel=0.05)
    assert np.quantile(started, 0.99) == pytest.approx(2000, rel=0.15)
