"""Rounds: one way of a micro-batch through all segments, one token a row; its next step goes on from it."""

from __future__ import annotations

from typing import NamedTuple


class Round(NamedTuple):
    """A visit of a micro-batch to a segment.

    Attributes
    ----------
    micro_batch, step : int
    steps : int
        Steps of each micro-batch.
    window : int
        Which of the windows that experts of the segment take; all of a step have one routing.
    """

    micro_batch: int = 0
    step: int = 0
    steps: int = 1
    window: int = 0

    @property
    def number(self) -> int:
        """The number of the step among those of all micro-batches."""
        return self.micro_batch * self.steps + self.step
