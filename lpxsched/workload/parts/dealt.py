"""Units, heads for instance, whose columns are dealt over the chips of a group, and what every mixer does with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.workload.datatypes import arithmetic_type, exact_bytes_of
from lpxsched.workload.parts.piece import Piece, Shape, bias_bytes, term
from lpxsched.workload.parts.rows import accumulated, in_turn, leaving
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.parts.piece import Decoding
    from lpxsched.workload.parts.rows import Around, Rows

STAYS: Layout = "reserved"


@dataclass(frozen=True, slots=True)
class Dealt:
    """Units of equal width over the chips of a group.

    Attributes
    ----------
    units, unit_columns : int
        How many there are, and columns of one, which stay together.
    decoding : Decoding
    """

    units: int
    unit_columns: int
    decoding: Decoding

    @property
    def columns(self) -> int:
        """Columns that are dealt."""
        return self.units * self.unit_columns

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What a replay must know of the units."""
        return ()

    def each(self, amount: Fraction | int) -> Fraction:
        """Return an amount of a unit by its columns."""
        return Fraction(amount) / self.unit_columns

    def work(self, dtype: str, terms: tuple[Term, ...], *pipelines: str, weights: Weights | None = None) -> Work:
        """Return a work over the dealt columns."""
        times = tuple((unit, pipelines.count(unit)) for unit in dict.fromkeys(pipelines))
        return Work(dtype, self.decoding.batch, self.columns, self.unit_columns, terms, times, weights)

    def stays(self, numbers: int, dtype: str) -> Shape:
        """Return what stays on a chip: so many numbers by row and unit."""
        return Shape(self.decoding.batch, numbers * self.units, dtype, STAYS)


class Passes(NamedTuple):
    """What the vector unit does with a unit.

    Attributes
    ----------
    moved, operations : Fraction or int
        Bytes and operations by row.
    number : int
        How often one result waits for another.
    constant : Fraction or int
        Bytes that do not depend on the rows.
    weights : Weights or None
    """

    moved: Fraction | int
    operations: int
    number: int = 1
    constant: Fraction | int = 0
    weights: Weights | None = None


class Last(NamedTuple):
    """The output projection of a unit.

    Attributes
    ----------
    numbers : int
        Numbers of a row that it reads.
    biases : bool
    inner, inner_weights : int
        Numbers that a matrix of the unit alone leaves before, and its weights; 0 where there is none.
    """

    numbers: int
    biases: bool = False
    inner: int = 0
    inner_weights: int = 0


def projection(kind: str, rows: Rows, numbers: int, dealt: Dealt, *, biases: bool = False) -> list[Piece]:
    """Return the matrix that gives so many numbers of each unit from rows; they leave as partial sums do."""
    decoding, precision = dealt.decoding, dealt.decoding.precision

    def work(columns: int, last: bool) -> Work:
        weights = exact_bytes_of(numbers * columns, decoding.mixer_weights)
        weights += bias_bytes(numbers, biases=biases and last)
        kept = term("bytes", MATRIX, per_column=dealt.each(weights))
        terms = (
            term(
                "bytes",
                MATRIX,
                per_row=exact_bytes_of(columns, rows.dtype),
                per_column=dealt.each(weights),
                per_row_column=dealt.each(exact_bytes_of(numbers * last, precision.partials)),
            ),
            term("macs", MATRIX, per_row_column=dealt.each(numbers * columns)),
        )
        dtype = arithmetic_type(decoding.mixer_weights, precision.activations)
        resident = Weights(decoding.mixer_weights, "sharded", (kept,))
        return dealt.work(dtype, terms, *[MATRIX] * last, weights=resident)

    return accumulated(kind, rows, "projected", dealt.stays(numbers, precision.partials), work, dealt.sizes)


def elementwise(
    kind: str, inputs: tuple[tuple[str, Layout], ...], output: str, numbers: int, dealt: Dealt, passes: Passes
) -> Piece:
    """Return an operator of the vector unit that leaves so many numbers by row and unit, as activations."""
    precision = dealt.decoding.precision
    terms = (
        term("bytes", VECTOR, per_column=dealt.each(passes.constant), per_row_column=dealt.each(passes.moved)),
        term("elements", VECTOR, per_row_column=dealt.each(passes.operations)),
    )
    work = dealt.work(precision.partials, terms, *[VECTOR] * passes.number, weights=passes.weights)
    return Piece(kind, VECTOR, inputs, output, dealt.stays(numbers, precision.activations), work, dealt.sizes)


def scaled(piece: Piece, scale: str, numbers: int, dealt: Dealt) -> Piece:
    """Return an operator of the vector unit that first multiplies so many numbers of a row and unit by a scale.

    The size ``scale`` says which input that is.
    """
    more = (
        term("bytes", VECTOR, per_row=exact_bytes_of(1, dealt.decoding.precision.partials)),
        term("elements", VECTOR, per_row_column=dealt.each(numbers)),
    )
    inputs: tuple[tuple[str, Layout], ...] = (*piece.inputs, (scale, "replicated"))
    work = replace(piece.work, terms=(*piece.work.terms, *more))
    return replace(piece, inputs=inputs, work=work, sizes=(*piece.sizes, ("scale", len(piece.inputs))))


def output_projection(kind: str, read: str, around: Around, dealt: Dealt, last: Last) -> list[Piece]:
    """Return the matrix that gives summands of rows from numbers of each unit; the first chip adds the residual."""
    decoding, precision = dealt.decoding, dealt.decoding.precision

    def work(columns: int, first: bool) -> Work:
        elements = last.inner_weights * first + (last.inner or last.numbers) * columns
        weights = dealt.each(exact_bytes_of(elements, decoding.mixer_weights))
        read = dealt.each(exact_bytes_of(last.numbers, precision.activations))
        terms, kept = leaving(columns, (weights, read, dealt.each(elements)), precision, biases=last.biases)
        dtype = arithmetic_type(decoding.mixer_weights, precision.activations)
        passes = [MATRIX, VECTOR, MATRIX] if last.inner else [MATRIX]
        return dealt.work(dtype, terms, *passes * first, weights=Weights(decoding.mixer_weights, "sharded", kept))

    return in_turn(kind, ((read, STAYS),), around, work, decoding, dealt.sizes)
