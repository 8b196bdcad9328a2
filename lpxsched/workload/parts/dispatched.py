"""Experts of a layer to which rows are dispatched, in a whole model on the chips (`dispatch`).

Rows come as summands after a mixer. Each chip takes the sums of rows of its own, norms and routes them, and sends them
to the chips of their experts; what these give is added there, and each chip adds the rows of its own as they were::

    (reduce-scatter) -> home_norm -> router_in -> router -> label, dispatch -> experts -> combine -> next visit

Shared experts read all rows on all chips, which then come by an all-reduce as without dispatch. Every source has room
for all of its rows with each expert: a step of one segment has no further windows.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from lpxsched.workload.costs import layer_work
from lpxsched.workload.datatypes import exact_bytes_of
from lpxsched.workload.dispatch import Surroundings, experts_made, routed_made, sources_of
from lpxsched.workload.parts.ffn import block_of_sums
from lpxsched.workload.parts.piece import NORM_OPERATIONS, NORM_TYPE, Piece, Shape, term
from lpxsched.workload.parts.rows import Rows, norm, scale
from lpxsched.workload.slices import at_home
from lpxsched.workload.work import MATRIX, VECTOR, Term, Weights, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.dispatch import Made
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.graph import Layout
    from lpxsched.workload.parts.piece import Decoding

PREFIX = "layer.0."


def dispatched_pieces(
    layer: FfnLayer, rows: Rows, output: Rows, chip: Chip, width: int, decoding: Decoding
) -> list[Piece]:
    """Return the operators of a layer of experts; parameters as of `ffn.expert_pieces`."""
    around = Surroundings(0, layer, decoding.batch, decoding.precision, decoding.vector_bytes, width)
    works = layer_work(layer, chip, width, batch=decoding.batch, precision=decoding.precision)
    experts = layer.experts
    assert experts is not None
    homes = [source.rows for source in sources_of(layer, decoding.batch, width)]
    pieces = [_home_norm(rows, homes, decoding), *(_piece(made, works) for made in routed_made(around))]
    if layer.shared:
        normed, _ = norm("ffn_norm", rows, "ffn_scale", "ffn_input", decoding)
        pieces += [scale("ffn_scale", rows, "ffn_scale", decoding), normed, _shared(layer, works, decoding)]
    *before, last = experts_made(around)
    pieces += [_piece(made, works) for made in before]
    for block in range(len(output.names)):
        piece = block_of_sums(_piece(last, works), layer, output, block, decoding)
        pieces.append(_with_home_rows(piece, rows, block, homes, decoding))
    return pieces


def _piece(made: Made, works: dict[str, Work]) -> Piece:
    """Return an operator of the layer as one of its visit."""
    operator = made.operator
    inputs = tuple((name.removeprefix(PREFIX), layout) for name, layout in operator.inputs)
    tensors = (
        made.tensors
        if operator.output
        else tuple(next((one for one in made.tensors if one.name == name), None) for name in operator.of_shards)
    )
    output = operator.output.removeprefix(PREFIX)
    return Piece(
        operator.kind, operator.unit, inputs, output, None, works[operator.kind], operator.sizes, tensors=tensors
    )


def _home_norm(rows: Rows, homes: Sequence[int], decoding: Decoding) -> Piece:
    """Return the norm of the rows of each chip, in the type of activations."""
    precision, hidden = decoding.precision, rows.hidden
    weights = exact_bytes_of(hidden, NORM_TYPE)
    moved = exact_bytes_of(hidden, precision.partials) + exact_bytes_of(hidden, precision.activations)
    whole = Work(
        dtype=precision.partials,
        rows=decoding.batch,
        terms=(
            term("bytes", VECTOR, constant=weights, per_row=moved),
            term("elements", VECTOR, per_row=NORM_OPERATIONS * hidden),
        ),
        pipelines=((VECTOR, 3),),
        weights=Weights(NORM_TYPE, "replicated", (term("bytes", VECTOR, constant=weights),)),
    )
    inputs: tuple[tuple[str, Layout], ...] = tuple((name, "reserved") for name in rows.names)
    shape = Shape(decoding.batch, hidden, precision.activations, "reserved")
    return Piece("home_norm", VECTOR, inputs, "input", shape, at_home(whole, homes), homes=tuple(homes))


def _shared(layer: FfnLayer, works: dict[str, Work], decoding: Decoding) -> Piece:
    assert layer.shared is not None
    shape = Shape(decoding.batch, layer.hidden, decoding.precision.partials, "partial")
    inputs: tuple[tuple[str, Layout], ...] = (("ffn_input", "replicated"),)
    sizes = (("matrices", layer.shared.matrices),)
    return Piece("shared", MATRIX, inputs, "shared_output", shape, works["shared"], sizes)


def _with_home_rows(piece: Piece, rows: Rows, block: int, homes: Sequence[int], decoding: Decoding) -> Piece:
    """Return a piece to whose block of columns each chip adds that of its own rows."""
    columns = rows.columns[block]
    counts: Literal["macs", "elements"] = "macs" if piece.unit == MATRIX else "elements"
    row = exact_bytes_of(columns, decoding.precision.partials)
    more = tuple(
        one
        for shard, count in enumerate(homes)
        if count
        for one in (
            Term("bytes", piece.unit, constant=count * row, shard=shard),
            Term(counts, piece.unit, constant=Fraction(count * columns), shard=shard),
        )
    )
    sizes = (*piece.sizes, ("residual", len(piece.inputs)))
    inputs: tuple[tuple[str, Layout], ...] = (*piece.inputs, (rows.names[block], "reserved"))
    return replace(piece, inputs=inputs, sizes=sizes, work=replace(piece.work, terms=(*piece.work.terms, *more)))
