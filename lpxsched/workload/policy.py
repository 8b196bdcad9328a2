"""How rows meet experts: which chips hold them, and who chooses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from lpxsched.workload.model import Layer

Moe = Literal["sharded", "whole", "dispatch"]
Router = Literal["lpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How the experts of a layer lie on its chips, and how rows reach them.

    Attributes
    ----------
    moe : str
        ``sharded``: each chip holds the same columns of every expert, or blocks of columns of some where the same of
        all would lie unevenly. ``whole``: each chip holds some experts, and all rows reach all chips. ``dispatch``: as
        ``whole``, but a row reaches only the chips of its experts.
    router : str
        Where the router runs.
    capacity : Fraction or None
        Of ``dispatch``: rows for which an expert has room at once, as a multiple of the mean over the experts; None
        for room whatever the routing.
    """

    moe: Moe = "sharded"
    router: Router = "lpu"
    capacity: Fraction | None = None


SHARDED = Policy()


def refuse_without_experts(policy: Policy, name: str, layers: Iterable[Layer]) -> None:
    """Refuse a policy for the layers of a model that have no experts.

    Raises
    ------
    InputError
    """
    if policy != SHARDED and not any(layer.experts for layer in layers):
        option = "--moe" if policy.moe != SHARDED.moe else "--router"
        raise InputError("lpxsched compile", f"{name} has no routed experts; leave it out", key=option)
