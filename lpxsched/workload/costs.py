"""What each operator of a layer costs one chip: a roofline of SRAM bytes and arithmetic, worst case over all routings.

A timetable cannot depend on the routing, so every cost is an upper bound over all routings. Routed experts
lie on the chips as their policy says (`routed`), and run as often as the worst routing asks for (`expert_runs`); runs
without a row of their own work on void data. Dense FFNs and shared experts are one run of all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.units import ceil_div
from lpxsched.workload.routed import routed_work
from lpxsched.workload.slices import sliced
from lpxsched.workload.work import HOST, MATRIX, VECTOR, Work

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.work import Share

HOST_OPERATORS = ("ingress", "routes", "places", "labels", "egress")


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
    weight_dtype, weight_layout, weight_name : str
        Their type, whether each chip holds all of them (``replicated``) or a slice (``sharded``), and what they are.
    """

    dtype: str
    sram_bytes: int
    macs: int
    fixed_cycles: int
    weight_bytes: int = 0
    weight_dtype: str = ""
    weight_layout: str = ""
    weight_name: str = "weights"


def cycles(cost: Cost, unit: str, chip: Chip) -> int:
    """Return the duration of an operator: the slower of SRAM and arithmetic, plus the pipeline; 0 on a host."""
    if unit == HOST:
        return 0
    memory, rate = chip.sram_bytes_per_cycle, chip.vector_operations_per_cycle
    if unit == MATRIX:
        memory, rate = chip.matrix_bytes_per_cycle, chip.matrix_macs_per_cycle[cost.dtype]
    return max(ceil_div(cost.sram_bytes, memory), ceil_div(cost.macs, rate)) + cost.fixed_cycles


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
    shares = {kind: work.on(width, chip.shard_columns) for kind, work in works.items()}
    return [
        {kind: shard_cost(work, chip, shares[kind][shard], shard) for kind, work in works.items()}
        for shard in range(width)
    ]


def shard_cost(work: Work, chip: Chip, share: Share, shard: int) -> Cost:
    """Return the cost of an operator on one chip of a group, which has so much of it."""
    fixed = {MATRIX: chip.matrix_fixed_cycles, VECTOR: chip.vector_fixed_cycles}
    return Cost(
        dtype=work.dtype,
        sram_bytes=work.amount("bytes", share, shard),
        macs=work.amount("macs", share, shard) + work.amount("elements", share, shard),
        fixed_cycles=sum(times * fixed[unit] for unit, times in work.pipelines),
        weight_bytes=work.weight_bytes(share, shard),
        weight_dtype=work.weights.dtype if work.weights else "",
        weight_layout=work.weights.layout if work.weights else "",
        weight_name=work.weights.name if work.weights else "weights",
    )


def layer_work(layer: FfnLayer, chip: Chip, width: int, *, batch: int, precision: Precision) -> dict[str, Work]:
    """Return the work of each operator kind of a layer on a group of `width` chips.

    Parameters
    ----------
    layer : FfnLayer
    chip : Chip
    width : int
    batch : int
        Rows of a step.
    precision : Precision
    """
    works = dict.fromkeys(HOST_OPERATORS, Work("none"))
    for kind, ffn in (("dense", layer.dense), ("shared", layer.shared)):
        if ffn:
            works[kind] = sliced(layer.hidden, ffn, batch, layer.precision(kind, precision))
    return works | routed_work(layer, chip, width, batch=batch, precision=precision)
