"""The layer graph of a whole model on the chips: embedding, layers with their mixers, and head.

The visits of a model are numbered as layers of the graph: 0 is the embedding, 1 to L are its layers, L + 1 is the head.
A visit begins with rows of which the group before holds summands, and which change to whole rows on each of its chips;
it leaves summands again, the residual among them::

    -> norm -> mixer -> (all-reduce) -> norm -> FFN -> next visit

What stays on its chip between operators is ``reserved``: each chip's run of the tensor holds the rows of its own
columns, as many vectors as they fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from math import lcm
from typing import TYPE_CHECKING, Literal

from lpxsched.units import BITS_PER_BYTE, ceil_div
from lpxsched.workload.datatypes import ELEMENT_BITS
from lpxsched.workload.ffns import FfnLayer, differing_types
from lpxsched.workload.graph import LayerGraph, Operator, Tensor
from lpxsched.workload.model import Attention, LatentAttention, Layer, LinearAttention, StateSpace, Unread
from lpxsched.workload.parts.attention import attention_pieces
from lpxsched.workload.parts.dense import dense_pieces
from lpxsched.workload.parts.dispatched import dispatched_pieces
from lpxsched.workload.parts.ends import embedding_pieces, head_pieces
from lpxsched.workload.parts.ffn import expert_pieces
from lpxsched.workload.parts.latent import latent_pieces
from lpxsched.workload.parts.piece import BEFORE, OUTPUT
from lpxsched.workload.parts.recurrent import delta_pieces, state_pieces
from lpxsched.workload.parts.rows import Around, in_blocks, rounded, scale
from lpxsched.workload.policy import SHARDED
from lpxsched.workload.work import shard_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.model import Mixer, Model
    from lpxsched.workload.parts.piece import Decoding, Piece
    from lpxsched.workload.parts.rows import Rows
    from lpxsched.workload.policy import Policy
    from lpxsched.workload.work import Work


@dataclass(frozen=True, slots=True)
class Visit:
    """What one group computes before rows move on; equal visits have equal operators.

    Attributes
    ----------
    part : str or Layer
        ``embedding``, ``head``, or a layer of the model.
    hidden, vocabulary : int
        Columns of a row, and tokens; the latter 0 where the visit needs none.
    """

    part: Literal["embedding", "head"] | Layer
    hidden: int
    vocabulary: int = 0


def lpu_visits(model: Model, policy: Policy = SHARDED) -> tuple[Visit, ...]:
    """Return the visits of a step, in their order.

    Parameters
    ----------
    model : Model
    policy : Policy
        How experts lie.

    Raises
    ------
    InputError
        When a part of the model is not known, or cannot be laid over chips.
    """
    if not model.vocabulary:
        raise model.keys.error("vocabulary", "missing; embedding and head lie on the chips with --attention lpu")
    for layer in model.layers:
        problem = _problem(layer, policy)
        if problem:
            raise model.keys.error("order", f"{problem}; try --attention gpu")
    layers = (Visit(layer, model.hidden) for layer in model.layers)
    ends = (Visit(end, model.hidden, model.vocabulary) for end in ("embedding", "head"))
    first, last = ends
    return (first, *layers, last)


def lpu_notes(model: Model) -> tuple[str, ...]:
    """Return what a user must know of the parts of a whole model that do not lie on the chips."""
    notes = []
    if any(isinstance(mixer, LatentAttention) and mixer.index_heads for mixer in _mixers(model)):
        name = model.keys.name("index_heads")
        notes.append(f"{name}: what picks rows of the context is not laid; attention sees all of them")
    if model.mtp_layers:
        name = model.keys.name("mtp_layers")
        notes.append(f"{name}: layers that guess further tokens are not laid; drafts are what --draft says")
    return tuple(notes)


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
            made_by = (piece.place, piece.unit, inputs, result, piece.sizes, of_shards)
            operators.append(Operator(name, piece.kind, number, *made_by))
            homes |= {of: piece.homes for of, layout in inputs if layout == "reserved" and piece.homes}
    for of, rows_of in homes.items():
        tensors[of] = _dealt(tensors[of], rows_of)
    return LayerGraph(tuple(operators), tensors)


def _pieces(visit: Visit, chip: Chip, width: int, decoding: Decoding) -> tuple[Piece, ...]:
    if isinstance(visit.part, Layer):
        return tuple(_layer_pieces(visit.part, visit.hidden, chip, width, decoding))
    if visit.part == "embedding":
        return tuple(embedding_pieces(visit.vocabulary, visit.hidden, decoding))
    rows = in_blocks(BEFORE, visit.hidden, decoding)
    return tuple(head_pieces(visit.vocabulary, rows, width, decoding))


def _mixers(model: Model) -> set[Mixer]:
    return {mixer for layer in model.layers for mixer in layer.mixers}


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


def _problem(layer: Layer, policy: Policy) -> str:
    """Return why a layer cannot be laid over chips; empty when it can."""
    if len(layer.mixers) > 1 or len(layer.dense) > 1 or (layer.dense and layer.experts):
        return "layers with several mixers or FFNs cannot be laid over a fabric yet"
    if layer.experts and layer.experts.idle and (policy.moe == "dispatch" or layer.experts.latent_columns):
        return "experts without weights give rows themselves, which must be whole on the chips"
    if policy.moe == "dispatch" and layer.experts and not layer.mixers:
        return "rows are dispatched after a mixer of the same layer, and some have none"
    unread = [name for mixer in layer.mixers if isinstance(mixer, Unread) for name in mixer.missing]
    return f"{', '.join(unread)}: missing; mixers lie on the chips with --attention lpu" if unread else ""


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
