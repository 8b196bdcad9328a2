"""An operator of a visit with its work and what it leaves, and the formulas that several parts share.

A visit is what one group computes before rows move on: the embedding, a layer, or the head. Names of tensors are those
within the visit; `BEFORE` is the output of the visit before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from lpxsched.workload.datatypes import BIAS_TYPE, exact_bytes_of
from lpxsched.workload.policy import SHARDED
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work

if TYPE_CHECKING:
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.graph import Layout, Place, Unit
    from lpxsched.workload.policy import Policy

KvType = Literal["fp8", "bf16"]
BEFORE, OUTPUT = "before", "output"
NORM_TYPE = "bf16"
# Squares and their sum, the scale, and the weights with the rounding to the type of activations.
NORM_OPERATIONS = 3
# Terms are written as decimals: what is no multiple of this is rounded up.
FINEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Decoding:
    """What one step of all layers works on.

    Attributes
    ----------
    batch : int
        Rows of a step, whole users.
    context : int
        Rows that a user has, the new ones included.
    kv : str
        Type of keys and values as they are kept.
    precision : Precision
        Types of the FFNs' weights, of activations, and of partial sums and the rows between visits.
    mixer_weights : str
        Type of the weights of mixers, embedding and head.
    vector_bytes : int
    rows_per_user : int
        New rows of a user, one after the other, drafts among them; they share what is kept of his context.
    policy : Policy
        How experts lie; rows reach all chips.
    as_published : bool
        FFNs keep the types in which they were published, where these differ from that of `precision`.
    micro_batches : int
        So many steps of other users are under way at once: each keeps its own context.
    """

    batch: int
    context: int
    kv: KvType
    precision: Precision
    mixer_weights: str
    vector_bytes: int
    rows_per_user: int = 1
    policy: Policy = SHARDED
    as_published: bool = False
    micro_batches: int = 1

    @property
    def users(self) -> int:
        """Users of a step."""
        return self.batch // self.rows_per_user

    @property
    def kept_users(self) -> int:
        """Users whose contexts are kept, those of all micro-batches."""
        return self.users * self.micro_batches


class Shape(NamedTuple):
    """What an operator leaves, without its visit; of ``reserved`` columns each chip keeps those of its share."""

    rows: int
    columns: int
    dtype: str
    layout: Layout
    place: Place = "chips"


@dataclass(frozen=True, slots=True)
class Piece:
    """An operator of a visit.

    Attributes
    ----------
    kind, unit : str
    inputs : tuple of (str, str)
        Tensor and layout.
    output : str
        Empty where nothing is left.
    shape : Shape or None
        Of the output.
    work : Work
    sizes : tuple of (str, int)
        What a reader of the graph must know to compute it.
    place : str
    """

    kind: str
    unit: Unit
    inputs: tuple[tuple[str, Layout], ...]
    output: str
    shape: Shape | None
    work: Work
    sizes: tuple[tuple[str, int], ...] = ()
    place: Place = "chips"


def decimal(amount: Fraction | int) -> Fraction:
    """Return an amount that can be written as a decimal, rounded up where it is none."""
    return Fraction(ceil(amount * FINEST), FINEST)


def term(
    counts: Literal["bytes", "macs", "elements"],
    unit: str,
    *,
    constant: Fraction | int = 0,
    per_row: Fraction | int = 0,
    per_column: Fraction | int = 0,
    per_row_column: Fraction | int = 0,
) -> Term:
    """Return a term of which each part can be written as a decimal."""
    return Term(counts, unit, decimal(constant), decimal(per_row), decimal(per_column), decimal(per_row_column))


def replicated_row(decoding: Decoding, columns: int) -> Shape:
    """Return the shape of rows that every chip makes for itself, as a matrix unit reads them."""
    return Shape(decoding.batch, columns, decoding.precision.activations, "replicated")


def summand_row(decoding: Decoding, columns: int) -> Shape:
    """Return the shape of rows of which every chip holds a summand."""
    return Shape(decoding.batch, columns, decoding.precision.partials, "partial")


def norm(kind: str, read: str, output: str, hidden: int, decoding: Decoding) -> Piece:
    """Return a norm of whole rows, which every chip computes; they leave in the type of activations."""
    precision = decoding.precision
    weights = exact_bytes_of(hidden, NORM_TYPE)
    moved = exact_bytes_of(hidden, precision.partials) + exact_bytes_of(hidden, precision.activations)
    work = Work(
        dtype=precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, constant=weights, per_row=moved),
            term("elements", VECTOR, per_row=NORM_OPERATIONS * hidden),
        ),
        # The scale is known when all squares are added.
        pipelines=((VECTOR, 2),),
        weights=Weights(NORM_TYPE, "replicated", (term("bytes", VECTOR, constant=weights),)),
    )
    return Piece(kind, VECTOR, ((read, "replicated"),), output, replicated_row(decoding, hidden), work)


def with_residual(piece: Piece, residual: str, hidden: int, decoding: Decoding) -> Piece:
    """Return a piece that leaves a summand, to which the first chip adds the rows of a tensor.

    The size ``residual`` says which input that is.
    """
    counts: Literal["macs", "elements"] = "macs" if piece.unit == MATRIX else "elements"
    row = exact_bytes_of(hidden, decoding.precision.partials)
    more = (
        Term("bytes", piece.unit, per_row=row, shard=0),
        Term(counts, piece.unit, per_row=Fraction(hidden), shard=0),
    )
    work = replace(piece.work, terms=(*piece.work.terms, *more))
    sizes = (*piece.sizes, ("residual", len(piece.inputs)))
    return replace(piece, inputs=(*piece.inputs, (residual, "replicated")), work=work, sizes=sizes)


def bias_bytes(columns: int, *, biases: bool) -> Fraction:
    """Return the bytes of biases of so many columns, if there are any."""
    return exact_bytes_of(columns * biases, BIAS_TYPE)
