"""Lists of lists of integers in flat columns: the form that kernels read, and one that keeps equal lists once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.policy import SPARSEST
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def row_and_place(counts: Integers) -> tuple[Integers, Integers]:
    """Return, for each one of all that is counted, which row counts it, and its place there."""
    row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return row, np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def grouped(keys: Integers, count: int) -> tuple[Integers, Integers]:
    """Return rows by their keys from 0 to `count`, and where those of each key begin; rows of a key in their order."""
    offsets, rows = np.zeros(count + 1, dtype=np.int64), np.empty(len(keys), dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=count), out=offsets[1:])
    _put(np.ascontiguousarray(keys), offsets[:-1].copy(), rows)
    return rows, offsets


def column(values: Iterable[int]) -> Integers:
    """Return integers as a column."""
    return np.fromiter(values, dtype=np.int64)


@kernel
def _put(keys: Integers, room: Integers, rows: Integers) -> None:
    for row in range(len(keys)):
        rows[room[keys[row]]] = row
        room[keys[row]] += 1


def matching(keys: Integers, others: Integers) -> tuple[Integers, Integers]:
    """Return all pairs of a row and another row with the same key."""
    least, count = int(others.min(initial=0)), int(others.max(initial=0)) - int(others.min(initial=0)) + 1
    if count > SPARSEST * (len(keys) + len(others)):
        order = np.argsort(others, kind="stable")
        first, last = (np.searchsorted(others[order], keys, side=side) for side in ("left", "right"))
    else:
        order, offsets = grouped(others - least, count)
        place = np.clip(keys - least, -1, count)
        first = offsets[np.maximum(place, 0)]
        last = np.where((place >= 0) & (place < count), np.append(offsets, 0)[place + 1], first)
    row, place = row_and_place(last - first)
    return row, order[first[row] + place]


class Index(NamedTuple):
    """Numbers of keys, `NONE` of what lies between: that of key `least` + i at place i, or of the sorted keys alone."""

    least: int
    keys: Integers
    numbers: Integers


def indexed(keys: Integers, numbers: Integers) -> Index:
    """Return an index of keys and their numbers, 0 or more; of equal keys the last stays."""
    least, last = int(keys.min(initial=0)), int(keys.max(initial=0))
    if last - least < SPARSEST * len(keys) + 1:
        known, place, places = keys[:0], keys - least, last - least + 1
    else:
        known, place = np.unique(keys, return_inverse=True)
        places = len(known)
    found = np.full(places, NONE, dtype=np.int64)
    found[place] = numbers
    return Index(least, known, found)


def looked_up(index: Index, keys: Integers) -> Integers:
    """Return the number of each key, `NONE` where there is none."""
    found = np.empty(len(keys), dtype=np.int64)
    _look_up(index, keys, found)
    return found


@kernel
def _look_up(index: Index, keys: Integers, found: Integers) -> None:
    known, numbers = index.keys, index.numbers
    for row in range(len(keys)):
        place = keys[row] - index.least
        if len(known):
            place = np.searchsorted(known, keys[row])
            if place < len(known) and known[place] != keys[row]:
                place = NONE
        found[row] = numbers[place] if 0 <= place < len(numbers) else NONE


def first_with(keys: Integers, wanted: Integers) -> Integers:
    """Return the first row that has each wanted key, `NONE` where none has."""
    return looked_up(indexed(keys[::-1], np.arange(len(keys), dtype=np.int64)[::-1]), wanted)


def reduced(by: np.ufunc, values: Integers, offsets: Integers, *, empty: int) -> Integers:
    """Return what a function makes of all values of each row, which begin at `offsets`; `empty` of empty rows."""
    result, filled = np.full(len(offsets) - 1, empty, dtype=np.int64), np.flatnonzero(np.diff(offsets))
    if len(filled):
        result[filled] = by.reduceat(values, offsets[filled])
    return result


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
        row, place = row_and_place(np.diff(self.offsets)[rows])
        return row, self.values[self.offsets[rows[row]] + place]

    @property
    def row(self) -> Integers:
        """The row of each value."""
        return row_and_place(np.diff(self.offsets))[0]

    def greatest(self, of: Integers, *, least: int) -> Integers:
        """Return of each row the greatest of what its values number in a column; `least` for empty rows."""
        return reduced(np.maximum, of[self.values], self.offsets, empty=least)

    def lists(self) -> Iterator[list[int]]:
        """Yield all rows as lists."""
        return (self[row].tolist() for row in range(len(self)))

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
        return np.asarray(np.diff(self.sets.offsets)[self.index])

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
