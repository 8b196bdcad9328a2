"""What guesses the drafts of a step: modules of layers after the model's own (MTP), where they can be laid.

On the chips modules take turns (`lpu_visits`). With mixers on GPUs each module guesses one draft at most: its first
visit has all rows of the step, so its FFNs are layers like any other; a further visit would have a row a user, and
frames have one number of rows.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from lpxsched.workload.model import Attention, LatentAttention, Unread

if TYPE_CHECKING:
    from lpxsched.workload.model import Layer, Model

UNNAMED = "no key names layers that guess further tokens; what guesses drafts is not modelled"
NOT_LAID = "layers that guess further tokens are not laid"


def why_no_guess(model: Model) -> str:
    """Return why layers that guess further tokens cannot be laid; empty where they can."""
    mixers = {mixer for layer in model.mtp for mixer in layer.mixers}
    if all(isinstance(mixer, Attention | LatentAttention | Unread) for mixer in mixers):
        return ""
    return "their mixers have a state, from which a draft that is not accepted cannot be taken back"


def modules_beside_gpus(model: Model, drafts: int) -> tuple[tuple[Layer, ...], ...]:
    """Return the layers of each module that guesses a draft beside GPUs; none where they cannot guess all drafts."""
    laid = model.mtp and drafts <= model.mtp_modules and not why_no_guess(model)
    return (model.mtp,) * drafts if laid else ()


def layers_of_step(model: Model, drafts: int) -> tuple[Layer, ...]:
    """Return the layers that a step with mixers on GPUs goes through, those of modules that guess drafts last."""
    return (*model.layers, *chain.from_iterable(modules_beside_gpus(model, drafts)))


def guessing_notes(model: Model, drafts: int) -> tuple[str, ...]:
    """Return what a user must know of what guesses drafts, mixers on GPUs."""
    if not drafts or modules_beside_gpus(model, drafts):
        return ()
    if not model.mtp:
        return (UNNAMED,)
    few = f"{model.mtp_modules} of them for {drafts} drafts, and a further visit has a row a user: try --draft "
    return (f"{model.keys.name('mtp_layers')}: {NOT_LAID}; {why_no_guess(model) or few + str(model.mtp_modules)}",)
