"""Mixers with a state of fixed size on the chips of a group: the gated delta rule and Mamba-2, heads dealt over them.

Both are a projection, a convolution over the last rows, an update of the state, a gated norm and a projection back::

    rows -> delta_in -> delta_convolve -> delta -> delta_norm -> out
    rows -> state_in -> state_convolve -> state -> state_norm -> out

A unit of the deal is what shares keys: a key head with its value heads, or a part of them as with attention; a group of
Mamba-2 with all its heads, since the norm is over a whole group: to part it would ask for an all-reduce of squares,
which takes longer than the larger share of the weights.

States lie in fp32 as public code keeps them, the last rows of the convolution in bf16. The update is work of the vector
unit: for each row every number of the state decays, gives its part of what is read, and takes the new product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import exact_bytes_of
from lpxsched.workload.parts.attention import GATE_OPERATIONS, bundles
from lpxsched.workload.parts.dealt import STAYS, Dealt, Last, Passes, elementwise, output_projection, projection, scaled
from lpxsched.workload.parts.piece import NORM_OPERATIONS, NORM_TYPE, term
from lpxsched.workload.work import VECTOR, Weights

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.workload.graph import Layout
    from lpxsched.workload.model import LinearAttention, StateSpace
    from lpxsched.workload.parts.piece import Decoding, Piece
    from lpxsched.workload.parts.rows import Around

STATE_TYPE = "fp32"
CONVOLUTION_TYPE = "bf16"
# Decay, product with the key, difference added, product with the query; Mamba-2 has no product with the key.
DELTA_OPERATIONS, STATE_OPERATIONS = 4, 3


@dataclass(frozen=True, slots=True)
class _Recurrent(Dealt):
    """A mixer with a state as it is dealt.

    Attributes
    ----------
    prefix : str
        Of the kinds of its operators.
    heads : int
        Heads of a unit.
    head_columns : int
        Columns of values of a head.
    key_columns : int
        Columns of a unit's key, and of its query.
    scalars : int
        Numbers of a head beside its values and its gate.
    key_heads, taps : int
        Heads of keys of the whole mixer, and rows that the convolution sees.
    """

    prefix: str
    heads: int
    head_columns: int
    key_columns: int
    scalars: int
    key_heads: int
    taps: int

    @property
    def values(self) -> int:
        """Columns of values of a unit; its gate has as many."""
        return self.heads * self.head_columns

    @property
    def mixed(self) -> int:
        """Columns of a unit that the convolution mixes."""
        return 2 * self.key_columns + self.values

    @property
    def rest(self) -> int:
        """Numbers of a unit that pass it by: the gate, and the scalars of each head."""
        return self.values + self.scalars * self.heads

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What a replay must know."""
        return (
            ("heads", self.heads * self.units),
            ("key_heads", self.key_heads),
            ("unit_columns", self.unit_columns),
            ("units", self.units),
            ("rows_per_user", self.decoding.rows_per_user),
            ("taps", self.taps),
        )


def delta_pieces(mixer: LinearAttention, around: Around, width: int, decoding: Decoding) -> list[Piece]:
    """Return the gated delta rule, to whose sum the first chip adds the residual."""
    number, heads = bundles(mixer.value_heads, mixer.key_heads, width)
    of_unit = (heads, mixer.value_columns, mixer.key_columns, 2, mixer.key_heads, mixer.taps)
    dealt = _Recurrent(number, mixer.value_columns, decoding, "delta", *of_unit)
    return _pieces(dealt, around, DELTA_OPERATIONS)


def state_pieces(mixer: StateSpace, around: Around, decoding: Decoding) -> list[Piece]:
    """Return Mamba-2, to whose sum the first chip adds the residual."""
    of_unit = (mixer.heads // mixer.groups, mixer.head_columns, mixer.state, 1, mixer.groups, mixer.taps)
    dealt = _Recurrent(mixer.groups, mixer.head_columns, decoding, "state", *of_unit)
    return _pieces(dealt, around, STATE_OPERATIONS, biases=mixer.biases)


def _pieces(dealt: _Recurrent, around: Around, operations: int, *, biases: bool = False) -> list[Piece]:
    projected = dealt.mixed + dealt.rest
    return [
        *projection(f"{dealt.prefix}_in", around.rows, projected, dealt, biases=biases),
        scaled(_convolve(dealt), around.scale, projected, dealt),
        _update(dealt, operations),
        _norm(dealt),
        *output_projection(f"{dealt.prefix}_out", "normed", around, dealt, Last(dealt.values, biases)),
    ]


def _convolve(dealt: _Recurrent) -> Piece:
    """Mix the last rows of keys, queries and values, number by number, and activate what comes out."""
    precision, mixed = dealt.decoding.precision, dealt.mixed
    weights = exact_bytes_of((dealt.taps + 1) * mixed, CONVOLUTION_TYPE)
    rows = exact_bytes_of(dealt.decoding.users * (dealt.taps - 1) * mixed, CONVOLUTION_TYPE)
    moved = exact_bytes_of(mixed + dealt.rest, precision.partials)
    moved += exact_bytes_of(mixed + dealt.rest, precision.activations)
    # Products with the taps and their sum, a bias; the sigmoid; the lengths of keys and queries for the delta rule.
    operations = (dealt.taps + 1 + GATE_OPERATIONS) * mixed
    operations += NORM_OPERATIONS * 2 * dealt.key_columns * (dealt.prefix == "delta")
    all_bytes = dealt.each(weights + rows * dealt.decoding.micro_batches)
    kept = Weights(CONVOLUTION_TYPE, "sharded", (term("bytes", VECTOR, per_column=all_bytes),), "convolution")
    # The rows that are kept are read and written again.
    passes = Passes(moved, operations, 3, weights + 2 * rows, kept)
    inputs: tuple[tuple[str, Layout], ...] = (("projected", STAYS),)
    return elementwise(f"{dealt.prefix}_convolve", inputs, "mixed_rows", mixed + dealt.rest, dealt, passes)


def _update(dealt: _Recurrent, operations: int) -> Piece:
    """Take a row into the state of each head, and read it."""
    precision = dealt.decoding.precision
    numbers = dealt.values * dealt.key_columns
    state: Fraction = exact_bytes_of(dealt.decoding.users * numbers, STATE_TYPE)
    moved = exact_bytes_of(dealt.mixed + dealt.rest + 2 * dealt.values, precision.activations)
    all_bytes = dealt.each(state * dealt.decoding.micro_batches)
    kept = Weights(STATE_TYPE, "sharded", (term("bytes", VECTOR, per_column=all_bytes),), "state")
    # Rows of a user follow each other: what the key reads, the new state, what the query reads.
    number = (operations - 1) * dealt.decoding.rows_per_user
    inputs: tuple[tuple[str, Layout], ...] = (("mixed_rows", STAYS),)
    passes = Passes(moved, operations * numbers, number, 2 * state, kept)
    # The gate goes along.
    return elementwise(dealt.prefix, inputs, "read_rows", 2 * dealt.values, dealt, passes)


def _norm(dealt: _Recurrent) -> Piece:
    """Norm what was read, over a head or over a group, and multiply it by the activated gate."""
    precision, values = dealt.decoding.precision, dealt.values
    weights = exact_bytes_of(values, NORM_TYPE)
    kept = Weights(NORM_TYPE, "sharded", (term("bytes", VECTOR, per_column=dealt.each(weights)),))
    moved = exact_bytes_of(3 * values, precision.activations)
    passes = Passes(moved, (NORM_OPERATIONS + GATE_OPERATIONS) * values, 2, weights, kept)
    inputs: tuple[tuple[str, Layout], ...] = (("read_rows", STAYS),)
    return elementwise(f"{dealt.prefix}_norm", inputs, "normed", values, dealt, passes)
