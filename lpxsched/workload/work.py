"""The work of an operator as formulas over rows and columns, so that a checker derives durations by itself.

Columns are dealt over the chips of a group in whole multiples of a block; an operator on one chip sees its share.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from lpxsched.units import NONE, ceil_div

Counts = Literal["bytes", "macs", "elements"]


@dataclass(frozen=True, slots=True)
class Term:
    """One part of the work of an operator: constant + per_row r + per_column n + per_row_column r n, rounded up.

    Attributes
    ----------
    counts : str
        ``bytes`` read and written in SRAM, ``macs`` of the matrix unit, ``elements`` of the vector unit.
    unit : str
        The unit that does it.
    constant, per_row, per_column, per_row_column : Fraction
        r are the rows of the operator, n the columns of its chip.
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

    def amount(self, rows: int, columns: int, shard: int) -> int:
        """Return how much it is on one chip of the group."""
        if self.shard not in (NONE, shard):
            return 0
        whole = self.constant + self.per_row * rows + (self.per_column + self.per_row_column * rows) * columns
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
    """

    dtype: str
    rows: int = 0
    columns: int = 0
    column_block: int = 1
    terms: tuple[Term, ...] = ()
    pipelines: tuple[tuple[str, int], ...] = ()
    weights: Weights | None = None

    def amount(self, counts: Counts, columns: int, shard: int) -> int:
        """Return the bytes, multiply-accumulates or elements on one chip, which holds some of the columns."""
        return sum(term.amount(self.rows, columns, shard) for term in self.terms if term.counts == counts)

    def weight_bytes(self, columns: int, shard: int) -> int:
        """Return the bytes of weights that one chip holds."""
        terms = self.weights.terms if self.weights else ()
        return sum(term.amount(self.rows, columns, shard) for term in terms)


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
