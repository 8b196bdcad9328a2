"""Which blocks a large neighbourhood search frees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers


class Neighbourhoods:
    """Blocks to free: first some that end late, then others at random, in turn any and those that travel at a time."""

    def __init__(self, blocks: int, seed: int) -> None:
        self.blocks = blocks
        self.random = np.random.default_rng(seed)
        self.drawn = 0

    def draw(
        self, block: Integers, depart: Integers, end: Integers, due_cycles: int, crossings: Integers, most: int
    ) -> Flags:
        """Return which blocks to free, shape (blocks,).

        Parameters
        ----------
        block, depart, end : ndarray of int64, shape (slots,)
            What is carried when, and when it is read to its end.
        due_cycles : int
            What ends later must be freed first.
        crossings : ndarray of int64, shape (blocks,)
            How many bundles each may cross.
        most : int
            How many crossings the free blocks may have in all; at least one block is freed.
        """
        self.drawn += 1
        last = np.zeros(self.blocks, dtype=np.int64)
        np.maximum.at(last, block, end)
        distance = self.random.permutation(self.blocks).astype(np.float64)
        if self.drawn % 2:
            moment = self.random.integers(0, due_cycles + 1)
            nearest = np.full(self.blocks, np.inf)
            np.minimum.at(nearest, block, np.abs(depart - moment))
            distance = nearest + distance / self.blocks
        order = np.lexsort((distance, last <= due_cycles))
        fits = np.cumsum(crossings[order]) <= most
        fits[0] = True
        free = np.zeros(self.blocks, dtype=np.bool_)
        free[order[fits]] = True
        return free
