"""The layer graph of a whole model on the chips: embedding, layers with their mixers, and head.

The visits of a model (`lpu_visits`) are numbered as layers of the graph. A visit begins with rows of which the group
before holds summands, and which change to whole rows on each of its chips; it leaves summands again, the residual among
them::

    -> norm -> mixer -> (all-reduce) -> norm -> FFN -> next visit

What stays on its chip between operators is ``reserved``: each chip's run of the tensor holds the rows of its own
columns, as many vectors as they fill.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from math import lcm
from typing import TYPE_CHECKING

from lpxsched.units import BITS_PER_BYTE, ceil_div
from lpxsched.workload.datatypes import ELEMENT_BITS
from lpxsched.workload.ffns import FfnLayer, differing_types
from lpxsched.workload.graph import LayerGraph, Operator, Tensor
from lpxsched.workload.model import Attention, LatentAttention, Layer, LinearAttention, StateSpace
from lpxsched.workload.parts.attention import attention_pieces
from lpxsched.workload.parts.dense import dense_pieces
from lpxsched.workload.parts.dispatched import dispatched_pieces
from lpxsched.workload.parts.drafts import (
    ACCEPT,
    BEFORE_CHOSEN,
    CHOSEN,
    handing_pieces,
    join_pieces,
    one_row,
    pick_pieces,
)
from lpxsched.workload.parts.ends import egress_piece, embedding_pieces, head_pieces
from lpxsched.workload.parts.ffn import expert_pieces
from lpxsched.workload.parts.latent import latent_pieces
from lpxsched.workload.parts.piece import BEFORE, OUTPUT, at_home
from lpxsched.workload.parts.recurrent import delta_pieces, state_pieces
from lpxsched.workload.parts.rows import Around, in_blocks, rounded, scale
from lpxsched.workload.policy import SHARDED
from lpxsched.workload.work import shard_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.lpu_visits import Visit
    from lpxsched.workload.model import Mixer
    from lpxsched.workload.parts.piece import Decoding, Piece
    from lpxsched.workload.parts.rows import Rows
    from lpxsched.workload.work import Work


def lpu_work(visit: Visit, chip: Chip, width: int, decoding: Decoding) -> dict[str, Work]:
    """Return the work of each operator kind of a visit on a group of `width` chips.

    Parameters
    ----------
    visit : Visit
    chip : Chip
    width : int
    decoding : Decoding
    """
    return {piece.kind: piece.work for piece in _pieces(visit, chip, width, decoding)}


def lpu_graph(visits: Sequence[Visit], chip: Chip, widths: Sequence[int], decoding: Decoding) -> LayerGraph:
    """Return the graph of all visits.

    Parameters
    ----------
    visits : sequence of Visit
    chip : Chip
    widths : sequence of int
        Chips of the group of each visit.
    decoding : Decoding
    """
    operators: list[Operator] = []
    tensors: dict[str, Tensor] = {}
    distinct: dict[tuple[Visit, int], tuple[Piece, ...]] = {}
    homes: dict[str, tuple[int, ...]] = {}
    for number, key in enumerate(zip(visits, widths, strict=True)):
        rows, width = in_blocks("", key[0].hidden, decoding), key[1]
        names = {BEFORE + block: f"layer.{number - 1}.{OUTPUT}{block}" for block in rows.names}
        names[BEFORE_CHOSEN] = f"layer.{number - 1}.{CHOSEN}"
        if key not in distinct:
            distinct[key] = _pieces(key[0], chip, width, decoding)
        dealt = 0
        for piece in distinct[key]:
            inputs = tuple((names[name], layout) for name, layout in piece.inputs)
            result = names[piece.output] = f"layer.{number}.{piece.output}" if piece.output else ""
            several = [_renamed(one, number) if one else None for one in piece.tensors]
            tensors |= {one.name: one for one in several if one}
            names |= {one.name.split(".", 2)[2]: one.name for one in several if one}
            if result and not several:
                made = _tensor(piece, result, number, chip, width, decoding)
                if made.layout == "partial" and made.place == "chips":
                    made, dealt = replace(made, first_share=dealt % width), dealt + made.vectors
                tensors[result] = made
            name = f"layer.{number}.{piece.kind}"
            of_shards = () if result else tuple(one.name if one else "" for one in several)
            sizes, keeper = _kept_by(piece)
            made_by = (piece.place, piece.unit, inputs, result, sizes, of_shards, keeper)
            operators.append(Operator(name, piece.kind, number, *made_by))
            homes |= {of: piece.homes for of, layout in inputs if layout == "reserved" and piece.homes}
    for of, rows_of in homes.items():
        tensors[of] = _dealt(tensors[of], rows_of)
    return LayerGraph(tuple(operators), tensors)


def _pieces(visit: Visit, chip: Chip, width: int, decoding: Decoding) -> tuple[Piece, ...]:
    draft = visit.draft
    if visit.part == "embedding":
        return tuple(embedding_pieces(visit.vocabulary, visit.hidden, decoding))
    if visit.part == "head":
        return tuple(_head_pieces(visit, width, decoding))
    own = draft.rows(decoding) if draft else decoding
    if visit.part == "join":
        pieces = join_pieces(visit.vocabulary, visit.hidden, own)
        return tuple(at_home(piece, visit.embedding if "embedding" in piece.kind else visit.home) for piece in pieces)
    # Visits that share keys and values deal them alike.
    own = replace(own, entry=draft.entry, hop_cycles=None) if draft else own
    return tuple(at_home(piece, visit.home) for piece in _layer_pieces(visit.part, visit.hidden, chip, width, own))


def _head_pieces(visit: Visit, width: int, decoding: Decoding) -> list[Piece]:
    """Return the head, after what picks rows, and before what hands tokens and rows on where drafts are laid."""
    rows, draft = in_blocks(BEFORE, visit.hidden, decoding), visit.draft
    if draft is None:
        return [*head_pieces(visit.vocabulary, rows, width, decoding), egress_piece("tokens")]
    checks = draft.number == 0
    own, picking, picked = decoding if checks else one_row(decoding), list["Piece"](), rows
    if draft.has_all_rows and not checks:
        picking, picked = pick_pieces(rows, draft, decoding)
    head = [at_home(piece, visit.home) for piece in head_pieces(visit.vocabulary, picked, width, own)]
    onward = rows if draft.next.has_all_rows else picked
    handing = handing_pieces(onward, draft, width, decoding)
    pieces = [
        at_home(one, visit.home, ACCEPT) if one.work.weights and not checks else one for one in (*picking, *handing)
    ]
    pieces[len(picking) : len(picking)] = head
    return [*pieces, egress_piece(CHOSEN)] if draft.is_last else pieces


def _layer_pieces(layer: Layer, hidden: int, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    rows, pieces = in_blocks(BEFORE, hidden, decoding), list["Piece"]()
    for mixer in layer.mixers:
        output = in_blocks("mixed" if layer.has_ffn else OUTPUT, hidden, decoding)
        pieces += _mixer_pieces(mixer, rows, output, chip, width, decoding)
        rows = output
    if layer.has_ffn:
        types = differing_types(layer, decoding.precision.weights) if decoding.as_published else ()
        first, policy = layer.dense[0] if layer.dense else None, decoding.policy if layer.experts else SHARDED
        ffn = FfnLayer(hidden, first, layer.experts, layer.shared, policy, types)
        pieces += _ffn_pieces(ffn, rows, in_blocks(OUTPUT, hidden, decoding), chip, width, decoding)
    return pieces


def _ffn_pieces(ffn: FfnLayer, rows: Rows, output: Rows, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    if ffn.experts and ffn.policy.moe == "dispatch":
        return dispatched_pieces(ffn, rows, output, chip, width, decoding)
    if ffn.experts:
        return expert_pieces(ffn, rows, output, chip, width, decoding)
    precision = ffn.precision("dense", decoding.precision)
    assert ffn.dense is not None, "others are refused by lpu_visits"
    rounding, read = rounded("ffn_round", rows, "ffn_rows", precision.weights, decoding)
    around = Around(read, "ffn_scale", rows, output)
    scaling = scale("ffn_scale", rows, "ffn_scale", decoding)
    return [*rounding, scaling, *dense_pieces(ffn.dense, around, precision, decoding)]


def _mixer_pieces(mixer: Mixer, rows: Rows, output: Rows, chip: Chip, width: int, decoding: Decoding) -> list[Piece]:
    """Return a mixer after what rounds its rows and finds their scale."""
    rounding, read = rounded("mixer_round", rows, "mixer_rows", decoding.mixer_weights, decoding)
    around = Around(read, "mixer_scale", rows, output)
    before = [*rounding, scale("mixer_scale", rows, "mixer_scale", decoding)]
    if isinstance(mixer, Attention):
        return [*before, *attention_pieces(mixer, around, chip, width, decoding)]
    if isinstance(mixer, LatentAttention):
        return [*before, *latent_pieces(mixer, around, decoding)]
    if isinstance(mixer, LinearAttention):
        return [*before, *delta_pieces(mixer, around, width, decoding)]
    assert isinstance(mixer, StateSpace), "others are refused by lpu_visits"
    return [*before, *state_pieces(mixer, around, decoding)]


def _kept_by(piece: Piece) -> tuple[tuple[tuple[str, int], ...], str]:
    """Return the sizes of an operator, and who keeps for it what it keeps; the size ``as_layer`` tells a replay."""
    if piece.keeper is None:
        return piece.sizes, ""
    home, kind = piece.keeper
    return (*piece.sizes, ("as_layer", home)), f"layer.{home}.{kind}"


def _tensor(piece: Piece, name: str, number: int, chip: Chip, width: int, decoding: Decoding) -> Tensor:
    shape, vector_bytes = piece.shape, decoding.vector_bytes
    assert shape is not None
    rows, columns, dtype, layout, place = shape
    if layout != "reserved":
        return Tensor(name, number, rows, columns, dtype, layout, place, vector_bytes)
    if piece.homes:
        return _dealt(Tensor(name, number, rows, columns, dtype, layout, place, vector_bytes), piece.homes)
    runs = _runs(piece, chip, width, vector_bytes)
    # On its chip a row is not padded; a tensor of whole vectors, each a row of its own.
    whole = vector_bytes * BITS_PER_BYTE // int(ELEMENT_BITS[dtype])
    return Tensor(name, number, sum(runs[-1]), whole, dtype, layout, place, vector_bytes, runs)


def _renamed(tensor: Tensor, number: int) -> Tensor:
    """Return a tensor of the first visit as one of another."""
    return replace(tensor, name=f"layer.{number}.{tensor.name.split('.', 2)[2]}", layer=number)


def _dealt(tensor: Tensor, rows: Sequence[int]) -> Tensor:
    """Return a tensor of which each chip takes so many rows."""
    vectors = [count * tensor.vectors_per_row for count in rows]
    return replace(tensor, runs=tuple(zip(accumulate(vectors, initial=0), vectors, strict=False)), first_share=0)


def _runs(piece: Piece, chip: Chip, width: int, vector_bytes: int) -> tuple[tuple[int, int], ...]:
    """Return first vector and number of those that each chip keeps of what a piece leaves in its own columns."""
    shape, work = piece.shape, piece.work
    assert shape is not None
    sizes = shard_sizes(work.columns, lcm(work.column_block, chip.shard_columns), width)
    bits = shape.rows * shape.columns * int(ELEMENT_BITS[shape.dtype])
    vectors = [ceil_div(size * bits, work.columns * vector_bytes * BITS_PER_BYTE) for size in sizes]
    return tuple(zip(accumulate(vectors, initial=0), vectors, strict=False))
