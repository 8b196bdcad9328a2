"""Translations that leave a fabric, or a part of it, as it is.

Chips are written as mixed-radix numbers; a translation adds to one digit, modulo its size. Which digits may be shifted
is found by trying every stride and size that divide the number of chips, and is verified on the list of bundles, never
assumed. Where shifts of the chips' own numbers do not carry every chip to every other, the numbers that `numbering`
finds on the links are tried as well. Shifts of different digits commute, and no shift but the identity keeps a chip in
place, so the verified shifts of one mixed-radix system generate a group that acts freely. Exclusive-or with a constant
is the case of digits of size 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.fabric.numbering import found_numbering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.fabric.adjacency import Adjacency

SAMPLE_BUNDLES = 256


class Shift(NamedTuple):
    """Add 1 to the digit of weight `stride`, modulo `size`."""

    stride: int
    size: int

    def permutation(self, chips: int) -> NDArray[np.int64]:
        """Return where each chip goes."""
        chip = np.arange(chips, dtype=np.int64)
        last_digit = chip // self.stride % self.size == self.size - 1
        return np.where(last_digit, chip - self.stride * (self.size - 1), chip + self.stride)


@dataclass(frozen=True, slots=True)
class Translations:
    """A group of translations of `chips` chips.

    Attributes
    ----------
    chips : int
    shifts : tuple of Shift
        Its generators, the smallest stride first; no two share a digit.
    numbering : ndarray of int64, shape (chips,), or None
        The numbers whose digits are shifted; None where they are the chips' own.
    """

    chips: int
    shifts: tuple[Shift, ...]
    numbering: NDArray[np.int64] | None = None

    @property
    def order(self) -> int:
        """Number of translations in the group."""
        return int(np.prod([shift.size for shift in self.shifts], dtype=np.int64))

    @property
    def orbits(self) -> int:
        """Number of classes of chips that translations carry into each other."""
        return self.chips // self.order

    def moves(self) -> list[tuple[NDArray[np.int64], int]]:
        """Return where each generator takes each chip, shape (chips,), and after how many steps it is back."""
        moves = [(shift.permutation(self.chips), shift.size) for shift in self.shifts]
        if self.numbering is None:
            return moves
        by_number = np.argsort(self.numbering)
        return [(by_number[move[self.numbering]], size) for move, size in moves]

    def groups(self) -> Iterator[NDArray[np.int64]]:
        """Yield this group and those of its subgroups that keep powers of its generators, the largest first.

        Yields
        ------
        elements : ndarray of int64, shape (order, chips)
            Where each element takes each chip; the identity is first.
        """
        moves = self.moves()
        steps = product(*(_divisors(size) for _, size in moves))
        for chosen in sorted(steps, key=lambda chosen: (int(np.prod(chosen)), chosen)):
            elements = np.arange(self.chips, dtype=np.int64)[None, :]
            for (move, size), step in zip(moves, chosen, strict=True):
                elements = _powers(move, size)[::step][:, elements].reshape(-1, self.chips)
            yield elements

    def orbit(self) -> NDArray[np.int64]:
        """Return the least chip of each chip's orbit, shape (chips,)."""
        least = np.arange(self.chips, dtype=np.int64)
        for shift in self.shifts:
            least -= least // shift.stride % shift.size * shift.stride
        if self.numbering is None:
            return least
        orbit = least[self.numbering]
        first = np.full(self.chips, self.chips, dtype=np.int64)
        np.minimum.at(first, orbit, np.arange(self.chips))
        return first[orbit]


def translations(joined: Adjacency) -> Translations:
    """Return the largest group of translations found that maps every bundle onto one of equal class and lanes."""
    group = _of_digits(joined)
    if group.order == joined.chips:
        return group
    numbering = found_numbering(joined)
    if numbering is None:
        return group
    renumbered = replace(_of_digits(joined.renumbered(numbering)), numbering=numbering)
    return renumbered if renumbered.order > group.order else group


def bundle_images(
    source: NDArray[np.int64], destination: NDArray[np.int64], kind: NDArray[np.int64], node_map: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return where a group takes each bundle; None where one goes to where there is none of its kind.

    Parameters
    ----------
    source, destination, kind : ndarray of int64, shape (bundles,)
        No two bundles are alike in all three.
    node_map : ndarray of int64, shape (order, nodes)
        Where each element takes each node.

    Returns
    -------
    ndarray of int64, shape (order, bundles), or None
    """
    nodes, kinds = node_map.shape[1], int(kind.max(initial=0)) + 1
    keys = (source * nodes + destination) * kinds + kind
    order = np.argsort(keys)
    moved = (node_map[:, source] * nodes + node_map[:, destination]) * kinds + kind
    place = np.minimum(np.searchsorted(keys[order], moved), max(0, len(keys) - 1))
    images: NDArray[np.int64] = order[place].astype(np.int64)
    return images if (keys[images] == moved).all() else None


def _of_digits(joined: Adjacency) -> Translations:
    """Return the largest group that shifts digits of the numbers of chips."""
    keys, lanes = _bundle_keys(joined.source, joined.destination, joined)
    chips = joined.chips

    @cache
    def holds(shift: Shift) -> bool:
        return _is_automorphism(shift.permutation(chips), joined, keys, lanes)

    @cache
    def best_above(stride: int) -> tuple[int, int, tuple[Shift, ...]]:
        """Return order, fewness and shifts of the best digits of weight `stride` and more."""
        if stride == chips:
            return 1, 0, ()
        whole = Shift(stride, chips // stride)
        if holds(whole):
            return whole.size, -1, (whole,)
        choices = []
        for size in _divisors(chips // stride)[1:]:
            order, fewness, shifts = best_above(stride * size)
            shift = Shift(stride, size)
            if holds(shift):
                choices.append((order * size, fewness - 1, (shift, *shifts)))
            else:
                choices.append((order, fewness, shifts))
        return max(choices)

    return Translations(chips, best_above(1)[2])


def _powers(move: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    powers = [np.arange(len(move), dtype=np.int64)]
    for _ in range(size - 1):
        powers.append(move[powers[-1]])
    return np.array(powers)


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def _bundle_keys(
    source: NDArray[np.int64], destination: NDArray[np.int64], joined: Adjacency
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    kinds = int(joined.kind.max(initial=0)) + 1
    keys = (source * joined.chips + destination) * kinds + joined.kind
    order = np.argsort(keys)
    return keys[order], joined.lanes[order]


def _is_automorphism(
    moved: NDArray[np.int64], joined: Adjacency, keys: NDArray[np.int64], lanes: NDArray[np.int64]
) -> bool:
    """Return whether a permutation of chips maps the bundles onto themselves; a sample refuses most at once."""
    kinds = int(joined.kind.max(initial=0)) + 1
    step = max(1, len(joined.source) // SAMPLE_BUNDLES)
    sample = slice(None, None, step)
    found = (moved[joined.source[sample]] * joined.chips + moved[joined.destination[sample]]) * kinds
    found += joined.kind[sample]
    place = np.minimum(np.searchsorted(keys, found), max(0, len(keys) - 1))
    if len(found) and not (keys[place] == found).all():
        return False
    moved_keys, moved_lanes = _bundle_keys(moved[joined.source], moved[joined.destination], joined)
    return bool((moved_keys == keys).all() and (moved_lanes == lanes).all())
