"""Models that can be laid over a fabric: equal layers of routed experts with a gate; all others are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from lpxsched.workload.config.quantization import quantization_error
from lpxsched.workload.datatypes import WEIGHT_TYPES, WeightType

if TYPE_CHECKING:
    from lpxsched.workload.model import Experts, Layer, Model


@dataclass(frozen=True, slots=True)
class RoutedModel:
    """A model of equal layers of gated experts (gate, up and down matrices).

    Attributes
    ----------
    name : str
    layers, hidden, expert_columns, experts, experts_per_token : int
        Numbers of layers, columns of a row, columns inside an expert, experts a layer, experts that a row meets.
    expert_biases : bool
        Whether each matrix of an expert has a bias.
    """

    name: str
    layers: int
    hidden: int
    expert_columns: int
    experts: int
    experts_per_token: int
    expert_biases: bool


def routed_model(model: Model) -> RoutedModel:
    """Return what a model's layers have in common.

    Raises
    ------
    InputError
        When a layer has another FFN than routed experts, at a key that says so.
    """
    for layer in model.layers:
        for lacking, facts, what in _lacking(layer):
            if lacking:
                fact = next((fact for fact in facts if model.keys.value(fact)), facts[-1])
                raise model.keys.error(fact, f"{what} cannot be laid over a fabric yet; only routed experts can")
    experts = cast("Experts", model.layers[0].experts)
    return RoutedModel(
        model.name,
        len(model.layers),
        model.hidden,
        experts.columns,
        experts.number,
        experts.per_token,
        experts.biases,
    )


def _lacking(layer: Layer) -> tuple[tuple[bool, tuple[str, ...], str], ...]:
    """Return whether a layer has each part that is not supported, the facts that may say so, and its name."""
    experts, dense_rules = layer.experts, ("first_dense", "moe_step", "dense_list", "moe_frequency", "sparse_step")
    return (
        (not layer.has_ffn, ("order",), "a layer without an FFN"),
        (bool(layer.dense), (*dense_rules, "mlp_columns", "columns"), "a dense FFN"),
        (layer.shared is not None, ("beside", "shared_columns", "shared_experts", "moe_step"), "a shared expert"),
        (experts is not None and experts.matrices != 3, ("activation",), "an expert without a gate"),
        (experts is not None and experts.latent_columns > 0, ("latent_columns",), "a latent expert"),
        (experts is not None and experts.idle > 0, ("idle_experts",), "an expert without weights"),
    )


def published_weights(model: Model) -> WeightType:
    """Return the one type in which the experts of all layers are stored.

    Raises
    ------
    InputError
        When there are several, or it is none that chips can hold.
    """
    types = sorted({layer.stored.experts for layer in model.layers})
    if len(types) > 1 or types[0] not in WEIGHT_TYPES:
        problem = f"experts are stored as {' and '.join(types)}; name one of {', '.join(WEIGHT_TYPES)} with --weights"
        raise quantization_error(model.keys.document, problem)
    return types[0]
