"""The figure of ``lpxsched export``: link utilisation of a token above the timeline of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.figures.heat_map import draw_heat_map, drawn_utilisation, used_groups
from lpxsched.report.figures.images import images, new_figure
from lpxsched.report.figures.layer_timeline import chip_rows, draw_layer
from lpxsched.report.relays import relays_of_segments
from lpxsched.report.token_time import token_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lpxsched.timetable.build import Build

WIDTH_INCHES = 15.0
ROW_INCHES, FRAME_INCHES = 0.19, 1.1


def build_layers(build: Build) -> list[int]:
    """Return the layers of a build in order."""
    return sorted(set(build.operators.layer.tolist()))


def render(build: Build, formats: list[str], layers: range | None = None) -> dict[str, bytes]:
    """Return the figure of a build in each format.

    Parameters
    ----------
    build : Build
    formats : list of str
        Any of ``svg`` and ``png``.
    layers : range, optional
        Layers whose time the upper picture shows, all when left out; the lower picture shows the first of
        them. At least one of them is in the build.
    """
    return images(lambda: _draw(build, layers), formats)


def _draw(build: Build, layers: range | None) -> Figure:
    layer = next(layer for layer in build_layers(build) if layers is None or layer in layers)
    token = token_time(build)
    segment = next(s for s, members in enumerate(token.layers) if layer in members)
    relays = relays_of_segments(build, token)[segment]
    chips = chip_rows(build, segment, relays)
    groups = len(used_groups(drawn_utilisation(build, layers)))
    heights = [
        FRAME_INCHES + ROW_INCHES * max(groups, 4),
        FRAME_INCHES + ROW_INCHES * max(sum(len(chip.rows) for chip in chips), 8),
    ]
    figure = new_figure((WIDTH_INCHES, sum(heights)))
    upper, lower = figure.subplots(2, 1, height_ratios=heights)
    draw_heat_map(figure, upper, build, layers)
    draw_layer(lower, build, segment, chips, len(relays))
    return figure
