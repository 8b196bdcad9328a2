"""What of a model lies on the chips when mixers run on GPUs: the FFNs of its layers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from lpxsched.units import counted
from lpxsched.workload.config.quantization import type_error
from lpxsched.workload.counts import layer_counts
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, WEIGHT_TYPES, WeightType
from lpxsched.workload.drafter import guessing_notes, layers_of_step
from lpxsched.workload.policy import SHARDED, Policy, refuse_without_experts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.model import Experts, Ffn, Layer, Model

PARTS = ("dense", "experts", "shared")


@dataclass(frozen=True, slots=True)
class FfnLayer:
    """The FFNs of one visit to the chips: a dense one, or routed experts, perhaps with shared ones beside them.

    Where there are both, what the dense one gives leaves by itself.

    Attributes
    ----------
    hidden : int
        Columns of a row.
    dense : Ffn or None
    experts : Experts or None
    shared : Ffn or None
    policy : Policy
        How the experts lie.
    types : tuple of (str, str)
        Parts whose weights are of another type than the others', and that type.
    """

    hidden: int
    dense: Ffn | None = None
    experts: Experts | None = None
    shared: Ffn | None = None
    policy: Policy = SHARDED
    types: tuple[tuple[str, WeightType], ...] = ()

    def precision(self, part: str, precision: Precision) -> Precision:
        """Return the types of a part: ``dense``, ``experts`` or ``shared``."""
        return replace(precision, weights=dict(self.types).get(part, precision.weights))


@dataclass(frozen=True, slots=True)
class FfnModel:
    """The layers of a model that have an FFN, in their order.

    Attributes
    ----------
    name : str
    layers : tuple of FfnLayer
    """

    name: str
    layers: tuple[FfnLayer, ...]


def ffn_model(
    model: Model, policy: Policy = SHARDED, weights: WeightType | None = None, *, drafts: int = 0
) -> FfnModel:
    """Return the visits to the chips that layers of a model make for their FFNs, those of what guesses drafts last.

    Parameters
    ----------
    model : Model
    policy : Policy
        How experts lie.
    weights : str or None
        Type of all weights; None for those in which they were published.
    drafts : int
        Drafts of a user and a step.

    Raises
    ------
    InputError
        When there is no FFN or its weights have a type that chips cannot hold, at a key that says so, or when there are
        no experts for a policy.
    """
    layers = [layer for layer in layers_of_step(model, drafts) if layer.has_ffn]
    if not layers:
        raise model.keys.error("order", "no layer has an FFN; nothing would lie on the chips")
    refuse_without_experts(policy, model.name, layers)
    for layer in layers:
        if layer.experts and layer.experts.idle and (policy.moe == "dispatch" or layer.experts.latent_columns):
            problem = "experts without weights give rows themselves, which must be on the chips; try --moe whole"
            raise model.keys.error("idle_experts", problem)
    main = weights or published_weights(model, drafts)
    return FfnModel(
        model.name,
        tuple(
            visit
            for layer in layers
            for visit in _visits(layer, model.hidden, policy, () if weights else differing_types(layer, main))
        ),
    )


def gpu_notes(model: Model, drafts: int = 0) -> tuple[str, ...]:
    """Return what a user must know of the parts that do not lie on the chips."""
    without, whole = sum(not layer.has_ffn for layer in model.layers), len(model.layers)
    twice = sum(len(layer.dense) > 1 for layer in model.layers)
    notes = []
    if without:
        laid = whole - without
        told = f"{without} of {counted(whole, 'layer')} {'has' if without == 1 else 'have'} no FFN"
        only = f"{counted(laid, 'layer')} {'is' if laid == 1 else 'are'} laid"
        notes.append(f"{told}: their mixers run on GPUs, and only {only}")
    if twice:
        told = "the first FFN beside the experts, then, after another mixer, each further FFN"
        visit = "visits" if twice == 1 else "visit"
        notes.append(f"{twice} of {counted(whole, 'layer')} {visit} the chips more than once: {told}")
    return (*notes, *guessing_notes(model, drafts))


def published_weights(model: Model, drafts: int = 0) -> WeightType:
    """Return the type in which FFNs are stored; of several one in blocks that share a scale, then that of the most.

    Those of modules that guess drafts count where they are laid beside mixers on GPUs.

    Raises
    ------
    InputError
        When one of them is none that chips can hold.
    """
    used = Counter[str]()
    for layer in layers_of_step(model, drafts):
        counts = layer_counts(layer, model.hidden)
        for part in PARTS:
            used[getattr(layer.stored, part)] += getattr(counts, part)
    types = sorted(dtype for dtype, weights in used.items() if weights)
    if not set(types) <= set(WEIGHT_TYPES):
        problem = f"FFNs are stored as {' and '.join(types)}; name one of {', '.join(WEIGHT_TYPES)} with --weights"
        raise type_error(model.keys, problem)
    return cast("WeightType", max(types, key=lambda dtype: (dtype in SCALE_BLOCK_COLUMNS, used[dtype])))


def differing_types(layer: Layer, main: WeightType) -> tuple[tuple[str, WeightType], ...]:
    """Return the parts of a layer that are stored in another type."""
    stored = ((part, getattr(layer.stored, part)) for part in PARTS if getattr(layer, part))
    return tuple((part, cast("WeightType", dtype)) for part, dtype in stored if dtype != main)


def _visits(layer: Layer, hidden: int, policy: Policy, types: tuple[tuple[str, WeightType], ...]) -> Iterator[FfnLayer]:
    """Yield the visits of a layer: experts with the first dense FFN beside them, then each further dense one."""
    first = layer.dense[0] if layer.dense else None
    beside, dense = policy if layer.experts else SHARDED, tuple(one for one in types if one[0] == "dense")
    yield FfnLayer(hidden, first, layer.experts, layer.shared, beside, types)
    yield from (FfnLayer(hidden, further, types=dense) for further in layer.dense[1:])
