"""How long streams of vectors take on wires, and what sums of them cost, for many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import AddCost


class Pitch(NamedTuple):
    """Exact time of one vector on a link of each bundle, in cycles."""

    numerator: NDArray[np.int64]
    denominator: NDArray[np.int64]


def hold_cycles(pitch: Pitch, bundle: NDArray[np.int64], vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ceil(n v) for slots of n vectors."""
    return -(-vectors * pitch.numerator[bundle] // pitch.denominator[bundle])


def lead_cycles(
    pitch: Pitch, arrived: NDArray[np.int64], leaving: NDArray[np.int64], vectors: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how much later a relay sends streams on where the wire in is slower than the wire out."""
    both = pitch.denominator[arrived] * pitch.denominator[leaving]
    slower = pitch.numerator[arrived] * pitch.denominator[leaving]
    slower -= pitch.numerator[leaving] * pitch.denominator[arrived]
    return np.where(slower > 0, -(-(vectors - 1) * slower // both), 0).astype(np.int64)


def sum_cycles(cost: AddCost, operands: NDArray[np.int64], vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the duration of each sum."""
    if not len(operands):
        return np.zeros(0, dtype=np.int64)
    pairs, index = np.unique(np.column_stack([operands, vectors]), axis=0, return_inverse=True)
    cycles = [cost.cycles(m, n) for m, n in pairs.tolist()]
    return np.array(cycles, dtype=np.int64)[index.ravel()]
