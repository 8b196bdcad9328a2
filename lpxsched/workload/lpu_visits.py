"""The visits of a whole model on the chips: what groups compute one after the other in a step.

0 is the embedding, 1 to L are the layers, L + 1 is the head. Where layers that guess further tokens are laid, each
draft follows: ``join`` on the chips of the embedding, or with one of its own, the layers of a module, and the head
again. Drafts take the modules in turn. A visit with a `home` uses what that earlier visit keeps, on its chips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lpxsched.units import NONE
from lpxsched.workload.drafter import NOT_LAID, UNNAMED, why_no_guess
from lpxsched.workload.model import LatentAttention, Layer, Unread
from lpxsched.workload.parts.drafts import Draft
from lpxsched.workload.policy import SHARDED, refuse_without_experts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.workload.model import Mixer, Model
    from lpxsched.workload.policy import Policy

EMBEDDING = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """What one group computes before rows move on; equal visits have equal operators.

    Attributes
    ----------
    part : str or Layer
        ``embedding``, ``join``, ``head``, or a layer of the model.
    hidden, vocabulary : int
        Columns of a row, and tokens; the latter 0 where the visit needs none.
    draft : Draft or None
        The draft that it is of; None where drafts are not laid, and before the head.
    home : int
        The earlier visit that keeps what this one uses, `NONE` for itself.
    embedding : int
        The visit whose embedding a join uses, on its chips; `NONE` for one of its own.
    """

    part: Literal["embedding", "join", "head"] | Layer
    hidden: int
    vocabulary: int = 0
    draft: Draft | None = None
    home: int = NONE
    embedding: int = EMBEDDING


def lpu_visits(model: Model, policy: Policy = SHARDED, drafts: int = 0, *, embeds: bool = False) -> tuple[Visit, ...]:
    """Return the visits of a step, in their order.

    Parameters
    ----------
    model : Model
    policy : Policy
        How experts lie.
    drafts : int
        Drafts of a user that a step checks, and guesses for the next one where the model has layers for that.
    embeds : bool
        Whether the first join keeps an embedding of its own, for fabrics on which the head ends far from the other.

    Raises
    ------
    InputError
        When a part of the model is not known, or cannot be laid over chips, or there are no experts for a policy.
    """
    if not model.vocabulary:
        raise model.keys.error("vocabulary", "missing; embedding and head lie on the chips with --attention lpu")
    refuse_without_experts(policy, model.name, model.layers)
    guesses = bool(drafts and model.mtp) and not why_no_guess(model)
    for layer in (*model.layers, *(model.mtp if guesses else ())):
        problem = _problem(layer, policy)
        if problem:
            raise model.keys.error("order", f"{problem}; try --attention gpu")
    layers = (Visit(layer, model.hidden) for layer in model.layers)
    first, last = (Visit(end, model.hidden, model.vocabulary) for end in ("embedding", "head"))
    if not guesses:
        return (first, *layers, last)
    checks = Draft(0, drafts, model.mtp_modules)
    return (first, *layers, replace(last, draft=checks), *_guessing(model, checks, embeds=embeds))


def chips_of(visits: Sequence[Visit]) -> tuple[int, ...]:
    """Return the visit on whose chips each visit lies: itself, or an earlier one."""
    return tuple(
        number if home == NONE else home
        for number, home in enumerate(visit.embedding if visit.part == "join" else visit.home for visit in visits)
    )


def lpu_notes(model: Model, drafts: int = 0) -> tuple[str, ...]:
    """Return what a user must know of the parts of a whole model that do not lie on the chips, or lie there again."""
    notes = []
    if any(isinstance(mixer, LatentAttention) and mixer.index_heads for mixer in _mixers(model)):
        name = model.keys.name("index_heads")
        notes.append(f"{name}: what picks rows of the context is not laid; attention sees all of them")
    name, why = model.keys.name("mtp_layers"), why_no_guess(model)
    if not model.mtp:
        notes += [UNNAMED] * bool(drafts)
    elif why or not drafts:
        notes.append(f"{name}: {NOT_LAID}; {why or '--draft lays them'}")
    elif drafts > model.mtp_modules:
        by = "one module" if model.mtp_modules == 1 else f"{model.mtp_modules} modules in turn"
        notes.append(f"{name}: {drafts} drafts are guessed by {by}, again and again, as public serving does")
    return tuple(notes)


def _guessing(model: Model, checks: Draft, *, embeds: bool) -> Iterator[Visit]:
    """Yield the visits of all drafts; those of a module that is visited again are at home where it was first."""
    head, length = len(model.layers) + 1, len(model.mtp) + 2
    for number in range(1, checks.drafts + 1):
        draft = checks._replace(number=number)
        begin = head + 1 + (draft.first - 1) * length
        homes = [NONE if draft.first == number else begin + place for place in range(length - 1)]
        embedding = EMBEDDING if not embeds else NONE if number == 1 else head + 1
        yield Visit("join", model.hidden, model.vocabulary, draft, homes[0], embedding)
        for layer, home in zip(model.mtp, homes[1:], strict=True):
            yield Visit(layer, model.hidden, 0, draft, home)
        yield Visit("head", model.hidden, model.vocabulary, draft, head)


def _mixers(model: Model) -> set[Mixer]:
    return {mixer for layer in model.layers for mixer in layer.mixers}


def _problem(layer: Layer, policy: Policy) -> str:
    """Return why a layer cannot be laid over chips; empty when it can."""
    if len(layer.mixers) > 1 or len(layer.dense) > 1 or (layer.dense and layer.experts):
        return "layers with several mixers or FFNs cannot be laid over a fabric yet"
    if layer.experts and layer.experts.idle and (policy.moe == "dispatch" or layer.experts.latent_columns):
        return "experts without weights give rows themselves, which must be whole on the chips"
    if policy.moe == "dispatch" and layer.experts and not layer.mixers:
        return "rows are dispatched after a mixer of the same layer, and some have none"
    unread = [name for mixer in layer.mixers if isinstance(mixer, Unread) for name in mixer.missing]
    return f"{', '.join(unread)}: missing; mixers lie on the chips with --attention lpu" if unread else ""
