"""Numbers that stay on their chip: heads and other units of columns that are dealt over the shards of an operator.

A ``reserved`` tensor holds, in the run of each shard, the numbers of its own units: row by row, unit by unit, then 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting

GRAPH_FILE = "graph.json"


@dataclass(frozen=True, slots=True)
class Deal:
    """Units of an operator on its shards.

    Attributes
    ----------
    setting : Setting
    unit_columns : int
        Columns of a unit.

    Raises
    ------
    InputError
        Where a share is no whole number of units.
    """

    setting: Setting
    unit_columns: int

    def __post_init__(self) -> None:
        """Refuse units that are cut."""
        cut = [columns for columns in self.setting.columns if columns % self.unit_columns]
        if cut:
            problem = f"has shares of {cut[0]} columns, must be whole multiples of {self.unit_columns}"
            raise InputError(GRAPH_FILE, problem, key=self.setting.operator.name)

    @property
    def rows(self) -> int:
        """Rows of the operator."""
        return self.setting.operator.rows

    def sizes(self) -> list[int]:
        """Return the units of each shard."""
        return [columns // self.unit_columns for columns in self.setting.columns]

    def units(self, shard: int | None) -> Integers:
        """Return the numbers of the units of one shard, or of all."""
        ends = np.cumsum([0, *self.sizes()])
        return np.arange(ends[-1]) if shard is None else np.arange(ends[shard], ends[shard + 1])

    def lanes(self, name: str, numbers: int) -> int:
        """Return how many numbers a vector must hold, so that units of so many numbers find room in their runs."""
        wanted = [
            (size * numbers * self.rows, run[1]) for size, run in zip(self.sizes(), self._runs(name), strict=True)
        ]
        if any(needed and not vectors for needed, vectors in wanted):
            problem = f"has columns on a shard whose run of {name} is empty"
            raise InputError(GRAPH_FILE, problem, key=self.setting.operator.name)
        return max(ceil_div(needed, vectors) for needed, vectors in wanted if vectors)

    def unpack(self, name: str, vectors: Integers, numbers: int, shard: int | None) -> Integers:
        """Return what a tensor holds for one shard, or for all; shape (rows, units, numbers)."""
        runs, sizes = self._runs(name), self.sizes()
        if shard is not None:
            return self._unpacked(vectors, sizes[shard], numbers)
        parts = [vectors[first : first + count] for first, count in runs]
        return np.concatenate(
            [self._unpacked(part, size, numbers) for part, size in zip(parts, sizes, strict=True)], axis=1
        )

    def pack(self, name: str, values: Integers, shard: int | None) -> Integers:
        """Return vectors of a tensor that hold what `unpack` gives."""
        runs, lanes = self._runs(name), self.setting.lanes
        if shard is not None:
            return _packed(values, runs[shard][1], lanes)
        ends = np.cumsum(self.sizes())[:-1]
        whole = np.zeros((self.setting.tensors[name].vectors, lanes), dtype=np.int64)
        for (first, count), part in zip(runs, np.split(values, ends, axis=1), strict=True):
            whole[first : first + count] = _packed(part, count, lanes)
        return whole

    def _unpacked(self, vectors: Integers, units: int, numbers: int) -> Integers:
        return vectors.reshape(-1)[: self.rows * units * numbers].reshape(self.rows, units, numbers)

    def _runs(self, name: str) -> list[list[int]]:
        runs = self.setting.tensors[name].runs
        if runs is None or len(runs) != self.setting.width:
            raise InputError(GRAPH_FILE, f"needs runs of {name} on its shards", key=self.setting.operator.name)
        return runs


def _packed(values: Integers, vectors: int, lanes: int) -> Integers:
    part = np.zeros(vectors * lanes, dtype=np.int64)
    part[: values.size] = values.reshape(-1)
    return part.reshape(vectors, lanes)
