"""R4 operators: one at a time on a functional unit; durations recomputed from bytes and operations."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE
from lpxsched.units import BITS_PER_BYTE
from lpxsched.verify.demand import graph_tensors
from lpxsched.verify.partition import ADD
from lpxsched.verify.shifts import clashes, modulo
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.reader import Build

RULE = "R4"
MATRIX, VECTOR, HOST, NONE = "matrix", "vector", "host", "none"
# Units without a limit, whose operators take no time.
FREE = (HOST, NONE)


def operator_violations(build: Build) -> list[Violation]:
    """Return every operator that breaks R4."""
    return [*_units(build), *_overlaps(build), *_durations(build), *_work_of_nothing(build), *_adds(build)]


def _units(build: Build) -> Iterator[Violation]:
    operators, chips = build.operators, build.chips
    known = np.isin(operators.unit, (MATRIX, VECTOR, *FREE))
    misplaced = (operators.unit == HOST) != chips.host[operators.chip]
    for row in np.flatnonzero(~known | misplaced).tolist():
        node = operators.chip[row]
        what = "a host" if chips.host[node] else "a chip"
        message = f"operator {row} runs on unit {operators.unit[row]} of node {node}, {what}"
        yield Violation(RULE, message, rows_of(operators, row))
    for row in np.flatnonzero(chips.down[operators.chip]).tolist():
        yield Violation(
            RULE, f"operator {row} runs on node {operators.chip[row]}, which is down", rows_of(operators, row)
        )
    wrong = (operators.kind == ADD) & (operators.unit != VECTOR)
    for row in np.flatnonzero(wrong).tolist():
        message = f"add {row} runs on unit {operators.unit[row]}; sums run on unit {VECTOR}"
        yield Violation(RULE, message, rows_of(operators, row))


def _overlaps(build: Build) -> Iterator[Violation]:
    operators, period = build.operators, build.manifest.period
    rows = np.flatnonzero(~np.isin(operators.unit, FREE))
    unit = np.unique(operators.unit[rows], return_inverse=True)[1]
    holder = operators.chip[rows] * len(rows) + unit
    one, other = clashes(holder, operators.start[rows], operators.cycles[rows], period)
    for a, b in zip(rows[one].tolist(), rows[other].tolist(), strict=True):
        during = f"[{operators.start[a]}, {operators.start[a] + operators.cycles[a]})"
        message = f"unit {operators.unit[a]} of chip {operators.chip[a]} runs operator {a} during {during}"
        follows = f" and operator {b} from {operators.start[b]} on{modulo(period)}"
        message += f", longer than the period {period}" if a == b else follows
        yield Violation(RULE, message, rows_of(operators, *dict.fromkeys((a, b))))


def _rates(build: Build) -> Integers:
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


def _durations(build: Build) -> Iterator[Violation]:
    operators = build.operators
    memory, rate = build.chips.sram_bytes_per_cycle[operators.chip], _rates(build)
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
        message = f"operator {row} ({operators.kind[row]}) takes {operators.cycles[row]} cycles"
        if timed[row]:
            message += (
                f", must take {cycles[row]}: {operators.sram_bytes[row]} bytes at {memory[row]}, "
                f"{operators.macs[row]} operations at {rate[row]}, and {operators.fixed_cycles[row]}"
            )
            message += f", less {within[row]} within the hop" if within[row] else ""
        else:
            message += f" on {'a host' if operators.unit[row] == HOST else 'no unit'}, must take 0"
        yield Violation(RULE, message, rows_of(operators, row))


def _work_of_nothing(build: Build) -> Iterator[Violation]:
    operators = build.operators
    for column in ("sram_bytes", "macs", "fixed_cycles"):
        work = getattr(operators, column)
        for row in np.flatnonzero((operators.unit == NONE) & (work != 0)).tolist():
            message = f"operator {row} ({operators.kind[row]}) runs on no unit but has {column} {work[row]}"
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
    bits = _element_bits(build)[rows].astype(object)
    macs, sram_bytes = (m - 1) * vector_bytes * BITS_PER_BYTE, (m + 1) * vector_bytes
    for column, must, unit in (("macs", macs, bits), ("sram_bytes", sram_bytes, 1)):
        said = getattr(operators, column)[rows]
        for place in np.flatnonzero(said.astype(object) * unit != must).tolist():
            right = must[place] if column == "sram_bytes" else Fraction(must[place], bits[place])
            message = f"add {rows[place]} of {m[place]} operands has {column} {said[place]}, must have {right}"
            yield Violation(RULE, message, rows_of(operators, rows[place]))


def _element_bits(build: Build) -> Integers:
    """Return the bits of an element of what each operator produced; those of a byte where it is no graph tensor."""
    number, producer = graph_tensors(build), build.tensors.producer
    made = np.flatnonzero((number >= 0) & (producer >= 0))
    of_tensor = np.array([tensor.element_bits for tensor in build.graph.tensors], dtype=np.int64)
    bits = np.full(len(build.operators), BITS_PER_BYTE, dtype=np.int64)
    bits[producer[made]] = of_tensor[number[made]]
    return bits
