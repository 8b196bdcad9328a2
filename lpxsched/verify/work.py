"""What follows from the graph of the work of each operator on its chip, and of the weights that lie there.

The columns of an operator are dealt over the chips of its group in whole multiples of a block, the larger shares
first; the last share may be short; or the graph tells the share of each shard. Each term of its work is constant +
per_row r + per_column n + per_row_column r n + per_run m, rounded up, for the r rows, n columns and m runs of the chip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, lcm
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div, exact
from lpxsched.verify.bounds import LARGEST_COUNT, LARGEST_TIME
from lpxsched.verify.demand import running, width_of
from lpxsched.verify.violation import GRAPH_FILE, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphOperator, GraphTerm

RULE = "R4"
MATRIX, VECTOR = "matrix", "vector"
BYTES = "bytes"


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Work of each row of ``operators.parquet`` that is a run of the graph; 0 for others.

    Attributes
    ----------
    sram_bytes, macs, fixed_cycles : ndarray of int64, shape (operators,)
    """

    sram_bytes: Integers
    macs: Integers
    fixed_cycles: Integers


@lru_cache(maxsize=1)
def derived_work(build: Build) -> Work:
    """Return the work that follows from a graph without `faults_of_work`."""
    work = Work(*(np.zeros(len(build.operators), dtype=np.int64) for _ in range(3)))
    chips = build.chips
    for number, rows in running(build).items():
        operator = build.graph.operators[number]
        shard, chip = build.operators.shard[rows], build.operators.chip[rows]
        shares = _shares(build, operator, chip)[shard]
        counted = [term for term in operator.work if term.counts == BYTES]
        others = [term for term in operator.work if term.counts != BYTES]
        work.sram_bytes[rows] = _amounts(counted, shares, shard)
        work.macs[rows] = _amounts(others, shares, shard)
        for unit, fixed in ((MATRIX, chips.matrix_fixed_cycles), (VECTOR, chips.vector_fixed_cycles)):
            work.fixed_cycles[rows] += operator.pipelines.get(unit, 0) * fixed[chip]
    return work


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Resident tensors that lie at rows of ``operators.parquet``, none of them empty; sorted by operator and number.

    Attributes
    ----------
    operator, number, bytes : ndarray of int64, shape (kept,)
        `number` is that of the name among all of the graph (`names_kept`): operators of one name share what is kept.
    """

    operator: Integers
    number: Integers
    bytes: Integers


def names_kept(build: Build) -> dict[str, int]:
    """Return the names of resident tensors, numbered in the order of the graph."""
    names = dict.fromkeys(resident.name for operator in build.graph.operators for resident in operator.resident)
    return {name: number for number, name in enumerate(names)}


@lru_cache(maxsize=1)
def kept_tensors(build: Build) -> Kept:
    """Return what must be resident where."""
    parts, numbers = [np.zeros((3, 0), dtype=np.int64)], names_kept(build)
    for number, rows in running(build).items():
        operator = build.graph.operators[number]
        shard, chip = build.operators.shard[rows], build.operators.chip[rows]
        shares = _shares(build, operator, chip)[shard]
        for resident in operator.resident:
            size = _amounts(resident.terms, shares, shard)
            parts.append(np.stack([rows, np.full_like(rows, numbers[resident.name]), size])[:, size > 0])
    columns = np.concatenate(parts, axis=1)
    return Kept(*columns[:, np.lexsort((columns[1], columns[0]))])


def weight_bytes(build: Build) -> Integers:
    """Return the bytes that must be resident on each node; what operators share lies there once."""
    total, kept = np.zeros(len(build.chips), dtype=np.int64), kept_tensors(build)
    chip = build.operators.chip[kept.operator]
    once = np.unique(np.stack([chip, kept.number]), axis=1, return_index=True)[1]
    np.add.at(total, chip[once], kept.bytes[once])
    return total


def dealt(columns: int, block: int, width: int) -> Integers:
    """Return the columns of each of `width` shares, in whole blocks but for the last share that holds any.

    Parameters
    ----------
    columns : int
    block : int
        Columns that stay together.
    width : int
        Number of shares.
    """
    blocks = ceil_div(columns, block)
    sizes = (blocks // width + (np.arange(width) < blocks % width)) * block
    # Whatever the last block lacks is lacking in the last share that has a block.
    sizes[min(width, blocks) - 1] -= blocks * block - columns
    return np.asarray(sizes, dtype=np.int64)


def faults_of_work(build: Build) -> Iterator[Violation]:
    """Yield operators of the graph whose work names another unit, or is too large to reckon with."""
    for operator in build.graph.operators:
        where = f"{GRAPH_FILE}: operator {operator.name}"
        kept = [term for resident in operator.resident for term in resident.terms]
        terms = [*operator.work, *kept]
        if operator.unit not in (MATRIX, VECTOR) and (terms or operator.pipelines):
            yield Violation(RULE, f"{where} runs on unit {operator.unit}, which does no work, but has some")
            continue
        for unit in sorted({term.unit for term in operator.work} - {operator.unit}):
            yield Violation(RULE, f"{where} runs on unit {operator.unit}, but has work for unit {unit}")
        for unit in sorted(operator.pipelines.keys() - {MATRIX, VECTOR}):
            yield Violation(RULE, f"{where} pays for a pipeline of unit {unit}, which no chip has")
        for term in kept:
            if term.counts != BYTES:
                yield Violation(RULE, f"{where} counts what it keeps in {term.counts}, must count {BYTES}")
        shares = [number for share in operator.shares or () for number in share]
        counts = (operator.rows, operator.columns, operator.column_block, *operator.pipelines.values(), *shares)
        if max(counts) > LARGEST_COUNT or _largest(operator, terms) > LARGEST_TIME:
            yield Violation(RULE, f"{where} has work that is too large to check")


def _largest(operator: GraphOperator, terms: Sequence[GraphTerm]) -> int:
    shares = operator.shares or [[operator.rows, operator.columns, 0]]
    most = tuple(map(max, zip(*shares, strict=True)))
    return sum(_amount(_coefficients(term), most) for term in terms)


def _shares(build: Build, operator: GraphOperator, chip: Integers) -> Integers:
    """Return rows, columns and runs of each shard, shape (shards, 3)."""
    if operator.shares is not None:
        return np.array(operator.shares, dtype=np.int64)
    columns = dealt(operator.columns, column_block(build, operator, chip), width_of(build, operator))
    return np.stack([np.full_like(columns, operator.rows), columns, np.zeros_like(columns)], axis=1)


def column_block(build: Build, operator: GraphOperator, chip: Integers) -> int:
    """Return how many columns stay together: what the operator and all its chips ask for."""
    block = lcm(operator.column_block, *np.maximum(np.unique(build.chips.shard_columns[chip]), 1).tolist())
    return min(block, max(operator.columns, 1))


def _amounts(terms: Sequence[GraphTerm], shares: Integers, shard: Integers) -> Integers:
    """Return the sum of some terms on each of some shards with their shares."""
    total = np.zeros(len(shard), dtype=np.int64)
    kinds, of_shard = np.unique(shares, axis=0, return_inverse=True)
    for term in terms:
        amounts = [_amount(_coefficients(term), tuple(kind)) for kind in kinds.tolist()]
        mine = 1 if term.shard is None else shard == term.shard
        total += np.array(amounts, dtype=np.int64)[of_shard.reshape(-1)] * mine
    return total


def _coefficients(term: GraphTerm) -> tuple[float, ...]:
    return term.constant, term.per_row, term.per_column, term.per_row_column, term.per_run


@lru_cache(maxsize=4096)
def _amount(coefficients: tuple[float, ...], share: tuple[int, ...]) -> int:
    """Return one term, rounded up; its coefficients are the decimals that were written."""
    constant, per_row, per_column, per_row_column, per_run = map(exact, coefficients)
    rows, columns, runs = share
    return ceil(constant + per_row * rows + (per_column + per_row_column * rows) * columns + per_run * runs)
