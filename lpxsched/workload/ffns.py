"""What of a model lies on the chips when mixers run on GPUs: the FFNs of its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from lpxsched.workload.config.quantization import quantization_error
from lpxsched.workload.datatypes import WEIGHT_TYPES, WeightType

if TYPE_CHECKING:
    from lpxsched.workload.model import Experts, Ffn, Layer, Model

PARTS = ("dense", "experts", "shared")


@dataclass(frozen=True, slots=True)
class FfnLayer:
    """The FFN of one layer: a dense one, or routed experts, perhaps with shared ones beside them.

    Attributes
    ----------
    hidden : int
        Columns of a row.
    dense : Ffn or None
    experts : Experts or None
    shared : Ffn or None
    """

    hidden: int
    dense: Ffn | None = None
    experts: Experts | None = None
    shared: Ffn | None = None


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


def ffn_model(model: Model) -> FfnModel:
    """Return the layers that have an FFN.

    Raises
    ------
    InputError
        When there is none, or a layer is more than one visit to the chips, at a key that says so.
    """
    layers = [layer for layer in model.layers if layer.has_ffn]
    if not layers:
        raise model.keys.error("order", "no layer has an FFN; nothing would lie on the chips")
    for layer in layers:
        if len(layer.dense) > 1 or (layer.dense and layer.experts):
            problem = "layers with several FFNs cannot be laid over a fabric yet; one of each layer can"
            raise model.keys.error("idle_experts", problem)
        if layer.experts and layer.experts.idle:
            problem = "experts without weights cannot be laid over a fabric yet; leave the key out"
            raise model.keys.error("idle_experts", problem)
    return FfnModel(model.name, tuple(_ffn_layer(layer, model.hidden) for layer in layers))


def gpu_notes(model: Model) -> tuple[str, ...]:
    """Return what a user must know of the parts that do not lie on the chips."""
    without = sum(not layer.has_ffn for layer in model.layers)
    if not without:
        return ()
    whole = len(model.layers)
    return (f"{without} of {whole} layers have no FFN: their mixers run on GPUs, and only {whole - without} are laid",)


def published_weights(model: Model) -> WeightType:
    """Return the one type in which all FFNs are stored.

    Raises
    ------
    InputError
        When there are several, or it is none that chips can hold.
    """
    used = {getattr(layer.stored, part) for layer in model.layers for part in PARTS if getattr(layer, part)}
    types = sorted(used)
    if len(types) > 1 or types[0] not in WEIGHT_TYPES:
        problem = f"FFNs are stored as {' and '.join(types)}; name one of {', '.join(WEIGHT_TYPES)} with --weights"
        raise quantization_error(model.keys.document, problem)
    return cast("WeightType", types[0])


def _ffn_layer(layer: Layer, hidden: int) -> FfnLayer:
    return FfnLayer(hidden, layer.dense[0] if layer.dense else None, layer.experts, layer.shared)
