"""Mixers in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.units import counted
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, Unread

if TYPE_CHECKING:
    from lpxsched.workload.model import Mixer


def mixer_words(mixer: Mixer) -> str:
    """Return the kind of a mixer and its widths."""
    if isinstance(mixer, Unread):
        return "not known"
    if isinstance(mixer, Attention):
        return _attention_words(mixer)
    if isinstance(mixer, LatentAttention):
        index = f", index {mixer.index_heads} x {mixer.index_columns}" if mixer.index_heads else ""
        width = mixer.plain_columns + mixer.rotary_columns
        return f"latent attention {mixer.heads} x {width}, ranks {mixer.query_rank}, {mixer.kv_rank}{index}"
    if isinstance(mixer, LinearAttention):
        keys, values = (mixer.key_heads, mixer.key_columns), (mixer.value_heads, mixer.value_columns)
        return f"gated delta {keys[0]} x {keys[1]}, {values[0]} x {values[1]}"
    return f"state space {mixer.heads} x {mixer.head_columns}, {counted(mixer.groups, 'group')} of {mixer.state}"


def _attention_words(mixer: Attention) -> str:
    window = f"window {mixer.window:,}" if mixer.window else "full"
    heads = f"{mixer.heads}/{mixer.kv_heads} x {mixer.head_columns}"
    more = (", k = v" if mixer.keys_are_values else "") + (", gated" if mixer.gated else "")
    return f"{window} attention {heads}{more}"
