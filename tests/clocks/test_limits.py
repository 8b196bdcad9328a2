"""Tests of how long clocks may run apart, and of what can never fit into that time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice

import pytest

from lpxsched.clocks.guard import drift_cycles, residual_cycles
from lpxsched.clocks.limits import DomainClock, Hop
from lpxsched.clocks.specification import ClockSpecification, load_clock
from lpxsched.errors import InfeasibleError

MHZ_1000 = Fraction(1000)


def domain(depth: int = 1, name: str = "xo-100ppm", *, in_hop: bool = False, **changes: float) -> DomainClock:
    """Return a domain on a shipped clock with some numbers changed."""
    data = load_clock(name).model_dump() | changes
    return DomainClock(ClockSpecification.model_validate(data), depth, MHZ_1000, in_hop)


@pytest.mark.parametrize(
    ("depth", "changes", "expected"),
    [
        (0, {"drift_ppm_per_s": 0}, 629_999),  # 2 x 100e-6 x T < 126: T < 630,000
        (3, {}, 311_999),  # 2 x 100e-6 x T + 2 x 3 x 10.6 < 126: T < 312,000
        (0, {"offset_ppm": 0.5, "drift_ppm_per_s": 0}, 125_999_999),  # 1e-6 x T < 126
        (
            0,
            {"offset_ppm": 30, "hac_period_cycles": 100, "drift_ppm_per_s": 0},
            833_333,
        ),  # 60e-6 x T < 50: T < 833,333.3
        (0, {"offset_ppm": 0, "drift_ppm_per_s": 126}, 31_622_776),  # 126e-6/s T^2 < 126 ns: T < 1e9 sqrt(1e-3) cycles
        (2, {"spread_ppm": 5000, "drift_ppm_per_s": 0}, 219_038),  # 2e-4 T / 0.9975 + 2 x 5e-3 / 8 / 31.5e-6 < 83.6
        (5, {}, 99_999),  # 106 of 126 cycles are residuals: 2e-4 x T < 20
    ],
)
def test_the_longest_interval_between_deskews(depth: int, changes: dict[str, float], expected: int) -> None:
    """Tests that drift and residuals stay below half a period of the counter, and one cycle more would not."""
    crystal = domain(depth, **changes)
    longest = crystal.longest_interval_cycles()
    assert longest == expected
    clock, half = crystal.specification, Fraction(crystal.specification.hac_period_cycles.value, 2)
    residuals = residual_cycles(clock, 2 * depth, MHZ_1000)
    assert drift_cycles(clock, longest, MHZ_1000) + residuals < half
    assert half <= drift_cycles(clock, longest + 1, MHZ_1000) + residuals


def test_a_tree_that_is_too_deep_is_refused() -> None:
    """Tests depth 6: 12 x 10.6 = 127.2 cycles are more than 126, so no interval does; depth 5 has one."""
    with pytest.raises(InfeasibleError) as caught:
        domain(6).longest_interval_cycles()
    assert str(caught.value) == (
        "infeasible: clocks of xo-100ppm leave a residual of 10.6 ns a level, and the alignment tree has 6 levels: "
        "2 x 6 residuals are 127.2 cycles, and counters need less than half their period, 126; take chips that are "
        "nearer to each other, or a clock with a smaller residual"
    )


@pytest.mark.parametrize("name", ["common", "none"])
def test_clocks_that_cannot_drift_have_no_limit(name: str) -> None:
    """Tests that one interval without end is all there is, however deep the tree."""
    still = domain(20, name)
    assert still.longest_interval_cycles() is None
    assert list(still.intervals()) == [None]


def test_one_oscillator_that_ramps_has_a_limit() -> None:
    """Tests 1e-12 T^2 < 126 - 2 x 10.6 whatever the offset, T < 10,237,187.1; without a ramp there is none."""
    ramp = replace(domain(drift_ppm_per_s=1000), drifts=False)
    assert ramp.longest_interval_cycles() == 10_237_187
    assert replace(domain(drift_ppm_per_s=0), drifts=False).longest_interval_cycles() is None


def test_intervals_double_up_to_the_longest() -> None:
    """Tests 16 epochs of 252 cycles, doubled, and the longest at last."""
    intervals = list(domain(0).intervals())
    assert intervals[:3] == [4032, 8064, 16128]
    assert intervals[-2:] == [516_096, 629_999]
    # 2 x 0.1 x T < 126: less than the first interval.
    assert list(domain(0, offset_ppm=100_000).intervals()) == [629]


def test_guard_and_stall_are_those_of_the_domain() -> None:
    """Tests levels for the guard and depth for the stall: 10.6 + 2 + 23.2 = 35.8, and 4 x 10.6 + 2 = 44.4."""
    crystal = domain(2)
    assert (crystal.guard_cycles(1, 10_000), crystal.stall_cycles(10_000)) == (36, 45)
    assert domain(2, in_hop=True).guard_cycles(1, 10_000) == 13
    assert crystal.guard_cycles(None, 10_000) == 0


def test_a_hop_that_fits_is_let_pass() -> None:
    """Tests a hop that ends, guard and opening deskew included, just when clocks may run apart no longer."""
    # stall 2 x 10.6 = 21.2 and guard 10.6 + 23.2 = 33.8, rounded up to 22 and 34; 2e-4 x T < 126 - 21.2 to 523,999.
    domain().refuse_long_hop(Hop("link", 523_999 - 22 - 34, 1))
    domain(name="common").refuse_long_hop(Hop("link", 10**12, 1))
    with pytest.raises(InfeasibleError, match=r"takes 524000 cycles .* may run 523999 cycles"):
        domain().refuse_long_hop(Hop("link", 524_000 - 22 - 34, 1))


def test_a_hop_that_is_too_long_says_which_clock_would_do() -> None:
    """Tests a second: a ramp of 0.1 ppm/s takes 100 of the 104.8 cycles, 2 rho (1e9 + ..) the rest, so 0.00239 ppm."""
    with pytest.raises(InfeasibleError) as caught:
        domain().refuse_long_hop(Hop("tray", 10**9, 1))
    assert str(caught.value) == (
        "infeasible: one hop of class tray takes 1000000056 cycles with the opening deskew, and clocks of xo-100ppm "
        "(+-100 ppm each) may run 523999 cycles between two deskews; one of at most 0.00239 ppm (one-sided) would do, "
        "of the shipped ones: common, none, ocxo-5ppb"
    )


@pytest.mark.parametrize("wire_cycles", [600_000, 5_000_000, 10**8])
def test_the_clock_that_would_do_does(wire_cycles: int) -> None:
    """Tests that a clock of the frequency bound that an error names is not refused, nor twice too good."""
    with pytest.raises(InfeasibleError) as caught:
        domain().refuse_long_hop(Hop("link", wire_cycles, 1))
    ppm = float(str(caught.value).partition("at most ")[2].split()[0])
    domain(offset_ppm=ppm).refuse_long_hop(Hop("link", wire_cycles, 1))
    with pytest.raises(InfeasibleError):
        domain(offset_ppm=2 * ppm).refuse_long_hop(Hop("link", wire_cycles, 1))


def test_intervals_end() -> None:
    """Tests that even nearly perfect clocks have finitely many intervals."""
    assert len(list(islice(domain(offset_ppm=0.0005).intervals(), 100))) < 40
