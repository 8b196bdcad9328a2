"""The picture of a sweep: step against throughput, and the points that no other beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.exploring.sweep.front import STEP, THROUGHPUT, drawn, pareto_front, point_name
from lpxsched.exploring.sweep.table import OPTION
from lpxsched.report.colours import GRID_COLOUR, OTHER_COLOURS
from lpxsched.report.figures.images import PNG, images, new_figure
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = dict[str, Any]

INCHES = (9.0, 6.0)
# More curves than these are told apart by nobody.
MOST_CURVES, MOST_LABELS = 12, 60
CURVE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", *OTHER_COLOURS)
MARKERS = "osD^vP"
# Points that the first of many curves is wider than the last.
WIDEST = 8.0
FRONT_COLOUR = "#000000"
FAR_APART = 5
# Labels of points that differ by less in both would lie on each other.
BESIDE = 1.03


def render_sweep(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return the picture as PNG.

    Parameters
    ----------
    rows : sequence of dict
        From `rows_of`.
    names : sequence of str
        Fields that differ between points.
    """
    return images(lambda: _draw(rows, names), [PNG])[PNG]


def _draw(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    figure = new_figure(INCHES)
    axes = figure.subplots()
    shown = drawn(rows)
    along, others = _along_and_others(rows, shown, names)
    curves = _curves(rows, shown, others)
    _draw_curves(axes, rows, curves)
    _draw_front(axes, rows)
    if along and len(shown) <= MOST_LABELS:
        for place, label in _labels(rows, shown, along):
            axes.annotate(label, place, (5, -9), textcoords="offset points")
    _scale(axes, rows, shown)
    missing = len(rows) - len(shown)
    without = f"; {counted(missing, 'point')} without a timetable" if missing else ""
    told = f", labels: {along.replace('_', ' ')}" if along else ""
    axes.set_title(
        f"{_fixed(rows, 'model')} on {_fixed(rows, 'topology')}: {counted(len(shown), 'point')}{told}{without}"
    )
    axes.set_xlabel("step of one user (us), proved and assumed together")
    axes.set_ylabel("tokens/s of all users")
    axes.grid(visible=True, which="both", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    if shown:
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _labels(rows: Sequence[Row], shown: Sequence[int], along: str) -> list[tuple[tuple[float, float], str]]:
    """Return where labels stand; of points beside each other that have one label the first bears it."""
    found: list[tuple[tuple[float, float], str]] = []
    for number in shown:
        step, rate = rows[number][STEP] / 1000, rows[number][THROUGHPUT]
        label = str(rows[number][OPTION + along])
        beside = (max(step / x, x / step, rate / y, y / rate) < BESIDE for (x, y), of in found if of == label)
        if not any(beside):
            found.append(((step, rate), label))
    return found


def _scale(axes: Axes, rows: Sequence[Row], shown: Sequence[int]) -> None:
    """Make an axis logarithmic where its values lie far apart, and write plain numbers at both."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis, key in ((axes.xaxis, STEP), (axes.yaxis, THROUGHPUT)):
        values = [rows[number][key] for number in shown]
        if values and max(values) > FAR_APART * min(values):
            axis.axes.set(**{f"{axis.axis_name}scale": "log"})
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter("{x:,.12g}")


def _draw_curves(axes: Axes, rows: Sequence[Row], curves: dict[str, list[int]]) -> None:
    """Draw the points of each curve, later ones thinner, so that all show where they coincide; too many all alike."""
    many = len(curves) > MOST_CURVES
    for index, (name, numbers) in enumerate(curves.items()):
        points = sorted((rows[number][STEP] / 1000, rows[number][THROUGHPUT]) for number in numbers)
        below = 0.0 if many else (len(curves) - 1 - index) * min(2.0, WIDEST / len(curves))
        axes.plot(
            *zip(*points, strict=True),
            marker=MARKERS[0 if many else index % len(MARKERS)],
            markersize=5 + below,
            linewidth=0.0 if many else 1.0 + below,
            color=CURVE_COLOURS[0 if many else index],
            label=None if many else name or "points",
        )


def _draw_front(axes: Axes, rows: Sequence[Row]) -> None:
    front = [rows[number] for number in pareto_front(rows)]
    if front:
        steps, rates = zip(*((row[STEP] / 1000, row[THROUGHPUT]) for row in front), strict=True)
        label = "no other point is shorter and has more tokens/s"
        (line,) = axes.plot(steps, rates, "o--", drawstyle="steps-post", color=FRONT_COLOUR, label=label, zorder=1)
        line.set(linewidth=1.0, markersize=13, markerfacecolor="none")


def _along_and_others(rows: Sequence[Row], shown: Sequence[int], names: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the field that curves follow, that with the most values, and the others in which drawn points differ."""
    values = {name: len({rows[number][OPTION + name] for number in shown}) for name in names}
    differ = [name for name in names if values[name] > 1]
    along = max(differ, key=lambda name: values[name], default=None)
    return along, [name for name in differ if name != along]


def _curves(rows: Sequence[Row], shown: Sequence[int], others: Sequence[str]) -> dict[str, list[int]]:
    """Return the points of each curve: those that are alike but for the field along it."""
    curves: dict[str, list[int]] = {}
    for number in shown:
        curves.setdefault(point_name(rows[number], others), []).append(number)
    return curves


def _fixed(rows: Sequence[Row], name: str) -> str:
    return ", ".join(dict.fromkeys(str(row[OPTION + name]) for row in rows))
