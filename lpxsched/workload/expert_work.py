"""Work of routed experts on the chips that hold them: a slice of each, blocks of columns, or some experts whole."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import arithmetic_type
from lpxsched.workload.expert_runs import cheapest_runs, met_pairs
from lpxsched.workload.slices import FFN_PIPELINES, slice_of, sliced
from lpxsched.workload.work import MATRIX, Share, Term, Weights, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.expert_blocks import Blocks
    from lpxsched.workload.expert_runs import ExpertRuns, Pairs
    from lpxsched.workload.model import Experts
    from lpxsched.workload.slices import Slice

# Blocks of one expert that a run reads, as a graph tells it.
RUN_BLOCKS = "run_blocks"
# A byte is told in so many parts at most: few enough digits to be written and read exactly.
FINEST = 1 << 8


def sliced_experts(
    width: int, experts: Experts, chip: Chip, blocks: Blocks, *, batch: int, precision: Precision
) -> Work:
    """Return the work of a slice of every expert; the rows of a run suit the chip with the most columns, the first.

    Parameters
    ----------
    width : int
        Columns of a row.
    experts : Experts
    chip : Chip
    blocks : Blocks
    batch : int
        Rows of a step.
    precision : Precision
    """
    part, most = slice_of(width, experts, precision), min(blocks.most * blocks.columns, experts.columns)
    pairs = met_pairs(batch, experts.number, experts.per_token)
    time = _run_time(part, chip, precision, columns=most, weights=part.column * most + part.down_bias)
    runs, rows = cheapest_runs(pairs, run_time=time)
    return sliced(width, experts, runs * rows, precision, runs=runs, copies=experts.number)


def experts_in_blocks(
    width: int, experts: Experts, chip: Chip, blocks: Blocks, *, batch: int, precision: Precision
) -> Work:
    """Return the work of blocks of columns of experts; each column brings its part of the bias of down.

    A run reads as many blocks of an expert as are cheapest for the chips that hold the most.

    Parameters
    ----------
    width : int
        Columns of a row.
    experts : Experts
    chip : Chip
    blocks : Blocks
    batch : int
        Rows of a step.
    precision : Precision
    """
    part, held = slice_of(width, experts, precision), blocks.held()
    column = part.column + Fraction(math.ceil(part.down_bias / experts.columns * FINEST), FINEST)

    def read(run_blocks: int) -> Fraction:
        """Return the bytes of weights of a run, whole ones."""
        return Fraction(math.ceil(column * run_blocks * blocks.columns))

    def planned(blocks_held: int, run_blocks: int) -> tuple[int, ExpertRuns]:
        """Return the time of all runs and their plan."""
        time = _run_time(part, chip, precision, columns=run_blocks * blocks.columns, weights=read(run_blocks))
        plan = cheapest_runs(blocks.pairs(blocks_held, run_blocks, batch, experts.per_token), run_time=time)
        return plan.runs * time(plan.rows), plan

    # Of equal ones that of the fewest runs.
    run_blocks = min(range(blocks.most, 0, -1), key=lambda number: planned(max(held), number)[0])
    plans = {some: planned(some, run_blocks)[1] for some in set(held)}
    shares = [Share(math.prod(plans[some]), some * blocks.columns, plans[some].runs) for some in held]
    return replace(
        _work_of_runs(part, precision, shares, columns=run_blocks * blocks.columns, weights=read(run_blocks)),
        columns=experts.columns,
        column_block=blocks.columns,
        weights=Weights(precision.weights, "sharded", (Term("bytes", MATRIX, per_column=column),)),
        sizes=((RUN_BLOCKS, run_blocks),),
    )


def whole_experts(width: int, experts: Experts, chip: Chip, pairs: Sequence[Pairs], precision: Precision) -> Work:
    """Return the work of whole experts on chips to which so many pairs may come.

    Parameters
    ----------
    width : int
        Columns of a row.
    experts : Experts
    chip : Chip
    pairs : sequence of Pairs
        Of each chip.
    precision : Precision
    """
    part, columns = slice_of(width, experts, precision), experts.columns
    weights = part.column * columns + part.down_bias
    time = _run_time(part, chip, precision, columns=columns, weights=weights)
    plans = {some: cheapest_runs(some, run_time=time) for some in set(pairs)}
    shares = [Share(math.prod(plans[some]), some.experts, plans[some].runs) for some in pairs]
    return replace(
        _work_of_runs(part, precision, shares, columns=columns, weights=weights),
        columns=experts.number,
        weights=Weights(precision.weights, "sharded", (Term("bytes", MATRIX, per_column=weights),)),
    )


def _work_of_runs(
    part: Slice, precision: Precision, shares: Sequence[Share], *, columns: int, weights: Fraction
) -> Work:
    """Return the work of runs, each of which reads so many bytes of weights of so many columns of any expert."""
    return Work(
        dtype=arithmetic_type(precision.weights, precision.activations),
        terms=(
            Term("bytes", MATRIX, per_row=part.row + part.row_column * columns, per_run=weights),
            Term("macs", MATRIX, per_row=Fraction(part.matrices * part.width * columns)),
        ),
        pipelines=FFN_PIPELINES,
        shares=tuple(shares),
    )


def _run_time(
    part: Slice, chip: Chip, precision: Precision, *, columns: int, weights: Fraction
) -> Callable[[int], int]:
    """Return the time of a run of a number of rows, in cycles times both rates."""
    dtype = arithmetic_type(precision.weights, precision.activations)

    def time(rows: int) -> int:
        moved = math.ceil(weights + rows * (part.row + part.row_column * columns))
        macs = rows * part.matrices * part.width * columns
        return max(moved * chip.matrix_macs_per_cycle[dtype], macs * chip.matrix_bytes_per_cycle)

    return time
