"""Which function an operator of the graph has, by its kind and by what surrounds it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lpxsched.verify.replay import recurrent, states
from lpxsched.verify.replay.attention import Gate, Out, Project, Rotate
from lpxsched.verify.replay.cached import Scores, Softmax, Weighed
from lpxsched.verify.replay.dispatched import DispatchedCombine, DispatchedExperts, HomeRouter, Label, Place
from lpxsched.verify.replay.ends import Best, Embedding, Logits, Sample
from lpxsched.verify.replay.experts import Combine, Experts, Router, Routes
from lpxsched.verify.replay.functions import PARTIAL, REPLICATED, Linear
from lpxsched.verify.replay.latent import (
    Absorb,
    LatentNorm,
    LatentOut,
    LatentRotate,
    LatentScores,
    LatentValues,
)
from lpxsched.verify.replay.rows import Ffn, Norm, Widen
from lpxsched.verify.replay.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.verify.replay.dispatch import Dispatch
    from lpxsched.verify.replay.functions import Function, Setting
    from lpxsched.verify.replay.mixtures import Mixture

KINDS: dict[str, Callable[[Setting], Function]] = {
    "mixer_norm": Norm,
    "ffn_norm": Norm,
    "final_norm": Norm,
    "qkv": Project,
    "rotate": Rotate,
    "scores": Scores,
    "softmax": Softmax,
    "values": Weighed,
    "gate": Gate,
    "out": Out,
    "latent_norm": LatentNorm,
    "absorb": Absorb,
    "latent_rotate": LatentRotate,
    "latent_scores": LatentScores,
    "latent_values": LatentValues,
    "latent_out": LatentOut,
    "delta_in": recurrent.DeltaProject,
    "delta_convolve": states.DeltaConvolve,
    "delta": states.DeltaUpdate,
    "delta_norm": recurrent.DeltaNorm,
    "delta_out": recurrent.RecurrentOut,
    "state_in": recurrent.Project,
    "state_convolve": states.Convolve,
    "state": states.StateUpdate,
    "state_norm": recurrent.StateNorm,
    "state_out": recurrent.RecurrentOut,
    "dense": Ffn,
    "shared": Ffn,
    "widen": Widen,
    "embedding": Embedding,
    "lm_head": Logits,
    "argmax": Best,
    "sample": Sample,
}
# First input and output of kinds of the layers that mixers on GPUs leave; in another form they are linear maps.
FORMS = {"dense": (REPLICATED, PARTIAL), "shared": (REPLICATED, PARTIAL), "widen": (PARTIAL, PARTIAL)}


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
        routed |= dict.fromkeys(layer.placers, partial(Place, layer=layer))
        routed |= dict.fromkeys(layer.labellers, partial(Label, layer=layer))
        routed |= {layer.router: partial(HomeRouter, layer=layer)} if layer.router else {}
        routed[layer.expert] = partial(DispatchedExperts, layer=layer)
        routed[layer.combine] = partial(DispatchedCombine, layer=layer)
    return [routed.get(one.operator.name, _function(one))(one) for one in settings]


def _function(setting: Setting) -> Callable[[Setting], Function]:
    operator = setting.operator
    if not operator.inputs:
        return Source
    form = (operator.inputs[0].layout, *(setting.tensors[name].layout for name in operator.outputs))
    if operator.kind in KINDS and form == FORMS.get(operator.kind, form):
        return KINDS[operator.kind]
    return Linear
