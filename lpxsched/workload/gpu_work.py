"""What GPUs read for one user between two visits to the chips: caches and states of mixers, and weights.

A user reads the keys and values of all rows of his context (of a window those that any of his new rows sees, of latent
attention the latent rows, and the keys of an indexer); a mixer with a state of fixed size reads and writes it. Weights
are read once for all rows. Mixers of layers without an FFN run before the next layer that has one; after the last FFN
those that are left, the LM head and sampling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from lpxsched.units import BITS_PER_BYTE
from lpxsched.workload.counts import layer_counts
from lpxsched.workload.datatypes import bytes_of, stored_bits
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, StateSpace, Unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lpxsched.workload.model import Layer, Mixer, Model

# States are kept and updated in this type, the usual one of public implementations.
STATE_DTYPE = "fp32"
# Types of weights that a config does not give.
PLAIN_DTYPE = "bf16"


@dataclass(frozen=True, slots=True)
class GpuWork:
    """What GPUs do between two visits.

    Attributes
    ----------
    kernels : int
        Mixers, or head and sampling: how often the fixed part is paid.
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
        Rows of a user in one step.
    """
    runs: list[list[Layer]] = [[]]
    for layer in model.layers:
        *before, last = _parts(layer)
        for part in before:
            runs[-1].append(part)
            runs.append([])
        runs[-1].append(last)
        if layer.has_ffn:
            runs.append([])
    works = [_work(run, model.hidden, partial(held_bytes, context=context, kv=kv, new_rows=new_rows)) for run in runs]
    last_work = works[-1]
    head = bytes_of(model.vocabulary * model.hidden, PLAIN_DTYPE)
    works[-1] = GpuWork(last_work.kernels + 2, last_work.user_bytes, last_work.weight_bytes + head, last_work.unread)
    return tuple(works)


def _parts(layer: Layer) -> list[Layer]:
    """Return a layer of several dense FFNs in parts, a mixer before each of them."""
    ends = list(range(1, len(layer.dense)))
    cuts = zip([0, *ends], [*ends, len(layer.mixers)], strict=True)
    return [replace(layer, mixers=layer.mixers[first:end]) for first, end in cuts]


def cache_bytes(model: Model, *, context: int, kv: str, new_rows: int = 1) -> int:
    """Return the bytes that the caches and states of one user take in all layers."""
    return sum(held_bytes(mixer, context, kv, new_rows) for layer in model.layers for mixer in layer.mixers)


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


def _work(layers: Iterable[Layer], hidden: int, held: Callable[[Mixer], int]) -> GpuWork:
    kernels = user_bytes = weight_bytes = unread = 0
    for layer in layers:
        kernels += len(layer.mixers)
        user_bytes += sum(_moved_bytes(mixer, held(mixer)) for mixer in layer.mixers)
        bits = stored_bits(layer.stored.mixer) or stored_bits(PLAIN_DTYPE) or 0
        weight_bytes += ceil((layer_counts(layer, hidden).mixers or 0) * bits / BITS_PER_BYTE)
        unread += sum(isinstance(mixer, Unread) for mixer in layer.mixers)
    return GpuWork(kernels, user_bytes, weight_bytes, unread)


def _moved_bytes(mixer: Mixer, held: int) -> int:
    """Return what one user reads, and writes where the whole state changes."""
    return (2 if isinstance(mixer, LinearAttention | StateSpace) else 1) * held
