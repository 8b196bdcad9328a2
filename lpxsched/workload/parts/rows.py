"""Rows of the model between sub-layers: their blocks of columns, and what norms them.

A norm divides a row by the root of its mean square. That number, the *scale*, needs the whole row, but a product with a
matrix does not wait for it: the matrix reads rows as they arrive (weights of the norm are folded into its own), and
what comes out is multiplied by the scale. So the sum of squares runs on the vector unit beside the product. Rows are
rounded first where the matrix unit multiplies another type than that of sums; a row that is not normed keeps its
relative precision in a floating type, and a fixed power of two, which the scale takes back, keeps it in range.

Rows come in blocks of columns, each a tensor of its own. A matrix of rows multiplies a block as soon as it is there and
adds to what it has: its pipeline drains once, behind the last block. A matrix that leaves rows leaves a block after the
other, and fills its pipeline once: each block goes on where the one before ends, with operands that were there when the
first began. So a wire takes the first block while the last is made, and the next matrix multiplies it while the last is
on its way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import BITS_PER_BYTE, ceil_div
from lpxsched.workload.datatypes import ELEMENT_BITS, arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.piece import (
    NORM_TYPE,
    Decoding,
    Piece,
    Shape,
    bias_bytes,
    replicated_row,
    term,
    with_residual,
)
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work, shard_sizes

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.graph import Layout

# Squares and their sum.
SCALE_OPERATIONS = 1
# The scale, and the weights with the rounding.
APPLY_OPERATIONS = 2
ROUND_OPERATIONS = 1


class Rows(NamedTuple):
    """Rows of the model: tensors of blocks of columns, side by side.

    Attributes
    ----------
    names : tuple of str
    columns : tuple of int
        Of each block.
    dtype : str
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    dtype: str

    @property
    def hidden(self) -> int:
        """Columns of a row."""
        return sum(self.columns)

    def read(self) -> tuple[tuple[str, Layout], ...]:
        """Return all blocks as inputs of an operator."""
        return tuple((name, "replicated") for name in self.names)


class Around(NamedTuple):
    """What surrounds a sub-layer.

    Attributes
    ----------
    rows : Rows
        As its matrices read them.
    scale : str
        The tensor of what norms them.
    residual : Rows or None
        What the first chip adds to the sum.
    output : Rows
        Summands.
    """

    rows: Rows
    scale: str
    residual: Rows | None
    output: Rows


def in_blocks(name: str, hidden: int, decoding: Decoding) -> Rows:
    """Return rows of summands in at most as many blocks as a step has of whole vectors, the first ones no shorter."""
    dtype = decoding.precision.partials
    of_vector = decoding.vector_bytes * BITS_PER_BYTE // int(ELEMENT_BITS[dtype])
    columns = shard_sizes(hidden, of_vector, min(decoding.blocks, ceil_div(hidden, of_vector)))
    return Rows(tuple(name + part(block) for block in range(len(columns))), tuple(columns), dtype)


def part(block: int) -> str:
    """Return what the names of operators and tensors of a block end with; the first has the plain name."""
    return f"_{block + 1}" if block else ""


def scale(kind: str, rows: Rows, output: str, decoding: Decoding) -> Piece:
    """Return the scale of each row: the inverse root of the sum of its squares, on every chip."""
    partials = decoding.precision.partials
    work = Work(
        dtype=partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, per_row=exact_bytes_of(rows.hidden + 1, partials)),
            term("elements", VECTOR, per_row=SCALE_OPERATIONS * rows.hidden),
        ),
        # The root waits for the sum.
        pipelines=((VECTOR, 2),),
    )
    return Piece(kind, VECTOR, rows.read(), output, Shape(decoding.batch, 1, partials, "replicated"), work)


def norm(kind: str, rows: Rows, scaled_by: str, output: str, decoding: Decoding) -> tuple[Piece, Rows]:
    """Return rows times their scale and weights, whole on every chip, in the type of activations."""
    precision, hidden = decoding.precision, rows.hidden
    weights = exact_bytes_of(hidden, NORM_TYPE)
    moved = exact_bytes_of(hidden + 1, precision.partials) + exact_bytes_of(hidden, precision.activations)
    work = Work(
        dtype=precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, constant=weights, per_row=moved),
            term("elements", VECTOR, per_row=APPLY_OPERATIONS * hidden),
        ),
        pipelines=((VECTOR, 1),),
        weights=Weights(NORM_TYPE, "replicated", (term("bytes", VECTOR, constant=weights),)),
    )
    inputs = (*rows.read(), (scaled_by, "replicated"))
    sizes = (("scale", len(rows.names)),)
    piece = Piece(kind, VECTOR, inputs, output, replicated_row(decoding, hidden), work, sizes)
    return piece, Rows((output,), (hidden,), precision.activations)


def rounded(kind: str, rows: Rows, output: str, weights: str, decoding: Decoding) -> tuple[list[Piece], Rows]:
    """Return rows as a matrix of such weights reads them, and what rounds each block of them if anything must."""
    precision = decoding.precision
    if arithmetic_type(weights, precision.activations) == rows.dtype:
        return [], rows
    pieces = [
        Piece(
            kind + part(block),
            VECTOR,
            ((name, "replicated"),),
            output + part(block),
            replicated_row(decoding, columns),
            _rounding(columns, decoding),
        )
        for block, (name, columns) in enumerate(zip(rows.names, rows.columns, strict=True))
    ]
    return pieces, Rows(tuple(piece.output for piece in pieces), rows.columns, precision.activations)


def _rounding(columns: int, decoding: Decoding) -> Work:
    precision = decoding.precision
    moved = exact_bytes_of(columns, precision.partials) + exact_bytes_of(columns, precision.activations)
    return Work(
        dtype=precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, per_row=moved),
            term("elements", VECTOR, per_row=ROUND_OPERATIONS * columns),
        ),
        pipelines=((VECTOR, 1),),
    )


def accumulated(
    kind: str,
    rows: Rows,
    output: str,
    shape: Shape,
    work_of: Callable[[int, bool], Work],
    sizes: tuple[tuple[str, int], ...],
) -> list[Piece]:
    """Return a matrix of rows: for each block an operator that adds to what the one before left.

    Parameters
    ----------
    kind : str
    rows : Rows
    output : str
    shape : Shape
        Of what it leaves.
    work_of : callable
        Work with a block of so many columns, and whether it is the last.
    sizes : tuple of (str, int)
    """
    pieces, last = list[Piece](), len(rows.names) - 1
    for block, (name, columns) in enumerate(zip(rows.names, rows.columns, strict=True)):
        summed: tuple[tuple[str, Layout], ...] = ((pieces[-1].output, shape.layout),) if block else ()
        left, more = output if block == last else f"{output}_{block + 1}", (("summed", 1),) if block else ()
        inputs, work = ((name, "replicated"), *summed), work_of(columns, block == last)
        pieces.append(Piece(kind + part(block), MATRIX, inputs, left, shape, work, (*sizes, *more)))
    return pieces


def in_turn(
    kind: str,
    inputs: tuple[tuple[str, Layout], ...],
    around: Around,
    work_of: Callable[[int, bool], Work],
    decoding: Decoding,
    sizes: tuple[tuple[str, int], ...],
) -> list[Piece]:
    """Return a matrix that leaves summands of rows, one block after the other; the first chip adds the residual.

    Parameters
    ----------
    kind : str
    inputs : tuple of (str, str)
    around : Around
        Of which the residual and the output count.
    work_of : callable
        Work that gives a block of so many columns, and whether it is the first.
    decoding : Decoding
    sizes : tuple of (str, int)
    """
    pieces, output = list[Piece](), around.output
    for place, (name, columns) in enumerate(zip(output.names, output.columns, strict=True)):
        # What goes on in the pipeline of the block before follows it.
        after: tuple[tuple[str, Layout], ...] = ((output.names[place - 1], "partial"),) if place else ()
        shape = Shape(decoding.batch, columns, output.dtype, "partial")
        work = work_of(columns, not place)
        piece = Piece(kind + part(place), MATRIX, (*inputs, *after), name, shape, work, sizes)
        piece = follows(piece, len(inputs)) if place else piece
        residual = around.residual
        pieces.append(with_residual(piece, residual.names[place], columns, decoding) if residual else piece)
    return pieces


def leaving(
    columns: int, dealt: tuple[Fraction, Fraction, Fraction], precision: Precision, *, biases: bool = False
) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Return the terms of a matrix that leaves summands of rows, and those of what it keeps.

    Parameters
    ----------
    columns : int
        Of a row.
    dealt : tuple of Fraction
        By column that is dealt: bytes of weights, bytes that it reads of a row, and products with a row.
    precision : Precision
    biases : bool
        They are added once, on the first chip.
    """
    weights, read, products = dealt
    left = exact_bytes_of(columns, precision.partials)
    bias = (Term("bytes", MATRIX, constant=bias_bytes(columns, biases=True), shard=0),) * biases
    moved = term("bytes", MATRIX, per_row=left, per_column=weights, per_row_column=read)
    kept = term("bytes", MATRIX, per_column=weights)
    return (moved, *bias, term("macs", MATRIX, per_row_column=products)), (kept, *bias)


def follows(piece: Piece, place: int) -> Piece:
    """Return a piece of which one input only says what it follows on its unit, by the size ``after``."""
    return replace(piece, sizes=(*piece.sizes, ("after", place)))
