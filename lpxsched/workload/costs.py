"""What each operator of a layer costs one chip: a roofline of SRAM bytes and arithmetic, worst case over all routings.

A timetable cannot depend on the routing, so every cost is an upper bound over all routings. With policy ``sharded``
each chip holds the same columns of every expert, and runs as many slices of experts as the worst routing asks for (see
`expert_runs`); runs without a row of their own work on void data. Dense FFNs and shared experts are one run of all
rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import ceil_div
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, arithmetic_type, exact_bytes_of
from lpxsched.workload.expert_runs import ExpertRuns, cheapest_runs
from lpxsched.workload.work import Term, Weights, Work, shard_sizes

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.model import Experts, Ffn

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
        {kind: shard_cost(work, chip, columns[kind][shard], shard) for kind, work in works.items()}
        for shard in range(width)
    ]


def shard_cost(work: Work, chip: Chip, columns: int, shard: int) -> Cost:
    """Return the cost of an operator on one chip of a group, which has so many of its columns."""
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


def layer_work(layer: FfnLayer, chip: Chip, width: int, *, batch: int, precision: Precision) -> dict[str, Work]:
    """Return the work of each operator kind of a layer on a group of `width` chips.

    The rows of a run of an expert are chosen for the chip with the most columns, the first.

    Parameters
    ----------
    layer : FfnLayer
    chip : Chip
    width : int
    batch : int
        Rows of a step.
    precision : Precision
    """
    works = {"ingress": Work("none"), "egress": Work("none")}
    whole = ExpertRuns(1, batch)
    if layer.dense:
        works["dense"] = _sliced(layer.hidden, layer.dense, whole, precision)
    if layer.shared:
        works["shared"] = _sliced(layer.hidden, layer.shared, whole, precision)
    if layer.experts:
        experts = layer.experts
        columns = experts.latent_columns or layer.hidden
        plan = _plan(columns, experts, chip, width, batch=batch, precision=precision)
        works["router"] = _router(layer.hidden, experts, batch, precision)
        works["experts"] = _sliced(columns, experts, plan, precision, copies=experts.number)
        joined = layer.shared is not None and not experts.latent_columns
        works["combine"] = _combine(columns, experts.per_token, batch, precision, joined=joined)
        if experts.latent_columns:
            works["narrow"] = _narrow(layer.hidden, columns, batch, precision)
            works["widen"] = _widen(layer.hidden, columns, batch, precision, joined=layer.shared is not None)
    return works


def _router(hidden: int, experts: Experts, batch: int, precision: Precision) -> Work:
    # Every chip computes the whole router: its weights are small, and an all-reduce of the logits would cost a hop.
    row = exact_bytes_of(hidden, precision.activations) + exact_bytes_of(2 * experts.per_token, ROUTER_TYPE)
    weights = exact_bytes_of((hidden + experts.biases) * experts.number, ROUTER_TYPE)
    return _replicated(ROUTER_TYPE, ROUTER_TYPE, weights, batch, row=row, macs=hidden * experts.number)


def _narrow(hidden: int, columns: int, batch: int, precision: Precision) -> Work:
    """Work of bringing rows to the width of latent experts, whole on each chip: a slice would cost a hop."""
    weights = exact_bytes_of(hidden * columns, precision.weights)
    dtype, row = arithmetic_type(precision.weights, precision.activations), hidden + columns
    moved = exact_bytes_of(row, precision.activations)
    return _replicated(dtype, precision.weights, weights, batch, row=moved, macs=hidden * columns)


def _widen(hidden: int, columns: int, batch: int, precision: Precision, *, joined: bool) -> Work:
    """Work of bringing a chip's summand back to the width of a row, on top of that of shared experts if `joined`.

    The matrix is linear, so that a sum over chips of widened summands is the widened sum.
    """
    weights = exact_bytes_of(hidden * columns, precision.weights)
    row = exact_bytes_of(columns + (1 + joined) * hidden, precision.partials)
    dtype = arithmetic_type(precision.weights, "bf16")
    return _replicated(dtype, precision.weights, weights, batch, row=row, macs=(columns + joined) * hidden)


def _replicated(dtype: str, weight_dtype: str, weights: Fraction, batch: int, *, row: Fraction, macs: int) -> Work:
    """Return the work of one matrix that every chip holds whole."""
    return Work(
        dtype=dtype,
        rows=batch,
        terms=(
            Term("bytes", MATRIX, constant=weights, per_row=row),
            Term("macs", MATRIX, per_row=Fraction(macs)),
        ),
        pipelines=((MATRIX, 1),),
        weights=Weights(weight_dtype, "replicated", (Term("bytes", MATRIX, constant=weights),)),
    )


class _Slice(NamedTuple):
    """Bytes of an FFN on rows of `width` columns: by column of its inside, by row, by both, and of the last bias."""

    width: int
    matrices: int
    column: Fraction
    row: Fraction
    row_column: Fraction
    down_bias: Fraction


def _slice(width: int, ffn: Ffn | Experts, precision: Precision) -> _Slice:
    # The biases of all matrices but down by column; that of down is added once, on the first chip.
    biases = (ffn.matrices - 1) * exact_bytes_of(int(ffn.biases), BIAS_TYPE)
    return _Slice(
        width,
        ffn.matrices,
        column=exact_bytes_of(ffn.matrices * width, precision.weights) + biases,
        row=exact_bytes_of(width, precision.activations) + exact_bytes_of(width, precision.partials),
        row_column=2 * exact_bytes_of(1, precision.activations),
        down_bias=exact_bytes_of(width * ffn.biases, BIAS_TYPE),
    )


def _plan(width: int, experts: Experts, chip: Chip, chips: int, *, batch: int, precision: Precision) -> ExpertRuns:
    """Return how many runs of how many rows the experts take."""
    part, dtype = _slice(width, experts, precision), arithmetic_type(precision.weights, precision.activations)
    multiple = math.lcm(SCALE_BLOCK_COLUMNS.get(precision.weights, 1), chip.shard_columns)
    most = shard_sizes(experts.columns, multiple, chips)[0]

    def run_time(rows: int) -> int:
        """Time of a run on the first chip, in cycles times both rates."""
        moved = math.ceil(part.column * most + part.down_bias + rows * (part.row + part.row_column * most))
        macs = rows * part.matrices * width * most
        return max(moved * chip.matrix_macs_per_cycle[dtype], macs * matrix_bytes_per_cycle(chip))

    return cheapest_runs(batch, experts.number, experts.per_token, run_time=run_time)


def _sliced(width: int, ffn: Ffn | Experts, plan: ExpertRuns, precision: Precision, *, copies: int = 1) -> Work:
    """Work of a slice of an FFN, or of every one of so many experts: columns of gate and up, as many rows of down."""
    part, runs = _slice(width, ffn, precision), plan.runs
    return Work(
        dtype=arithmetic_type(precision.weights, precision.activations),
        rows=runs * plan.rows,
        columns=ffn.columns,
        column_block=SCALE_BLOCK_COLUMNS.get(precision.weights, 1),
        terms=(
            Term("bytes", MATRIX, per_row=part.row, per_column=runs * part.column, per_row_column=part.row_column),
            Term("bytes", MATRIX, constant=runs * part.down_bias, shard=0),
            Term("macs", MATRIX, per_row_column=Fraction(part.matrices * width)),
        ),
        # Gate and up, then the activation function, then down.
        pipelines=((MATRIX, 2), (VECTOR, 1)),
        weights=Weights(
            precision.weights,
            "sharded",
            (
                Term("bytes", MATRIX, per_column=copies * part.column),
                Term("bytes", MATRIX, constant=copies * part.down_bias, shard=0),
            ),
        ),
    )


def _combine(columns: int, per_token: int, batch: int, precision: Precision, *, joined: bool) -> Work:
    """Work of the weighted sum over a row's experts, and of shared ones if `joined`."""
    row, summands = exact_bytes_of(columns, precision.partials), per_token + joined
    return Work(
        dtype=precision.partials,
        rows=batch,
        terms=(
            Term("bytes", VECTOR, per_row=(summands + 1) * row),
            Term("elements", VECTOR, per_row=Fraction(summands * columns)),
        ),
        pipelines=((VECTOR, 1),),
    )
