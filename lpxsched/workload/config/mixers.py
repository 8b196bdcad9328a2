"""Mixers of each kind, with their widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.units import counted
from lpxsched.workload.config.aliases import ALIASES
from lpxsched.workload.model import Attention, LatentAttention, LinearAttention, Mixer, StateSpace, Unread

if TYPE_CHECKING:
    from lpxsched.workload.config.keys import Keys
    from lpxsched.workload.config.orders import MixerKind


def read_mixers(keys: Keys, kinds: set[MixerKind], hidden: int) -> dict[MixerKind, Mixer | None]:
    """Return the mixer of each kind that occurs, None for ``none``.

    Raises
    ------
    InputError
        When a width is no number, or heads do not divide.
    """
    mixed = len(kinds & {"full", "window", "chunk"}) > 1
    mixers: dict[MixerKind, Mixer | None] = {}
    for kind in sorted(kinds):
        if kind == "none":
            mixers[kind] = None
        elif kind == "linear":
            mixers[kind] = _linear_attention(keys)
        elif kind == "state":
            mixers[kind] = _state_space(keys, hidden)
        elif keys.value("kv_rank"):
            mixers[kind] = _latent_attention(keys)
        else:
            mixers[kind] = _attention(keys, kind, hidden, is_global=mixed and kind == "full")
    return mixers


def _missing(keys: Keys, *facts: str) -> Unread | None:
    """Return what is unread when a fact is missing; null is refused where it is read."""
    missing = tuple(ALIASES[fact][0] for fact in facts if not keys.given(fact) and not keys.is_null(fact))
    return Unread(missing) if missing else None


def _attention(keys: Keys, kind: MixerKind, hidden: int, *, is_global: bool) -> Mixer:
    unread = _missing(keys, "heads")
    if unread:
        return unread
    heads, kv_heads, head_columns = keys.number("heads"), _kv_heads(keys), _head_columns(keys, hidden)
    if is_global:
        kv_heads = keys.optional("global_kv_heads", least=1) or kv_heads
        head_columns = keys.optional("global_head_columns", least=1) or head_columns
    if heads % kv_heads:
        raise keys.error(
            "kv_heads", f"{counted(heads, 'head')} of queries cannot share {kv_heads}; must divide {heads}"
        )
    keys_are_values = bool(keys.flag("keys_are_values"))
    if keys_are_values and kind != "full":
        name = keys.name("keys_are_values")
        keys.note(f"{name}: taken for layers that see all rows alone, as public code does; others keep both")
    if kind == "full" and keys.optional("chunk") and not is_global:
        name = keys.name("chunk")
        keys.note(f"{name}: no list says which layers are cut into chunks; each is taken to see all rows")
    return Attention(
        heads,
        kv_heads,
        head_columns,
        window=0 if kind == "full" else keys.number("window" if kind == "window" else "chunk"),
        keys_are_values=keys_are_values and kind == "full",
        gated=bool(keys.flag("gated")),
        biases=bool(keys.flag("attention_biases")),
    )


def _kv_heads(keys: Keys) -> int:
    found = keys.optional("kv_heads", least=1)
    if found is None:
        keys.note(f"{keys.name('kv_heads')}: not given; as many heads as of queries, as in public code")
    return found or keys.number("heads")


def _head_columns(keys: Keys, hidden: int) -> int:
    found = keys.optional("head_columns", least=1)
    heads = keys.number("heads")
    if found is None and hidden % heads:
        problem = f"{heads} heads do not divide {hidden} columns; add {ALIASES['head_columns'][0]}"
        raise keys.error("heads", problem)
    return found or hidden // heads


def _latent_attention(keys: Keys) -> Mixer:
    unread = _missing(keys, "heads", "plain_columns", "rotary_columns", "value_columns")
    if unread:
        return unread
    plain, rotary = keys.number("plain_columns"), keys.number("rotary_columns")
    whole = keys.optional("query_columns")
    if keys.flag("attention_biases"):
        raise keys.error("attention_biases", "true, but biases of latent attention are not known; must be false")
    if whole not in (None, plain + rotary):
        raise keys.error("query_columns", f"must be the sum of both parts of a head, {plain + rotary}, got {whole}")
    return LatentAttention(
        keys.number("heads"),
        keys.optional("query_rank") or 0,
        keys.number("kv_rank"),
        plain,
        rotary,
        keys.number("value_columns"),
        keys.optional("index_heads") or 0,
        keys.optional("index_columns") or 0,
    )


def _linear_attention(keys: Keys) -> Mixer:
    facts = tuple(f"linear_{part}" for part in ("key_heads", "value_heads", "key_columns", "value_columns", "taps"))
    unread = _missing(keys, *facts)
    return unread or LinearAttention(*(keys.number(fact) for fact in facts))


def _state_space(keys: Keys, hidden: int) -> Mixer:
    facts = ("state_heads", "state_head_columns", "state_groups", "state", "state_taps")
    unread = _missing(keys, *facts)
    if unread:
        return unread
    heads, head_columns, groups, state, taps = (keys.number(fact) for fact in facts)
    expand = keys.value("state_expand")
    if isinstance(expand, int | float) and expand * hidden != heads * head_columns:
        name, inner = keys.name("state_expand"), heads * head_columns
        keys.note(f"{name}: {expand} would give {expand * hidden} columns; the heads' {inner} count, as in public code")
    has_biases = keys.flag("state_convolution_biases")
    return StateSpace(
        heads, head_columns, groups, state, taps, has_biases is not False, bool(keys.flag("state_biases"))
    )
