"""Numbers for chips that make translations visible, found on the links alone.

A torus, a HyperX, a hypercube, a rack of trays are Cartesian products of smaller fabrics: a chip is a tuple, a cable
changes one of its entries. Chips of an explicit fabric may be listed in any order. Two cables of one chip belong to the
same factor where a third closes the triangle, or where their ends have another number of common neighbours than two, as
the square of two factors gives them; opposite sides of such a square belong together too (Imrich, Klavzar: Product
Graphs, 2000, chapter 4). An entry of a chip is the part in which it lies once the cables of that factor are gone.

The chips of each factor are then put in a cyclic order in which every step looks like the last: chip k + 1 sees the
chips before it as chip k saw those before itself. What comes out is only a proposal: translations are verified on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.adjacency import Adjacency

# Tables of chips by chips are held in memory.
MOST_CHIPS = 512
# Chips that are tried as the next of a cyclic order, for each chip of a factor.
TRIES_PER_CHIP = 8


def found_numbering(joined: Adjacency) -> NDArray[np.int64] | None:
    """Return a number for each chip, its digits the entries of a product, shape (chips,); None where no factor turns.

    Parameters
    ----------
    joined : Adjacency
    """
    if not 1 < joined.chips <= MOST_CHIPS:
        return None
    colour = _colours(joined)
    edge = np.argwhere(np.triu((colour > 0) | (colour.T > 0)))
    entries = _entries(joined.chips, edge, _factor_of_edges(colour > 0, edge))
    if not _is_product(entries):
        entries = [np.arange(joined.chips)]
    sizes = [int(entry.max()) + 1 for entry in entries]
    number, stride, turns = np.zeros(joined.chips, dtype=np.int64), 1, False
    for factor in sorted(range(len(entries)), key=lambda factor: (sizes[factor], entries[factor].tolist())):
        fibre = _fibre(entries, factor)
        order = cyclic_order(colour[np.ix_(fibre, fibre)])
        place = np.arange(sizes[factor])
        if order is not None:
            place[order] = np.arange(sizes[factor])
        turns |= order is not None
        number += stride * place[entries[factor]]
        stride *= sizes[factor]
    return number if turns else None


def _is_product(entries: list[NDArray[np.int64]]) -> bool:
    """Return whether chips have all combinations of entries, each once."""
    chips = len(entries[0])
    sizes = np.prod([int(entry.max()) + 1 for entry in entries], dtype=np.float64)
    return bool(sizes == chips and len(np.unique(np.array(entries), axis=1).T) == chips)


def cyclic_order(colour: NDArray[np.int64]) -> list[int] | None:
    """Return an order in which a step round the circle keeps the colour of every pair; None where none is found.

    Parameters
    ----------
    colour : ndarray of int64, shape (chips, chips)
        What joins each ordered pair.
    """
    chips = len(colour)
    colour = _refined(colour)
    seen = np.sort(colour, axis=1)
    if (seen != seen[0]).any():
        return None
    order, choices, tries = [0], [_followers(colour, [0])], 0
    while choices:
        if len(order) == chips and _is_cyclic(colour, order):
            return order
        if not choices[-1] or len(order) == chips:
            choices.pop()
            order.pop()
            continue
        tries += 1
        if tries > TRIES_PER_CHIP * chips:
            return None
        order.append(choices[-1].pop())
        choices.append(_followers(colour, order))
    return None


def _followers(colour: NDArray[np.int64], order: list[int]) -> list[int]:
    """Return the chips that see those of an order as its last chip sees those before it, the last the most likely."""
    free = np.ones(len(colour), dtype=np.bool_)
    free[order] = False
    seen = colour[order[0], order[1:]][::-1]
    free &= (colour[order[1:]] == seen[:, None]).all(axis=0)
    # Neighbours of the last chip first, of these the least number.
    found = np.flatnonzero(free)
    return [int(chip) for chip in found[np.lexsort((-found, colour[order[-1], found]))]]


def _is_cyclic(colour: NDArray[np.int64], order: list[int]) -> bool:
    turned = colour[np.ix_(order, order)]
    return bool((np.roll(turned, (1, 1), axis=(0, 1)) == turned).all())


def _refined(colour: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return colours that also tell the way back and the number of common neighbours; pairs not joined come first."""
    colours = int(colour.max(initial=0)) + 1
    keys = ((colour * colours + colour.T) * len(colour) + _common_neighbours(colour > 0)) * 2
    np.fill_diagonal(keys, keys.diagonal() + 1)
    numbers: NDArray[np.int64] = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return numbers.reshape(colour.shape)


def _common_neighbours(near: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many chips each pair both see; exact in single precision, which is multiplied much faster."""
    ones = near.astype(np.float32)
    return (ones @ ones.T).astype(np.int64)


def _colours(joined: Adjacency) -> NDArray[np.int64]:
    """Return, for each ordered pair, a number from 1 for the kinds and lanes that join it; 0 where nothing does."""
    bundle = np.unique(np.stack([joined.kind, joined.lanes]), axis=1, return_inverse=True)[1].ravel()
    colour = np.zeros((joined.chips, joined.chips), dtype=np.int64)
    base = int(bundle.max(initial=0)) + 2
    # Bundles of a pair follow each other, sorted by kind: their numbers are the digits of one.
    for start, end, number in zip(joined.source.tolist(), joined.destination.tolist(), bundle.tolist(), strict=True):
        colour[start, end] = colour[start, end] * base + number + 1
    return np.unique(np.append(0, colour), return_inverse=True)[1][1:].reshape(colour.shape).astype(np.int64)


def _factor_of_edges(joined: NDArray[np.bool_], edge: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the factor of each edge, counted from 0."""
    near = joined | joined.T
    common = _common_neighbours(near)
    number = np.zeros(near.shape, dtype=np.int64)
    number[edge[:, 0], edge[:, 1]] = number[edge[:, 1], edge[:, 0]] = np.arange(len(edge))
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for chip in range(len(near)):
        ends = np.flatnonzero(near[chip])
        part = _parts(near[np.ix_(ends, ends)] | (common[np.ix_(ends, ends)] != 2))
        pairs.append(number[chip, np.stack([ends, ends[part]])])
        one, other = ends[np.argwhere(np.triu(part[:, None] != part[None, :])).T]
        both = near[one] & near[other]
        both[:, chip] = False
        corner = both.argmax(axis=1) if len(one) else one
        pairs.append(np.stack([number[chip, one], number[other, corner]]))
        pairs.append(np.stack([number[chip, other], number[one, corner]]))
    return _connected(len(edge), np.concatenate(pairs, axis=1))


def _connected(things: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class of each thing, counted from 0, where pairs, shape (2, pairs), belong together."""
    least = np.arange(things, dtype=np.int64)
    while True:
        lower = least.copy()
        np.minimum.at(lower, pairs[0], least[pairs[1]])
        np.minimum.at(lower, pairs[1], least[pairs[0]])
        lower = lower[lower]
        if (lower == least).all():
            return np.unique(least, return_inverse=True)[1].astype(np.int64)
        least = lower


def _parts(related: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first member of each row's connected part."""
    first = np.full(len(related), -1, dtype=np.int64)
    for row in range(len(related)):
        if first[row] < 0:
            part = np.arange(len(related)) == row
            while True:
                wider = part | related[part].any(axis=0)
                if (wider == part).all():
                    break
                part = wider
            first[part] = row
    return first


def _entries(chips: int, edge: NDArray[np.int64], factor: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the entry of each chip, factor by factor: the part in which it lies without the cables of that factor."""
    return [_connected(chips, edge[factor != number].T) for number in range(int(factor.max(initial=0)) + 1)]


def _fibre(entries: list[NDArray[np.int64]], factor: int) -> NDArray[np.int64]:
    """Return the chips that differ from chip 0 in one entry alone, by that entry."""
    others = [entry for number, entry in enumerate(entries) if number != factor]
    alike = np.flatnonzero(np.all([entry == entry[0] for entry in others], axis=0)) if others else None
    members = np.arange(len(entries[factor])) if alike is None else alike
    return members[np.argsort(entries[factor][members])]
