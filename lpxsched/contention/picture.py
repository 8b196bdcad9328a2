"""The picture of ``lpxsched contend``: how often a step takes longer, and what a step is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.text import build_name, worst_name
from lpxsched.report.colours import GRID_COLOUR, KIND_COLOURS, OTHER_COLOURS
from lpxsched.report.figures.images import images, new_figure
from lpxsched.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.contention.summary import Contention
    from lpxsched.timetable.build import Build

SIZE_INCHES = (10.0, 4.2)
NS_PER_US = 1000
NOMINAL, WORST = "#009E73", "#000000"
PART_COLOURS = ("#0072B2", KIND_COLOURS["router"], KIND_COLOURS["combine"], KIND_COLOURS["dense"])


def render_contention(build: Build, found: Contention, formats: list[str]) -> dict[str, bytes]:
    """Return the figure in each format, any of ``svg`` and ``png``."""
    return images(lambda: _draw(build, found), formats)


def _draw(build: Build, found: Contention) -> Figure:
    figure = new_figure(SIZE_INCHES)
    options = found.options
    figure.suptitle(
        f"{build_name(build)}: {counted(options.steps, 'step')}, {options.routing} routing, {options.arbitration}, "
        f"{options.tokens} tokens, runtime {options.runtime}"
    )
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_tail(left, found)
    _draw_parts(right, found)
    return figure


def _draw_tail(axes: Axes, found: Contention) -> None:
    """Draw which share of steps takes longer than a time, beside the timetable."""
    times = np.sort(found.steps_ns) / NS_PER_US
    longer = 1 - np.arange(len(times)) / len(times)
    axes.step(times, longer, where="pre", color=PART_COLOURS[0], label="arbitrated")
    for time_ns, colour, name in (
        (found.step.nominal_ns, NOMINAL, "timetable, nominal"),
        (found.step.segments_worst_ns, WORST, f"timetable, {worst_name(found.results)}"),
    ):
        axes.axvline(time_ns / NS_PER_US, color=colour, linestyle="--", label=name)
    axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel("a step within the fabric, us")
    axes.set_ylabel("share of steps that take as long or longer")
    axes.grid(color=GRID_COLOUR, linewidth=0.5)
    axes.legend(loc="best")


def _draw_parts(axes: Axes, found: Contention) -> None:
    """Draw what a step is made of, on the mean and in the slowest, beside the timetable's nominal and worst."""
    bars = ["timetable,\nnominal", worst_name(found.results).replace(" ", "\n"), "arbitrated,\nmean", "slowest\n1 %"]
    own = [found.step.nominal_ns / NS_PER_US, found.step.segments_worst_ns / NS_PER_US]
    axes.bar(bars[:2], own, color=[NOMINAL, OTHER_COLOURS[3]])
    bottom = np.zeros(2)
    mean, slowest = found.parts_ns(), found.parts_ns(slowest=True)
    for name, colour in zip(mean, PART_COLOURS, strict=True):
        height = np.array([mean[name], slowest[name]]) / NS_PER_US
        axes.bar(bars[2:], height, bottom=bottom, color=colour, label=name)
        bottom += height
    # Bars stick to the frame otherwise.
    axes.set_ylim(top=1.05 * max(*own, *bottom))
    axes.set_ylabel("us")
    axes.grid(axis="y", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left")
