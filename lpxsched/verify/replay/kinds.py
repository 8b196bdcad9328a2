"""Which function an operator of the graph has, by its kind and by what surrounds it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lpxsched.verify.replay.attention import (
    gated,
    given,
    head_columns,
    projected,
    projected_numbers,
    query_numbers,
    rotated,
    rotated_numbers,
)
from lpxsched.verify.replay.blocks import plain_kind
from lpxsched.verify.replay.cached import (
    Told,
    cached,
    merged,
    score_numbers,
    scores,
    weighed,
    weight_numbers,
    weights,
    with_keys,
    with_values,
)
from lpxsched.verify.replay.dispatched import Dispatched, combined, experts_run, labelled, placed, routed_at_home
from lpxsched.verify.replay.drafts import Copied, Turn, accepted, all_rows, handed, joined, one_row, picked
from lpxsched.verify.replay.ends import Best, Logits, embedded, sampled
from lpxsched.verify.replay.experts import Combine, Experts, Router, Routes
from lpxsched.verify.replay.functions import PARTIAL, REPLICATED, Linear
from lpxsched.verify.replay.latent import (
    absorbed,
    cached_latents,
    latent_given,
    latent_lanes,
    latent_norm,
    latent_numbers,
    latent_rotated,
    latent_scores,
    latent_taken,
    taken_numbers,
    with_latents,
)
from lpxsched.verify.replay.recurrent import (
    all_numbers,
    delta_normed,
    given_numbers,
    projected_parts,
    read_numbers,
    state_columns,
    state_given,
    state_normed,
)
from lpxsched.verify.replay.rows import AtHome, Rows, ffn, multiplied, normed, rounded, scale_of_rows, widened
from lpxsched.verify.replay.slices import (
    Slices,
    active,
    hidden,
    hidden_given,
    hidden_numbers,
    one_column,
    one_number,
)
from lpxsched.verify.replay.sources import Source
from lpxsched.verify.replay.states import (
    after,
    convolved,
    delta_convolved,
    delta_step,
    last_rows,
    read,
    rows_before,
    space_step,
    state_before,
)
from lpxsched.verify.replay.units import Projection, Units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.verify.replay.dispatch import Dispatch
    from lpxsched.verify.replay.functions import Function, Setting
    from lpxsched.verify.replay.mixtures import Mixture

ROUND = partial(Rows, image=rounded)
SCALE = partial(Rows, image=scale_of_rows)
HEADS = partial(Units, unit_columns=head_columns)
STATES = partial(Units, unit_columns=state_columns)
SLICES = partial(Units, unit_columns=one_column, deal=Slices)
KINDS: dict[str, Callable[[Setting], Function]] = {
    "mixer_round": ROUND,
    "ffn_round": ROUND,
    "head_round": ROUND,
    "mixer_scale": SCALE,
    "ffn_scale": SCALE,
    "ffn_norm": partial(Rows, image=normed),
    "home_norm": AtHome,
    "qkv": partial(HEADS, numbers=projected_numbers, left=projected),
    "rotate": partial(HEADS, numbers=rotated_numbers, left=rotated),
    "scores": partial(HEADS, numbers=score_numbers, left=scores, kept=cached, keep=with_keys),
    "softmax": partial(HEADS, numbers=weight_numbers, left=weights),
    "statistics": Told,
    "merge": partial(HEADS, numbers=query_numbers, left=merged),
    "values": partial(HEADS, numbers=query_numbers, left=weighed, kept=cached, keep=with_values),
    "gate": partial(HEADS, numbers=query_numbers, left=gated),
    "out": partial(Projection, unit_columns=head_columns, given=given),
    "latent_norm": partial(Rows, image=latent_norm, least=latent_lanes),
    "down": partial(Rows, image=multiplied),
    "router_in": partial(Rows, image=multiplied),
    "absorb": partial(HEADS, numbers=latent_numbers, left=absorbed),
    "latent_rotate": partial(HEADS, numbers=latent_numbers, left=latent_rotated),
    "latent_scores": partial(HEADS, numbers=score_numbers, left=latent_scores, kept=cached_latents, keep=with_latents),
    "latent_values": partial(HEADS, numbers=taken_numbers, left=latent_taken, kept=cached_latents, keep=with_latents),
    "latent_out": partial(Projection, unit_columns=head_columns, given=latent_given),
    "delta_in": partial(STATES, numbers=all_numbers, left=projected_parts),
    "delta_convolve": partial(STATES, numbers=all_numbers, left=delta_convolved, kept=rows_before, keep=last_rows),
    "delta": partial(
        STATES, numbers=read_numbers, left=partial(read, delta_step), kept=state_before, keep=partial(after, delta_step)
    ),
    "delta_norm": partial(STATES, numbers=given_numbers, left=delta_normed),
    "delta_out": partial(Projection, unit_columns=state_columns, given=state_given),
    "state_in": partial(STATES, numbers=all_numbers, left=projected_parts),
    "state_convolve": partial(STATES, numbers=all_numbers, left=convolved, kept=rows_before, keep=last_rows),
    "state": partial(
        STATES, numbers=read_numbers, left=partial(read, space_step), kept=state_before, keep=partial(after, space_step)
    ),
    "state_norm": partial(STATES, numbers=given_numbers, left=state_normed),
    "state_out": partial(Projection, unit_columns=state_columns, given=state_given),
    "dense": partial(Rows, image=ffn),
    "dense_in": partial(SLICES, numbers=hidden_numbers, left=hidden),
    "dense_activate": partial(SLICES, numbers=one_number, left=active),
    "dense_out": partial(Projection, unit_columns=one_column, given=hidden_given, deal=Slices),
    "shared": partial(Rows, image=ffn),
    "widen": partial(Rows, image=widened),
    "embedding": partial(Rows, image=embedded),
    "lm_head": Logits,
    "argmax": Best,
    "sample": partial(Rows, image=sampled),
    "accept": partial(Turn, image=accepted, rows_per_user=all_rows),
    "pick": partial(Turn, image=picked, rows_per_user=one_row),
    "hand": partial(Turn, image=handed, rows_per_user=one_row),
    "onward": Copied,
    "token_scale": SCALE,
    "row_scale": SCALE,
    "join": partial(SLICES, numbers=one_number, left=joined),
    "project": partial(Projection, unit_columns=one_column, given=hidden_given, deal=Slices),
}
# First input and output of kinds of the layers that mixers on GPUs leave; in another form they are linear maps.
FORMS = {
    "router_in": (REPLICATED, REPLICATED),
    "dense": (REPLICATED, PARTIAL),
    "shared": (REPLICATED, PARTIAL),
    "widen": (PARTIAL, PARTIAL),
}


def functions_of(
    settings: Sequence[Setting], mixtures: Sequence[Mixture], dispatches: Sequence[Dispatch]
) -> list[Function]:
    """Return the function of each operator.

    Raises
    ------
    InputError
        Where the graph does not say what an operator computes.
    """
    routed: dict[str, Callable[[Setting], Function]] = {}
    for mixture in mixtures:
        routed |= {
            mixture.router: partial(Routes if mixture.by_gpu else Router, mixture=mixture),
            mixture.expert: partial(Experts, mixture=mixture),
            mixture.combine: partial(Combine, mixture=mixture),
        }
    for layer in dispatches:
        routed |= dict.fromkeys(layer.placers, partial(Dispatched, layer=layer, made=placed))
        routed |= dict.fromkeys(layer.labellers, partial(Dispatched, layer=layer, made=labelled))
        routed |= {layer.router: partial(Dispatched, layer=layer, made=routed_at_home)} if layer.router else {}
        routed[layer.expert] = partial(Dispatched, layer=layer, made=experts_run)
        routed[layer.combine] = partial(Dispatched, layer=layer, made=combined)
    return [routed.get(one.operator.name, _function(one))(one) for one in settings]


def _function(setting: Setting) -> Callable[[Setting], Function]:
    operator = setting.operator
    if not operator.inputs:
        return Source
    form = (operator.inputs[0].layout, *(setting.tensors[name].layout for name in operator.outputs))
    kind = plain_kind(operator.kind)
    if kind in KINDS and form == FORMS.get(kind, form):
        return KINDS[kind]
    return Linear
