"""The family of placements that a mapping is chosen from: cyclic intervals of positions, trays and racks.

A rectangle is `racks` x `trays` x `positions` from an origin on, each axis cyclic. A placement is a rectangle, or whole
trays and a part of the tray behind them, or whole columns and a part of the column behind them; what of it is down is
left out. Placements that a symmetry of the fabric carries into each other cost the same. Whether the fabric is left as
it is by a step along an axis is verified on its links and hosts, never assumed; where it is not, placements of equal
links between equal places are found one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.program.connected import is_joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric

    Integers = NDArray[np.int64]


class Axes(NamedTuple):
    """Sizes of the axes: racks, trays of a rack, positions of a tray."""

    racks: int
    trays: int
    positions: int


NOWHERE = Axes(0, 0, 0)
# Placements beyond which, on a fabric without symmetry, only those of whole trays are looked at.
MOST_PLACEMENTS = 100_000
# Rotations of the shares of one placement.
MOST_TURNS = 8


class ShapePlacement(NamedTuple):
    """One rectangle or two: sizes and offset of each, from an origin on."""

    parts: tuple[tuple[Axes, Axes], ...]
    origin: Axes


@dataclass(frozen=True, slots=True)
class Shape:
    """Placements that cost the same.

    Attributes
    ----------
    name : str
        Its sizes in words.
    placements : tuple of ShapePlacement
        Where it may lie up to steps along axes that leave the fabric as it is; the first stands for all.
    turns : tuple of Axes
        Turns of its shares that are joined alike; those that are not are shapes of their own.
    chips : tuple of int
        Those of the first placement, in the order of shares of the first turn.
    """

    name: str
    placements: tuple[ShapePlacement, ...]
    turns: tuple[Axes, ...]
    chips: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of chips."""
        return len(self.chips)


def axes_of(fabric: Fabric) -> Axes:
    """Return the axes of a fabric; a fabric of fewer coordinates has one rack, or one tray."""
    shape = (1, 1, *fabric.shape)
    return Axes(prod(shape[:-2]), shape[-2], shape[-1])


def racks_of(fabric: Fabric, chips: Sequence[int]) -> tuple[int, ...]:
    """Return the first of some chips in each rack that they lie in."""
    axes, first = axes_of(fabric), dict[int, int]()
    for chip in sorted(chips):
        first.setdefault(chip // (axes.trays * axes.positions), chip)
    return tuple(first.values())


def family(fabric: Fabric) -> tuple[Shape, ...]:
    """Return the shapes of all placements whose chips reach each other, the narrow ones first.

    Rectangles over several racks take whole trays.
    """
    joints, axes = Joints.of(fabric), axes_of(fabric)
    free = _free_axes(fabric)
    starts = {parts: list(_origins(_hull(parts), axes, free)) for parts in _parts(axes)}
    if sum(map(len, starts.values())) > MOST_PLACEMENTS:
        starts = {parts: origins for parts, origins in starts.items() if _hull(parts).positions == axes.positions}
    shapes = list[Shape]()
    for parts in sorted(starts, key=lambda parts: (sum(prod(sizes) for sizes, _ in parts), parts)):
        alike: dict[bytes, list[ShapePlacement]] = {}
        for origin in starts[parts]:
            chips = chips_of(fabric, ShapePlacement(parts, origin))
            if chips:
                alike.setdefault(joints.signature(chips), []).append(ShapePlacement(parts, origin))
        for placements in alike.values():
            chips = chips_of(fabric, placements[0])
            if is_joined(fabric, chips):
                name = _name(axes, parts, len(chips))
                shapes += _turned_shapes(fabric, name, tuple(placements))
    return tuple(shapes)


def _turned_shapes(fabric: Fabric, name: str, placements: tuple[ShapePlacement, ...]) -> Iterator[Shape]:
    """Yield the shape of some placements, and one more for turns of one rectangle that are joined otherwise."""
    (size, _), *others = placements[0].parts
    alike: dict[bytes, list[Axes]] = {}
    for turn in [NOWHERE] if others or size.racks > 1 else turns_of(placements[0]):
        chips = chips_of(fabric, placements[0], turn)
        alike.setdefault(Joints.of(fabric).signature(chips), []).append(turn)
    for first, *rest in alike.values():
        told = name if first == NOWHERE else f"{name}, shares turned by {max(first)}"
        yield Shape(told, placements, (first, *rest), chips_of(fabric, placements[0], first))


def placements_of(fabric: Fabric, shape: Shape) -> list[ShapePlacement]:
    """Return all placements of a shape: those that stand for others, and what steps along axes carry them into."""
    axes, free, found = axes_of(fabric), _free_axes(fabric), []
    for parts, origin in shape.placements:
        steps = [
            range(whole) if is_free and whole > taken else range(1)
            for whole, taken, is_free in zip(axes, _hull(parts), free, strict=True)
        ]
        for step in product(*steps):
            place = Axes(*((o + s) % whole for o, s, whole in zip(origin, step, axes, strict=True)))
            found.append(ShapePlacement(parts, place))
    return found


def whole_fabric(fabric: Fabric) -> ShapePlacement:
    """Return the placement of all chips."""
    return ShapePlacement(((axes_of(fabric), NOWHERE),), NOWHERE)


def whole_trays(rack: int, tray: int, trays: int, positions: int) -> ShapePlacement:
    """Return the placement of so many whole trays of a rack from one on."""
    return ShapePlacement(((Axes(1, trays, positions), NOWHERE),), Axes(rack, tray, 0))


def chips_of(fabric: Fabric, placement: ShapePlacement, turn: Axes | None = None) -> tuple[int, ...]:
    """Return the chips of a placement that are up, the share at `turn` within its first rectangle first.

    Parameters
    ----------
    fabric : Fabric
    placement : ShapePlacement
    turn : Axes, optional
        By how many places shares are turned along each axis.
    """
    axes, chips = axes_of(fabric), []
    for sizes, offset in placement.parts:
        by = turn if turn and offset == NOWHERE else NOWHERE
        places = [
            (start + shift + (np.arange(size) + turned) % size) % whole
            for whole, size, start, shift, turned in zip(axes, sizes, placement.origin, offset, by, strict=True)
        ]
        racks, trays, positions = np.meshgrid(*places, indexing="ij")
        chips.append(((racks * axes.trays + trays) * axes.positions + positions).ravel())
    listed = np.concatenate(chips)
    return tuple(listed[~fabric.node_down[listed]].tolist())


def turns_of(placement: ShapePlacement) -> list[Axes]:
    """Return some turns of the shares of a placement, evenly spread, the first of which leaves them as they are."""
    sizes, _ = placement.parts[0]
    if sizes.trays > 1:
        count = min(sizes.trays, MOST_TURNS)
        return [Axes(0, place * sizes.trays // count, 0) for place in range(count)]
    count = min(sizes.positions, MOST_TURNS)
    return [Axes(0, 0, place * sizes.positions // count) for place in range(count)]


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """What joins each two chips, and each chip and its host, as small numbers that are equal for equal bundles.

    Attributes
    ----------
    between : ndarray of int64, shape (chips, chips)
    host : ndarray of int64, shape (chips, 2)
    lanes : ndarray of int64, shape (chips, chips)
        Parallel links from the one to the other.
    """

    between: Integers
    host: Integers
    lanes: Integers

    @staticmethod
    def of(fabric: Fabric) -> Joints:
        """Return those of a fabric."""
        return _joints(fabric)

    def signature(self, chips: tuple[int, ...]) -> bytes:
        """Return what is equal for groups that are joined alike, place by place."""
        at = np.array(chips)
        return sha256(self.between[np.ix_(at, at)].tobytes() + self.host[at].tobytes()).digest()


@lru_cache(maxsize=2)
def _joints(fabric: Fabric) -> Joints:
    chips, (first, links) = fabric.chips, fabric.bundle_starts()
    lanes = np.diff(np.append(first, len(links)))
    source, destination = fabric.source[links[first]], fabric.destination[links[first]]
    # A digit for each class of links: equal numbers are equal lanes of each class.
    code = lanes * (1 + int(lanes.max(initial=0))) ** fabric.link_class[links[first]]
    between, parallel = np.zeros((2, chips, chips), dtype=np.int64)
    host = np.zeros((2, chips), dtype=np.int64)
    inside, out, into = (
        (source < chips) & (destination < chips),
        (source < chips) & (destination >= chips),
        (source >= chips) & (destination < chips),
    )
    np.add.at(between, (source[inside], destination[inside]), code[inside])
    np.add.at(parallel, (source[inside], destination[inside]), lanes[inside])
    np.add.at(host[0], source[out], code[out])
    np.add.at(host[1], destination[into], code[into])
    return Joints(between, host.T.copy(), parallel)


@lru_cache(maxsize=2)
def _free_axes(fabric: Fabric) -> tuple[bool, ...]:
    """Return whether a step along each axis leaves chips and their hosts joined as they are."""
    joints, axes = Joints.of(fabric), axes_of(fabric)
    places = np.arange(prod(axes)).reshape(axes)
    moves = [np.roll(places, 1, axis=axis).ravel() for axis in range(len(axes))]
    return tuple(
        np.array_equal(joints.host, joints.host[moved])
        and np.array_equal(joints.between, joints.between[np.ix_(moved, moved)])
        for moved in moves
    )


def _parts(axes: Axes) -> Iterator[tuple[tuple[Axes, Axes], ...]]:
    """Yield the rectangles of one rack, those of several, and unions of two."""
    for trays, positions in product(range(1, axes.trays + 1), range(1, axes.positions + 1)):
        yield ((Axes(1, trays, positions), NOWHERE),)
        if trays < axes.trays and positions < axes.positions:
            yield (Axes(1, trays, axes.positions), NOWHERE), (Axes(1, 1, positions), Axes(0, trays, 0))
            yield (Axes(1, axes.trays, positions), NOWHERE), (Axes(1, trays, 1), Axes(0, 0, positions))
    for racks, trays in product(range(2, axes.racks + 1), range(1, axes.trays + 1)):
        yield ((Axes(racks, trays, axes.positions), NOWHERE),)


def _hull(parts: tuple[tuple[Axes, Axes], ...]) -> Axes:
    """Return the least rectangle from the origin on that holds all parts."""
    return Axes(*(max(sizes[axis] + offset[axis] for sizes, offset in parts) for axis in range(3)))


def _origins(size: Axes, axes: Axes, free: tuple[bool, ...]) -> Iterator[Axes]:
    """Yield origins of which no step along a free axis carries one into another."""
    starts = [
        range(1) if is_free or whole == taken else range(whole)
        for whole, taken, is_free in zip(axes, size, free, strict=True)
    ]
    for origin in product(*starts):
        yield Axes(*origin)


def _name(axes: Axes, parts: tuple[tuple[Axes, Axes], ...], chips: int) -> str:
    """Return the sizes of a placement in words."""
    named = " and ".join(_words(axes, sizes) for sizes, _ in parts)
    missing = sum(prod(sizes) for sizes, _ in parts) - chips
    return named + (f" without {missing} that are down" if missing else "")


def _words(axes: Axes, size: Axes) -> str:
    words = [f"{size.racks} racks x "] if size.racks > 1 else []
    words += [f"{size.trays} tray{'s' * (size.trays > 1)} x "] if axes.trays > 1 else []
    return "".join(words) + f"{size.positions} position{'s' * (size.positions > 1)}"
