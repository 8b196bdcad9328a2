"""Groups of chips for the layers: sub-grids of the fabric, so that few distinct shapes exist."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.errors import InfeasibleError, InputError, NothingFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.fabric.fabric import Fabric


@dataclass(frozen=True, slots=True)
class Group:
    """The chips of one layer.

    Attributes
    ----------
    layer : int
    chips : tuple of int
        In the order of their shards.
    hosts : tuple of int
        The host of each chip.
    """

    layer: int
    chips: tuple[int, ...]
    hosts: tuple[int, ...]


class Tiling(NamedTuple):
    """Equal rectangles cut from a region of the grid; the region starts at (`tray`, `position`)."""

    tray: int
    position: int
    rows: int
    columns: int
    tiles: int
    tiles_per_row: int

    @property
    def width(self) -> int:
        """Chips of one tile."""
        return self.rows * self.columns


def smallest_width(fabric: Fabric, layers: int, chip_bytes: Callable[[int], int], what: str) -> int:
    """Return the least number of chips on which one layer fits.

    Parameters
    ----------
    fabric : Fabric
    layers : int
    chip_bytes : callable
        Bytes that each chip must hold at least when a layer lies on a number of chips.
    what : str
        Model and weight type, for the message.

    Raises
    ------
    InfeasibleError
        When the layers need more chips than there are, with the bytes.
    """
    capacity = fabric.chip.sram_bytes
    # More chips never hold more bytes each.
    width = 1 + bisect_left(range(1, fabric.chips + 1), True, key=lambda w: chip_bytes(w) <= capacity)
    if width > fabric.chips:
        raise InfeasibleError(
            f"one layer of {what} needs {chip_bytes(fabric.chips):,} bytes on each of all {fabric.chips} chips of "
            f"{fabric.name}, a chip holds {capacity:,}"
        )
    if layers * width > fabric.chips:
        raise InfeasibleError(
            f"{what} needs {layers * width} chips, {layers} layers on at least {width} chips each "
            f"({chip_bytes(width):,} bytes a chip, {layers * width * chip_bytes(width):,} in all; a chip holds "
            f"{capacity:,}), and {fabric.name} has {fabric.chips} chips with {fabric.chips * capacity:,} bytes"
        )
    return width


def automatic_groups(fabric: Fabric, layers: int, least_width: int) -> tuple[Group, ...]:
    """Cut the grid into a group a layer, each as wide as the narrowest one can be made.

    Tiles lie inside trays, or are made of whole trays; what is left over is tiled once more. Of all such cuts the one
    with the widest narrowest group is taken, then the one that uses the most chips, then the fewest shapes.

    Raises
    ------
    NothingFoundError
        When no such cut has enough groups of `least_width` chips.
    """
    candidates = [cut for cut in _cuts(*fabric.grid, layers) if min(t.width for t in cut) >= least_width]
    if not candidates:
        raise NothingFoundError(
            f"no cut of a {fabric.grid[0]} x {fabric.grid[1]} grid into {layers} sub-grids of at least "
            f"{least_width} chips",
            remedy="write the groups with --partition",
        )
    best = max(candidates, key=_quality)
    tiles = [chips for tiling in best for chips in _tiles(tiling, fabric.grid[1])]
    hosts = fabric.host_of_chip()
    return tuple(
        Group(layer, chips, tuple(host_of(fabric, hosts, chip) for chip in chips))
        for layer, chips in enumerate(tiles[:layers])
    )


def host_of(fabric: Fabric, hosts: dict[int, int], chip: int) -> int:
    """Return a chip's host, or raise an `InputError` when it has none."""
    if chip not in hosts:
        problem = f"chip {chip} has no link from and to a host; --attention gpu needs one for each chip"
        raise InputError(fabric.name, problem)
    return hosts[chip]


def _quality(cut: tuple[Tiling, ...]) -> tuple[int, int, int, int]:
    widths = [tiling.width for tiling in cut]
    used = sum(tiling.width * tiling.tiles for tiling in cut)
    return min(widths), used, -len(set(widths)), -sum(tiling.rows for tiling in cut)


def _cuts(trays: int, positions: int, groups: int) -> Iterator[tuple[Tiling, ...]]:
    shapes = [(1, columns) for columns in range(1, positions + 1)]
    shapes += [(rows, positions) for rows in range(2, trays + 1)]
    for rows, columns in shapes:
        tiles_per_row = positions // columns
        tiles = trays // rows * tiles_per_row
        first = Tiling(0, 0, rows, columns, min(tiles, groups), tiles_per_row)
        if tiles >= groups:
            yield (first,)
            continue
        rest = _rest(trays, positions, rows, columns, groups - tiles)
        if rest:
            yield first, rest


def _rest(trays: int, positions: int, rows: int, columns: int, groups: int) -> Tiling | None:
    """Return the widest tiling of what a first tiling left over, or None when it has too few tiles."""
    if rows == 1:
        tray, position, free_rows, free_columns = (
            0,
            positions - positions % columns,
            trays,
            positions % columns,
        )
    else:
        tray, position, free_rows, free_columns = trays - trays % rows, 0, trays % rows, positions
    tilings = [
        Tiling(tray, position, r, c, groups, free_columns // c)
        for r in range(1, free_rows + 1)
        for c in range(1, free_columns + 1)
        if (free_rows // r) * (free_columns // c) >= groups
    ]
    return max(tilings, key=lambda tiling: (tiling.width, -tiling.rows), default=None)


def _tiles(tiling: Tiling, positions: int) -> Iterator[tuple[int, ...]]:
    for index in range(tiling.tiles):
        row, column = divmod(index, tiling.tiles_per_row)
        tray = tiling.tray + row * tiling.rows
        position = tiling.position + column * tiling.columns
        yield tuple((tray + r) * positions + position + c for r in range(tiling.rows) for c in range(tiling.columns))
