"""Models small enough to be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lpxsched.workload.datatypes import Precision
from lpxsched.workload.routed import RoutedModel

TOY = RoutedModel(
    name="toy",
    layers=2,
    hidden=4,
    expert_columns=6,
    experts=3,
    experts_per_token=2,
    expert_biases=True,
)
FP8 = Precision("fp8", "fp8", "bf16")


def toy(**changes: Any) -> RoutedModel:
    """Return the toy model with some numbers changed."""
    return replace(TOY, **changes)
