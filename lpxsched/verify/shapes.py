"""R3 delivery, ninth part: rows, vectors, bytes and bits of each tensor of the graph make each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.units import ceil_div
from lpxsched.verify.violation import GRAPH_FILE, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

RULE = "R3"
# Bits of an element of the types that travel; of others nothing is known.
BITS = {"fp8": 8, "int8": 8, "bf16": 16, "fp32": 32, "int32": 32}


def shape_violations(build: Build) -> Iterator[Violation]:
    """Yield tensors of other vectors than their rows take, and of other bits than their type has."""
    vector_bytes = build.manifest.vector_bytes
    for tensor in build.graph.tensors:
        right = {
            "vectors_per_row": ceil_div(tensor.row_bytes, vector_bytes),
            "vectors": tensor.rows * tensor.vectors_per_row,
            "element_bits": BITS.get(tensor.dtype, tensor.element_bits),
        }
        for key, value in right.items():
            if getattr(tensor, key) != value:
                said = f"tensor {tensor.name}: {key} is {getattr(tensor, key)}"
                why = f"its rows take {value}" if key != "element_bits" else f"an element of {tensor.dtype} has {value}"
                yield Violation(RULE, f"{GRAPH_FILE}: {said}, {why}")
