"""Layers onto placements so that all that lies on a chip fits: a simple rule, and CP-SAT.

The rule takes the layers one after the other. Each goes to the shortest placement for which there is room, among equal
ones to that whose fullest chip stays emptiest; so layers spread over trays, and larger shares do not pile up. Where
some layer gets no shortest placement, CP-SAT chooses how many layers of each kind lie on each placement, with the
rule's choice as its hint; where the rule finds no room, first with all shares as large as the largest, which needs no
turns and makes chips of a tray alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.mapping.shapes import chips_of, placements_of
from lpxsched.program.memory import live_bytes, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.program.load import Load
    from lpxsched.program.mapping.pricing import Market
    from lpxsched.program.mapping.shapes import Shape, ShapePlacement

    Integers = NDArray[np.int64]

# Deterministic seconds of CP-SAT for the layers of a rack.
PACKING_SECONDS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A kind of layer on the placements of a shape.

    Attributes
    ----------
    kind, shape : int
    cycles : int
        What the layer takes there.
    chips : ndarray of int64, shape (places, width)
        Chips of each placement and turn, in the order of shares.
    shares : ndarray of int64, shape (width,)
        Bytes of weights of each share.
    places : ndarray of int64
        The placements that may be chosen.
    """

    kind: int
    shape: int
    cycles: int
    chips: Integers
    shares: Integers
    places: Integers


@dataclass(frozen=True, slots=True)
class Packed:
    """Where layers lie: offer and place of each, what they take, and whether no choice among the offers is shorter."""

    offers: tuple[int, ...]
    places: tuple[int, ...]
    cycles: int
    optimal: bool


def offer(market: Market, shapes: Sequence[Shape], kind: int, shape: int, cycles: int, rack: int) -> Offer:
    """Return a kind of layer on the placements of a shape in one rack, shares turned where they are unequal."""
    shares, told = weight_bytes(market.load, kind, shapes[shape].width), shapes[shape]
    turns = told.turns[:1] if shares.min() == shares.max() else told.turns
    chips = [
        chips_of(market.fabric, placement, turn)
        for placement in placements_of(market.fabric, told)
        if placement.origin.racks == rack and _is_aligned(placement)
        for turn in turns
    ]
    places = np.array(chips, dtype=np.int64).reshape(len(chips), told.width)
    return Offer(kind, shape, cycles, places, shares, np.arange(len(places)))


def _is_aligned(placement: ShapePlacement) -> bool:
    """Return whether a placement begins at a multiple of its own size along trays, unless it takes whole ones."""
    (size, _), *_ = placement.parts
    origin = placement.origin
    return origin.positions % size.positions == 0 and (origin.positions == 0 or origin.trays % size.trays == 0)


def room_bytes(load: Load) -> int:
    """Return what weights may take of a chip: all but the most that a layer may have there besides."""
    return load.chip.sram_bytes - max(live_bytes(load, kind) for kind in load.kinds())


def packed(
    load: Load, layers: Sequence[int], offers: Sequence[Offer], chips: int, *, seed: int, thorough: bool
) -> Packed | None:
    """Return where some layers lie; None where there is no room for all, or CP-SAT finds none.

    Parameters
    ----------
    load : Load
    layers : sequence of int
        Kind of each layer.
    offers : sequence of Offer
    chips : int
        Chips of the fabric.
    seed : int
    thorough : bool
        Whether CP-SAT looks for a shorter one than the rule has found, where there may be one.
    """
    found = by_rule(load, layers, offers, chips)
    if not found:
        found = _by_cp_sat(load, layers, [_evened(one) for one in offers], None, seed=seed)
    if found and (found.optimal or not thorough):
        return found
    return _by_cp_sat(load, layers, offers, found, seed=seed) or found


def by_rule(load: Load, layers: Sequence[int], offers: Sequence[Offer], chips: int) -> Packed | None:
    """Return where the rule puts some layers; None where it finds no room for one."""
    room, held, chosen = room_bytes(load), np.zeros(chips, dtype=np.int64), []
    by_length = sorted(range(len(offers)), key=lambda number: (offers[number].cycles, number))
    for kind in layers:
        for number in by_length:
            one = offers[number]
            if one.kind != kind or not len(one.chips):
                continue
            after = held[one.chips] + one.shares
            fullest = after.max(axis=1)
            # Of placements whose fullest chips are alike, that with the emptiest chips.
            place = int(np.lexsort((after.sum(axis=1), fullest))[0])
            if fullest[place] <= room:
                held[one.chips[place]] = after[place]
                chosen.append((number, place))
                break
        else:
            return None
    numbers, places = zip(*chosen, strict=True)
    cycles = sum(offers[number].cycles for number in numbers)
    return Packed(numbers, places, cycles, cycles == sum(_least(offers, kind) for kind in layers))


def _evened(one: Offer) -> Offer:
    """Return an offer with all shares as large as the largest, so that their turns are all the same."""
    _, first = np.unique(np.sort(one.chips, axis=1), axis=0, return_index=True)
    return replace(one, shares=np.full_like(one.shares, one.shares.max()), places=np.sort(first))


def _least(offers: Sequence[Offer], kind: int) -> int:
    return min(one.cycles for one in offers if one.kind == kind)


def _by_cp_sat(
    load: Load, layers: Sequence[int], offers: Sequence[Offer], hint: Packed | None, *, seed: int
) -> Packed | None:
    """Return the shortest packing that CP-SAT finds."""
    from ortools.sat.python import cp_model

    model, wanted = cp_model.CpModel(), Counter(layers)
    hinted = Counter(zip(hint.offers, hint.places, strict=True)) if hint else Counter[tuple[int, int]]()
    count, rows = {}, dict[int, list[tuple[tuple[int, int], int]]]()
    for number, one in enumerate(offers):
        for place, chips in zip(one.places.tolist(), one.chips[one.places].tolist(), strict=True):
            count[number, place] = model.new_int_var(0, wanted[one.kind], f"{number} {place}")
            if hint:
                model.add_hint(count[number, place], hinted[number, place])
            for chip, size in zip(chips, one.shares.tolist(), strict=True):
                rows.setdefault(chip, []).append(((number, place), size))
    for kind, layers_of_kind in wanted.items():
        model.add(sum(var for (number, _), var in count.items() if offers[number].kind == kind) == layers_of_kind)
    for row in dict.fromkeys(map(tuple, rows.values())):
        model.add(sum(size * count[where] for where, size in row) <= room_bytes(load))
    model.minimize(sum(offers[number].cycles * var for (number, _), var in count.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, seed
    solver.parameters.max_deterministic_time = PACKING_SECONDS
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    places: dict[int, list[tuple[int, int]]] = {}
    # Layers of a kind lie next to each other where their placements do.
    for number, place in sorted(count, key=lambda where: (int(offers[where[0]].chips[where[1]].min()), where)):
        places.setdefault(offers[number].kind, []).extend([(number, place)] * solver.value(count[number, place]))
    chosen = [places[kind].pop(0) for kind in layers]
    numbers, at = zip(*chosen, strict=True)
    return Packed(numbers, at, sum(offers[number].cycles for number in numbers), status == cp_model.OPTIMAL)
