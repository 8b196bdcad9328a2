"""What GPUs read for one user between two visits to the chips: caches and states of mixers, and weights.

A user reads the keys and values of all rows of his context (of a window those that any of his new rows sees, of latent
attention the latent rows, and the keys of an indexer); a mixer with a state of fixed size reads and writes it. Weights
are read once for all rows. Mixers of layers without an FFN run before the next layer that has one; after the last FFN
those that are left, the LM head and sampling. A module that guesses a draft follows: the join of tokens and rows, its
layers, head and sampling again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from lpxsched.units import BITS_PER_BYTE
from lpxsched.workload.counts import layer_counts
from lpxsched.workload.datatypes import bytes_of, stored_bits
from lpxsched.workload.drafter import layers_of_step, modules_beside_gpus
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, StateSpace, Unread

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.workload.model import Layer, Mixer, Model

# States are kept and updated in this type, the usual one of public implementations.
STATE_DTYPE = "fp32"
# Types of weights that a config does not give.
PLAIN_DTYPE = "bf16"
# LM head, and sampling.
HEAD_KERNELS = 2


@dataclass(frozen=True, slots=True)
class GpuWork:
    """What GPUs do between two visits.

    Attributes
    ----------
    kernels : int
        Mixers, joins, heads and samplings: how often the fixed part is paid.
    user_bytes : int
        Read and written for each user.
    weight_bytes : int
        Read for all rows together.
    unread : int
        Mixers of which the config does not give the widths; their bytes are missing.
    """

    kernels: int
    user_bytes: int
    weight_bytes: int
    unread: int = 0

    def __add__(self, other: GpuWork) -> GpuWork:
        """Return both, one after the other."""
        return GpuWork(
            self.kernels + other.kernels,
            self.user_bytes + other.user_bytes,
            self.weight_bytes + other.weight_bytes,
            self.unread + other.unread,
        )


def gpu_works(model: Model, *, context: int, kv: str, new_rows: int = 1) -> tuple[GpuWork, ...]:
    """Return what GPUs do before each visit of a layer for its FFNs, and at last what they do after the last one.

    Parameters
    ----------
    model : Model
    context : int
        Rows that a row sees, itself included.
    kv : str
        Type of cached keys and values.
    new_rows : int
        Rows of a user in one step: the last token, and drafts.
    """
    held, nothing = partial(held_bytes, context=context, kv=kv, new_rows=new_rows), GpuWork(0, 0, 0)
    head = GpuWork(HEAD_KERNELS, 0, bytes_of(model.vocabulary * model.hidden, PLAIN_DTYPE))
    works = [nothing]
    for number, layers in enumerate((model.layers, *modules_beside_gpus(model, new_rows - 1))):
        works[-1] += _join(layers[0], model.hidden) if number else nothing
        for layer in layers:
            for part in _parts(layer):
                works[-1] += _work(part, model.hidden, held)
                works += [nothing] * part.has_ffn
        works[-1] += head
    return tuple(works)


def _join(layer: Layer, hidden: int) -> GpuWork:
    """Return what makes rows of a module: of a token and of a row before, each normed, one product."""
    return GpuWork(1, 0, _stored_bytes(layer, 2 * hidden * hidden))


def _parts(layer: Layer) -> list[Layer]:
    """Return a layer of several dense FFNs in parts, a mixer before each of them."""
    ends = list(range(1, len(layer.dense)))
    cuts = zip([0, *ends], [*ends, len(layer.mixers)], strict=True)
    return [replace(layer, mixers=layer.mixers[first:end]) for first, end in cuts]


def cache_bytes(model: Model, *, context: int, kv: str, new_rows: int = 1) -> int:
    """Return the bytes that the caches and states of one user take in all layers and modules that guess drafts."""
    return sum(held_bytes(mixer, context, kv, new_rows) for mixer in mixers_on_gpus(model, new_rows - 1))


def mixers_on_gpus(model: Model, drafts: int) -> list[Mixer]:
    """Return the mixers of a step, those of modules that guess drafts last."""
    return [mixer for layer in layers_of_step(model, drafts) for mixer in layer.mixers]


def held_bytes(mixer: Mixer, context: int, kv: str, new_rows: int = 1) -> int:
    """Return the bytes of the cache or state of one user in one mixer; 0 of one that is unread.

    Windows of the new rows of a step begin one after the other.
    """
    if isinstance(mixer, Attention):
        seen = min(context, mixer.window + new_rows - 1) if mixer.window else context
        sides = 1 if mixer.keys_are_values else 2
        return bytes_of(seen * sides * mixer.kv_heads * mixer.head_columns, kv)
    if isinstance(mixer, LatentAttention):
        return bytes_of(context * (mixer.kv_rank + mixer.rotary_columns + mixer.index_columns), kv)
    if isinstance(mixer, LinearAttention):
        keys, values = mixer.key_heads * mixer.key_columns, mixer.value_heads * mixer.value_columns
        state = mixer.value_heads * mixer.key_columns * mixer.value_columns
        return bytes_of(state + (2 * keys + values) * mixer.taps, STATE_DTYPE)
    if isinstance(mixer, StateSpace):
        inner = mixer.heads * mixer.head_columns
        return bytes_of(inner * mixer.state + (inner + 2 * mixer.groups * mixer.state) * mixer.taps, STATE_DTYPE)
    return 0


def _work(layer: Layer, hidden: int, held: Callable[[Mixer], int]) -> GpuWork:
    return GpuWork(
        kernels=len(layer.mixers),
        user_bytes=sum(_moved_bytes(mixer, held(mixer)) for mixer in layer.mixers),
        weight_bytes=_stored_bytes(layer, layer_counts(layer, hidden).mixers or 0),
        unread=sum(isinstance(mixer, Unread) for mixer in layer.mixers),
    )


def _stored_bytes(layer: Layer, weights: int) -> int:
    """Return the bytes of weights that are stored as the mixers of a layer."""
    return ceil(weights * (stored_bits(layer.stored.mixer) or stored_bits(PLAIN_DTYPE) or 0) / BITS_PER_BYTE)


def _moved_bytes(mixer: Mixer, held: int) -> int:
    """Return what one user reads, and writes where the whole state changes."""
    return (2 if isinstance(mixer, LinearAttention | StateSpace) else 1) * held
