"""Models small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lpxsched.workload.config import ModelConfig
from lpxsched.workload.datatypes import Precision

TOY = ModelConfig(
    name="toy",
    layers=2,
    hidden=4,
    expert_columns=6,
    experts=3,
    experts_per_token=2,
    expert_biases=True,
    weights="fp8",
)
FP8 = Precision("fp8", "fp8", "bf16")


def toy(**changes: Any) -> ModelConfig:
    """Return the toy model with some numbers changed."""
    return replace(TOY, **changes)
