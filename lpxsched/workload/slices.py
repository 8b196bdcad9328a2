"""Work of matrices that every chip holds whole, and of FFNs of which each chip holds a slice."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.workload.datatypes import BIAS_TYPE, SCALE_BLOCK_COLUMNS, arithmetic_type, exact_bytes_of
from lpxsched.workload.work import MATRIX, VECTOR, Share, Term, Weights, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.model import Experts, Ffn

# Gate and up, then the activation function, then down.
FFN_PIPELINES = ((MATRIX, 2), (VECTOR, 1))


def replicated(dtype: str, weight_dtype: str, weights: Fraction, batch: int, *, row: Fraction, macs: int) -> Work:
    """Return the work of one matrix that every chip holds whole."""
    return Work(
        dtype=dtype,
        rows=batch,
        terms=(
            Term("bytes", MATRIX, constant=weights, per_row=row),
            Term("macs", MATRIX, per_row=Fraction(macs)),
        ),
        pipelines=((MATRIX, 1),),
        weights=Weights(weight_dtype, "replicated", (Term("bytes", MATRIX, constant=weights),)),
    )


def at_home(work: Work, rows: Sequence[int]) -> Work:
    """Return the work of a matrix that all chips hold, and those read that have rows of their own, so many each."""
    terms = tuple(replace(term, constant=Fraction(0), per_run=term.constant) for term in work.terms)
    return replace(work, rows=0, terms=terms, shares=tuple(Share(count, 0, int(count > 0)) for count in rows))


class Slice(NamedTuple):
    """Bytes of an FFN on rows of `width` columns: by column of its inside, by row, by both, and of the last bias."""

    width: int
    matrices: int
    column: Fraction
    row: Fraction
    row_column: Fraction
    down_bias: Fraction


def slice_of(width: int, ffn: Ffn | Experts, precision: Precision) -> Slice:
    """Return the bytes of an FFN on rows of so many columns."""
    # The biases of all matrices but down by column; that of down is added once, on the first chip.
    biases = (ffn.matrices - 1) * exact_bytes_of(int(ffn.biases), BIAS_TYPE)
    return Slice(
        width,
        ffn.matrices,
        column=exact_bytes_of(ffn.matrices * width, precision.weights) + biases,
        row=exact_bytes_of(width, precision.activations) + exact_bytes_of(width, precision.partials),
        row_column=2 * exact_bytes_of(1, precision.activations),
        down_bias=exact_bytes_of(width * ffn.biases, BIAS_TYPE),
    )


def sliced(width: int, ffn: Ffn | Experts, rows: int, precision: Precision, *, runs: int = 1, copies: int = 1) -> Work:
    """Return the work of a slice of an FFN: columns of gate and up, as many rows of down.

    Parameters
    ----------
    width : int
        Columns of a row.
    ffn : Ffn or Experts
    rows : int
        Of all runs.
    precision : Precision
    runs : int
        How often a slice is read.
    copies : int
        How many such FFNs there are, all of which the chips hold.
    """
    part = slice_of(width, ffn, precision)
    return Work(
        dtype=arithmetic_type(precision.weights, precision.activations),
        rows=rows,
        columns=ffn.columns,
        column_block=SCALE_BLOCK_COLUMNS.get(precision.weights, 1),
        terms=(
            Term("bytes", MATRIX, per_row=part.row, per_column=runs * part.column, per_row_column=part.row_column),
            Term("bytes", MATRIX, constant=runs * part.down_bias, shard=0),
            Term("macs", MATRIX, per_row_column=Fraction(part.matrices * width)),
        ),
        pipelines=FFN_PIPELINES,
        weights=Weights(
            precision.weights,
            "sharded",
            (
                Term("bytes", MATRIX, per_column=copies * part.column),
                Term("bytes", MATRIX, constant=copies * part.down_bias, shard=0),
            ),
        ),
    )
