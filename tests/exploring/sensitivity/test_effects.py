"""Tests of what assumptions are worth, as figures, text and picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.assembly.model_results import partition_of
from lpxsched.errors import InfeasibleError
from lpxsched.exploring.outcome import proved_outcome
from lpxsched.exploring.runs import Workers
from lpxsched.exploring.sensitivity.assumptions import Assumption
from lpxsched.exploring.sensitivity.effects import FIGURES, Effect, Effects, End, effects_of
from lpxsched.exploring.sensitivity.picture import render_effects
from lpxsched.exploring.sensitivity.text import effects_text, shown
from lpxsched.pipeline import compile_timetable
from tests.exploring.sensitivity.certain import certain_options
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path


def figures(rate: float) -> dict[str, float]:
    """Return figures of a build by its tokens/s of a user."""
    step_ns = 10**9 / rate
    told = {"step_ns": step_ns, "step_high_ns": 2 * step_ns, "tokens_per_s_per_user": rate}
    return told | {"tokens_per_s_per_user_low": rate / 2}


def effect(key: str, *rates: float | None) -> Effect:
    """Return the effect of an assumption whose other values make some rates in the place of 100; None has no build."""
    ends = [
        End(number, 3, "infeasible: why", {}) if rate is None else End(number, 0, "", figures(rate))
        for number, rate in enumerate(rates)
    ]
    return Effect(Assumption("chip", key, 9, tuple(range(len(rates))), ""), tuple(ends), figures(100))


def found() -> Effects:
    """Return three effects, the largest first."""
    listed = (effect("a", 80, 140), effect("b", None, 125), effect("c", 100), effect("d"))
    return Effects(figures(100), listed, ("clock.e",))


def test_a_swing_counts_the_middle() -> None:
    """Tests 80 to 140, 100 to 125 beside an end that cannot be built, and none."""
    assert [effect.swing for effect in found().effects] == [60, 25, 0, 0]
    assert [effect.moves for effect in found().effects] == [True, True, False, False]


def test_the_text_tells_the_largest_first_and_causes() -> None:
    """Tests lines, changes in percent, what cannot be built, what does not move and what has no range."""
    lines = effects_text(found()).splitlines()
    # What holds an assumed number has a high, and no worst.
    assert lines[0].split()[-3:] == ["change", "high,", "us"]
    assert lines[1].split()[:5] == ["every", "number", "as", "given", "10,000.000"]
    # A rate of 80 makes a step of 12.5 ms.
    assert lines[2].split() == ["chip.a", "9", "0", "12,500.000", "80", "-20.0%", "25,000.000"]
    assert lines[3].split()[:2] == ["1", "7,142.857"]
    assert lines[4].split() == ["chip.b", "9", "0", *"----"]
    assert lines[7:] == [
        "tokens/s of a user move most, from end to end, by chip.a (60), chip.b (25)",
        "no step changes with: chip.c",
        "nothing to try, for the range is the value: chip.d",
        "assumed without a range: clock.e",
        "chip.b at 0: exit 3: infeasible: why",
    ]
    still = replace(found(), effects=found().effects[2:])
    assert "no assumption moves tokens/s of a user" in effects_text(still)
    assert [shown(value) for value in (True, 1500, 0.25, "tray", ["fp8"])] == [
        "true",
        "1,500",
        "0.25",
        "tray",
        '["fp8"]',
    ]


def test_a_picture_is_the_same_every_time_and_needs_no_bar() -> None:
    """Tests bars of both sides, and none."""
    for told in (found(), replace(found(), effects=())):
        picture = render_effects(told, "title")
        assert picture.startswith(b"\x89PNG")
        assert render_effects(told, "title") == picture


def test_ends_are_compiled_on_the_mapping_of_the_middle(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests a toy of two layers: what rows take one way counts four times in a step.

    One way takes 2,000 ns, at least 500 and at most 10,000: a step is 4 x 1,500 ns shorter and 4 x 8,000 ns longer. A
    high step reckons with 10,000 already. Hosts cannot be slaves, which is told.
    """
    options = certain_options(tmp_path_factory.mktemp("toy"))
    alone = effects_of(options, Workers(), progress=lambda *_: None)
    way, timing = alone.effects
    step_ns = alone.middle["step_ns"]
    assert [way.assumption.name, timing.assumption.name] == ["handover.one_way_ns", "topology.host.host_timing"]
    short, long = (end.figures["step_ns"] for end in way.ends)
    assert (short, long) == (pytest.approx(step_ns - 6000, abs=1e-3), pytest.approx(step_ns + 32_000, abs=1e-3))
    assert way.ends[1].figures["step_high_ns"] == alone.middle["step_high_ns"]
    assert way.ends[0].figures["step_high_ns"] == pytest.approx(alone.middle["step_high_ns"] - 4 * 9500, abs=1e-3)
    (slave,) = timing.ends
    assert (slave.value, slave.exit_code, slave.figures) == ("slave", 2, {})
    assert slave.cause.startswith("host.host_timing: only follower can be timed")
    assert alone.without_range == ()
    assert effects_of(options, Workers(2), progress=lambda *_: None) == alone


def test_weights_that_are_expanded_are_tried_as_they_would_be_stored(tmp_path: Path) -> None:
    """Tests four-bit weights, which the chip does not multiply, against a compile that stores them as fp8."""
    options = certain_options(tmp_path, ())
    toy_model(tmp_path, quantization_config={"quant_method": "mxfp4"})
    told = effects_of(options, Workers(), progress=lambda *_: None)
    (stored,) = told.effects
    assert (stored.assumption.name, stored.assumption.value) == ("weights.mxfp4", "expanded on read")
    fp8 = proved_outcome(options.model_dump() | {"weights": "fp8"}, "sensitivity").told
    assert [(end.value, end.figures["step_ns"]) for end in stored.ends] == [("stored as fp8", fp8["step_ns"])]
    assert fp8["step_ns"] > told.middle["step_ns"]


def test_the_middle_is_what_its_mapping_gives(tmp_path: Path) -> None:
    """Tests the figures of the middle, laid by the command itself, against a compile on its mapping written out."""
    options = certain_options(tmp_path, ()).model_copy(update={"partition": "auto"})
    partition = tmp_path / "partition.yaml"
    partition.write_text(partition_of(compile_timetable(options)))
    again = proved_outcome(options.model_dump() | {"partition": str(partition)}, "sensitivity")
    middle = effects_of(options, Workers(), progress=lambda *_: None).middle
    assert middle == {key: again.told[key] for key in FIGURES}


def test_without_a_middle_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """Tests a model that does not fit: 100 layers of 80,000 columns on one node."""
    options = certain_options(tmp_path)
    toy_model(tmp_path, num_hidden_layers=100, intermediate_size=80_000)
    with pytest.raises(InfeasibleError, match="100 layers"):
        effects_of(options, Workers(), progress=lambda *_: None)
