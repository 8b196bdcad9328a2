"""R4 operators: one at a time on a functional unit; durations recomputed from bytes and operations."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import REDUCE
from lpxsched.units import BITS_PER_BYTE
from lpxsched.verify.partition import ADD
from lpxsched.verify.violation import Violation, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.reader import Build

RULE = "R4"
MATRIX, VECTOR, HOST = "matrix", "vector", "host"


def operator_violations(build: Build) -> list[Violation]:
    """Return every operator that breaks R4."""
    return [*_units(build), *_overlaps(build), *_durations(build), *_adds(build)]


def _units(build: Build) -> Iterator[Violation]:
    operators, chips = build.operators, build.chips
    known = np.isin(operators.unit, (MATRIX, VECTOR, HOST))
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
    operators = build.operators
    rows = np.flatnonzero(operators.unit != HOST)
    order = rows[np.lexsort((operators.start[rows], operators.unit[rows], operators.chip[rows]))]
    one, other = order[:-1], order[1:]
    same = (operators.chip[one] == operators.chip[other]) & (operators.unit[one] == operators.unit[other])
    end = operators.start + operators.cycles
    wrong = same & (operators.start[other] < end[one])
    for a, b in zip(one[wrong].tolist(), other[wrong].tolist(), strict=True):
        message = (
            f"unit {operators.unit[a]} of chip {operators.chip[a]} runs operator {a} during "
            f"[{operators.start[a]}, {end[a]}) and operator {b} from {operators.start[b]} on"
        )
        yield Violation(RULE, message, rows_of(operators, a, b))


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
    on_chip = operators.unit != HOST
    impossible = on_chip & (((operators.sram_bytes > 0) & (memory < 1)) | ((operators.macs > 0) & (rate < 1)))
    for row in np.flatnonzero(impossible).tolist():
        message = (
            f"operator {row}: chip {operators.chip[row]} has no rate for unit {operators.unit[row]} "
            f"in {operators.dtype[row]} or for its SRAM"
        )
        yield Violation(RULE, message, rows_of(operators, row))
    work = np.maximum(-(-operators.sram_bytes // np.maximum(memory, 1)), -(-operators.macs // np.maximum(rate, 1)))
    cycles = np.where(on_chip, work + operators.fixed_cycles, 0)
    for row in np.flatnonzero(~impossible & (operators.cycles != cycles)).tolist():
        message = f"operator {row} ({operators.kind[row]}) takes {operators.cycles[row]} cycles"
        if on_chip[row]:
            message += (
                f", must take {cycles[row]}: {operators.sram_bytes[row]} bytes at {memory[row]}, "
                f"{operators.macs[row]} operations at {rate[row]}, and {operators.fixed_cycles[row]}"
            )
        else:
            message += " on a host, must take 0"
        yield Violation(RULE, message, rows_of(operators, row))


def _adds(build: Build) -> Iterator[Violation]:
    """Yield sums whose work is not that of their operands, counted in the vectors of the longest operand."""
    operators, operands = build.operators, build.operands
    summands = operands.role == REDUCE
    count = np.bincount(operands.operator[summands], minlength=len(operators))
    longest = np.zeros(len(operators), dtype=np.int64)
    np.maximum.at(longest, operands.operator[summands], operands.vectors[summands])
    bits = _element_bits(build)
    for row in np.flatnonzero(operators.kind == ADD).tolist():
        m, vector_bytes = int(count[row]), int(longest[row]) * build.manifest.vector_bytes
        macs = Fraction((m - 1) * vector_bytes * BITS_PER_BYTE, bits.get(row, BITS_PER_BYTE))
        for column, must in (("macs", macs), ("sram_bytes", (m + 1) * vector_bytes)):
            said = int(getattr(operators, column)[row])
            if said != must:
                message = f"add {row} of {m} operands has {column} {said}, must have {must}"
                yield Violation(RULE, message, rows_of(operators, row))


def _element_bits(build: Build) -> dict[int, int]:
    """Return the bits of an element of what each operator produced."""
    bits = {tensor.name: tensor.element_bits for tensor in build.graph.tensors}
    made = zip(build.tensors.producer.tolist(), build.tensors.name.tolist(), strict=True)
    return {producer: bits[name] for producer, name in made if name in bits}
