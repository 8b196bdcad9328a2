"""The panels of a fabric's picture: all links, the links of one chip on the grid, and the matrix of links."""

from __future__ import annotations

from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.topology.layout import COORDINATES, along_the_grid, arcs, circle, grid_of
from lpxsched.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.report.topology.layout import Bundles, Grid

DOWN_COLOUR, CROSS_COLOUR = "#888888", "#CC0000"
CHIP_COLOUR, FAINT_COLOUR, EDGE_COLOUR = "#FFFFFF", "#E6E6E6", "#555555"
# More would be smaller than a point of the picture.
MATRIX_ROWS = 300
NUMBERED_CHIPS = 320
LEAST_TINT = 0.45
WIDEST_LINE = 5.0


def draw_all_links(axes: Axes, fabric: Fabric, bundles: Bundles, class_colours: list[str]) -> None:
    """Draw every chip and every bundle, on the grid where all bundles run along it, otherwise on a circle."""
    grid = grid_of(fabric)
    on_grid = along_the_grid(grid, bundles)
    places = grid.places(fabric.chips) if on_grid else circle(fabric.shape)
    radius = 0.2 if on_grid else min(0.11, 2.2 / (fabric.chips + 8))
    pairs, both_ways = _pairs(bundles, fabric.chips)
    start, end = places[pairs.source], places[pairs.destination]
    span = np.hypot(*(end - start).T)
    bulge = np.where(span > 1.5, 0.13 * span, 0.0) if on_grid else _inwards(pairs, fabric) * span
    lines = arcs(start, end, bulge + _apart(pairs, fabric.chips) * radius)
    _draw_lines(axes, lines, pairs, class_colours)
    for index in np.flatnonzero(~both_ways).tolist():
        _arrow(axes, lines[index], class_colours[pairs.link_class[index]] if pairs.lanes_up[index] else DOWN_COLOUR)
    _draw_discs(axes, fabric, places, radius)
    _frame(axes, np.concatenate([places, lines.reshape(-1, 2)]), 0.3 if on_grid else 0.2)
    axes.set_title(_ways_note(both_ways), loc="left", fontsize=9)


def draw_grid(axes: Axes, fabric: Fabric, bundles: Bundles, class_colours: list[str]) -> None:
    """Draw all chips in rows and blocks, the links out of one of them, and their far ends in their colours."""
    from matplotlib.collections import PolyCollection

    grid = grid_of(fabric)
    places = grid.places(fabric.chips)
    shown = int(np.argmin(fabric.node_down[: fabric.chips]))
    own = bundles.where(bundles.source == shown)
    faces = np.full(fabric.chips, FAINT_COLOUR, dtype="<U7")
    up = own.lanes_up > 0
    faces[own.destination[up]] = np.array(class_colours)[own.link_class[up]]
    faces[shown] = "#000000"
    squares = places[:, None, :] + np.array([(-0.42, -0.42), (0.42, -0.42), (0.42, 0.42), (-0.42, 0.42)])
    for layer, chosen in ((1, faces == FAINT_COLOUR), (3, faces != FAINT_COLOUR)):
        drawn = PolyCollection(squares[chosen], facecolors=faces[chosen].tolist(), linewidths=0, zorder=layer)
        axes.add_collection(drawn)
    start, end = places[own.source], places[own.destination]
    span = np.hypot(*(end - start).T)
    # Out of the corner chip, arcs of its row bulge above the grid and those of its column to the left.
    side = np.where(np.abs(end - start)[:, 0] > np.abs(end - start)[:, 1], 1.0, -1.0)
    lines = arcs(start, end, side * np.where(span > 1.5, 0.11 * span, 0.0))
    _draw_lines(axes, lines, own, class_colours)
    if fabric.chips <= NUMBERED_CHIPS:
        _number_squares(axes, places, faces, min(9.0, 190.0 / max(grid.size)))
    _cross(axes, places[np.flatnonzero(fabric.node_down[: fabric.chips])], 0.42)
    _frame(axes, np.concatenate([places, lines.reshape(-1, 2)]), 1.4)
    _label_grid(axes, grid)
    rows = f" (rows: {grid.names[1]}s, columns: {grid.names[2]}s)" if grid.names[1] else ""
    axes.set_title(f"Links out of chip {shown}, and where they lead{rows}", loc="left", fontsize=9)


def draw_matrix(axes: Axes, fabric: Fabric, bundles: Bundles, class_colours: list[str]) -> None:
    """Draw which chips, or which rows or blocks of chips, are joined, by the class with the most lanes."""
    from matplotlib.colors import to_rgb

    size, name = _matrix_unit(fabric)
    rows = ceil(fabric.chips / size)
    cell = bundles.source // size * rows + bundles.destination // size
    up = bundles.lanes_up > 0
    joined, strongest, tint = _strongest(cell[up], bundles.link_class[up], bundles.lanes_up[up], len(class_colours))
    picture = np.ones((rows * rows, 3))
    picture[cell[~up]] = to_rgb(DOWN_COLOUR)
    colour = np.array([to_rgb(colour) for colour in class_colours]).reshape(-1, 3)[strongest]
    picture[joined] = 1 - tint[:, None] * (1 - colour)
    axes.imshow(picture.reshape(rows, rows, 3), interpolation="nearest", extent=(-0.5, rows - 0.5, rows - 0.5, -0.5))
    _matrix_ticks(axes, fabric, size, rows)
    axes.set_xlabel(f"to {name}")
    axes.set_ylabel(f"from {name}")
    inside = "" if size == 1 else "; inside on the diagonal"
    more = "; darker is more" if (tint < 1).any() else ""
    axes.set_title(f"The class with the most lanes from {name} to {name}{inside}{more}", loc="left", fontsize=9)


def _strongest(
    cell: NDArray[np.int64], link_class: NDArray[np.int64], lanes: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the cells with links, the class with the most lanes in each, and how dark its colour is there."""
    keys, place = np.unique(cell * classes + link_class, return_inverse=True)
    sums = np.bincount(place, weights=lanes, minlength=len(keys))
    order = np.lexsort((sums, keys // classes))
    last = order[np.flatnonzero(np.append(np.diff(keys[order] // classes) != 0, True)[: len(order)])]
    joined, strongest = np.divmod(keys[last], classes)
    most = np.zeros(classes)
    np.maximum.at(most, strongest, sums[last])
    return joined, strongest, LEAST_TINT + (1 - LEAST_TINT) * sums[last] / most[strongest]


def _pairs(bundles: Bundles, chips: int) -> tuple[Bundles, NDArray[np.bool_]]:
    """Return one bundle for both directions where both are in service or both not, and where there are both."""
    classes = int(bundles.link_class.max(initial=0)) + 1
    look = 2 * bundles.link_class + (bundles.lanes_up > 0)
    keys = (bundles.source * chips + bundles.destination) * 2 * classes + look
    back = (bundles.destination * chips + bundles.source) * 2 * classes + look
    both = np.isin(back, keys)
    first = ~both | (bundles.source < bundles.destination)
    return bundles.where(first), both[first]


def _inwards(pairs: Bundles, fabric: Fabric) -> NDArray[np.float64]:
    """Return how far lines inside a group on the circle bend to its middle, so that they pass the chips between."""
    rows, columns = fabric.grid
    distance = pairs.destination - pairs.source
    inside = (pairs.source // columns == pairs.destination // columns) & (np.abs(distance) > 1) & (rows > 1)
    return np.where(inside, -0.28 * np.sign(distance), 0.0)


def _apart(pairs: Bundles, chips: int) -> NDArray[np.float64]:
    """Return 0, 1, 2, .. for the bundles of different classes between the same two chips."""
    low, high = np.minimum(pairs.source, pairs.destination), np.maximum(pairs.source, pairs.destination)
    keys = low * chips + high
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    rank = np.empty(len(keys), dtype=np.float64)
    rank[order] = np.arange(len(keys)) - np.searchsorted(sorted_keys, sorted_keys)
    return rank


def _ways_note(both_ways: NDArray[np.bool_]) -> str:
    if both_ways.all():
        return "A line stands for links both ways; the more lanes, the wider."
    return "A line stands for links both ways, an arrow for one way; the more lanes, the wider."


def _draw_lines(axes: Axes, lines: NDArray[np.float64], bundles: Bundles, class_colours: list[str]) -> None:
    from matplotlib.collections import LineCollection

    lanes = np.where(bundles.lanes_up > 0, bundles.lanes_up, bundles.lanes)
    widths = np.minimum(1.1 + 0.5 * lanes, WIDEST_LINE)
    for up, style in ((True, "solid"), (False, "dotted")):
        chosen = np.flatnonzero((bundles.lanes_up > 0) == up)
        drawn = [class_colours[index] if up else DOWN_COLOUR for index in bundles.link_class[chosen].tolist()]
        axes.add_collection(
            LineCollection(list(lines[chosen]), colors=drawn, linewidths=widths[chosen], linestyles=style, zorder=2)
        )


def _arrow(axes: Axes, line: NDArray[np.float64], colour: str) -> None:
    places = {"xy": line[17], "xytext": line[15]}
    axes.annotate("", **places, arrowprops={"arrowstyle": "-|>", "color": colour, "mutation_scale": 14}, zorder=2)


def _draw_discs(axes: Axes, fabric: Fabric, places: NDArray[np.float64], radius: float) -> None:
    from matplotlib.patches import Circle

    for chip, place in enumerate(places.tolist()):
        down = bool(fabric.node_down[chip])
        face, edge = (FAINT_COLOUR, DOWN_COLOUR) if down else (CHIP_COLOUR, "#000000")
        axes.add_patch(Circle((place[0], place[1]), radius, facecolor=face, edgecolor=edge, zorder=3))
        axes.text(place[0], place[1], str(chip), ha="center", va="center", fontsize=11, zorder=4)
    _cross(axes, places[np.flatnonzero(fabric.node_down[: fabric.chips])], radius)


def _cross(axes: Axes, places: NDArray[np.float64], half: float) -> None:
    from matplotlib.collections import LineCollection

    strokes = np.array([[(-half, -half), (half, half)], [(-half, half), (half, -half)]])
    lines = (places[:, None, None, :] + strokes[None]).reshape(-1, 2, 2)
    axes.add_collection(LineCollection(list(lines), colors=CROSS_COLOUR, linewidths=1.6, zorder=5))


def _frame(axes: Axes, places: NDArray[np.float64], margin: float) -> None:
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(high[1], low[1])
    axes.set_aspect("equal")
    axes.axis("off")


def _number_squares(axes: Axes, places: NDArray[np.float64], faces: NDArray[np.str_], size: float) -> None:
    for chip, (x, y) in enumerate(places.tolist()):
        colour = EDGE_COLOUR if faces[chip] == FAINT_COLOUR else "white"
        axes.text(x, y, str(chip), ha="center", va="center", fontsize=size, zorder=4, color=colour)


def _label_grid(axes: Axes, grid: Grid) -> None:
    """Name each block, or each row and column where there is one block only."""
    block_name, row_name, column_name = grid.names
    if grid.blocks > 1:
        few = grid.blocks <= 12
        for block in range(grid.blocks):
            x, y = grid.corner(block)
            text, middle = f"{block_name} {block}" if few else str(block), x + (grid.columns - 1) / 2
            axes.text(middle, y + grid.rows - 0.3, text, ha="center", va="top", fontsize=9 if few else 6)
    elif row_name:
        size = min(9.0, 230.0 / max(grid.size))
        for row in range(grid.rows):
            axes.text(grid.columns - 0.35, row, f"{row_name} {row}", ha="left", va="center", fontsize=size)
        for column in range(grid.columns):
            axes.text(column, grid.rows - 0.4, str(column), ha="center", va="top", fontsize=size)
        axes.text((grid.columns - 1) / 2, grid.rows + 0.4, column_name, ha="center", va="top", fontsize=size)


def _matrix_unit(fabric: Fabric) -> tuple[int, str]:
    """Return how many chips make a row of the matrix, and what such a row is."""
    names = COORDINATES.get(fabric.kind, ())
    for axis in range(len(fabric.shape), 0, -1):
        rows, size = prod(fabric.shape[:axis]), prod(fabric.shape[axis:])
        if rows <= MATRIX_ROWS and (rows > 1 or fabric.chips == 1):
            name = names[axis - 1 - len(fabric.shape)] if names else "row"
            return size, "chip" if size == 1 else name
    size = ceil(fabric.chips / MATRIX_ROWS)
    return size, counted(size, "chip")


def _matrix_ticks(axes: Axes, fabric: Fabric, size: int, rows: int) -> None:
    """Put ticks where the next coordinate begins, at most about twenty of them."""
    starts = [prod(fabric.shape[axis:]) // size for axis in range(1, len(fabric.shape))]
    step = next((step for step in reversed(starts) if step > 1 and rows / step <= 40), _round_step(rows))
    ticks = np.arange(0, rows, step)
    every = ceil(len(ticks) / 20)
    labels = [str(tick) if index % every == 0 else "" for index, tick in enumerate(ticks.tolist())]
    axes.set_xticks(ticks - 0.5, labels, fontsize=8)
    axes.set_yticks(ticks - 0.5, labels, fontsize=8)
    if step in starts:
        axes.grid(color="#BBBBBB", linewidth=0.3)


def _round_step(rows: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, .. that makes at most twenty steps."""
    steps: list[int] = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
    return min(step for step in steps if rows <= 20 * step)
