"""No mapping over a family of placements is shorter: the mapping bound.

Layers run one after the other, so a mapping takes the sum over its layers of what each takes on its placement, at least
the bound of that placement. With b_c(k) bytes of weights of a layer of kind k on all chips of placement c together, all
layers fit only where the sum of their bytes is at most the SRAM of all chips. So the mapping bound is the linear
program

    min sum over k, c of x_kc LB_c(k)    where    sum over c of x_kc = n_k,  sum of x_kc b_c(k) <= SRAM,  x >= 0,

and, by weak duality, for every price p >= 0 of a byte no more than it (so a bound as well) is

    sum over k of n_k min over c of (LB_c(k) + p b_c(k))  -  p SRAM,

the largest of which over p is the program's value. It grows with each LB_c(k), so bounds that take next to no time are
replaced by better ones only where they are least. Heuristic lengths never enter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.memory import weight_bytes
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.program.mapping.pricing import Market
    from lpxsched.program.mapping.shapes import Shape

    Integers = NDArray[np.int64]

HALVINGS = 48


@dataclass(slots=True, eq=False)
class Bounds:
    """The bounds of all shapes for each kind of layer, made better where it matters.

    Attributes
    ----------
    market : Market
    shapes : tuple of Shape
    cycles : dict of ndarray of int64, shape (shapes,)
        By kind.
    proved : dict of ndarray of bool, shape (shapes,)
        Whether they are those of the whole problem, not those that take next to no time.
    """

    market: Market
    shapes: tuple[Shape, ...]
    cycles: dict[int, Integers] = field(init=False)
    proved: dict[int, NDArray[np.bool_]] = field(init=False)

    def __post_init__(self) -> None:
        kinds = self.market.load.kinds()
        quick = [[self.market.quick(kind, shape.chips) for shape in self.shapes] for kind in kinds]
        self.cycles = {kind: np.array(of_kind, dtype=np.int64) for kind, of_kind in zip(kinds, quick, strict=True)}
        self.proved = {kind: np.zeros(len(self.shapes), dtype=np.bool_) for kind in kinds}

    def improve(self, kind: int, shape: int) -> int:
        """Return the bound of the whole problem of a kind of layer on a shape, which replaces the quick one."""
        if not self.proved[kind][shape]:
            bound = self.market.bound(kind, self.shapes[shape].chips)
            self.cycles[kind][shape] = max(bound, int(self.cycles[kind][shape]))
            self.proved[kind][shape] = True
        return int(self.cycles[kind][shape])

    def least(self, kind: int, price: float = 0.0) -> tuple[int, float]:
        """Return the shape with the least bound, what its bytes cost added, and that sum."""
        extra = price * self.total_bytes(kind) if price else 0.0
        while True:
            costs = self.cycles[kind] + extra
            shape = int(costs.argmin())
            if self.proved[kind][shape]:
                return shape, float(costs[shape])
            self.improve(kind, shape)

    def total_bytes(self, kind: int) -> Integers:
        """Return the weights of a kind of layer on all chips of each shape together, shape (shapes,)."""
        load = self.market.load
        return np.array([int(weight_bytes(load, kind, shape.width).sum()) for shape in self.shapes], dtype=np.int64)


def mapping_bound(bounds: Bounds) -> int:
    """Return the mapping bound over the shapes, in cycles."""
    market = bounds.market
    up = int((~market.fabric.node_down[: market.fabric.chips]).sum())
    room, kinds = up * market.load.chip.sram_bytes, market.load.kinds()

    def at(price: float) -> tuple[float, float]:
        """Return the dual's value at a price of a byte, and by how much the bytes that it chooses exceed the SRAM."""
        chosen = {kind: bounds.least(kind, price) for kind in kinds}
        value = sum(len(layers) * chosen[kind][1] for kind, layers in kinds.items()) - price * room
        held = sum(
            len(layers) * int(weight_bytes(market.load, kind, bounds.shapes[chosen[kind][0]].width).sum())
            for kind, layers in kinds.items()
        )
        return value, held - room

    best, excess = at(0.0)
    if excess <= 0:
        return int(best)
    low, high = 0.0, best / room
    for _ in range(HALVINGS):
        price = (low + high) / 2
        value, excess = at(price)
        best, low, high = max(best, value), *((price, high) if excess > 0 else (low, price))
    # A sum of floating point numbers is rounded by less than one part in 10^9.
    return math.floor(best * (1 - 1e-9))


def family_text(shapes: Sequence[Shape]) -> str:
    """Return the family over which a bound holds, in words."""
    return (
        f"{counted(len(shapes), 'shape')}: cyclic intervals of racks, trays and positions, whole trays with a part of "
        "one more, whole columns with a part of one more, shares in the order of places, turned within one interval"
    )
