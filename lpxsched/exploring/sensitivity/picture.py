"""The picture of what assumptions are worth: a bar each, from end to end, the longest above (a tornado chart)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.exploring.sensitivity.effects import RATE
from lpxsched.exploring.sensitivity.text import shown
from lpxsched.report.colours import GRID_COLOUR
from lpxsched.report.figures.images import PNG, images, new_figure
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.exploring.sensitivity.effects import Effect, Effects

WIDTH_INCHES, ROW_INCHES, FRAME_INCHES = 11.0, 0.24, 1.3
END_COLOURS = {"lower end": "#0072B2", "upper end": "#D55E00", "another value": "#009E73"}
MIDDLE_COLOUR = "#000000"
# Room for the values beside the bars, as a share of the axis.
MARGIN = 0.14


def render_effects(found: Effects, title: str) -> bytes:
    """Return the picture as PNG; assumptions that move nothing, or cannot be built, have no bar."""
    return images(lambda: _draw(found, title), [PNG])[PNG]


def _draw(found: Effects, title: str) -> Figure:
    moving = [effect for effect in found.effects if effect.swing > 0]
    figure = new_figure((WIDTH_INCHES, FRAME_INCHES + ROW_INCHES * max(len(moving), 4)))
    axes = figure.subplots()
    for row, effect in enumerate(moving):
        _draw_bars(axes, row, effect)
    axes.axvline(found.middle[RATE], color=MIDDLE_COLOUR, linewidth=1.0)
    axes.set_yticks(range(len(moving)), [f"{one.assumption.name} = {shown(one.assumption.value)}" for one in moving])
    axes.set_ylim(max(len(moving), 4) - 0.4, -0.6)
    axes.margins(x=MARGIN)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.grid(visible=True, axis="x", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    still = len(found.effects) - len(moving)
    axes.set_xlabel(f"tokens/s of one user; {counted(still, 'further assumption')} moved nothing or had no other build")
    axes.set_title(title)
    for name, colour in END_COLOURS.items():
        axes.barh(0, 0, left=found.middle[RATE], color=colour, label=name)
    axes.legend(loc="lower right")
    return figure


def _draw_bars(axes: Axes, row: int, effect: Effect) -> None:
    """Draw a bar from the middle to each other value, and write the values beside their ends."""
    middle = effect.middle[RATE]
    beside: dict[bool, list[tuple[float, str]]] = {False: [], True: []}
    for end in effect.ends:
        if end.figures and end.figures[RATE] != middle:
            rate = end.figures[RATE]
            colour = END_COLOURS[_which(end.value, effect.assumption.value)]
            axes.barh(row, rate - middle, left=middle, height=0.7, color=colour)
            beside[rate > middle].append((rate, shown(end.value)))
    _write_beside(axes, row, beside[False], right=False)
    _write_beside(axes, row, beside[True], right=True)


def _which(other: Any, value: Any) -> str:
    if isinstance(value, bool | str | list):
        return "another value"
    return "lower end" if other < value else "upper end"


def _write_beside(axes: Axes, row: int, ends: Sequence[tuple[float, str]], *, right: bool) -> None:
    """Write values at the end of the longest bar of a side, the longest first."""
    if ends:
        ordered = sorted(ends, reverse=right)
        text = ", ".join(value for _, value in ordered)
        align, offset = ("left", 4) if right else ("right", -4)
        axes.annotate(text, (ordered[0][0], row), (offset, 0), textcoords="offset points", ha=align, va="center")
