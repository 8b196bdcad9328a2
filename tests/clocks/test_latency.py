"""Tests of the latency of one token."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lpxsched.clocks.latency import (
    Run,
    arrival_ns,
    hac_latency_cycles,
    largest_levels,
    nominal_ns,
    pass_cycles,
    restart_cycles,
    segment_levels,
    start_cycles,
    worst_case_ns,
)
from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.clocks.tree import AlignmentTree, TimeDomain, alignment_tree, time_domains
from lpxsched.fabric.profile import load_fabric
from tests.builds import ints
from tests.fabric.examples import fabric_of


def clock(ppm: float, residual_ns: float) -> ClockSpecification:
    """Return a clock whose counter has a period of 252 cycles."""
    return ClockSpecification.model_validate(
        {
            "name": "test",
            "offset_ppm": ppm,
            "residual_ns": residual_ns,
            "jitter_peak_to_peak_ns": 0,
            "crossing_cycles": 0,
            "temperature_ns": 0,
            "hac_period_cycles": 252,
        }
    )


@pytest.mark.parametrize(
    ("depth", "latency_cycles", "expected"),
    [
        (0, 0, 252),  # waiting alone
        (1, 251, 252 + 252),  # floor(251 / 252) + 1 = 1 epoch a level
        (1, 252, 252 + 504),  # floor(252 / 252) + 1 = 2
        (3, 600, 252 + 3 * 756),  # floor(600 / 252) + 1 = 3
    ],
)
def test_start_up_takes_epochs_for_each_level(depth: int, latency_cycles: int, expected: int) -> None:
    """Tests one epoch of waiting and floor(latency / period) + 1 epochs a level."""
    assert start_cycles(clock(0, 0), depth, latency_cycles) == expected


@pytest.mark.parametrize(("load_cycles", "expected"), [(1, 252), (252, 252), (253, 504), (971, 1008)])
def test_a_pass_takes_whole_epochs(load_cycles: int, expected: int) -> None:
    """Tests ceil(load / period) epochs."""
    assert pass_cycles(clock(0, 0), load_cycles) == expected


@pytest.mark.parametrize(
    ("name", "epochs"),
    [
        ("tsp-node", 2),  # an epoch of waiting, one level of floor(217 / 252) + 1 = 1
        ("lpx-rack", 3),  # two levels of floor(117 / 252) + 1 = 1
    ],
)
def test_what_restarts_a_program_costs(name: str, epochs: int) -> None:
    """Tests a start along the tree of the whole fabric, by the latency that counters see."""
    fabric, crystal = load_fabric(name), load_clock("xo-100ppm")
    aligned = alignment_tree(fabric, crystal, time_domains(fabric, [range(fabric.chips)]))
    assert restart_cycles(fabric, crystal, aligned) == 252 * epochs


def test_perfect_clocks_start_at_an_epoch() -> None:
    """Tests that clocks without a tree have no levels to start."""
    fabric, perfect = load_fabric("tsp-node"), load_clock("none")
    assert restart_cycles(fabric, perfect, alignment_tree(fabric, perfect, [])) == 252


def test_counters_see_the_latency_of_links_where_nobody_has_said() -> None:
    """Tests 10 cycles, the latency of the toy's links; without a tree there is none to see."""
    fabric = fabric_of([(0, 1), (1, 0)], grid=(1, 2))
    crystal = load_clock("xo-100ppm")
    aligned = alignment_tree(fabric, crystal, [TimeDomain((0, 1), ())])
    assert hac_latency_cycles(fabric, aligned) == 10
    assert hac_latency_cycles(fabric, alignment_tree(fabric, crystal, [])) == 0


def test_of_parallel_links_the_fastest_aligns() -> None:
    """Tests a link of 10 cycles beside one of 1000 from parent to child."""
    pair = fabric_of([(0, 1), (0, 1), (1, 0)], grid=(1, 2))
    wire = pair.link_classes[0]
    mixed = replace(pair, link_classes=(wire, replace(wire, latency_cycles=1000)), link_class=ints(0, 1, 0))
    aligned = alignment_tree(mixed, load_clock("xo-100ppm"), time_domains(mixed, [[0, 1]]))
    assert hac_latency_cycles(mixed, aligned) == 10


def tree() -> AlignmentTree:
    """Return 0 with the children 1 and 2, 3 below 1, 4 below 3, and 5 below 2."""
    return AlignmentTree(ints(0, 0, 0, 1, 3, 2), ints(0, 1, 1, 2, 3, 2))


@pytest.mark.parametrize(
    ("nodes", "ends", "expected"),
    [([3], [3], 0), ([1, 3, 4], [1, 3, 4], 2), ([1, 4, 5], [1, 5], 5), ([1, 4, 5], [1], 3), ([0, 1, 2, 3], [2, 0], 3)],
)
def test_largest_levels_is_the_longest_path_from_a_node_to_an_end(
    nodes: list[int], ends: list[int], expected: int
) -> None:
    """Tests paths such as 4-3-1-0-2-5 with five edges, and 1-0-2-5 with three where node 1 alone ends."""
    assert largest_levels(tree(), nodes, ends) == expected


def test_two_deskews_share_no_ancestors() -> None:
    """Tests nodes 3 and 4, one edge apart: across deskews they differ by the depth of both, 3 of node 4 and 2 or 3."""
    assert segment_levels(tree(), [3, 4], [3], deskews=1) == 1
    assert segment_levels(tree(), [3, 4], [3], deskews=2) == 5
    assert segment_levels(tree(), [3, 4], [3, 4], deskews=2) == 6


def test_nominal_latency_is_the_sum_of_the_segments() -> None:
    """Tests 100 + 200 cycles at 1200 MHz."""
    assert nominal_ns(Fraction(1200), makespan_cycles=[100, 200]) == 250


def test_a_vector_arrives_late_at_a_host() -> None:
    """Tests 21.2 + 2 ns of jitter and temperature, and two cycles of a clock that is 1 % slow: 2 / 0.99 of 1 ns."""
    slow = clock(10_000, 0).model_dump() | {"jitter_peak_to_peak_ns": 21.2, "temperature_ns": 2, "crossing_cycles": 2}
    late = ClockSpecification.model_validate(slow)
    assert arrival_ns(late, Fraction(1000), in_hop=False) == Fraction(232, 10) + Fraction(200, 99)
    assert arrival_ns(late, Fraction(1000), in_hop=True) == 2


def test_worst_case_is_the_sum_of_its_parts() -> None:
    """Tests two segments of 252 + 738 cycles at up to 1 % slow, with 1 and 3 levels of 10.6 ns."""
    runs = [Run(252, 738, levels, since_cycles=700) for levels in (1, 3)]
    worst = worst_case_ns(clock(10_000, 10.6), Fraction(1000), runs, arrivals_ns=Fraction(5))
    # 2 x 990 / 0.99 = 2000, 4 x 10.6 = 42.4
    assert worst == 2000 + Fraction(424, 10) + 5


def swinging() -> ClockSpecification:
    """Return clocks of d = 2 % and f = 1 MHz, Phi(q) = q / 100 (1 - q / 1,000) cycles of 1 ns, and 2.5 from 500 on."""
    data = clock(0, 0).model_dump() | {"spread_ppm": 20_000, "spread_khz": 1000}
    return ClockSpecification.model_validate(data)


def test_the_root_and_the_last_chip_stray() -> None:
    """Tests 100 cycles of waiting and 200, deskewed 150 before the end: the root strays for 150, and the chip as long.

    300 / 0.99 of a clock 1 % slow in the mean, and 2 x 1.5 x 0.85.
    """
    run = Run(waiting_cycles=100, makespan_cycles=200, levels=0, since_cycles=150)
    worst = worst_case_ns(swinging(), Fraction(1000), [run], arrivals_ns=Fraction(0))
    assert worst == 300 / Fraction(99, 100) + 2 * Fraction(15, 10) * Fraction(85, 100)


def test_what_began_long_after_its_deskew_strayed_before() -> None:
    """Tests a deskew 400 cycles before 200, the last at 50 of them: four times clocks stray.

    The root in the wait, 100, and from deskew to deskew, 450; the chip that begins for 400, that which ends for 150.
    Rates are all the same.
    """
    run = Run(waiting_cycles=100, makespan_cycles=200, levels=0, since_cycles=150, before_cycles=400)
    worst = worst_case_ns(swinging(), Fraction(1000), [run], arrivals_ns=Fraction(0))
    strays = sum(Fraction(q, 100) * (1 - Fraction(q, 1000)) for q in (100, 450, 400, 150))
    assert worst == 300 / Fraction(99, 100) + strays


def test_what_began_long_after_its_deskew_has_drifted() -> None:
    """Tests a deskew 9,999 cycles before: a chip 1 % fast begins after 9,900, one as slow ends after 10,100."""
    run = Run(waiting_cycles=0, makespan_cycles=0, levels=0, since_cycles=9999, before_cycles=9999)
    worst = worst_case_ns(clock(10_000, 0), Fraction(1000), [run], arrivals_ns=Fraction(0))
    # 9,999 / 0.99 - 9,999 / 1.01
    assert worst == 10_100 - 9_900


def test_a_root_has_ramped_before_the_wait() -> None:
    """Tests 1 ppm a second, 1e-15 a cycle: over the wait of 1e6 after 3e6 cycles the rate is off by 3e-9, 3e-3 cycles.

    Half of 1e-15 times 1e12 in the wait itself, 9e12 before the begin, and as much after it: no deskew lies inside.
    """
    data = clock(0, 0).model_dump() | {"drift_ppm_per_s": 1}
    run = Run(waiting_cycles=10**6, makespan_cycles=0, levels=0, since_cycles=3 * 10**6, before_cycles=3 * 10**6)
    strays = run.wander_cycles(ClockSpecification.model_validate(data), Fraction(1000))
    assert strays == Fraction(3, 1000) + Fraction(1 + 9 + 9, 2000)
