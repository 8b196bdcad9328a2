"""What lies between segments and between steps: hosts pass on tokens, GPUs make rows of the next layer.

A mixer on GPUs is modelled by a state of few numbers a row, which decays and takes up the rows that come to it, and
whose sum with what went around it is what the next layer gets: it depends on all rows that the micro-batch has left
there in this and earlier steps, and on nothing else. Where tokens come out they are what the next step begins with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.functions import matrix_of

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.model import Model

# Numbers of a row outside, and by how much a state decays.
NUMBERS, DECAY = 4, 48271


class Chain:
    """The rows of one micro-batch outside of the machine.

    Parameters
    ----------
    model : Model
    seed, micro_batch : int

    Attributes
    ----------
    rows : ndarray of int64, or None
        What the next segment gets: vectors of tokens, or numbers of each row; None where its source draws them.
    """

    def __init__(self, model: Model, seed: int, micro_batch: int) -> None:
        self._model, self._seed = model, seed
        self._tokens = any(
            "tokens" in model.operators[number].sizes for order in model.order[:1] for number in order[:1]
        )
        self._states: dict[int, Integers] = {}
        self.rows: Integers | None = None
        if model.ends and not self._tokens:
            rows = model.tensors[model.ends[0]].rows
            self.rows = drawn(generator(seed, "outside", micro_batch), rows, NUMBERS)

    def follow(self, segment: int, left: Integers) -> None:
        """Take what a segment has left at its hosts, in all windows of a step together; vectors of a whole tensor."""
        if not self._model.ends:
            return
        if self._tokens:
            self.rows = left
            return
        assert self.rows is not None
        matrix = left.reshape(len(self.rows), -1)
        image = product(matrix, matrix_of(self._seed, f"mixer after {segment}", matrix.shape[1], NUMBERS))
        state = (self._states.get(segment, np.zeros_like(image)) * DECAY + image) % PRIME
        self._states[segment] = state
        self.rows = (self.rows + state) % PRIME
