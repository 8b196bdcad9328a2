"""Lists of lists of integers in flat columns: the form that kernels read, and one that keeps equal lists once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.joins import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.compiled.kernels import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Row i is ``values[offsets[i]:offsets[i + 1]]``."""

    offsets: Integers
    values: Integers

    @staticmethod
    def of(rows: Iterable[Sequence[int]]) -> Ragged:
        """Return rows of integers as flat columns."""
        listed = [list(row) for row in rows]
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in listed])]).astype(np.int64)
        return Ragged(offsets, np.array([value for row in listed for value in row], dtype=np.int64))

    def taken(self, rows: Integers) -> Ragged:
        """Return some of the rows, in the given order."""
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[rows])]).astype(np.int64)
        return Ragged(offsets, self.entries(rows)[1])

    def entries(self, rows: Integers) -> tuple[Integers, Integers]:
        """Return, for each entry of some rows, its place among these and its value."""
        row, place = counted(np.diff(self.offsets)[rows])
        return row, self.values[self.offsets[rows[row]] + place]

    def greatest(self, of: Integers, *, least: int) -> Integers:
        """Return of each row the greatest of what its values number in a column; `least` for empty rows."""
        result = np.full(len(self), least, dtype=np.int64)
        filled = np.flatnonzero(np.diff(self.offsets))
        if len(filled):
            result[filled] = np.maximum.reduceat(of[self.values], self.offsets[filled])
        return result

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Integers:
        return self.values[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class Interned:
    """Rows of which many are alike: row i is ``sets[index[i]]``.

    What 10,000 chips gather of each other is read by one set of readers, which is kept once and not 10,000 times.
    """

    sets: Ragged
    index: Integers

    @staticmethod
    def of(rows: Iterable[Sequence[int]]) -> Interned:
        """Return rows of integers, equal ones kept once, in the order in which they first occur."""
        known: dict[tuple[int, ...], int] = {}
        index = [known.setdefault(tuple(row), len(known)) for row in rows]
        return Interned(Ragged.of(known), np.array(index, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, row: int) -> Integers:
        return self.sets[self.index[row]]

    @property
    def counts(self) -> Integers:
        """Number of integers in each row."""
        counts: Integers = np.diff(self.sets.offsets)[self.index]
        return counts

    def flat(self) -> Ragged:
        """Return all rows at length."""
        return self.sets.taken(self.index)

    def taken(self, rows: Integers) -> Ragged:
        """Return some of the rows at length, in the given order."""
        return self.sets.taken(self.index[rows])

    def first(self, rows: Integers) -> Integers:
        """Return the first integer of some rows, none of them empty."""
        return self.sets.values[self.sets.offsets[self.index[rows]]]

    def greatest(self, of: Integers, *, least: int) -> Integers:
        """Return what `Ragged.greatest` does of each row."""
        return self.sets.greatest(of, least=least)[self.index]
