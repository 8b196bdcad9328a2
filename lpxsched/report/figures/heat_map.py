"""The upper picture: how busy each group of links is over the time of a token."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.colours import GRID_COLOUR
from lpxsched.report.frames import only_period
from lpxsched.report.layers import head_of, layer_ranges
from lpxsched.report.manifest import collective_kind
from lpxsched.report.token_time import token_time
from lpxsched.report.utilisation import utilisation
from lpxsched.units import cycles_to_ns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.report.utilisation import Utilisation
    from lpxsched.timetable.build import Build

BINS = 960
LABELLED_LAYERS = 24


def layer_window(build: Build, layers: range | None) -> tuple[int, int]:
    """Return first and last cycle, on the timeline of the token, of the segments that hold the layers."""
    token = token_time(build)
    wanted = [
        segment
        for segment, members in enumerate(token.layers)
        if layers is None or any(layer in layers for layer in members)
    ]
    start, end = token.start_cycles[wanted], token.end_cycles[wanted]
    return int(start.min(initial=token.total_cycles)), int(end.max(initial=0))


def used_groups(busy: Utilisation) -> list[int]:
    """Return the groups of links that carry vectors somewhere in the window."""
    return [row for row in range(len(busy.groups)) if busy.busy_ticks[row].any()]


def drawn_utilisation(build: Build, layers: range | None) -> Utilisation:
    """Return the utilisation that the picture shows: of what repeats that of a period, with all passes.

    Segments of equal length look alike: each has a whole number of bins.
    """
    window = None if only_period(build) else layer_window(build, layers)
    inside = 1 if window is None else min(max(len(_segments_inside(build, window)), 1), BINS)
    return utilisation(build, bins=BINS // inside * inside, by="tray", window=window)


def _segments_inside(build: Build, window: tuple[int, int]) -> list[int]:
    token = token_time(build)
    return [s for s in token.order.tolist() if window[0] <= token.start_cycles[s] < window[1]]


def draw_heat_map(figure: Figure, axes: Axes, build: Build, layers: range | None) -> None:
    """Draw the busy share of the running layer's links, one row a group of links."""
    busy = drawn_utilisation(build, layers)
    rows = used_groups(busy)
    to_us = float(cycles_to_ns(1, Fraction(build.manifest.clock_mhz))) / 1000
    shares = 100 * busy.running_bin_shares()[rows]
    edges = np.array([float(edge) for edge in busy.edges_cycles]) * to_us
    mesh = axes.pcolormesh(
        edges,
        np.arange(len(rows) + 1),
        np.ma.masked_invalid(shares),
        cmap="viridis",
        vmin=0,
        vmax=_ceiling(shares),
        rasterized=True,
    )
    axes.set_facecolor("white")
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(rows)) + 0.5, [busy.groups[row].name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("links")
    if only_period(build):
        axes.set_xlabel("time in a period (us)")
        what = "one period, all passes together"
    elif collective_kind(build) is None:
        axes.set_xlabel("time along the token (us)")
        what = "the running layer's chips (blank: no layer runs there)"
        _draw_layers(axes, build, layer_window(build, layers), to_us)
    else:
        axes.set_xlabel("time (us)")
        what = "the collective's chips"
    axes.set_title(f"Link utilisation: busy share of the links of {what}", loc="left", pad=8)
    bar = figure.colorbar(mesh, cax=axes.inset_axes((1.01, 0.0, 0.012, 1.0)))
    bar.set_label(f"busy share (%) of {(busy.last_cycle - busy.first_cycle) / busy.bins:,.1f} cycles")


def _ceiling(shares: np.ndarray) -> float:
    """Return the end of the colour scale: the largest share, or 1 % when all are zero."""
    largest = float(np.nan_to_num(shares, nan=0.0).max(initial=0.0))
    return largest or 1.0


def _draw_layers(axes: Axes, build: Build, window: tuple[int, int], to_us: float) -> None:
    """Mark where each layer begins, and name the layers above the picture."""
    token, head = token_time(build), head_of(build.manifest.results)
    inside = _segments_inside(build, window)
    for segment in inside:
        axes.axvline(float(token.start_cycles[segment]) * to_us, color=GRID_COLOUR, linewidth=0.4)
    every = -(-len(inside) // LABELLED_LAYERS)
    shown = inside[::every]
    middles = [float(token.start_cycles[s] + token.end_cycles[s]) / 2 * to_us for s in shown]
    above = axes.secondary_xaxis("top")
    above.set_xticks(middles, [layer_ranges(token.layers[s], head) for s in shown])
    above.tick_params(length=0, pad=1)
    above.set_xlabel("layer")
