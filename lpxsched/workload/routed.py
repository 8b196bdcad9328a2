"""Work of routed experts and of what surrounds them, by the policy that says which chip holds which.

With ``sharded`` each chip holds the same columns of every expert, or blocks of columns of some where the columns of
all would lie unevenly (`expert_blocks`); with ``whole`` some experts whole, the first chips one more than the last; a
chip without any leaves a summand of nothing; with ``dispatch`` also, but rows come to positions (`dispatch`), and each
chip routes its own. How often they run is the worst case over all routings (`expert_runs`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import ROUTER_TYPE, arithmetic_type, exact_bytes_of
from lpxsched.workload.dispatch import LABEL_NUMBERS, pairs_on, sources_of
from lpxsched.workload.expert_blocks import blocks_of
from lpxsched.workload.expert_runs import met_pairs
from lpxsched.workload.expert_work import experts_in_blocks, sliced_experts, whole_experts
from lpxsched.workload.router import choice_work, logits_work
from lpxsched.workload.slices import at_home, replicated
from lpxsched.workload.work import VECTOR, Share, Term, Work, shard_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.dispatch import Source
    from lpxsched.workload.expert_runs import Pairs
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.model import Experts


def routed_work(layer: FfnLayer, chip: Chip, width: int, *, batch: int, precision: Precision) -> dict[str, Work]:
    """Return the work of each operator kind between rows and the sum of a layer's experts; none without experts.

    Parameters
    ----------
    layer : FfnLayer
    chip : Chip
    width : int
        Chips of the group.
    batch : int
        Rows of a step.
    precision : Precision
    """
    if not layer.experts:
        return {}
    experts, typed = layer.experts, layer.precision("experts", precision)
    columns, joined = experts.latent_columns or layer.hidden, layer.shared is not None
    beside, works = joined and columns == layer.hidden, dict[str, Work]()
    if layer.policy.router == "lpu":
        works["router_in"] = logits_work(experts, layer.hidden, precision.activations, batch, precision.partials)
        works["router"] = choice_work(experts, batch, precision.partials)
    if experts.latent_columns:
        works["narrow"] = _narrow(layer.hidden, columns, batch, typed)
        works["widen"] = widening(layer.hidden, columns, batch, typed, joined=joined)
    if layer.policy.moe == "dispatch":
        sources = sources_of(layer, batch, width)
        pairs = [pairs_on(sources, held, experts.per_token) for held in shard_sizes(experts.number, 1, width)]
        if layer.policy.router == "lpu":
            here = [source.rows for source in sources]
            works |= {kind: at_home(works[kind], here) for kind in ("router_in", "router", "narrow") if kind in works}
            works |= _sending(columns, experts, sources, precision)
        works["combine"] = _scattered(columns, pairs, batch, typed, joined=beside)
        return works | {"experts": whole_experts(columns, experts, chip, pairs, typed)}
    if layer.policy.moe == "whole":
        pairs = [met_pairs(batch, held, experts.per_token) for held in shard_sizes(experts.number, 1, width)]
        met = [min(experts.per_token, some.experts) for some in pairs]
        works["experts"] = whole_experts(columns, experts, chip, pairs, typed)
    else:
        blocks = blocks_of(experts, typed.weights, chip, width)
        met = [blocks.met(held, experts.per_token) for held in blocks.held()]
        divided = experts_in_blocks if blocks.coarse else sliced_experts
        works["experts"] = divided(columns, experts, chip, blocks, batch=batch, precision=typed)
    return works | {"combine": _combine(columns, met, batch, typed, joined=beside, idle=experts.idle > 0)}


def _narrow(hidden: int, columns: int, batch: int, precision: Precision) -> Work:
    """Work of bringing rows to the width of latent experts, whole on each chip: a slice would cost a hop."""
    weights = exact_bytes_of(hidden * columns, precision.weights)
    dtype, row = arithmetic_type(precision.weights, precision.activations), hidden + columns
    moved = exact_bytes_of(row, precision.activations)
    return replicated(dtype, precision.weights, weights, batch, row=moved, macs=hidden * columns)


def widening(hidden: int, columns: int, batch: int, precision: Precision, *, joined: bool) -> Work:
    """Work of bringing a chip's summand back to the width of a row, on top of that of shared experts if `joined`.

    The matrix is linear, so that a sum over chips of widened summands is the widened sum.
    """
    weights = exact_bytes_of(hidden * columns, precision.weights)
    row = exact_bytes_of(columns + (1 + joined) * hidden, precision.partials)
    dtype = arithmetic_type(precision.weights, "bf16")
    return replicated(dtype, precision.weights, weights, batch, row=row, macs=(columns + joined) * hidden)


def _combine(columns: int, met: Sequence[int], batch: int, precision: Precision, *, joined: bool, idle: bool) -> Work:
    """Work of the weighted sum over the experts that a row meets on each chip, and of shared ones if `joined`.

    Experts without weights give the row itself: the first chip adds it, if some are `idle`.
    """
    row, same = exact_bytes_of(columns, precision.partials), len(set(met)) == 1
    always = joined + met[0] * same
    alone = (
        Term("bytes", VECTOR, per_row=exact_bytes_of(columns, precision.activations), shard=0),
        Term("elements", VECTOR, per_row=Fraction(columns), shard=0),
    )
    return Work(
        dtype=precision.partials,
        rows=batch,
        terms=(
            Term("bytes", VECTOR, per_row=(always + 1) * row, per_row_column=Fraction(0) if same else row),
            Term(
                "elements",
                VECTOR,
                per_row=Fraction(always * columns),
                per_row_column=Fraction(0 if same else columns),
            ),
            *(alone if idle else ()),
        ),
        pipelines=((VECTOR, 1),),
        shares=() if same else tuple(Share(batch, experts) for experts in met),
    )


def _sending(columns: int, experts: Experts, sources: Sequence[Source], precision: Precision) -> dict[str, Work]:
    """Return the work of bringing rows to their positions, at most k of a row, and of labels for all positions."""
    row, numbers = exact_bytes_of(columns, precision.activations), Fraction(LABEL_NUMBERS)
    label, places = exact_bytes_of(LABEL_NUMBERS, ROUTER_TYPE), [experts.number * source.room for source in sources]
    filled = [min(source.rows * experts.per_token, place) for source, place in zip(sources, places, strict=True)]
    return {
        "label": Work(
            dtype=ROUTER_TYPE,
            terms=(
                Term("bytes", VECTOR, per_row=experts.per_token * label, per_column=label),
                Term("elements", VECTOR, per_column=numbers),
            ),
            pipelines=((VECTOR, 1),),
            shares=tuple(Share(source.rows, place) for source, place in zip(sources, places, strict=True)),
        ),
        "dispatch": Work(
            dtype=precision.activations,
            terms=(
                Term("bytes", VECTOR, per_row=row, per_column=row),
                Term("elements", VECTOR, per_column=Fraction(columns)),
            ),
            pipelines=((VECTOR, 1),),
            shares=tuple(Share(source.rows, count) for source, count in zip(sources, filled, strict=True)),
        ),
    }


def _scattered(columns: int, pairs: Sequence[Pairs], batch: int, precision: Precision, *, joined: bool) -> Work:
    """Work of adding the pairs of each chip to their rows, and shared experts if `joined`."""
    row = exact_bytes_of(columns, precision.partials)
    return Work(
        dtype=precision.partials,
        terms=(
            Term("bytes", VECTOR, per_row=(1 + joined) * row, per_column=row),
            Term("elements", VECTOR, per_row=Fraction(joined * columns), per_column=Fraction(columns)),
        ),
        pipelines=((VECTOR, 1),),
        shares=tuple(Share(batch, some.total) for some in pairs),
    )
