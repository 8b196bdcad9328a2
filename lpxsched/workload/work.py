"""The work of an operator as formulas over rows and columns, so that a checker derives durations by itself.

Columns are dealt over the chips of a group in whole multiples of a block; an operator on one chip sees its share.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final, Literal, NamedTuple

from lpxsched.units import NONE, ceil_div

MATRIX: Final = "matrix"
VECTOR: Final = "vector"
HOST: Final = "host"
Counts = Literal["bytes", "macs", "elements"]


class Share(NamedTuple):
    """What one chip has of an operator: rows, columns, and runs of weights that it picks as it goes."""

    rows: int
    columns: int
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One part of the work of an operator: constant + per_row r + per_column n + per_row_column r n + per_run m.

    It is rounded up.

    Attributes
    ----------
    counts : str
        ``bytes`` read and written in SRAM, ``macs`` of the matrix unit, ``elements`` of the vector unit.
    unit : str
        The unit that does it.
    constant, per_row, per_column, per_row_column, per_run : Fraction
        r are the rows, n the columns and m the runs of a chip.
    shard : int
        The one chip of the group that does it; `NONE` where all do.
    """

    counts: Counts
    unit: str
    constant: Fraction = Fraction(0)
    per_row: Fraction = Fraction(0)
    per_column: Fraction = Fraction(0)
    per_row_column: Fraction = Fraction(0)
    shard: int = NONE
    per_run: Fraction = Fraction(0)

    def amount(self, share: Share, shard: int) -> int:
        """Return how much it is on one chip of the group."""
        if self.shard not in (NONE, shard):
            return 0
        rows, columns, runs = share
        whole = self.constant + self.per_row * rows + (self.per_column + self.per_row_column * rows) * columns
        whole += self.per_run * runs
        return ceil_div(whole.numerator, whole.denominator)


@dataclass(frozen=True, slots=True)
class Weights:
    """What an operator keeps resident: its type, whether all chips hold all of it, its bytes (terms in bytes), a name.

    Keys, values and states of mixers are kept like weights.
    """

    dtype: str
    layout: Literal["replicated", "sharded"]
    terms: tuple[Term, ...]
    name: str = "weights"


@dataclass(frozen=True, slots=True)
class Work:
    """What an operator does on the chips of a group.

    Attributes
    ----------
    dtype : str
        Type in which it computes.
    rows : int
        Rows that it works on, in the worst case.
    columns, column_block : int
        Columns that are dealt over the group, 0 where none are, and how many stay together.
    terms : tuple of Term
    pipelines : tuple of (str, int)
        How often the latency of the pipeline of a unit passes.
    weights : Weights or None
    shares : tuple of Share
        What each chip of the group has, where that is not all rows of its columns; else empty.
    sizes : tuple of (str, int)
        What a reader needs beside, that depends on the chips.
    """

    dtype: str
    rows: int = 0
    columns: int = 0
    column_block: int = 1
    terms: tuple[Term, ...] = ()
    pipelines: tuple[tuple[str, int], ...] = ()
    weights: Weights | None = None
    shares: tuple[Share, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()

    def on(self, width: int, shard_columns: int) -> tuple[Share, ...]:
        """Return what each of so many chips has, which cut columns in multiples."""
        sizes = shard_sizes(self.columns, lcm(self.column_block, shard_columns), width)
        return self.shares or tuple(Share(self.rows, columns) for columns in sizes)

    def amount(self, counts: Counts, share: Share, shard: int) -> int:
        """Return the bytes, multiply-accumulates or elements on one chip."""
        return sum(term.amount(share, shard) for term in self.terms if term.counts == counts)

    def weight_bytes(self, share: Share, shard: int) -> int:
        """Return the bytes of weights that one chip holds."""
        terms = self.weights.terms if self.weights else ()
        return sum(term.amount(share, shard) for term in terms)


def shard_sizes(columns: int, multiple: int, width: int) -> list[int]:
    """Deal columns over chips in whole multiples, the larger shares first; the last share may be short.

    Parameters
    ----------
    columns : int
    multiple : int
        Columns that must stay together.
    width : int
        Number of chips.
    """
    if not columns:
        return [0] * width
    blocks = ceil_div(columns, multiple)
    sizes = [(blocks // width + (index < blocks % width)) * multiple for index in range(width)]
    excess = blocks * multiple - columns
    last = max(index for index, size in enumerate(sizes) if size)
    sizes[last] -= excess
    return sizes
