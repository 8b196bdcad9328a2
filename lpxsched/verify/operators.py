"""R4 operators: one at a time on a functional unit; durations recomputed from the work that the graph asks for."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE
from lpxsched.units import BITS_PER_BYTE, NONE, counted, exact
from lpxsched.verify.demand import graph_operators, graph_tensors
from lpxsched.verify.frames import turns
from lpxsched.verify.partition import ADD
from lpxsched.verify.shares import share_violations
from lpxsched.verify.shifts import clashes, modulo
from lpxsched.verify.violation import Violation, named, rows_of
from lpxsched.verify.weights import weight_violations
from lpxsched.verify.work import MATRIX, VECTOR, derived_work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

RULE = "R4"
HOST, NO_UNIT = "host", "none"
# Units without a limit, whose operators take no time.
FREE = (HOST, NO_UNIT)


def operator_violations(build: Build) -> list[Violation]:
    """Return every operator that breaks R4."""
    return [
        *_units(build),
        *_overlaps(build),
        *_work(build),
        *_adds(build),
        *_durations(build),
        *weight_violations(build),
        *share_violations(build),
    ]


def _units(build: Build) -> Iterator[Violation]:
    operators, chips = build.operators, build.chips
    known = np.isin(operators.unit, (MATRIX, VECTOR, *FREE))
    misplaced = (operators.unit == HOST) != chips.host[operators.chip]
    for row in np.flatnonzero(~known | misplaced).tolist():
        node = operators.chip[row]
        message = f"operator {row} runs on unit {operators.unit[row]} of {named(build, int(node))}"
        yield Violation(RULE, message, rows_of(operators, row))
    for row in np.flatnonzero(chips.down[operators.chip]).tolist():
        message = f"operator {row} runs on {named(build, int(operators.chip[row]))}, which is down"
        yield Violation(RULE, message, rows_of(operators, row))
    wrong = (operators.kind == ADD) & (operators.unit != VECTOR)
    for row in np.flatnonzero(wrong).tolist():
        message = f"add {row} runs on unit {operators.unit[row]}; sums run on unit {VECTOR}"
        yield Violation(RULE, message, rows_of(operators, row))


def _overlaps(build: Build) -> Iterator[Violation]:
    operators, turn = build.operators, turns(build)
    rows = np.flatnonzero(~np.isin(operators.unit, FREE))
    unit = np.unique(operators.unit[rows], return_inverse=True)[1]
    holder = turn.holders(operators.chip[rows] * len(rows) + unit, operators.segment[rows])
    period, start = turn.period[operators.segment], operators.start + turn.phase[operators.segment]
    one, other = clashes(holder, start[rows], operators.cycles[rows], period[rows])
    for a, b in zip(rows[one].tolist(), rows[other].tolist(), strict=True):
        during = f"[{start[a]}, {start[a] + operators.cycles[a]})"
        message = f"unit {operators.unit[a]} of chip {operators.chip[a]} runs operator {a} during {during}"
        follows = f" and operator {b} from {start[b]} on{modulo(period[a])}"
        message += f", longer than the period {period[a]}" if a == b else follows
        yield Violation(RULE, message, rows_of(operators, *dict.fromkeys((a, b))))


def rates(build: Build) -> Integers:
    """Return the operations per cycle of each operator's unit in its dtype; 0 when the chip has none."""
    operators, chips = build.operators, build.chips
    matrix, node = operators.unit == MATRIX, operators.chip
    cases = [
        matrix & (operators.dtype == "fp8"),
        matrix & (operators.dtype == "bf16"),
        operators.unit == VECTOR,
    ]
    rates = [
        chips.matrix_fp8_macs_per_cycle[node],
        chips.matrix_bf16_macs_per_cycle[node],
        chips.vector_operations_per_cycle[node],
    ]
    return np.select(cases, rates, 0)


def memory_rates(build: Build) -> Integers:
    """Return the bytes per cycle of each operator's unit; a part of the SRAM's rate reaches the matrix unit."""
    operators, chips = build.operators, build.chips
    rates = zip(chips.sram_bytes_per_cycle.tolist(), chips.sram_efficiency.tolist(), strict=True)
    to_matrix = np.array([_reaching(rate, efficiency) for rate, efficiency in rates], dtype=np.int64)
    matrix = operators.unit == MATRIX
    return np.where(matrix, to_matrix[operators.chip], chips.sram_bytes_per_cycle[operators.chip])


@lru_cache
def _reaching(rate: int, efficiency: float) -> int:
    return max(1, floor(rate * exact(efficiency))) if rate else 0


def _durations(build: Build) -> Iterator[Violation]:
    operators = build.operators
    memory, rate = memory_rates(build), rates(build)
    timed = ~np.isin(operators.unit, FREE)
    impossible = timed & (((operators.sram_bytes > 0) & (memory < 1)) | ((operators.macs > 0) & (rate < 1)))
    for row in np.flatnonzero(impossible).tolist():
        message = (
            f"operator {row}: chip {operators.chip[row]} has no rate for unit {operators.unit[row]} "
            f"in {operators.dtype[row]} or for its SRAM"
        )
        yield Violation(RULE, message, rows_of(operators, row))
    work = np.maximum(-(-operators.sram_bytes // np.maximum(memory, 1)), -(-operators.macs // np.maximum(rate, 1)))
    within = np.where(operators.kind == ADD, build.chips.sum_cycles_in_hop[operators.chip], 0)
    cycles = np.where(timed, np.maximum(work + operators.fixed_cycles - within, 0), 0)
    for row in np.flatnonzero(~impossible & (operators.cycles != cycles)).tolist():
        message = f"operator {row} ({operators.kind[row]}) takes {counted(int(operators.cycles[row]), 'cycle')}"
        if timed[row]:
            message += (
                f", must take {cycles[row]}: {operators.sram_bytes[row]} bytes at {memory[row]}, "
                f"{operators.macs[row]} operations at {rate[row]}, and {operators.fixed_cycles[row]}"
            )
            message += f", less {within[row]} within the hop" if within[row] else ""
        else:
            message += f" on {'a host' if operators.unit[row] == HOST else 'no unit'}, must take 0"
        yield Violation(RULE, message, rows_of(operators, row))


def _work(build: Build) -> Iterator[Violation]:
    """Yield operators of the graph whose work is not what follows from it."""
    operators, number, work = build.operators, graph_operators(build), derived_work(build)
    dtypes = np.array([*(operator.dtype for operator in build.graph.operators), ""])[number]
    for column, must in (
        ("sram_bytes", work.sram_bytes),
        ("macs", work.macs),
        ("fixed_cycles", work.fixed_cycles),
        ("dtype", dtypes),
    ):
        said = getattr(operators, column)
        for row in np.flatnonzero((number != NONE) & (said != must)).tolist():
            message = f"operator {row} ({operators.kind[row]}) has {column} {said[row]}, its work is {must[row]}"
            yield Violation(RULE, message, rows_of(operators, row))


def _adds(build: Build) -> Iterator[Violation]:
    """Yield sums whose work is not that of their operands, counted in the vectors of the longest operand."""
    operators, operands = build.operators, build.operands
    summands = operands.role == REDUCE
    count = np.bincount(operands.operator[summands], minlength=len(operators))
    longest = np.zeros(len(operators), dtype=np.int64)
    np.maximum.at(longest, operands.operator[summands], operands.vectors[summands])
    rows = np.flatnonzero(operators.kind == ADD)
    # Whole numbers of Python: macs times bits may pass 2^63.
    m, vector_bytes = count[rows].astype(object), longest[rows].astype(object) * build.manifest.vector_bytes
    of_sum = _summed(build)[rows]
    bits = np.array([*(tensor.element_bits for tensor in build.graph.tensors), BITS_PER_BYTE])[of_sum].astype(object)
    macs, sram_bytes = (m - 1) * vector_bytes * BITS_PER_BYTE, (m + 1) * vector_bytes
    for column, must, unit in (("macs", macs, bits), ("sram_bytes", sram_bytes, 1)):
        said = getattr(operators, column)[rows]
        for place in np.flatnonzero(said.astype(object) * unit != must).tolist():
            right = must[place] if column == "sram_bytes" else Fraction(must[place], bits[place])
            message = f"add {rows[place]} of {m[place]} operands has {column} {said[place]}, must have {right}"
            yield Violation(RULE, message, rows_of(operators, rows[place]))
    dtypes = np.array([*(tensor.dtype for tensor in build.graph.tensors), ""])[of_sum]
    fixed = build.chips.vector_fixed_cycles[operators.chip[rows]]
    for column, right in (("fixed_cycles", fixed), ("dtype", dtypes)):
        said = getattr(operators, column)[rows]
        for place in np.flatnonzero((said != right) & ((of_sum != NONE) | (right is fixed))).tolist():
            message = f"add {rows[place]} has {column} {said[place]}, must have {right[place]}"
            yield Violation(RULE, message, rows_of(operators, rows[place]))


def _summed(build: Build) -> Integers:
    """Return the graph tensor of what each operator produced last; `NONE` where it is no graph tensor."""
    number, producer = graph_tensors(build), build.tensors.producer
    made = np.flatnonzero((number != NONE) & (producer != NONE))
    of_operator = np.full(len(build.operators), NONE, dtype=np.int64)
    of_operator[producer[made]] = number[made]
    return of_operator
