"""An operator of a visit with its work and what it leaves, and the formulas that several parts share.

A visit is what one group computes before rows move on: the embedding, a layer, or the head. Names of tensors are those
within the visit; `BEFORE` is the output of the visit before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from lpxsched.units import NONE
from lpxsched.workload.datatypes import BIAS_TYPE, exact_bytes_of
from lpxsched.workload.policy import SHARDED
from lpxsched.workload.work import MATRIX, Term, Work

if TYPE_CHECKING:
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.graph import Layout, Place, Tensor, Unit
    from lpxsched.workload.policy import Policy

KvType = Literal["fp8", "bf16"]
BEFORE, OUTPUT = "before", "output"
NORM_TYPE = "bf16"
# Squares and their sum, the scale, and the weights with the rounding to the type of activations.
NORM_OPERATIONS = 3
# Terms are written as decimals: what is no multiple of this is rounded up.
FINEST = 1 << 16


class Entry(NamedTuple):
    """Where a visit's new rows of a user go that others of the same step keep beside them.

    Attributes
    ----------
    entered : int
        Rows that visits before have entered in this step.
    stay : int
        Rows of a step over which the next step does not write.
    room : int
        Rows of a step at most.
    """

    entered: int
    stay: int
    room: int


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
    hop_cycles : int or None
        What a vector takes at least from chip to chip; None where no context is split over chips.
    blocks : int
        Blocks of columns in which rows come between sub-layers.
    entry : Entry or None
        Where new rows go where several visits of a step keep rows in one place; None where they follow each other.
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
    hop_cycles: int | None = None
    blocks: int = 2
    entry: Entry | None = None

    @property
    def row_sizes(self) -> tuple[tuple[str, int], ...]:
        """What a replay must know of the rows of a user."""
        own = (("rows_per_user", self.rows_per_user),)
        return own if self.entry is None else (*own, *self.entry._asdict().items())

    @property
    def new_rows(self) -> int:
        """Rows of a user that one step keeps at most, those of other visits beside it included."""
        return self.rows_per_user if self.entry is None else self.entry.room

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
    tensors : tuple of Tensor or None
        What it leaves, in place of a shape: one tensor, or one on each chip, None where a chip leaves nothing.
    homes : tuple of int
        Rows of each chip, where that is what it leaves ``reserved``.
    keeper : tuple of (int, str), optional
        The visit and the kind of the operator that keeps for it what it keeps; None for itself.
    """

    kind: str
    unit: Unit
    inputs: tuple[tuple[str, Layout], ...]
    output: str
    shape: Shape | None
    work: Work
    sizes: tuple[tuple[str, int], ...] = ()
    place: Place = "chips"
    tensors: tuple[Tensor | None, ...] = ()
    homes: tuple[int, ...] = ()
    keeper: tuple[int, str] | None = None


def at_home(piece: Piece, home: int, kind: str = "") -> Piece:
    """Return a piece for which one of an earlier visit keeps, of its own kind or another; for no visit the piece."""
    return piece if home == NONE else replace(piece, keeper=(home, kind or piece.kind))


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


def with_residual(piece: Piece, rows: str, columns: int, decoding: Decoding) -> Piece:
    """Return a piece that leaves a summand of so many columns, to which the first chip adds those rows.

    The size ``residual`` says which input they are.
    """
    counts: Literal["macs", "elements"] = "macs" if piece.unit == MATRIX else "elements"
    more = (
        Term("bytes", piece.unit, per_row=exact_bytes_of(columns, decoding.precision.partials), shard=0),
        Term(counts, piece.unit, per_row=Fraction(columns), shard=0),
    )
    work = replace(piece.work, terms=(*piece.work.terms, *more))
    sizes = (*piece.sizes, ("residual", len(piece.inputs)))
    return replace(piece, inputs=(*piece.inputs, (rows, "replicated")), work=work, sizes=sizes)


def bias_bytes(columns: int, *, biases: bool) -> Fraction:
    """Return the bytes of biases of so many columns, if there are any."""
    return exact_bytes_of(columns * biases, BIAS_TYPE)
