"""R4 operators, third part: experts that are dealt over shards, whole or in blocks of columns.

Experts with shares lie on them whole, each on one, unless their sizes name `run_blocks`. An operator whose sizes do has
`columns` of each of its `experts`, b blocks of `column_block` columns, the last one filled up. Block j of expert e lies
on shard (e b + j) mod w of w shards; a run reads `run_blocks` blocks of one expert.
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
    from collections.abc import Iterator, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator

RULE = "R4"
EXPERTS = "experts"
RUN_BLOCKS = "run_blocks"


def share_violations(build: Build) -> Iterator[Violation]:
    """Yield shares, blocks and runs that are not what follows from experts, columns and chips."""
    groups = build.graph.groups_of_layers()
    for operator in build.graph.operators:
        if RUN_BLOCKS in operator.sizes:
            yield from _faults_of_blocks(build, operator, groups[operator.layer].chips)
        elif operator.kind == EXPERTS and operator.shares is not None:
            held, experts = sum(columns for _, columns, _ in operator.shares), operator.sizes.get(EXPERTS, 0)
            if held != experts:
                message = f"operator {operator.name} has {held} whole experts on its shards, must {experts}"
                yield Violation(RULE, f"{GRAPH_FILE}: {message}")


def _faults_of_blocks(build: Build, operator: GraphOperator, chips: Sequence[int]) -> Iterator[Violation]:
    where, block = f"{GRAPH_FILE}: operator {operator.name}", column_block(build, operator, np.array(chips))
    for size in (EXPERTS, RUN_BLOCKS):
        if not operator.sizes.get(size):
            yield Violation(RULE, f"{where} has no {size}, but runs that read blocks of columns")
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
    each, more = divmod(_blocks(operator) * operator.sizes.get(EXPERTS, 0), width)
    return [(each + (shard < more)) * operator.column_block for shard in range(width)]


def _bytes_of_a_run(operator: GraphOperator) -> tuple[Fraction, int]:
    """Return the bytes of weights that a run reads, and those that it must."""
    reads = sum((exact(term.per_run) for term in operator.work if term.counts == BYTES), Fraction(0))
    kept = sum((exact(term.per_column) for resident in operator.resident for term in resident.terms), Fraction(0))
    return reads, ceil(kept * operator.column_block * operator.sizes[RUN_BLOCKS])


def _blocks(operator: GraphOperator) -> int:
    return ceil_div(operator.columns, operator.column_block)
