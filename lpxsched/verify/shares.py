"""R4 operators, third part: blocks of columns of experts that are dealt over shards, one expert after the other.

An operator whose sizes name `run_blocks` has `columns` of each of its `experts`, b blocks of `column_block` columns,
the last one filled up. Block j of expert e lies on shard (e b + j) mod w of w shards; a run reads `run_blocks` blocks
of one expert.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div, exact
from lpxsched.verify.violation import GRAPH_FILE, Violation
from lpxsched.verify.work import BYTES, column_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator

RULE = "R4"
RUN_BLOCKS = "run_blocks"


def share_violations(build: Build) -> Iterator[Violation]:
    """Yield shares, blocks and runs that are not what follows from experts, columns and chips."""
    groups = build.graph.groups_of_layers()
    for operator in build.graph.operators:
        if RUN_BLOCKS not in operator.sizes:
            continue
        where, chips = f"{GRAPH_FILE}: operator {operator.name}", groups[operator.layer].chips
        block = column_block(build, operator, np.array(chips))
        if operator.column_block != block:
            message = f"{where} has blocks of {operator.column_block} columns, its chips ask for {block}"
            yield Violation(RULE, message)
        told, right = [columns for _, columns, _ in operator.shares or ()], columns_held(operator, len(chips))
        if len(told) != len(right):
            yield Violation(RULE, f"{where} has no shares, but runs that read blocks of columns")
        for shard, (columns, must) in enumerate(zip(told, right, strict=False)):
            if columns != must:
                why = f"{_blocks(operator)} blocks of each expert are dealt"
                yield Violation(RULE, f"{where} has {columns} columns on shard {shard}, must {must}: {why}")
        reads, needs = _bytes_of_a_run(operator)
        if reads != needs:
            blocks = operator.sizes[RUN_BLOCKS]
            message = f"{where} reads {float(reads):g} bytes of weights a run, must {needs}, {blocks} blocks"
            yield Violation(RULE, message)


def columns_held(operator: GraphOperator, width: int) -> list[int]:
    """Return the columns that lie on each of so many shards, of all experts together."""
    each, more = divmod(_blocks(operator) * operator.sizes.get("experts", 0), width)
    return [(each + (shard < more)) * operator.column_block for shard in range(width)]


def _bytes_of_a_run(operator: GraphOperator) -> tuple[Fraction, int]:
    """Return the bytes of weights that a run reads, and those that it must."""
    reads = sum((exact(term.per_run) for term in operator.work if term.counts == BYTES), Fraction(0))
    kept = sum((exact(term.per_column) for resident in operator.resident for term in resident.terms), Fraction(0))
    return reads, ceil(kept * operator.column_block * operator.sizes[RUN_BLOCKS])


def _blocks(operator: GraphOperator) -> int:
    return ceil_div(operator.columns, operator.column_block)
