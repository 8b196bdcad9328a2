"""The order of precedence: the longest chain of operators and demands before each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.problem.instance import Instance


def ranks(instance: Instance) -> tuple[Integers, Integers]:
    """Return the rank of each operator and of each demand in the order of precedence."""
    operators = np.zeros(instance.operators, dtype=np.int64)
    while True:
        demands = instance.demand_leaf_operators.greatest(operators, least=-1) + 1
        after = instance.operator_after.greatest(operators, least=-1)
        later = np.maximum(after, instance.operator_demands.greatest(demands, least=-1)) + 1
        if (later == operators).all():
            return operators, demands
        operators = later
