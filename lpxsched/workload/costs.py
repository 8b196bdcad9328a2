"""What each operator of a layer costs one chip: a roofline of SRAM bytes and arithmetic, worst case over all routings.

A timetable cannot depend on the routing, so every cost is an upper bound over all routings. With policy ``sharded``
each chip holds the same columns of every expert. A batch of B rows that meet k experts each

- makes exactly B k products of a row with an expert, wherever they fall: the arithmetic does not depend on routing;
- touches at most min(B k, E) different experts: no more rows than B k exist to touch one, and no more experts than E.
  Only a touched expert's weights are read, each once, so this bounds the bytes, and a routing that spreads the rows
  meets the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.units import ceil_div
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, arithmetic_type, bytes_of

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.config import ModelConfig
    from lpxsched.workload.datatypes import Precision

ROUTER_TYPE = "bf16"
BIAS_TYPE = "bf16"


@dataclass(frozen=True, slots=True)
class Cost:
    """Worst case of one operator on one chip.

    Attributes
    ----------
    dtype : str
        Type in which it computes.
    sram_bytes, macs : int
        Bytes read and written; multiply-accumulates (or element operations on the vector unit).
    fixed_cycles : int
        Latency of the pipeline.
    weight_bytes : int
        Weights of this operator that the chip holds, for all experts.
    weight_dtype, weight_layout : str
        Their type, and whether each chip holds all of them (``replicated``) or a slice (``sharded``).
    """

    dtype: str
    sram_bytes: int
    macs: int
    fixed_cycles: int
    weight_bytes: int = 0
    weight_dtype: str = ""
    weight_layout: str = ""


def cycles(cost: Cost, unit: str, chip: Chip) -> int:
    """Return the duration of an operator: the slower of SRAM and arithmetic, plus the pipeline; 0 on a host."""
    if unit == "host":
        return 0
    rate = chip.vector_operations_per_cycle if unit == "vector" else chip.matrix_macs_per_cycle[cost.dtype]
    busy = max(ceil_div(cost.sram_bytes, chip.sram_bytes_per_cycle), ceil_div(cost.macs, rate))
    return busy + cost.fixed_cycles


def shard_sizes(columns: int, multiple: int, width: int) -> list[int]:
    """Deal columns over chips in whole multiples, the larger shares first; the last share may be short.

    Parameters
    ----------
    columns : int
    multiple : int
        Columns that must stay together.
    width : int
        Number of chips.
    """
    blocks = ceil_div(columns, multiple)
    sizes = [(blocks // width + (index < blocks % width)) * multiple for index in range(width)]
    excess = blocks * multiple - columns
    last = max(index for index, size in enumerate(sizes) if size)
    sizes[last] -= excess
    return sizes


def shard_costs(
    model: ModelConfig, chip: Chip, width: int, *, batch: int, precision: Precision
) -> list[dict[str, Cost]]:
    """Return the cost of each operator kind on each chip of a group.

    Returns
    -------
    list of dict
        One entry a chip of the group; keys are ``router``, ``experts``, ``combine``, ``ingress``, ``egress``.
    """
    multiple = math.lcm(chip.shard_columns, SCALE_BLOCK_COLUMNS.get(precision.weights, 1))
    host = Cost("none", 0, 0, 0)
    return [
        {
            "ingress": host,
            "router": _router(model, chip, batch, precision),
            "experts": _experts(model, chip, batch, precision, columns, first=index == 0),
            "combine": _combine(model, chip, batch, precision),
            "egress": host,
        }
        for index, columns in enumerate(shard_sizes(model.expert_columns, multiple, width))
    ]


def _router(model: ModelConfig, chip: Chip, batch: int, precision: Precision) -> Cost:
    # Every chip computes the whole router: its weights are small, and an all-reduce of the logits would cost a hop.
    elements = (model.hidden + model.expert_biases) * model.experts
    weight_bytes = bytes_of(elements, ROUTER_TYPE)
    row_bytes = bytes_of(model.hidden, precision.activations) + bytes_of(2 * model.experts_per_token, ROUTER_TYPE)
    return Cost(
        dtype=ROUTER_TYPE,
        sram_bytes=weight_bytes + batch * row_bytes,
        macs=batch * model.hidden * model.experts,
        fixed_cycles=chip.matrix_fixed_cycles,
        weight_bytes=weight_bytes,
        weight_dtype=ROUTER_TYPE,
        weight_layout="replicated",
    )


def _experts(model: ModelConfig, chip: Chip, batch: int, precision: Precision, columns: int, *, first: bool) -> Cost:
    """Cost of a slice of every expert: `columns` columns of gate and up, as many rows of down."""
    assigned_rows = batch * model.experts_per_token
    touched = min(assigned_rows, model.experts)
    matrices = 3 * model.hidden * columns
    # The bias of down is added once, on the first chip.
    biases = (2 * columns + first * model.hidden) * model.expert_biases
    expert_bytes = bytes_of(matrices, precision.weights) + bytes_of(biases, BIAS_TYPE)
    row_bytes = (
        bytes_of(model.hidden, precision.activations)
        + 2 * bytes_of(columns, precision.activations)
        + bytes_of(model.hidden, precision.partials)
    )
    return Cost(
        dtype=arithmetic_type(precision.weights, precision.activations),
        sram_bytes=touched * expert_bytes + assigned_rows * row_bytes,
        macs=assigned_rows * matrices,
        # Gate and up, then the activation function, then down.
        fixed_cycles=2 * chip.matrix_fixed_cycles + chip.vector_fixed_cycles,
        weight_bytes=model.experts * expert_bytes,
        weight_dtype=precision.weights,
        weight_layout="sharded",
    )


def _combine(model: ModelConfig, chip: Chip, batch: int, precision: Precision) -> Cost:
    row_bytes = bytes_of(model.hidden, precision.partials)
    return Cost(
        dtype=precision.partials,
        sram_bytes=batch * (model.experts_per_token + 1) * row_bytes,
        macs=batch * model.experts_per_token * model.hidden,
        fixed_cycles=chip.vector_fixed_cycles,
    )
