"""R8 reads: arrival before the read for all clocks within the specification."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify import reads
from lpxsched.verify.clock import Limits
from lpxsched.verify.hops import Hops, exact_arrivals
from tests.builds import ints, signed, two_chip_build
from tests.verify.changes import breaks, change, changed, later, messages, reports, rules, with_rows
from tests.verify.hops import all_hops

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

RATES = (Fraction(0), Fraction(1, 10_000), Fraction(3, 100))
ERRORS = (Fraction(0), Fraction(9, 10), Fraction(13, 4))
# Half the depth of a spread, its periods in a cycle, and a ramp a cycle.
SPREADS = ((Fraction(0), Fraction(1, 100), Fraction(0)), (Fraction(1, 50), Fraction(1, 200), Fraction(1, 10**5)))


def hop(depart: int, read: int, aligned: int, realigned: int, levels: int) -> Hops:
    """Return a slot of four vectors of 5/2 cycles on a link of latency 10."""
    columns = (0, 0, 0, 4, depart, read, 10, 5, 5, 2, aligned, realigned, 0, levels)
    return Hops(*(ints(value) for value in columns), np.zeros(1, dtype=np.bool_))


def test_ends_with_one_oscillator_drift_on_the_way_only() -> None:
    """Tests vector 3 of a slot from 1,000 to 1,020, three per cent: 1,010 + 1.03 x (10 + 2 x 0.9 + 3.25) + 1 at worst.

    It is read at 1,027.5, so it has 0.9985 cycles; at the earliest it comes at 1,010 + 0.97 x (10 - 1.8). On different
    oscillators some 60 cycles of drift since the deskew would come on top.
    """
    limits = limits_with(Fraction(3, 100), Fraction(9, 10), Fraction(13, 4), Fraction(0), SPREADS[0])
    apart = hop(1000, 1020, 0, 0, 2)
    found = exact_arrivals(replace(apart, shared=np.ones(1, dtype=np.bool_)), ints(3), limits)
    assert Fraction(found.latest[0], found.parts) == 1010 + Fraction(103, 100) * Fraction(1505, 100) + 1
    assert Fraction(found.earliest[0], found.parts) == 1010 + Fraction(97, 100) * Fraction(82, 10)
    assert Fraction(found.due[0] - found.latest[0], found.parts) == Fraction(9985, 10000)
    own = exact_arrivals(apart, ints(3), limits)
    assert Fraction(own.latest[0] - found.latest[0], own.parts) > 60


def test_a_ramp_of_one_oscillator_has_begun_at_its_deskew() -> None:
    """Tests a thousandth a cycle on the way from 1,010 to the read at 1,027.5, reckoned as 18 cycles after 1,011.

    It strays by 18^2 / 2 + 18 x 1,011 thousandths, 18.36 cycles: the vector may come at 1,010 + 10 + 18.36 + 1.
    """
    limits = limits_with(*[Fraction(0)] * 4, (Fraction(0), Fraction(1, 200), Fraction(1, 1000)))
    shared = replace(hop(1000, 1020, 0, 0, 2), shared=np.ones(1, dtype=np.bool_))
    found = exact_arrivals(shared, ints(3), limits)
    assert Fraction(found.latest[0], found.parts) == 1021 + Fraction(1836, 100)
    assert Fraction(found.earliest[0], found.parts) == 1020 - Fraction(1836, 100)
    assert Fraction(found.due[0] - found.latest[0], found.parts) == -Fraction(1186, 100)


def limits_with(
    rho: Fraction, residual: Fraction, late: Fraction, early: Fraction, spread: tuple[Fraction, Fraction, Fraction]
) -> Limits:
    """Return limits of one class of links, with a crossing of a cycle."""
    return Limits(rho, *spread, residual, late, {}, late, early, Fraction(1), 0, 252)


def strays(hops: Hops, limits: Limits) -> Fraction:
    """Return by how much the two ends, and the root, stray until the last of four vectors, in thousandths upwards."""
    depart, read, aligned, realigned = (int(c[0]) for c in (hops.depart, hops.read, hops.aligned, hops.realigned))
    lengths = (floor(depart - aligned + 10) + 1, floor(read - realigned + Fraction(15, 2)) + 1, realigned - aligned)
    return sum(Fraction(ceil(limits.wander_cycles(abs(length)) * 1000), 1000) for length in lengths)


def arrivals_at_corners(hops: Hops, vector: int, limits: Limits) -> list[Fraction]:
    """Return when a vector arrives, in the receiver's cycles, for all clocks at a corner of the limits."""
    depart, aligned, realigned = (int(column[0]) for column in (hops.depart, hops.aligned, hops.realigned))
    sent = depart - aligned + (vector + 1) * Fraction(5, 2)
    rates = [(1 - limits.slowdown - limits.rho, 1 - limits.slowdown + limits.rho)] * 3
    error = int(hops.levels[0]) * limits.residual_cycles + strays(hops, limits)
    found = []
    for src, dst, root in product(*rates):
        for e, j in product((-error, error), (-limits.early_cycles, limits.late_cycles)):
            true_time = e + sent / src - (realigned - aligned) / root + 10 + j
            found += [dst * true_time, dst * true_time + limits.crossing_cycles]
    return found


@given(
    *(st.integers(0, 60) for _ in range(2)),
    st.sampled_from([(0, 0), (5, 5), (5, 40), (70, 70)]),
    st.integers(0, 3),
    st.sampled_from(list(product(RATES, ERRORS, ERRORS, ERRORS, SPREADS))),
)
def test_arrivals_are_those_of_the_worst_clocks(
    depart: int, read: int, deskews: tuple[int, int], vector: int, errors: Any
) -> None:
    """Tests the latest and the earliest arrival against all corners of the specification."""
    limits = limits_with(*errors)
    hops = hop(depart, read, *deskews, 2)
    found, corners = exact_arrivals(hops, ints(vector), limits), arrivals_at_corners(hops, vector, limits)
    assert Fraction(found.latest[0], found.parts) == max(corners)
    assert Fraction(found.earliest[0], found.parts) == min(corners)
    assert Fraction(found.due[0], found.parts) == read - deskews[1] + vector * Fraction(5, 2)


@given(st.integers(0, 50), st.integers(0, 40), st.sampled_from(list(product(RATES, ERRORS, ERRORS, SPREADS))))
def test_what_is_proved_a_link_at_a_time_is_in_time(extra: int, moved: int, errors: Any) -> None:
    """Tests that the quick condition proves nothing that the exact one refutes, and misses nothing without drift."""
    *steady, spread = errors
    limits = limits_with(*steady, Fraction(0), spread)
    build = later(two_chip_build(), moved)
    build = replace(build, slots=replace(build.slots, read=build.slots.depart + 10 + extra))
    hops = all_hops(build)
    first, last = (exact_arrivals(hops, vector, limits) for vector in (hops.vectors * 0, hops.vectors - 1))
    in_time = (first.due >= first.latest) & (last.due >= last.latest)
    proved = reads._proved(build, hops, limits)
    assert not (proved & ~in_time).any()
    assert limits.rho or limits.wanders or (proved == in_time).all()


def test_a_read_before_the_guard_has_passed_is_found() -> None:
    """Tests 23 + 5/2 + 10 cycles, and 0.9 + 2.6 + 1 for the clocks with hundredths of drift: 40.006."""
    text = "a slot on link 0 (chip 0 -> chip 1) that departs at 23 is read at 40: its vector 1 may come"
    assert breaks(changed("slots", 0, read=40), "R8", text)
    assert not rules(two_chip_build())


def test_a_lane_of_a_host_follows_the_chip_at_its_other_end() -> None:
    """Tests that a read of what a host sent at 2 waits for one residual: 2 + 12.5 + 4.5 and a little more."""
    text = "a slot on link 4 (host 0 -> chip 0) that departs at 2 is read at 19: its vector 1 may come"
    assert breaks(changed("slots", 6, read=19), "R8", text)
    assert messages(changed("slots", 6, read=19), "R8")[0].endswith(", 1 level apart")


def test_hosts_take_vectors_whenever_they_come() -> None:
    """Tests that slots to hosts are no hops to be judged: 0, 1, 3, 4, 6 and 7 are."""
    assert all_hops(two_chip_build()).slot.tolist() == [0, 1, 3, 4, 6, 7]


def told(build: Build, **values: Any) -> Build:
    """Return a build with something else in its manifest."""
    return signed(replace(build, manifest=build.manifest.model_copy(update=values)))


@pytest.mark.parametrize(("read", "found"), [(37, False), (36, True)])
def test_a_hop_may_hold_jitter_and_crossing(read: int, found: bool) -> None:
    """Tests that of 4.5 cycles the residual alone is left: 23 + 12.5 + 0.9 and a little more."""
    build = told(changed("slots", 0, read=read), guard_in_hop=True)
    assert reports(build, "R8", "may come") == found


def test_a_slot_in_flight_across_a_deskew_is_charged_both_depths() -> None:
    """Tests [30, 34) between departure and read of slots 0 and 3: chip 1 is one level deep, as the two ends are apart.

    The lanes of the host are realigned as well, but nothing is in flight there.
    """
    hops = all_hops(with_rows(two_chip_build(), "deskews", (0, 30, 4, 0)))
    assert hops.aligned.tolist() == [2, 34, 2, 34, 2, 2]
    assert hops.realigned.tolist() == [34, 34, 34, 34, 2, 2]
    assert hops.levels.tolist() == [1, 1, 1, 1, 1, 1]
    # Across [10, 14) the lanes of chip 1, one level deep, are: its own depth twice, and the edge of the lane.
    assert all_hops(with_rows(two_chip_build(), "deskews", (0, 10, 4, 0))).levels.tolist() == [1, 1, 1, 1, 1, 3]


def test_times_near_the_bounds_are_compared_exactly() -> None:
    """Tests that a cycle more or less decides where times end, at 2^50."""
    at = (1 << 50) - 17
    build = told(two_chip_build(), clock={**two_chip_build().manifest.clock, "offset_ppm": {"value": 0}})
    # 2.5 + 10 + 4.5 = 17
    for read, found in ((at + 17, False), (at + 16, True)):
        late = change(build, "slots", 0, depart=at, read=read)
        assert reports(late, "R8", f"that departs at {at} is read at {read}") == found
