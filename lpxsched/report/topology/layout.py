"""Where the picture of a fabric puts its chips, and which of them it joins."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric

COORDINATES = {
    "lpx": ("rack", "tray", "position"),
    "tsp": ("rack", "node", "TSP"),
    "dragonfly": ("group", "chip"),
    "boardfly": ("group", "tray", "chip"),
}
# Empty columns and rows of chips between two blocks.
BLOCK_GAP = 3


@dataclass(frozen=True, slots=True, eq=False)
class Bundles:
    """Parallel links between two chips, out of service or not.

    Attributes
    ----------
    source, destination, link_class, lanes, lanes_up : ndarray of int64, shape (bundles,)
        Ends, class, number of links, and how many of them are in service.
    """

    source: NDArray[np.int64]
    destination: NDArray[np.int64]
    link_class: NDArray[np.int64]
    lanes: NDArray[np.int64]
    lanes_up: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Bundles:
        """Return the chosen bundles."""
        columns = (self.source, self.destination, self.link_class, self.lanes, self.lanes_up)
        return Bundles(*(column[chosen] for column in columns))


@dataclass(frozen=True, slots=True)
class Grid:
    """Chips in rows and columns of equal blocks; the last block may not be full.

    Attributes
    ----------
    blocks, rows, columns : int
        Number of blocks (racks), and the size of each.
    across : int
        Blocks beside each other.
    names : tuple of str
        What a block, a row and a column is.
    """

    blocks: int
    rows: int
    columns: int
    across: int
    names: tuple[str, str, str]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in chips, gaps included."""
        down = ceil(self.blocks / self.across)
        width = self.across * (self.columns + BLOCK_GAP) - BLOCK_GAP
        return width, down * (self.rows + BLOCK_GAP) - BLOCK_GAP

    def corner(self, block: int) -> tuple[int, int]:
        """Return the place of a block's first chip."""
        down, right = divmod(block, self.across)
        return right * (self.columns + BLOCK_GAP), down * (self.rows + BLOCK_GAP)

    def places(self, chips: int) -> NDArray[np.float64]:
        """Return the centres of the chips, shape (chips, 2), y downwards."""
        block, rest = np.divmod(np.arange(chips), self.rows * self.columns)
        row, column = np.divmod(rest, self.columns)
        down, right = np.divmod(block, self.across)
        x = right * (self.columns + BLOCK_GAP) + column
        y = down * (self.rows + BLOCK_GAP) + row
        return np.column_stack([x, y]).astype(np.float64)


def bundles_between_chips(fabric: Fabric) -> Bundles:
    """Return the bundles between chips, sorted by source, destination and class."""
    links = np.flatnonzero((fabric.source < fabric.chips) & (fabric.destination < fabric.chips))
    columns = np.column_stack([fabric.source, fabric.destination, fabric.link_class])[links]
    first = np.flatnonzero(np.append(True, (np.diff(columns, axis=0) != 0).any(axis=1))[: len(links)])
    source, destination, link_class = columns[first].T
    lanes = np.diff(np.append(first, len(links)))
    up = np.add.reduceat(fabric.link_up[links].astype(np.int64), first) if len(links) else lanes
    return Bundles(source, destination, link_class, lanes, up)


def grid_of(fabric: Fabric) -> Grid:
    """Return the grid that shows a fabric best: its own rows and columns, or nearly a square of its numbers."""
    sizes = tuple(size for size in fabric.shape if size > 1) or (1,)
    known = COORDINATES.get(fabric.kind, ())
    names = [name for name, size in zip(known[-len(fabric.shape) :], fabric.shape, strict=False) if size > 1]
    if len(sizes) == 1:
        columns = ceil(sqrt(sizes[0]))
        return Grid(1, ceil(sizes[0] / columns), columns, 1, ("", "", ""))
    if len(sizes) > 3:
        half = len(sizes) // 2
        return Grid(1, prod(sizes[:half]), prod(sizes[half:]), 1, ("", "", ""))
    blocks, rows, columns = (1, *sizes)[-3:]
    across = max(1, round(sqrt(blocks * (rows + BLOCK_GAP) / (columns + BLOCK_GAP))))
    block_name, row_name, column_name = ["block", "", "", *names][-3:]
    return Grid(blocks, rows, columns, min(across, blocks), (block_name, row_name, column_name))


def along_the_grid(grid: Grid, bundles: Bundles) -> bool:
    """Return whether every bundle stays in a row or a column of a single block of several rows and columns."""
    source_row, source_column = np.divmod(bundles.source, grid.columns)
    row, column = np.divmod(bundles.destination, grid.columns)
    along = (source_row == row) | (source_column == column)
    return grid.blocks == 1 and min(grid.rows, grid.columns) > 1 and bool(along.all())


def circle(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return places on a circle of radius 1, clockwise from the top, with gaps between the rows of a grid."""
    chips, columns = prod(shape), shape[-1]
    rows = chips // columns
    gap = 1.0 if rows > 1 and columns > 1 else 0.0
    step = np.arange(chips) + gap * (np.arange(chips) // columns)
    angle = 2 * np.pi * (step - (columns - 1) / 2 * (gap > 0)) / (chips + gap * rows)
    return np.column_stack([np.sin(angle), -np.cos(angle)])


def arcs(start: NDArray[np.float64], end: NDArray[np.float64], bulge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return parabolas as polylines, shape (arcs, points, 2).

    Parameters
    ----------
    start, end : ndarray of float64, shape (arcs, 2)
    bulge : ndarray of float64, shape (arcs,)
        Height over the straight line, to the left of the way on paper (y downwards).
    """
    along = end - start
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    left = np.column_stack([along[:, 1], -along[:, 0]]) / length[:, None]
    part = np.linspace(0, 1, 25)
    straight = start[:, None, :] + part[None, :, None] * along[:, None, :]
    height = 4 * part * (1 - part)
    lines: NDArray[np.float64] = straight + height[None, :, None] * (bulge[:, None] * left)[:, None, :]
    return lines
