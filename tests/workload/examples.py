"""Models small enough to be worked out by hand."""

from __future__ import annotations

from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffns import FfnLayer, FfnModel
from lpxsched.workload.model import Experts

FP8 = Precision("fp8", "fp8", "bf16")


def toy(
    *,
    layers: int = 2,
    hidden: int = 4,
    expert_columns: int = 6,
    experts: int = 3,
    experts_per_token: int = 2,
    expert_biases: bool = True,
    name: str = "toy",
) -> FfnModel:
    """Return equal layers of routed experts with a gate, some numbers changed."""
    routed = Experts(experts, experts_per_token, expert_columns, 3, biases=expert_biases)
    return FfnModel(name, (FfnLayer(hidden, experts=routed),) * layers)


TOY = toy()
