"""The worked example of frames: 36 layers on 16 trays, a window every 1,008 cycles, 336 of them for each layer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.frames.offsets import Held, folded, offsets
from lpxsched.program.frames.reserved_chain import ReservedChain, early_chain

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYERS, TRAYS, PERIOD, LOAD = 36, 16, 1008, 336
# A segment, and at most 3 us for each of hand-over out, attention and hand-over in, at 1 GHz.
SEGMENT, LEAST, MOST = 2387, 1000, 3000
DELAY = SEGMENT + 3 * MOST


@cache
def example_chain() -> ReservedChain:
    """Return the chain of the example; layers of a tray hold one unit for 336 cycles each."""
    held = Held(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.full(1, LOAD, dtype=np.int64))
    folds = folded([held], PERIOD)
    assert folds is not None
    (fits,) = offsets(folds, 0, PERIOD)
    assert fits is not None

    def allowed(layer: int, phases: dict[int, int]) -> NDArray[np.bool_]:
        free = np.ones(PERIOD, dtype=np.bool_)
        for before in range(layer % TRAYS, layer, TRAYS):
            free &= np.roll(fits, phases[before])
        return free

    chain = early_chain(np.full(LAYERS, DELAY, dtype=np.int64), PERIOD, allowed)
    assert chain
    return chain
