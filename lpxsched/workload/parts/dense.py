"""A dense FFN whose rows are on its chips, a slice of its columns on each: up and gate, activation, down.

    rows -> dense_in -> dense_activate -> dense_out

It is three operators where rows from GPUs meet one, since rows come in blocks that are not normed yet: the activation
multiplies by their scale first.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.attention import GATE_OPERATIONS
from lpxsched.workload.parts.piece import Piece, Shape, bias_bytes, term
from lpxsched.workload.parts.rows import accumulated, in_turn, leaving
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import Ffn
    from lpxsched.workload.parts.piece import Decoding
    from lpxsched.workload.parts.rows import Around


def dense_pieces(ffn: Ffn, around: Around, precision: Precision, decoding: Decoding) -> list[Piece]:
    """Return the operators of a dense FFN, to whose sum the first chip adds the residual.

    Parameters
    ----------
    ffn : Ffn
    around : Around
    precision : Precision
        Types of this FFN.
    decoding : Decoding
    """
    sizes = (("matrices", ffn.matrices),)
    shape = Shape(decoding.batch, (ffn.matrices - 1) * ffn.columns, precision.partials, "reserved")

    def into(columns: int, last: bool) -> Work:
        return _into(ffn, columns, around.rows.dtype, precision, decoding, last=last)

    def down(columns: int, first: bool) -> Work:
        return _down(ffn, columns, precision, decoding, first=first)

    active: tuple[tuple[str, Layout], ...] = (("dense_active", "reserved"),)
    return [
        *accumulated("dense_in", around.rows, "dense_hidden", shape, into, sizes),
        _activate(ffn, around.scale, precision, decoding),
        *in_turn("dense_out", active, around, down, decoding, sizes),
    ]


def _dealt(ffn: Ffn, precision: Precision, decoding: Decoding, dtype: str, terms: tuple[Term, ...]) -> Work:
    block = SCALE_BLOCK_COLUMNS.get(precision.weights, 1)
    return Work(dtype, decoding.batch, ffn.columns, block, terms)


def _matrix(
    ffn: Ffn, precision: Precision, decoding: Decoding, terms: tuple[Term, ...], kept: tuple[Term, ...], *, drains: bool
) -> Work:
    """Return the work of a matrix that keeps its weights, with its pipeline if it `drains`."""
    dtype = arithmetic_type(precision.weights, precision.activations)
    dealt = _dealt(ffn, precision, decoding, dtype, terms)
    weights = Weights(precision.weights, "sharded", kept)
    return replace(dealt, pipelines=((MATRIX, 1),) * drains, weights=weights)


def _into(ffn: Ffn, columns: int, read: str, precision: Precision, decoding: Decoding, *, last: bool) -> Work:
    """Work of up and gate on a block of columns of rows."""
    matrices = ffn.matrices - 1
    weights = exact_bytes_of(matrices * columns, precision.weights)
    weights += bias_bytes(matrices, biases=ffn.biases and last)
    moved = exact_bytes_of(matrices * last, precision.partials)
    terms = (
        term("bytes", MATRIX, per_row=exact_bytes_of(columns, read), per_column=weights, per_row_column=moved),
        term("macs", MATRIX, per_row_column=matrices * columns),
    )
    return _matrix(ffn, precision, decoding, terms, (term("bytes", MATRIX, per_column=weights),), drains=last)


def _activate(ffn: Ffn, scale: str, precision: Precision, decoding: Decoding) -> Piece:
    """Scale hidden numbers, and multiply the one by the activation of the other, or square it."""
    matrices = ffn.matrices - 1
    moved = exact_bytes_of(matrices, precision.partials) + exact_bytes_of(1, precision.activations)
    terms = (
        term("bytes", VECTOR, per_row=exact_bytes_of(1, precision.partials), per_row_column=moved),
        term("elements", VECTOR, per_row_column=matrices + (GATE_OPERATIONS + 1 if matrices > 1 else 1)),
    )
    work = replace(_dealt(ffn, precision, decoding, precision.partials, terms), pipelines=((VECTOR, 1),))
    shape = Shape(decoding.batch, ffn.columns, precision.activations, "reserved")
    inputs: tuple[tuple[str, Layout], ...] = (("dense_hidden", "reserved"), (scale, "replicated"))
    sizes = (("matrices", ffn.matrices), ("scale", 1))
    return Piece("dense_activate", VECTOR, inputs, "dense_active", shape, work, sizes)


def _down(ffn: Ffn, columns: int, precision: Precision, decoding: Decoding, *, first: bool) -> Work:
    """Work of a block of columns of what leaves."""
    dealt = exact_bytes_of(columns, precision.weights), exact_bytes_of(1, precision.activations), Fraction(columns)
    terms, kept = leaving(columns, dealt, precision, biases=ffn.biases)
    return _matrix(ffn, precision, decoding, terms, kept, drains=first)
