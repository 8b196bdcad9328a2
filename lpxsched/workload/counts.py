"""How many parameters a model has, by part; biases and norms count where the keys name their widths.

A total is None where a mixer is `Unread` or the vocabulary is missing. Norms count one vector a sub-layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from lpxsched.units import BITS_PER_BYTE
from lpxsched.workload.datatypes import stored_bits
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, Unread

if TYPE_CHECKING:
    from lpxsched.workload.model import Experts, Ffn, Layer, Mixer, Model, StateSpace


@dataclass(frozen=True, slots=True)
class LayerCounts:
    """Parameters of a layer.

    Attributes
    ----------
    mixers : int or None
        None where a mixer is unread.
    dense, shared : int
    experts, expert : int
        Of all routed experts together, and of one.
    router : int
        Of the router, and of what brings rows to the width of the experts and back.
    norms : int
    """

    mixers: int | None
    dense: int
    shared: int
    experts: int
    expert: int
    router: int
    norms: int

    @property
    def ffn(self) -> int:
        """All but the mixers and norms."""
        return self.dense + self.shared + self.experts + self.router

    @property
    def whole(self) -> int | None:
        """All of them."""
        return None if self.mixers is None else self.mixers + self.ffn + self.norms


def layer_counts(layer: Layer, hidden: int) -> LayerCounts:
    """Return the parameters of a layer."""
    mixers = [_mixer(mixer, hidden) for mixer in layer.mixers]
    experts = layer.experts
    expert = _expert(experts, hidden) if experts else 0
    sublayers = len(layer.mixers) + len(layer.dense) + (experts is not None)
    return LayerCounts(
        mixers=None if None in mixers else sum(filter(None, mixers)),
        dense=sum(ffn_parameters(ffn, hidden) for ffn in layer.dense),
        shared=ffn_parameters(layer.shared, hidden) if layer.shared else 0,
        experts=expert * experts.number if experts else 0,
        expert=expert,
        router=_router(experts, hidden) if experts else 0,
        norms=sublayers * hidden,
    )


def ffn_parameters(ffn: Ffn, hidden: int) -> int:
    """Return the parameters of a dense FFN or of shared experts."""
    biases = (ffn.matrices - 1) * ffn.columns + hidden if ffn.biases else 0
    return ffn.matrices * hidden * ffn.columns + biases


def expert_weights(model: Model) -> int:
    """Return the weights of all experts, routed and shared, in their matrices alone: their bytes at fp8."""
    total = 0
    for layer in model.layers:
        if layer.experts:
            of = layer.experts
            total += of.number * of.matrices * (of.latent_columns or model.hidden) * of.columns
        if layer.shared:
            total += layer.shared.matrices * model.hidden * layer.shared.columns
    return total


def ffn_parameters_of(model: Model) -> int:
    """Return the parameters of all FFNs with their routers: what lies on the chips when mixers run on GPUs."""
    return sum(layer_counts(layer, model.hidden).ffn for layer in model.layers)


def stored_bytes(layer: Layer, hidden: int) -> int | None:
    """Return the bytes of a layer as published, router and norms in bf16; None where a part is not known."""
    counts, stored = layer_counts(layer, hidden), layer.stored
    parts = (
        (counts.mixers, stored.mixer),
        (counts.dense, stored.dense),
        (counts.shared, stored.shared),
        (counts.experts, stored.experts),
        (counts.router + counts.norms, "bf16"),
    )
    total = Fraction(0)
    for parameters, dtype in parts:
        bits = stored_bits(dtype)
        if parameters is None or (bits is None and parameters):
            return None
        total += parameters * (bits or 0)
    return ceil(total / BITS_PER_BYTE)


def total_parameters(model: Model) -> int | None:
    """Return the parameters of embedding, layers and LM head; None where the keys do not give them."""
    return _sum(model, (1 if model.tied else 2) * model.vocabulary * model.hidden, active=False)


def active_parameters(model: Model) -> int | None:
    """Return the parameters that a row meets: of the routed experts as many as it meets, of the embedding none."""
    return _sum(model, model.vocabulary * model.hidden, active=True)


def _sum(model: Model, ends: int, *, active: bool) -> int | None:
    total = ends + model.hidden
    if not model.vocabulary:
        return None
    for layer in model.layers:
        counts = layer_counts(layer, model.hidden)
        if counts.whole is None:
            return None
        idle = counts.expert * (layer.experts.number - layer.experts.per_token) if layer.experts and active else 0
        # A row may meet slots without weights, never more experts than there are.
        total += counts.whole - max(0, idle)
    return total


def _expert(experts: Experts, hidden: int) -> int:
    width = experts.latent_columns or hidden
    biases = (experts.matrices - 1) * experts.columns + width if experts.biases else 0
    return experts.matrices * width * experts.columns + biases


def _router(experts: Experts, hidden: int) -> int:
    return (hidden + experts.biases) * (experts.number + experts.idle) + 2 * hidden * experts.latent_columns


def _mixer(mixer: Mixer, hidden: int) -> int | None:
    if isinstance(mixer, Unread):
        return None
    if isinstance(mixer, Attention):
        return _attention(mixer, hidden)
    if isinstance(mixer, LatentAttention):
        return _latent_attention(mixer, hidden)
    return _linear_attention(mixer, hidden) if isinstance(mixer, LinearAttention) else _state_space(mixer, hidden)


def _attention(mixer: Attention, hidden: int) -> int:
    queries = mixer.heads * mixer.head_columns
    shared = mixer.kv_heads * mixer.head_columns * (1 if mixer.keys_are_values else 2)
    into = (2 if mixer.gated else 1) * queries + shared
    return hidden * (into + queries) + mixer.biases * (into + hidden)


def _latent_attention(mixer: LatentAttention, hidden: int) -> int:
    width = mixer.plain_columns + mixer.rotary_columns
    rank = mixer.query_rank
    queries = (hidden + mixer.heads * width + 1) * rank if rank else hidden * mixer.heads * width
    latent = hidden * (mixer.kv_rank + mixer.rotary_columns) + mixer.kv_rank
    heads = mixer.kv_rank * mixer.heads * (mixer.plain_columns + mixer.value_columns)
    # The indexer: queries of its heads, one key, a weight a head, and the norm of the key.
    index = mixer.index_heads * mixer.index_columns * (rank or hidden)
    index += hidden * (mixer.index_columns + mixer.index_heads) + 2 * mixer.index_columns if index else 0
    return queries + latent + heads + mixer.heads * mixer.value_columns * hidden + index


def _linear_attention(mixer: LinearAttention, hidden: int) -> int:
    keys, values = mixer.key_heads * mixer.key_columns, mixer.value_heads * mixer.value_columns
    mixed = 2 * keys + values
    # Queries, keys, values and a gate; two numbers a head; the convolution; decay and offset a head, and a norm.
    into = hidden * (mixed + values + 2 * mixer.value_heads)
    return into + mixed * mixer.taps + 2 * mixer.value_heads + mixer.value_columns + values * hidden


def _state_space(mixer: StateSpace, hidden: int) -> int:
    inner = mixer.heads * mixer.head_columns
    mixed = inner + 2 * mixer.groups * mixer.state
    into = mixed + inner + mixer.heads
    # Decay, skip and step of each head, and a norm over the heads.
    rest = mixed * (mixer.taps + mixer.convolution_biases) + 3 * mixer.heads + inner
    return hidden * (into + inner) + rest + mixer.biases * (into + hidden)
