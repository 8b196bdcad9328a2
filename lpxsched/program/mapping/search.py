"""The mapping that is chosen: shapes by their bounds, some of them scheduled, layers packed onto placements.

In each round layers are packed onto the shapes that look shortest: at what a schedule at effort 1 takes where there is
one, else at the bound and half of the gap that schedules have had so far. Shapes that are used without a schedule get
one, and the next round knows better; shapes whose bound is too long to win are never scheduled. The last round offers
nothing new and lets CP-SAT look for a shorter packing. Racks are packed one by one, each with the next layers, so that
neighbours in the order of layers lie next to each other along the daisy chain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.mapping.packing import Packed, offer, packed, room_bytes
from lpxsched.program.mapping.shapes import axes_of
from lpxsched.program.memory import weight_bytes
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.program.mapping.family_bound import Bounds
    from lpxsched.program.mapping.packing import Offer
    from lpxsched.program.mapping.pricing import Market
    from lpxsched.program.mapping.shapes import Axes, Shape

# Rounds of packing and scheduling before the last, and shapes of a kind that are offered.
ROUNDS, MOST_OFFERED = 5, 24


@dataclass(frozen=True, slots=True)
class Chosen:
    """Chips of each layer, in the order of shares; why; and whether no packing of the shapes looked at is shorter."""

    chips: tuple[tuple[int, ...], ...]
    reasons: tuple[str, ...]
    cycles: int
    optimal: bool


class _Prices:
    """What layers take on shapes, as far as it is known."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.found: dict[tuple[int, int], int] = {}
        self.ways: dict[tuple[int, int], int] = {}

    def of(self, kind: int, shape: int) -> int:
        """Return what a kind of layer takes on a shape, or may well take."""
        if (kind, shape) in self.found:
            return self.found[kind, shape] + self.handover(kind, shape)
        bound, gaps = self.bounds.improve(kind, shape), []
        for (other, at), cycles in self.found.items():
            if other == kind and cycles < NEVER:
                gaps.append(cycles / self.bounds.improve(kind, at))
        return int(bound * (1 + (min(gaps, default=1.0) - 1) / 2)) + self.handover(kind, shape)

    def handover(self, kind: int, shape: int) -> int:
        """Return what the hand-over takes for a kind of layer on a shape."""
        if (kind, shape) not in self.ways:
            chips = self.bounds.shapes[shape].chips
            self.ways[kind, shape] = self.bounds.market.handover_cycles(kind, chips)
        return self.ways[kind, shape]

    def schedule(self, kind: int, shape: int) -> None:
        """Schedule a kind of layer on a shape."""
        if (kind, shape) not in self.found:
            price = self.bounds.market.price(kind, self.bounds.shapes[shape].chips)
            self.found[kind, shape] = NEVER if price.missing else price.makespan_cycles


def chosen_mapping(market: Market, bounds: Bounds, progress: Callable[[str, int, int], None]) -> Chosen | None:
    """Return the shortest mapping found over the shapes; None where none has room for all layers.

    Parameters
    ----------
    market : Market
    bounds : Bounds
        Of the shapes.
    progress : callable
        Told a step, how many of its kind are done, and how many there are.
    """
    prices, best = _Prices(bounds), None
    last = False
    for turn in range(ROUNDS + 1):
        progress("mapping", turn, ROUNDS + 1)
        last = last or turn == ROUNDS
        menus = {kind: _menu(prices, kind, known_only=last) for kind in market.load.kinds()}
        blocks = _packed_racks(prices, menus, thorough=last)
        if blocks is None:
            break
        used = [(one.kind, one.shape) for offers, block in blocks for one in (offers[n] for n in block.offers)]
        new = [pair for pair, _ in Counter(used).most_common() if pair not in prices.found]
        for kind, shape in new:
            prices.schedule(kind, shape)
        total = sum(prices.of(*pair) for pair in used)
        if total < NEVER and (best is None or total < best[0]):
            best = (total, blocks)
        if last or (not new and all(block.optimal for _, block in blocks)):
            break
        last = not new
    progress("mapping", ROUNDS + 1, ROUNDS + 1)
    return None if best is None else _told(prices, *best)


def _menu(prices: _Prices, kind: int, *, known_only: bool) -> list[int]:
    """Return the shapes that are worth offering to a kind of layer, the shortest first.

    One is not, where another place is no longer, has no more bytes on its fullest chip and no more on all chips.
    """
    bounds, axes = prices.bounds, axes_of(prices.bounds.market.fabric)
    least = bounds.cycles[kind] + np.array([prices.handover(kind, shape) for shape in range(len(bounds.shapes))])
    order = np.lexsort((np.arange(len(bounds.shapes)), least)).tolist()
    load, kept = bounds.market.load, dict[int, tuple[int, int, int]]()
    room = room_bytes(load)

    def is_beaten(told: Shape, cost: int, size: tuple[int, int]) -> bool:
        # Shares that are turned spread what lies on the chips of one placement, even where that is no shorter.
        return any(
            a <= cost and b <= size[0] and c <= size[1] and bounds.shapes[other].placements != told.placements
            for other, (a, b, c) in kept.items()
        )

    for shape in order:
        told = bounds.shapes[shape]
        if known_only and (kind, shape) not in prices.found:
            continue
        if not _is_offered(told.placements[0].parts, axes, any_form=not kept):
            continue
        shares = weight_bytes(load, kind, told.width)
        size = int(shares.max()), int(shares.sum())
        if size[0] > room or is_beaten(told, int(least[shape]), size):
            continue
        cost = prices.of(kind, shape)
        if cost < NEVER and not is_beaten(told, cost, size):
            kept[shape] = (cost, *size)
        if len(kept) == MOST_OFFERED:
            break
    return sorted(kept, key=lambda shape: (prices.of(kind, shape), shape))


def _is_offered(parts: Sequence[tuple[Axes, Axes]], axes: Axes, *, any_form: bool) -> bool:
    """Return whether a placement lies in one rack and, unless any form will do, is whole along an axis or one wide."""
    (size, _), *others = parts
    is_full = size.trays in (1, axes.trays) or size.positions in (1, axes.positions)
    return size.racks == 1 and (any_form or (is_full and not others))


def _packed_racks(
    prices: _Prices, menus: dict[int, list[int]], *, thorough: bool
) -> list[tuple[list[Offer], Packed]] | None:
    """Return the offers to each rack and where its layers lie; None where some rack has no room for its layers."""
    market, blocks = prices.bounds.market, []
    for rack, layers in enumerate(_layers_of_racks(market)):
        kinds = dict.fromkeys(layers)
        offers = [
            offer(market, prices.bounds.shapes, kind, shape, prices.of(kind, shape), rack)
            for kind in kinds
            for shape in menus[kind]
        ]
        offers = [one for one in offers if len(one.places)]
        if not kinds.keys() <= {one.kind for one in offers}:
            return None
        block = packed(market.load, layers, offers, market.fabric.chips, seed=market.seed, thorough=thorough)
        if block is None:
            return None
        blocks.append((offers, block))
    return blocks


def _layers_of_racks(market: Market) -> list[list[int]]:
    """Return the kinds of the layers of each rack: contiguous layers of about as many bytes as its share of chips."""
    axes, load = axes_of(market.fabric), market.load
    kinds = [load.kind(layer) for layer in range(load.layers)]
    size = np.array([int(weight_bytes(load, kind, 1).sum()) for kind in kinds], dtype=np.float64)
    up = (~market.fabric.node_down[: market.fabric.chips]).reshape(axes.racks, -1).sum(axis=1)
    ends = np.cumsum(up) / up.sum()
    rack = np.searchsorted(ends, (np.cumsum(size) - size / 2) / size.sum())
    return [[kind for kind, at in zip(kinds, rack.tolist(), strict=True) if at == number] for number in range(len(up))]


def _told(prices: _Prices, cycles: int, blocks: list[tuple[list[Offer], Packed]]) -> Chosen:
    chips, reasons, bounds = [], [], prices.bounds
    for offers, block in blocks:
        for number, place in zip(block.offers, block.places, strict=True):
            one = offers[number]
            taken, bound = prices.found[one.kind, one.shape], int(bounds.cycles[one.kind][one.shape])
            shortest = min(prices.of(*pair) for pair in prices.found if pair[0] == one.kind)
            way = prices.handover(one.kind, one.shape)
            why = "the shortest found" if taken + way == shortest else f"no room for one of {shortest:,} in all"
            chips.append(tuple(one.chips[place].tolist()))
            reasons.append(
                f"{bounds.shapes[one.shape].name}: {taken:,} cycles (bound {bound:,}) and {way:,} of hand-over, "
                f"{one.shares.max():,} bytes at most on a chip; {why}"
            )
    return Chosen(tuple(chips), tuple(reasons), cycles, all(block.optimal for _, block in blocks))
