"""Groups of chips for the layers: sub-grids of the fabric, so that few distinct shapes exist."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.program.connected import split_group
from lpxsched.traffic.group import Group
from lpxsched.units import ceil_div, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lpxsched.fabric.fabric import Fabric


class Region(NamedTuple):
    """A rectangle of the grid, from a tray and a position on."""

    tray: int
    position: int
    rows: int
    columns: int


Tile = tuple[int, ...]


def smallest_width(fabric: Fabric, kinds: Sequence[tuple[int, Callable[[int], int]]], what: str) -> int:
    """Return the least number of chips on which any one layer fits.

    Parameters
    ----------
    fabric : Fabric
    kinds : sequence of (int, callable)
        How many layers there are of each kind, and the bytes that each chip must hold at least when one of them lies
        on a number of chips.
    what : str
        Model and weight type, for the message.

    Raises
    ------
    InfeasibleError
        When the layers need more chips than there are, each as few as it can, with the bytes.
    """
    capacity, chips = fabric.chip.sram_bytes, int((~fabric.node_down[: fabric.chips]).sum())
    widths = [_least_width(fabric, chips, chip_bytes, what) for _, chip_bytes in kinds]
    needed = sum(layers * width for (layers, _), width in zip(kinds, widths, strict=True))
    if needed > chips:
        told = " and ".join(
            f"{counted(layers, 'layer')} on at least {counted(width, 'chip')} each ({chip_bytes(width):,} bytes a "
            f"chip, {layers * width * chip_bytes(width):,} in all; a chip holds {capacity:,})"
            for (layers, chip_bytes), width in zip(kinds, widths, strict=True)
        )
        raise InfeasibleError(
            f"{what} needs {counted(needed, 'chip')}, {told}, and {fabric.name} has {counted(chips, 'chip')} with "
            f"{chips * capacity:,} bytes"
        )
    return max(widths)


def _least_width(fabric: Fabric, chips: int, chip_bytes: Callable[[int], int], what: str) -> int:
    capacity = fabric.chip.sram_bytes
    if chip_bytes(chips) > capacity:
        raise InfeasibleError(
            f"one layer of {what} needs {chip_bytes(chips):,} bytes on each of all {counted(chips, 'chip')} of "
            f"{fabric.name}, a chip holds {capacity:,}"
        )
    # Together chips hold what one would at least; biases on one chip may make one chip more hold a little more.
    least = max(1, ceil_div(chip_bytes(1), capacity))
    return next(width for width in range(least, chips + 1) if chip_bytes(width) <= capacity)


def automatic_groups(fabric: Fabric, layers: int, least_width: int) -> tuple[Group, ...]:
    """Cut the grid into a group a layer, each as wide as the narrowest one can be made.

    Tiles lie inside trays, or are made of whole trays of one rack; what is left over is tiled once more. Tiles with a
    chip that is down are left out. Of all such cuts the one with the widest narrowest group is taken, then the one that
    uses the most chips, then the fewest shapes.

    Cuts with a group whose chips cannot reach each other inside the group are passed over.

    Raises
    ------
    NothingFoundError
        When no such cut has enough groups of `least_width` chips.
    """
    candidates = [cut for cut in _cuts(fabric, layers) if min(len(tiles[0]) for tiles in cut) >= least_width]
    for cut in sorted(candidates, key=_quality, reverse=True):
        tiles = enumerate(tile for tiles in cut for tile in tiles)
        groups = tuple(group_on(fabric, layer, chips) for layer, chips in tiles)
        if split_group(fabric, groups) is None:
            return groups
    raise NothingFoundError(
        f"no cut of a {fabric.grid[0]} x {fabric.grid[1]} grid into {counted(layers, 'sub-grid')} of at least "
        f"{counted(least_width, 'chip')}{' that reach each other' if candidates else ''}",
        remedy="write the groups with --partition",
    )


def tray_tiles(fabric: Fabric) -> Iterator[list[Tile]]:
    """Yield equal tiles of whole trays of one rack, one tray each, then two, and so on; those with a chip down are out.

    A fabric of one dimension is one tray.
    """
    trays, racks = _racks(fabric)
    for rows in range(1, trays + 1):
        tiles = _tiles(fabric, racks, rows, fabric.shape[-1])
        if tiles:
            yield tiles


def group_on(fabric: Fabric, layer: int, chips: Sequence[int]) -> Group:
    """Return a layer on some chips with their hosts, or raise an `InputError` when one has none."""
    hosts = _hosts(fabric)
    for chip in chips:
        if chip not in hosts:
            problem = f"chip {chip} has no link from and to a host; chips of groups that meet hosts need one each"
            raise InputError(fabric.name, problem)
    return Group(layer, tuple(chips), tuple(hosts[chip] for chip in chips))


@lru_cache(maxsize=4)
def _hosts(fabric: Fabric) -> dict[int, int]:
    return fabric.host_of_chip()


def _quality(cut: tuple[list[Tile], ...]) -> tuple[int, int, int]:
    widths = [len(tiles[0]) for tiles in cut]
    used = sum(len(tiles) * width for tiles, width in zip(cut, widths, strict=True))
    return min(widths), used, -len(set(widths))


def _cuts(fabric: Fabric, groups: int) -> Iterator[tuple[list[Tile], ...]]:
    """Yield cuts into as many equal tiles as asked for, or fewer and equal tiles of what they leave over."""
    (trays, racks), positions = _racks(fabric), fabric.shape[-1]
    shapes = [(1, columns) for columns in range(1, positions + 1)]
    shapes += [(rows, positions) for rows in range(2, trays + 1)]
    for rows, columns in shapes:
        tiles = _tiles(fabric, racks, rows, columns)
        if len(tiles) >= groups:
            yield (tiles[:groups],)
            continue
        rest = _widest_tiles(fabric, [_left_over(rack, rows, columns) for rack in racks], groups - len(tiles))
        if tiles and rest:
            yield tiles, rest


def _racks(fabric: Fabric) -> tuple[int, list[Region]]:
    """Return the trays of a rack, and the racks."""
    trays = fabric.shape[-2] if len(fabric.shape) > 1 else 1
    return trays, [Region(tray, 0, trays, fabric.shape[-1]) for tray in range(0, fabric.grid[0], trays)]


def _left_over(rack: Region, rows: int, columns: int) -> Region:
    """Return what tiles inside trays leave of each tray, or what tiles of whole trays leave of a rack."""
    if rows == 1:
        position = rack.columns - rack.columns % columns
        return Region(rack.tray, position, rack.rows, rack.columns - position)
    tray = rack.tray + rack.rows - rack.rows % rows
    return Region(tray, 0, rack.rows % rows, rack.columns)


def _widest_tiles(fabric: Fabric, regions: list[Region], groups: int) -> list[Tile]:
    """Return as many tiles as asked for, as wide as can be and over as few trays; none when there is no such tiling."""
    rows, columns = regions[0].rows, regions[0].columns
    shapes = [(r, c) for r in range(1, rows + 1) for c in range(1, columns + 1)]
    for r, c in sorted(shapes, key=lambda shape: (-shape[0] * shape[1], shape[0])):
        if (rows // r) * (columns // c) * len(regions) >= groups:
            tiles = _tiles(fabric, regions, r, c)
            if len(tiles) >= groups:
                return tiles[:groups]
    return []


def _tiles(fabric: Fabric, regions: list[Region], rows: int, columns: int) -> list[Tile]:
    """Return the chips of each tile whose chips are all in service, region by region, row by row."""
    positions = fabric.grid[1]
    tiles = [
        tuple((tray + r) * positions + position + c for r in range(rows) for c in range(columns))
        for region in regions
        for tray in range(region.tray, region.tray + region.rows - rows + 1, rows)
        for position in range(region.position, region.position + region.columns - columns + 1, columns)
    ]
    return [tile for tile in tiles if not fabric.node_down[list(tile)].any()]
