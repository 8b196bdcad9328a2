"""The picture of ``lpxsched bound``: the time between two deskews against the worst case, as ``compile`` weighed it."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.program.frames.gap_choice import NEAR_STEPS
from lpxsched.report.colours import GRID_COLOUR, KIND_COLOURS
from lpxsched.report.figures.images import PNG, images, new_figure
from lpxsched.report.formats import clocks_named
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.timetable.build import Build

PANEL_INCHES = (5.2, 4.4)
# Of the axis, between two numbers on it.
LEAST_APART = 0.05
# What is told of each that was tried, that of the build, and its name.
WORST_CASE = "worst_case_ns", "step_high_ns", "worst case of a step"
NOMINAL_STEP = "step_ns", "step_ns", "step"
NS_PER_US = 1000
WORST, TAKEN, STALLS, GUARDS = "#000000", "#D55E00", "#0072B2", KIND_COLOURS["dense"]


def render_deskews(build: Build) -> bytes:
    """Return the picture as PNG.

    Raises
    ------
    InputError
        When the build does not say what was tried: deskews of a layer by itself, or of a collective, open it, a whole
        model in flight has one a period, perfect clocks have none, and such as ask for one inside each visit leave no
        choice.
    """
    told = build.manifest.results.get("deskews")
    tried = [one for one in told["tried"] if _is_point(one)] if isinstance(told, dict) and "tried" in told else []
    if not tried:
        problem = (
            "no intervals between deskews were weighed: a picture is of one micro-batch of a whole model on the chips "
            "(--attention lpu), or of several in flight whose attention is on GPUs, on clocks that leave a choice"
        )
        raise InputError("manifest.json", problem, key="deskews")
    assert isinstance(told, dict)
    return images(lambda: _draw(build, told, sorted(tried, key=lambda one: one["interval_cycles"])), [PNG])[PNG]


def _is_point(one: dict[str, Any]) -> bool:
    return one.get("worst_case_ns") is not None and one.get("interval_cycles") is not None


def _draw(build: Build, told: dict[str, Any], tried: list[dict[str, Any]]) -> Figure:
    in_flight = _in_flight(tried)
    figure = new_figure((PANEL_INCHES[0] * (3 if in_flight else 2), PANEL_INCHES[1]))
    options = build.manifest.options
    name = f"{options['model']} on {options['topology']}, " if {"model", "topology"} <= options.keys() else ""
    figure.suptitle(f"{name}{clocks_named(build.manifest.clock['name'])}: {counted(told['count'], 'deskew')}")
    worst, *step, costs = figure.subplots(1, 3 if in_flight else 2, sharex=True)
    _draw_times(worst, build, told, tried, WORST_CASE)
    if in_flight:
        _draw_band(worst, tried)
        _draw_times(step[0], build, told, tried, NOMINAL_STEP)
        _draw_ring(step[0], searched_first(tried))
    _draw_costs(costs, tried)
    for axes in (worst, *step, costs):
        _finish(axes, tried)
    return figure


def searched_first(tried: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the interval in gaps with the shortest step of those whose worst case is next to the least."""
    near = least_of(tried) * (NEAR_STEPS + 1)
    return min((one for one in tried if one["worst_case_ns"] * NEAR_STEPS <= near), key=lambda one: one["step_ns"])


def least_of(tried: Sequence[dict[str, Any]]) -> float:
    """Return the least worst case."""
    return min(float(one["worst_case_ns"]) for one in tried)


def _in_flight(tried: Sequence[dict[str, Any]]) -> bool:
    """Return whether deskews lie in gaps, where nominal steps decide too."""
    return all("step_ns" in one for one in tried)


def _draw_band(axes: Axes, tried: list[dict[str, Any]]) -> None:
    """Draw within what of the least worst case a shorter nominal step counts."""
    least = least_of(tried) / NS_PER_US
    label = f"within {100 / NEAR_STEPS:g} % of the least: the nominal step decides"
    axes.axhspan(least, least * (NEAR_STEPS + 1) / NEAR_STEPS, color=GRID_COLOUR, alpha=0.5, linewidth=0, label=label)


def _draw_ring(axes: Axes, first: dict[str, Any]) -> None:
    """Draw a ring about the interval that was searched first."""
    axes.plot(
        [first["interval_cycles"]],
        [first["step_ns"] / NS_PER_US],
        color=STALLS,
        marker="o",
        markersize=13,
        markerfacecolor="none",
        linestyle="none",
        label="shortest of those in the band: searched first",
    )


def _draw_times(
    axes: Axes, build: Build, told: dict[str, Any], tried: list[dict[str, Any]], time: tuple[str, str, str]
) -> None:
    """Draw a time of what was tried, and that of the build."""
    key, of_build, name = time
    times = [one[key] / NS_PER_US for one in tried]
    label = "tried with quick schedules" if _in_flight(tried) else "tried"
    axes.plot([one["interval_cycles"] for one in tried], times, color=WORST, marker="o", label=label)
    own = build.manifest.results[of_build] / NS_PER_US
    label = "the build, after its search" if _in_flight(tried) else "the build, arrivals at hosts included"
    axes.plot([told["interval_cycles"]], [own], color=TAKEN, marker="*", markersize=12, linestyle="none", label=label)
    axes.set_ylabel(f"{name}, us")
    # Room above for the legend.
    axes.margins(y=0.25)


def _draw_costs(axes: Axes, tried: list[dict[str, Any]]) -> None:
    """Draw what is weighed: the guard of a hop, which grows with time, and what deskews take of a step."""
    interval = [one["interval_cycles"] for one in tried]
    axes.plot(interval, [one["guard_cycles"] for one in tried], color=GUARDS, marker="o", label="largest guard")
    if all("stall_cycles" in one for one in tried):
        stalls = [one["stall_cycles"] * one["deskews"] for one in tried]
        axes.plot(interval, stalls, color=STALLS, marker="s", label="stalls of all deskews")
    else:
        lost = [100 * one["gaps"] / one["windows"] for one in tried]
        axes.plot(interval, lost, color=STALLS, marker="s", label="windows left out, of a hundred")
    axes.set_yscale("log")
    axes.set_ylabel("cycles a hop; cycles a step" if "stall_cycles" in tried[0] else "cycles a hop; per cent")


def _finish(axes: Axes, tried: list[dict[str, Any]]) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cycles, _: f"{cycles:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("longest time between two deskews, cycles")
    named = apart(tried)
    above = axes.secondary_xaxis("top")
    above.xaxis.set_major_locator(FixedLocator([one["interval_cycles"] for one in named]))
    above.xaxis.set_major_formatter(FixedFormatter([str(one["deskews"]) for one in named]))
    above.xaxis.set_minor_locator(NullLocator())
    above.set_xlabel("deskews")
    axes.grid(color=GRID_COLOUR, linewidth=0.5)
    axes.legend(loc="best")


def apart(tried: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of which the numbers of deskews stand beside each other without touching, the first on."""
    ends = [log(tried[end]["interval_cycles"]) for end in (0, -1)]
    kept: list[dict[str, Any]] = []
    for one in tried:
        if not kept or log(one["interval_cycles"] / kept[-1]["interval_cycles"]) >= LEAST_APART * (ends[1] - ends[0]):
            kept.append(one)
    return kept
