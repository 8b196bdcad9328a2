"""Tests of the figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.report.figures.build_figure import render
from lpxsched.report.figures.heat_map import drawn_utilisation, layer_window, used_groups
from lpxsched.report.figures.images import images, new_figure
from lpxsched.report.figures.lanes_in_use import lanes_in_use
from lpxsched.report.figures.layer_timeline import SHOWN_CHIPS, chip_rows, draw_layer, pass_shifts
from lpxsched.report.utilisation import utilisation
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build
from tests.verify.changes import with_group

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from lpxsched.timetable.build import Build


def test_two_runs_give_equal_bytes() -> None:
    """Tests that SVG and PNG of one build are equal byte for byte, whatever was drawn between."""
    first = render(repeated_build(3), ["svg", "png"])
    render(two_chip_build(), ["svg"])
    second = render(repeated_build(3), ["png", "svg"])
    assert first == second
    assert first["svg"].startswith(b"<?xml")
    assert first["png"].startswith(b"\x89PNG")


def test_bytes_do_not_depend_on_the_users_settings() -> None:
    """Tests that a changed setting of matplotlib changes nothing, and is left as it was."""
    import matplotlib as mpl

    plain = render(two_chip_build(), ["svg"])
    with mpl.rc_context({"font.size": 20.0, "svg.hashsalt": "other"}):
        assert render(two_chip_build(), ["svg"]) == plain
        assert mpl.rcParams["font.size"] == 20.0


def test_no_date_inside() -> None:
    """Tests that the files tell no time of making and no version of the drawing library."""
    images = render(two_chip_build(), ["svg", "png"])
    assert b"dc:date" not in images["svg"]
    assert b"Matplotlib v" not in images["svg"]
    assert b"Matplotlib" not in images["png"]


def test_layers_change_the_picture(tmp_path: Path) -> None:
    """Tests that a range of layers shows another part of the token."""
    build = repeated_build(4)
    assert render(build, ["svg"], range(2, 4)) != render(build, ["svg"])
    assert render(build, ["svg"], range(4)) == render(build, ["svg"])


def test_window_of_layers() -> None:
    """Tests that layers 1 and 2 take the second and the third 128 cycles."""
    assert layer_window(repeated_build(4), range(1, 3)) == (128, 384)
    assert layer_window(repeated_build(4), None) == (0, 512)


def test_rows_without_traffic_are_left_out() -> None:
    """Tests that of two trays only that of the shown layers has a row."""
    busy = utilisation(repeated_build(4), bins=8, by="tray", window=(0, 256))
    assert [busy.groups[row].name for row in used_groups(busy)] == ["tray 0", "host"]


def test_lanes_in_use_of_a_chip() -> None:
    """Tests the step functions of chip 0: one link a class, busy while its two vectors leave."""
    rows = lanes_in_use(two_chip_build(), 0, 0)
    assert [(row.link_class, row.direction, row.links, row.vectors) for row in rows] == [
        ("host", "in", 1, 2),
        ("tray", "in", 1, 4),
        ("tray", "out", 1, 4),
        ("host", "out", 1, 2),
    ]
    assert rows[2].moment_cycles.tolist() == [23, 28, 80, 85]
    assert rows[2].share.tolist() == [1, 0, 1, 0]


def repeating() -> Build:
    """Return the two-chip build with a period of 50 cycles, of which its 128 touch three."""
    one = two_chip_build()
    return replace(one, frames=replace(one.frames, period_cycles=ints(50)))


def test_passes_of_other_windows_are_drawn() -> None:
    """Tests that passes up to two periods before and after meet one of 128 cycles, its own on top; else none."""
    assert pass_shifts(repeating(), 0) == [-100, -50, 50, 100, 0]
    assert pass_shifts(two_chip_build(), 0) == [0]
    (first, _) = chip_rows(repeating(), 0)
    # Sends of [23, 28) and [80, 85), also 50 cycles earlier and later, and 100.
    passing = first.passing["tray", "out"]
    assert passing.moment_cycles[passing.share > 0].tolist() == [-77, -27, -20, 23, 30, 73, 80, 123, 130, 180]
    assert passing.vectors == 4
    assert chip_rows(two_chip_build(), 0)[0].passing == {}
    assert render(repeating(), ["svg"]) != render(two_chip_build(), ["svg"])


def test_utilisation_of_what_repeats_is_that_of_a_period() -> None:
    """Tests 50 cycles with all passes in them, not one pass; layers do not cut them."""
    for layers in (None, range(1)):
        busy = drawn_utilisation(repeating(), layers)
        assert (busy.first_cycle, busy.last_cycle) == (0, 50)
        assert busy.busy_cycles(0) == 20
    assert drawn_utilisation(two_chip_build(), None).last_cycle == 128


def test_slots_that_follow_each_other_leave_no_gap() -> None:
    """Tests that one vector of 5/2 cycles holds its link for 3 cycles, up to the next slot."""
    build = two_chip_build()
    slots = replace(build.slots, vectors=np.ones(8, dtype=np.int64), depart=ints(23, 26, 107, 23, 80, 107, 2, 2))
    row = lanes_in_use(replace(build, slots=slots), 0, 0)[2]
    assert row.moment_cycles.tolist() == [23, 26, 29]
    assert row.share.tolist() == [1, 1, 0]


def test_height_is_the_share_of_parallel_links() -> None:
    """Tests that of two tray links out of chip 0 one is busy first, then both, then the other."""
    build = two_chip_build()
    links = replace(
        build.links,
        src=ints(0, 0, 0, 1, 2, 2),
        link_class=np.array(["tray", "host", "tray", "host", "host", "host"]),
    )
    slots = replace(build.slots, depart=ints(23, 80, 107, 25, 90, 107, 2, 2))
    row = next(row for row in lanes_in_use(replace(build, links=links, slots=slots), 0, 0) if row.direction == "out")
    assert (row.link_class, row.links) == ("tray", 2)
    assert row.moment_cycles.tolist()[:4] == [23, 25, 28, 30]
    assert row.share.tolist()[:4] == [0.5, 1, 0.5, 0]


def test_rows_of_a_chip() -> None:
    """Tests that a chip has rows from the host over its units and the tray back to the host."""
    (first, _) = chip_rows(two_chip_build(), 0)
    names = [row if isinstance(row, str) else f"{row.direction} {row.link_class}" for row in first.rows]
    assert names == ["in host", "matrix", "vector", "out tray", "out host"]


def test_large_groups_are_cut() -> None:
    """Tests that a group of more chips than fit shows the first ones only."""
    build = two_chip_build()
    large = with_group(build, chips=list(range(2 * SHOWN_CHIPS)))
    assert len(chip_rows(large, 0)) == SHOWN_CHIPS


@pytest.mark.parametrize("change", ["no slots", "no deskews"])
def test_empty_tables_are_drawn(change: str) -> None:
    """Tests that a build without vectors or without deskews still gives a figure."""
    build = two_chip_build()
    none = ints()
    if change == "no slots":
        build = replace(build, slots=type(build.slots)(none, none, none, none, none, none))
    else:
        build = replace(build, deskews=type(build.deskews)(none, none, none, none))
    assert render(build, ["svg"])["svg"]


def test_equal_layers_look_alike() -> None:
    """Tests that each of 14 equal layers, two a tray, has a whole number of bins, in which the same is busy."""
    busy = drawn_utilisation(repeated_build(14), None)
    assert busy.bins == 952 == 14 * 68
    layers = busy.busy_ticks.sum(axis=0).reshape(14, 68)
    assert layers.any()
    assert np.array_equal(layers, np.broadcast_to(layers[0], layers.shape))


@pytest.mark.parametrize("column", ["operator", "slot", "deskew"])
def test_what_is_narrower_than_a_pixel_is_seen(column: str) -> None:
    """Tests that a PNG shows where a few of 10 million cycles are busy: each place is another picture."""
    one = two_chip_build()
    one = replace(one, segments=replace(one.segments, makespan_cycles=ints(10**7)))

    def with_bar_at(cycle: int) -> Build:
        operators, depart = one.operators, one.slots.depart.copy()
        if column == "operator":
            start = np.where(operators.kind == "experts", cycle, operators.start)
            return replace(one, operators=replace(operators, start=start))
        if column == "deskew":
            return replace(one, deskews=replace(one.deskews, cycle=ints(cycle)))
        depart[1] = cycle
        return replace(one, slots=replace(one.slots, depart=depart))

    pictures = {timeline_png(with_bar_at(cycle)) for cycle in range(3_000_000, 6_000_000, 500_000)}
    assert len(pictures) == 6


def timeline_png(build: Build) -> bytes:
    """Return the lower picture alone."""

    def draw() -> Figure:
        figure = new_figure((12.0, 3.0))
        draw_layer(figure.subplots(), build, 0, chip_rows(build, 0))
        return figure

    return images(draw, ["png"])["png"]
