"""What each operator of a layer costs one chip: a roofline of SRAM bytes and arithmetic, worst case over all routings.

A timetable cannot depend on the routing, so every cost is an upper bound over all routings. With policy ``sharded``
each chip holds the same columns of every expert, and runs as many slices of experts as the worst routing asks for (see
`expert_runs`); runs without a row of their own work on void data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.units import ceil_div
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, arithmetic_type, exact_bytes_of
from lpxsched.workload.expert_runs import cheapest_runs
from lpxsched.workload.work import Term, Weights, Work, shard_sizes

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.routed import RoutedModel

ROUTER_TYPE = "bf16"
BIAS_TYPE = "bf16"
MATRIX, VECTOR, HOST = "matrix", "vector", "host"


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
    if unit == HOST:
        return 0
    memory, rate = chip.sram_bytes_per_cycle, chip.vector_operations_per_cycle
    if unit == MATRIX:
        memory, rate = matrix_bytes_per_cycle(chip), chip.matrix_macs_per_cycle[cost.dtype]
    return max(ceil_div(cost.sram_bytes, memory), ceil_div(cost.macs, rate)) + cost.fixed_cycles


def matrix_bytes_per_cycle(chip: Chip) -> int:
    """Return the bytes that reach the matrix unit in a cycle, rounded down; at least one."""
    return max(1, math.floor(chip.sram_bytes_per_cycle * chip.sram_efficiency))


def shard_costs(works: dict[str, Work], chip: Chip, width: int) -> list[dict[str, Cost]]:
    """Return the cost of each operator kind on each chip of a group.

    Parameters
    ----------
    works : dict of Work
        By kind, as `layer_work` returns them.
    chip : Chip
    width : int
        Number of chips.

    Returns
    -------
    list of dict
        One entry a chip of the group.
    """
    columns = {
        kind: shard_sizes(work.columns, math.lcm(work.column_block, chip.shard_columns), width)
        for kind, work in works.items()
    }
    return [
        {kind: _cost(work, chip, columns[kind][shard], shard) for kind, work in works.items()} for shard in range(width)
    ]


def _cost(work: Work, chip: Chip, columns: int, shard: int) -> Cost:
    fixed = {MATRIX: chip.matrix_fixed_cycles, VECTOR: chip.vector_fixed_cycles}
    return Cost(
        dtype=work.dtype,
        sram_bytes=work.amount("bytes", columns, shard),
        macs=work.amount("macs", columns, shard) + work.amount("elements", columns, shard),
        fixed_cycles=sum(times * fixed[unit] for unit, times in work.pipelines),
        weight_bytes=work.weight_bytes(columns, shard),
        weight_dtype=work.weights.dtype if work.weights else "",
        weight_layout=work.weights.layout if work.weights else "",
    )


def layer_work(model: RoutedModel, chip: Chip, width: int, *, batch: int, precision: Precision) -> dict[str, Work]:
    """Return the work of each operator kind of a layer on a group of `width` chips.

    The rows of a run of an expert are chosen for the chip with the most columns, the first.

    Parameters
    ----------
    model : RoutedModel
    chip : Chip
    width : int
    batch : int
        Rows of a step.
    precision : Precision
    """
    return {
        "ingress": Work("none"),
        "router": _router(model, batch, precision),
        "experts": _experts(model, chip, width, batch, precision),
        "combine": _combine(model, batch, precision),
        "egress": Work("none"),
    }


def _router(model: RoutedModel, batch: int, precision: Precision) -> Work:
    # Every chip computes the whole router: its weights are small, and an all-reduce of the logits would cost a hop.
    weights = exact_bytes_of((model.hidden + model.expert_biases) * model.experts, ROUTER_TYPE)
    row = exact_bytes_of(model.hidden, precision.activations) + exact_bytes_of(2 * model.experts_per_token, ROUTER_TYPE)
    return Work(
        dtype=ROUTER_TYPE,
        rows=batch,
        terms=(
            Term("bytes", MATRIX, constant=weights, per_row=row),
            Term("macs", MATRIX, per_row=Fraction(model.hidden * model.experts)),
        ),
        pipelines=((MATRIX, 1),),
        weights=Weights(ROUTER_TYPE, "replicated", (Term("bytes", MATRIX, constant=weights),)),
    )


def _experts(model: RoutedModel, chip: Chip, width: int, batch: int, precision: Precision) -> Work:
    """Work of a slice of every expert: columns of gate and up, as many rows of down."""
    dtype, block = arithmetic_type(precision.weights, precision.activations), SCALE_BLOCK_COLUMNS
    column_block = block.get(precision.weights, 1)
    # The biases of gate and up by column; that of down is added once, on the first chip.
    column = exact_bytes_of(3 * model.hidden, precision.weights) + 2 * exact_bytes_of(
        int(model.expert_biases), BIAS_TYPE
    )
    down_bias = exact_bytes_of(model.hidden * model.expert_biases, BIAS_TYPE)
    row = exact_bytes_of(model.hidden, precision.activations) + exact_bytes_of(model.hidden, precision.partials)
    row_column = 2 * exact_bytes_of(1, precision.activations)
    most = shard_sizes(model.expert_columns, math.lcm(column_block, chip.shard_columns), width)[0]

    def run_time(rows: int) -> int:
        """Time of a run on the first chip, in cycles times both rates."""
        moved = math.ceil(column * most + down_bias + rows * (row + row_column * most))
        return max(
            moved * chip.matrix_macs_per_cycle[dtype], rows * 3 * model.hidden * most * matrix_bytes_per_cycle(chip)
        )

    runs, rows = cheapest_runs(batch, model.experts, model.experts_per_token, run_time=run_time)
    return Work(
        dtype=dtype,
        rows=runs * rows,
        columns=model.expert_columns,
        column_block=column_block,
        terms=(
            Term("bytes", MATRIX, per_row=row, per_column=runs * column, per_row_column=row_column),
            Term("bytes", MATRIX, constant=runs * down_bias, shard=0),
            Term("macs", MATRIX, per_row_column=Fraction(3 * model.hidden)),
        ),
        # Gate and up, then the activation function, then down.
        pipelines=((MATRIX, 2), (VECTOR, 1)),
        weights=Weights(
            precision.weights,
            "sharded",
            (
                Term("bytes", MATRIX, per_column=model.experts * column),
                Term("bytes", MATRIX, constant=model.experts * down_bias, shard=0),
            ),
        ),
    )


def _combine(model: RoutedModel, batch: int, precision: Precision) -> Work:
    row = exact_bytes_of(model.hidden, precision.partials)
    return Work(
        dtype=precision.partials,
        rows=batch,
        terms=(
            Term("bytes", VECTOR, per_row=(model.experts_per_token + 1) * row),
            Term("elements", VECTOR, per_row=Fraction(model.experts_per_token * model.hidden)),
        ),
        pipelines=((VECTOR, 1),),
    )
