"""Which blocks a large neighbourhood search frees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Timed(NamedTuple):
    """What slots carry, when they leave, and when they are read to their end."""

    block: NDArray[np.int64]
    depart: NDArray[np.int64]
    end: NDArray[np.int64]


class Neighbourhoods:
    """Blocks to free: first some that end late, then others at random, in turn any and those that travel at a time."""

    def __init__(self, blocks: int, seed: int) -> None:
        self.blocks = blocks
        self.random = np.random.default_rng(seed)
        self.drawn = 0

    def draw(
        self, slots: Timed, due_cycles: int, crossings: NDArray[np.int64], most_crossings: int
    ) -> NDArray[np.bool_]:
        """Return which blocks to free, shape (blocks,).

        Parameters
        ----------
        slots : Timed
            Of all blocks.
        due_cycles : int
            What ends later must be freed first.
        crossings : ndarray of int64, shape (blocks,)
            How many bundles each may cross.
        most_crossings : int
            How many crossings the free blocks may have in all; at least one block is freed.
        """
        self.drawn += 1
        end = np.zeros(self.blocks, dtype=np.int64)
        np.maximum.at(end, slots.block, slots.end)
        distance = self.random.permutation(self.blocks).astype(np.float64)
        if self.drawn % 2:
            moment = self.random.integers(0, due_cycles + 1)
            nearest = np.full(self.blocks, np.inf)
            np.minimum.at(nearest, slots.block, np.abs(slots.depart - moment))
            distance = nearest + distance / self.blocks
        order = np.lexsort((distance, end <= due_cycles))
        fits = np.cumsum(crossings[order]) <= most_crossings
        fits[0] = True
        free = np.zeros(self.blocks, dtype=np.bool_)
        free[order[fits]] = True
        return free
