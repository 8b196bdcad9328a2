"""Which blocks a large neighbourhood search frees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.cpsat.crossings import Crossings
    from lpxsched.schedule.cpsat.variables import Slots
    from lpxsched.schedule.symmetry.quotient import Blocks


class Neighbourhoods:
    """Blocks to free: first some that end late, then others at random, in turn any and those that travel at a time."""

    def __init__(self, blocks: Blocks, seed: int) -> None:
        self.blocks = len(blocks)
        self.random = np.random.default_rng(seed)
        self.drawn = 0

    def draw(
        self, slots: Slots, reads: NDArray[np.int64], due_cycles: int, open_to: Crossings, most_crossings: int
    ) -> NDArray[np.bool_]:
        """Return which blocks to free, shape (blocks,).

        Parameters
        ----------
        slots : Slots
            Of all blocks.
        reads : ndarray of int64, shape (slots,)
            When each is read by a chip that wanted it.
        due_cycles : int
            What is read later must be freed first.
        open_to : Crossings
        most_crossings : int
            How many crossings the free blocks may have in all; at least one block is freed.
        """
        self.drawn += 1
        end = np.zeros(self.blocks, dtype=np.int64)
        np.maximum.at(end, slots.block, reads)
        distance = self.random.permutation(self.blocks).astype(np.float64)
        if self.drawn % 2:
            moment = self.random.integers(0, due_cycles + 1)
            nearest = np.full(self.blocks, np.inf)
            np.minimum.at(nearest, slots.block, np.abs(slots.depart - moment))
            distance = nearest + distance / self.blocks
        order = np.lexsort((distance, end <= due_cycles))
        crossings = np.bincount(open_to.block, minlength=self.blocks)
        fits = np.cumsum(crossings[order]) <= most_crossings
        fits[0] = True
        free = np.zeros(self.blocks, dtype=np.bool_)
        free[order[fits]] = True
        return free
