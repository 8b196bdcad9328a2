"""Who must get how much of whom, whatever the kind of collective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.traffic.collectives import Collective


@dataclass(frozen=True, slots=True, eq=False)
class Wants:
    """Vectors that must go from holders to readers, alone or inside sums.

    Attributes
    ----------
    vectors : ndarray of int64, shape (width, width)
        Vectors held by shard x (or to which it holds a summand) that shard z reads; 0 where x is z.
    holders_differ : bool
        Whether what a reader gets of one holder is never in the same vector as what it gets of another: no sums.
    readers_differ : bool
        Whether what a holder gives to one reader is never in the same vector as what it gives to another: no copies.
    """

    vectors: Integers
    holders_differ: bool
    readers_differ: bool

    @property
    def width(self) -> int:
        """Number of shards."""
        return len(self.vectors)

    @property
    def is_exchange(self) -> bool:
        """Whether each vector has one holder and one reader, and there are several of both."""
        several = (self.vectors.any(axis=0).sum() > 1) and (self.vectors.any(axis=1).sum() > 1)
        return bool(self.holders_differ and self.readers_differ and several)

    def reversed(self) -> Wants:
        """Return the same with holders and readers exchanged."""
        return Wants(self.vectors.T, self.readers_differ, self.holders_differ)


def wants_of(collective: Collective) -> Wants:
    """Return what the pieces of a collective ask for."""
    pieces = collective.pieces()
    vectors = np.zeros((collective.width, collective.width), dtype=np.int64)
    summed, copied = pieces.source == EVERY, pieces.target == EVERY
    single = ~summed & ~copied
    np.add.at(vectors, (pieces.source[single], pieces.target[single]), pieces.vectors[single])
    for source, vectors_of_piece in zip(pieces.source[copied & ~summed], pieces.vectors[copied & ~summed], strict=True):
        vectors[source] += vectors_of_piece
    for target, vectors_of_piece in zip(pieces.target[summed & ~copied], pieces.vectors[summed & ~copied], strict=True):
        vectors[:, target] += vectors_of_piece
    vectors += pieces.vectors[summed & copied].sum()
    np.fill_diagonal(vectors, 0)
    return Wants(vectors, not summed.any(), not copied.any())
