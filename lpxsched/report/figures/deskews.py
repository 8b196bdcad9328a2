"""The picture of ``lpxsched bound``: the time between two deskews against the worst case, as ``compile`` weighed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.report.colours import GRID_COLOUR, KIND_COLOURS
from lpxsched.report.figures.images import PNG, images
from lpxsched.report.formats import clocks_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.timetable.build import Build

SIZE_INCHES = (10.0, 4.2)
NS_PER_US = 1000
WORST, TAKEN, STALLS, GUARDS = "#000000", "#D55E00", "#0072B2", KIND_COLOURS["dense"]


def render_deskews(build: Build) -> bytes:
    """Return the picture as PNG.

    Raises
    ------
    InputError
        When the build does not say what was tried: deskews of a layer by itself, or of a collective, open it, perfect
        clocks have none, and such as ask for one inside each visit leave no choice.
    """
    told = build.manifest.results.get("deskews")
    tried = [one for one in told["tried"] if _is_point(one)] if isinstance(told, dict) and "tried" in told else []
    if not tried:
        problem = (
            "no intervals between deskews were weighed: a picture is of a whole model on the chips (--attention lpu) "
            "or of several micro-batches in flight, on clocks that leave a choice"
        )
        raise InputError("manifest.json", problem, key="deskews")
    assert isinstance(told, dict)
    return images(lambda: _draw(build, told, sorted(tried, key=lambda one: one["interval_cycles"])), [PNG])[PNG]


def _is_point(one: dict[str, Any]) -> bool:
    return one.get("worst_case_ns") is not None and one.get("interval_cycles") is not None


def _draw(build: Build, told: dict[str, Any], tried: list[dict[str, Any]]) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    options = build.manifest.options
    name = f"{options['model']} on {options['topology']}, " if {"model", "topology"} <= options.keys() else ""
    figure.suptitle(f"{name}{clocks_named(build.manifest.clock['name'])}: {told['count']} deskews")
    left, right = figure.subplots(1, 2, sharex=True)
    _draw_worst(left, build, told, tried)
    _draw_costs(right, tried)
    return figure


def _draw_worst(axes: Axes, build: Build, told: dict[str, Any], tried: list[dict[str, Any]]) -> None:
    """Draw worst cases with the number of deskews of each, and that of the build."""
    interval = [one["interval_cycles"] for one in tried]
    worst = [one["worst_case_ns"] / NS_PER_US for one in tried]
    axes.plot(interval, worst, color=WORST, marker="o", label="tried, with the number of deskews")
    for one, x, y in zip(tried, interval, worst, strict=True):
        axes.annotate(str(one["deskews"]), (x, y), textcoords="offset points", xytext=(3, 5))
    own = build.manifest.results["step_high_ns"] / NS_PER_US
    label = "the build, arrivals at hosts included"
    axes.plot([told["interval_cycles"]], [own], color=TAKEN, marker="*", markersize=12, linestyle="none", label=label)
    axes.set_ylabel("worst case of a step, us")
    _finish(axes)


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
    _finish(axes)


def _finish(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cycles, _: f"{cycles:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("longest time between two deskews, cycles")
    axes.grid(color=GRID_COLOUR, linewidth=0.5)
    axes.legend(loc="best")
