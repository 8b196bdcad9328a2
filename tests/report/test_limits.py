"""Tests of the sentence that says what limits a build."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.report.limits import CAUSES, cause_of, cycles_by_cause, limiting_sentence, path_cells
from lpxsched.report.rows import PART_NAMES
from lpxsched.report.summary import summarise
from tests.builds import two_chip_build
from tests.report.builds import delayed_build, in_flight, repeated_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def test_every_part_has_one_cause() -> None:
    """Tests that no part of a critical path is without a cause, and none belongs to two."""
    parts = [part for of in CAUSES.values() for part in of]
    assert sorted(parts) == sorted(PART_NAMES)
    assert cause_of("compute_router") == "compute"


def test_causes_sum_to_the_makespan() -> None:
    """Tests the worked example, 42 cycles each of compute and latency: 11 + 20 + 5 + 6, and 3 x 10 + 12."""
    cells = path_cells(summarise(two_chip_build()).layers)
    causes = cycles_by_cause(cells)
    assert sum(causes.values()) == 128
    assert list(causes.items())[:2] == [("compute", 42), ("wire latency", 42)]
    assert causes["clock uncertainty"] == 15 + 2
    assert causes["link bandwidth"] == Fraction(35, 2)


def test_layers_count_as_often_as_they_run() -> None:
    """Tests three equal layers against one."""
    one, three = (path_cells(summarise(build).layers) for build in (repeated_build(1), repeated_build(3)))
    assert three == {key: 3 * cycles for key, cycles in one.items()}


def test_the_largest_cause_is_named_first() -> None:
    """Tests a build that waits for nothing for 91 cycles, and the room that its bound leaves."""
    build = delayed_build(Fraction(5, 2), 10, 5, list(range(1, 14)))
    text = limiting_sentence(summarise(build))
    assert text.startswith("Unforced waiting limits the step: 0.09")
    assert text.endswith(
        f"could win at most {100 * (1 - 128 / int(build.segments.makespan_cycles[0])):.1f} % of the makespan."
    )


def test_what_is_assumed_is_not_called_proved(small_build: Build) -> None:
    """Tests two layers with attention and hand-over outside of the fabric, which is most of their step."""
    facts = summarise(small_build).facts
    share = 100 * facts["assumed_ns"] / facts["step_ns"]
    text = limiting_sentence(summarise(small_build))
    assert text.startswith(
        "What is assumed limits the step, hand-over and GPU: "
        f"{facts['assumed_ns'] / 1000:.3f} us of {facts['step_ns'] / 1000:.3f}"
    )
    assert f"({share:.1f} %)" in text
    assert f"Of the {facts['proved_ns'] / 1000:,.3f} us proved, " in text


def test_what_repeats_is_limited_twice(small_build: Build) -> None:
    """Tests that a step and a rate are told apart, with the room that the bound of the period leaves: 25 %."""
    whole = np.full_like(small_build.frames.period_cycles, 1000)
    frames = replace(small_build.frames, period_cycles=whole, lower_bound_cycles=whole * 3 // 4)
    text = limiting_sentence(summarise(replace(small_build, frames=frames)))
    assert text.startswith("What is assumed limits the step, hand-over and GPU: ")
    assert " The period of 1,000 cycles limits tokens/s of all. Its busiest " in text
    assert text.endswith("Another schedule of the same groups could win at most 25.0 % of the period.")


def test_windows_that_nobody_owns_limit_nothing(small_build: Build) -> None:
    """Tests 4 of 8 windows, then all: only these make the period the limit. Shares are 4/8 and 8/8 of it."""

    def told(owned: int) -> str:
        return limiting_sentence(summarise(in_flight(small_build, owned=owned)))

    limit = "4 of 8 windows are owned, so the step and the number in flight limit tokens/s of all; with all owned"
    assert f"{limit} the period of 1,000 cycles would. " in told(4)
    assert "The period of 1,000 cycles limits tokens/s of all. " in told(8)
    shares = [
        [
            float(share)
            for share in re.findall(r"for ([\d.]+) % of it while a window is owned, ([\d.]+) %", told(owned))[0]
        ]
        for owned in (4, 8)
    ]
    assert shares[0][1] == pytest.approx(shares[0][0] / 2, abs=0.06)
    assert shares[1][1] == pytest.approx(shares[1][0], abs=0.06)


def test_a_proved_schedule_leaves_no_room() -> None:
    """Tests a makespan that is its bound, and one without a bound."""
    build = two_chip_build()
    assert limiting_sentence(summarise(build)).endswith("Another schedule of the same groups could win nothing.")
    unknown = replace(build.segments, lower_bound_cycles=build.segments.lower_bound_cycles * 0)
    assert "could win" not in limiting_sentence(summarise(replace(build, segments=unknown)))


def test_rounding_is_no_unforced_waiting() -> None:
    """Tests 91 cycles that nothing forces, beside three and a half to the next whole cycle."""
    build = delayed_build(Fraction(5, 2), 10, 5, list(range(1, 14)))
    causes = cycles_by_cause(path_cells(summarise(build).layers))
    assert causes["unforced waiting"] == 91
    assert 0 < causes["rounding to whole cycles"] < 7
