"""Tests of how often a whole model in flight deskews."""

from __future__ import annotations

from lpxsched.program.whole_model.period_choice import TriedPeriod, tried_periods

STALL = 10


def period(windows: int, cycles: int, covered: int | None, step: int = 100) -> TriedPeriod:
    """Return a period that opens with a deskew, with the guards of an interval."""
    return TriedPeriod(None if covered is None else cycles - STALL, covered, 5, STALL, windows, cycles, step)


def test_the_shortest_longest_step_is_taken_for_each_number_of_deskews() -> None:
    """Tests steps of 4 x 260, 4 x 250 and 5 x 220 cycles: 1,000 is the least, 1,100 the best with five deskews.

    Guards for 480 cycles give longer ones, so that those for 960 are not asked for. With the guards of the 240 cycles
    that lie between deskews of the best one, nothing is any shorter.
    """
    asked = list[int | None]()
    over = {
        240: [period(4, 250, 240)],
        300: [period(4, 260, 300), period(4, 250, 300), period(5, 220, 300)],
        480: [period(4, 270, 480), period(5, 230, 480)],
    }

    def periods_over(interval: int | None) -> list[TriedPeriod]:
        asked.append(interval)
        return over[interval or 0]

    tried = tried_periods([300, 480, 960], periods_over)
    assert [(one.windows, one.longest_step_cycles) for one in tried] == [(4, 1000), (5, 1100)]
    assert asked == [300, 480, 240]


def test_guards_are_brought_down_to_the_period() -> None:
    """Tests periods of 200, 180 and 180 with the guards of 400, 190 and 170 cycles: the third is no better."""
    over = {400: [period(3, 200, 400)], 190: [period(3, 180, 190)], 170: [period(3, 180, 170)]}
    (best,) = tried_periods([400], lambda interval: over[interval or 0])
    assert (best.period_cycles, best.covered_cycles) == (180, 190)


def test_nominal_steps_decide_between_equal_ones() -> None:
    """Tests 2 x 300 and 3 x 200 cycles."""
    tried = tried_periods([1000], lambda interval: [period(2, 300, interval, 90), period(3, 200, interval, 80)])
    assert [one.windows for one in tried] == [3, 2]


def test_clocks_that_do_not_drift_are_asked_once() -> None:
    """Tests an interval without end, and one with too few windows."""
    assert [one.windows for one in tried_periods([None], lambda interval: [period(2, 300, interval)])] == [2]
    assert tried_periods([None], lambda _: []) == []
