"""Tests of what changed from one build to another."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.report.comparison.comparison import compare, comparison_json
from tests.builds import ints, two_chip_build
from tests.report.builds import delayed_build, in_flight, renamed_class, repeated_build, whole_model

if TYPE_CHECKING:
    from lpxsched.report.comparison.change import Change
    from lpxsched.timetable.build import Build


def changes_of(first: Build, second: Build) -> list[Change]:
    """Return every figure of two builds."""
    return compare(first, second).changes


def test_every_figure_of_both_is_told() -> None:
    """Tests two layers against three: makespans, causes and classes; what neither has is left out."""
    found = changes_of(repeated_build(2), repeated_build(3))
    told = {(change.group, change.name): (change.first, change.second, change.difference) for change in found}
    assert told["figures", "makespan, cycles"] == (256, 384, 128)
    assert told["critical path by cause", "compute"] == pytest.approx((0.084, 0.126, 0.042))
    assert told["critical path by part", "compute: experts"] == pytest.approx((0.04, 0.06, 0.02))
    assert told["critical path by link class", "host"] == pytest.approx((0.08, 0.12, 0.04))
    assert told["busy while running", "tray links"] == (7.8125, 7.8125, 0)
    assert told["peak of those that run, in 200 bins", "tray links"] == (100, 100, 0)
    # Two links inside each pair of chips, each with two slots of two vectors.
    assert told["links and their vectors", "tray links used"] == (4, 6, 2)
    assert told["links and their vectors", "vectors over tray links"] == (16, 24, 8)
    assert ("figures", "tokens/s/user") not in told


def test_figures_of_what_is_in_flight_are_told(small_build: Build) -> None:
    """Tests 4 of 8 windows with one gap against one micro-batch on demand, of which the assumed parts are told too."""
    found = changes_of(small_build, in_flight(small_build, gaps=(7,)))
    told = {change.name: (change.first, change.second) for change in found}
    assert (told["in flight"], told["windows"], told["windows left out"]) == ((None, 4), (None, 8), (None, 1))
    parts = [told[f"assumed: {name}"][0] or 0 for name in ("mixers", "hand-over", "LM head and sampling")]
    assert sum(parts) == pytest.approx(told["assumed"][0])
    assert 0 < (told["SRAM filled, least"][0] or 0) <= (told["SRAM filled, most"][0] or 0) <= 100
    assert told["deskews"] == (len(small_build.deskews),) * 2


def test_a_gap_of_a_makespan_is_beside_no_gap_of_a_period(small_build: Build) -> None:
    """Tests that each build has its own kind, and that two of a kind have a difference."""
    gap = small_build.manifest.results["gap"]
    found = {change.name: change for change in changes_of(small_build, in_flight(small_build))}
    gaps = [found[f"gap of the {of}"] for of in ("makespan", "period")]
    assert [(each.first, each.second, each.difference) for each in gaps] == [(gap, None, None), (None, gap, None)]
    alike = {change.name: change for change in changes_of(small_build, small_build)}
    assert alike["gap of the makespan"].difference == 0


def test_shares_of_a_token_and_of_a_period_have_no_difference(small_build: Build) -> None:
    """Tests that both kinds are named, and that 4 owned windows of 8 halve the shares of the longest step."""
    told = {(change.group, change.name): change for change in changes_of(small_build, in_flight(small_build))}
    kinds = ", A of a token, B of a period in which every window is owned"
    name = next(name for group, name in told if group.startswith("busy over all"))
    whole, running = told[f"busy over all{kinds}", name], told[f"busy while running{kinds}", "busiest link"]
    assert None not in (whole.first, whole.second, running.first, running.second)
    assert (whole.difference, running.difference) == (None, None)
    longest = told["busy over the longest step", name]
    assert (longest.first, longest.second) == (None, pytest.approx((whole.second or 0) / 2))


def test_loads_reach_and_formulas_are_told(small_build: Build) -> None:
    """Tests a load by its kind, a rate that only the first build reaches, and formulas in one order."""

    def telling(load: float, way: int | None) -> Build:
        results: dict[str, Any] = {
            "loads": [{"resource": "matrix unit of chip 3", "kind": "unit", "load_ns": load}],
            "targets": [{"tokens_per_s_per_user": 1000, "one_way_ns": way, "context": 70000}],
            "published_formulas_ns": {"K = 2": None, "serial": 2000.0},
        }
        manifest = small_build.manifest
        return replace(small_build, manifest=manifest.model_copy(update={"results": manifest.results | results}))

    found = changes_of(telling(415.0, 500), telling(515.0, None))
    told = {(change.group, change.name): (change.first, change.second, change.difference) for change in found}
    assert told["loads of a step", "busiest unit"] == pytest.approx((0.415, 0.515, 0.1))
    assert told["reach", "one way at most, at 1,000 tokens/s a user"] == (0.5, None, None)
    assert told["reach", "context at most, at 1,000 tokens/s a user"] == (70000, 70000, 0)
    assert told["published formulas, a step of all micro-batches", "serial"] == (2, 2, 0)


def test_layers_are_told_where_they_are_alike_in_both_builds() -> None:
    """Tests three layers of 128 cycles, of which the second takes 132 in the other build: 0.128 and 0.132 us."""
    build = repeated_build(3)
    late = (build.operators.segment == 1) & (build.operators.kind == "egress")
    operators = replace(build.operators, start=build.operators.start + 4 * late)
    slower = replace(build, operators=operators, segments=replace(build.segments, makespan_cycles=ints(128, 132, 128)))
    found = [change for change in changes_of(build, slower) if change.group == "layers by kind"]
    assert [(change.name, change.first, change.second) for change in found] == [
        ("layers 0, 2: makespan", 0.128, 0.128),
        ("layers 0, 2: lower bound", 0.128, 0.128),
        ("layer 1: makespan", 0.128, 0.132),
        ("layer 1: lower bound", 0.128, 0.128),
    ]


def test_visits_of_a_whole_model_stand_beside_layers() -> None:
    """Tests that visit 1 of a whole model is layer 0 of the other build, whose layers are segments."""
    one = {"chips": 2, "lower_bound_cycles": 30, "makespan_cycles": 32, "gap": 1.0667}
    problems = [one | {"layers": layers} for layers in ([0], [1], [2])]
    whole = whole_model(two_chip_build(), visits=3, layers=1, problems=problems)
    found = [change for change in changes_of(whole, two_chip_build()) if change.name.endswith("makespan")]
    assert [(change.name, change.first, change.second) for change in found if change.group == "layers by kind"] == [
        ("embedding, head: makespan", 0.032, None),
        ("layer 0: makespan", 0.032, 0.128),
    ]


def test_slack_is_told_by_class() -> None:
    """Tests the tray links of the worked example in both builds."""
    found = {change.name: change for change in changes_of(two_chip_build(), two_chip_build())}
    least = found["tray links, least, cycles"]
    assert least.first is not None
    assert least.difference == 0


def test_a_class_that_one_build_lacks_has_no_difference() -> None:
    """Tests tray links, which the second build calls spine: what is missing is neither zero nor a fault."""
    one, other = two_chip_build(), renamed_class(two_chip_build(), "tray", "spine")
    told = comparison_json(compare(one, other))["differences"]
    # 40 cycles of the path are spent on tray links, which are busy for 20 of 2 x 128.
    path = told["critical path by link class"]
    assert path["tray"] == {"a": pytest.approx(0.0405), "b": None, "difference": None, "unit": "us"}
    assert (path["spine"]["a"], path["spine"]["difference"]) == (None, None)
    busy = told["busy over all"]
    assert busy["tray links"] == {"a": 7.8125, "b": None, "difference": None, "unit": "%"}
    assert busy["spine links"] == {"a": None, "b": 7.8125, "difference": None, "unit": "%"}


def test_what_only_one_build_waits_for_is_nothing_in_the_other() -> None:
    """Tests 13 waits of 1 to 13 cycles that nothing forces, 91 in all, against none."""
    waits = delayed_build(Fraction(5, 2), 10, 5, list(range(1, 14)))
    found = {change.name: change for change in changes_of(two_chip_build(), waits)}
    assert (found["waiting: unforced"].first, found["waiting: unforced"].second) == (0, 0.091)


def test_waiting_and_restart_are_figures(small_build: Build) -> None:
    """Tests a model whose segments wait one cycle longer each in the second build, 1 us for every 1,000 MHz."""
    build = small_build
    longer = replace(build, segments=replace(build.segments, waiting_cycles=build.segments.waiting_cycles + 1))
    found = {change.name: change for change in changes_of(build, longer)}
    cycle_us = 1 / float(build.manifest.clock_mhz)
    assert found["waiting in the worst case"].difference == pytest.approx(len(build.segments) * cycle_us)
    assert found["restart, in no step"].first == build.manifest.results["restart_ns"] / 1000
    assert "waiting for the own window" not in found


def test_what_never_repeats_has_no_period() -> None:
    """Tests a build on demand beside one that repeats: no period is no period of zero cycles."""
    build = two_chip_build()
    cyclic = replace(build, frames=replace(build.frames, period_cycles=ints(256)))
    found = {change.name: change for change in changes_of(build, cyclic)}
    assert (found["period, cycles"].first, found["period, cycles"].second) == (None, 256)
    assert "period, cycles" not in {change.name for change in changes_of(build, build)}


def test_a_bound_of_a_period_is_beside_no_bound_of_a_makespan() -> None:
    """Tests that one build has the bound of its makespan of 128 cycles, and the other that of its period."""
    build = two_chip_build()
    frames = replace(build.frames, period_cycles=ints(256), lower_bound_cycles=ints(100))
    found = {change.name: change for change in changes_of(build, replace(build, frames=frames))}
    bounds = [found[name] for name in ("lower bound of the makespan, cycles", "lower bound of the period, cycles")]
    assert [(bound.first, bound.second, bound.difference) for bound in bounds] == [(128, None, None), (None, 100, None)]


def test_a_collective_has_neither_layers_nor_weights() -> None:
    """Tests two of them: no figure of SRAM, no kind of layer."""
    build = two_chip_build()
    gather = replace(build, manifest=build.manifest.model_copy(update={"options": {"kind": "gather"}}))
    names = {change.name for change in changes_of(gather, gather)}
    assert "makespan, cycles" in names
    assert not any("SRAM" in name or "layer" in name for name in names)
