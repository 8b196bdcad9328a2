"""What one chip can hold and do, every number with its source (``topologies/chips/*.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import exact

if TYPE_CHECKING:
    from fractions import Fraction

# Sums over all chips, and cycles of all operators, stay far below 2**63 within these limits.
Count = Annotated[int, Field(ge=1, le=10**12)]
Extent = Annotated[int, Field(ge=0, le=10**9)]
ClockMhz = Annotated[float, Field(ge=1e-3, le=1e6)]
Positive = Annotated[float, Field(gt=0, le=1e9)]
MatrixType = Literal["fp8", "bf16", "int8", "fp16", "mxfp4", "nvfp4"]
Share = Annotated[float, Field(gt=0, le=1)]


class ChipFile(Strict):
    """A chip description as written in YAML."""

    name: str
    clock_mhz: Tagged[ClockMhz]
    sram_bytes: Tagged[Count]
    sram_bytes_per_ns: Tagged[Positive]
    matrix_fp8_macs_per_ns: Tagged[Positive]
    matrix_bf16_macs_per_ns: Tagged[Positive]
    matrix_types: Tagged[list[MatrixType]] = Tagged(value=["fp8", "bf16"])
    matrix_fixed_cycles: Tagged[Extent]
    vector_operations_per_cycle: Tagged[Count]
    vector_fixed_cycles: Tagged[Extent]
    sum_cycles_in_hop: Tagged[Extent] = Tagged(value=0)
    shard_columns: Tagged[Count]
    sram_efficiency: Tagged[Share] = Tagged(value=1.0)
    deskew_buffer_vectors: Tagged[Count] = Tagged(value=16)
    resident: Tagged[bool] = Tagged(value=False)


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip in cycles of its own clock.

    Attributes
    ----------
    name : str
    clock_mhz : Fraction
    sram_bytes : int
        Capacity of the SRAM.
    sram_bytes_per_cycle : int
        Bytes read or written in one cycle, rounded down.
    matrix_macs_per_cycle : dict
        Multiply-accumulates in one cycle by arithmetic type (``fp8``, ``bf16``), rounded down.
    matrix_types : tuple of str
        Element types that the matrix unit multiplies.
    vector_operations_per_cycle : int
        Element operations of the vector unit in one cycle.
    matrix_fixed_cycles, vector_fixed_cycles : int
        Latency of the pipeline, whatever the size of the operator.
    sum_cycles_in_hop : int
        Cycles of a sum of arriving vectors that lie within the published hop.
    shard_columns : int
        A weight matrix is cut in multiples of this many columns.
    sram_efficiency : Fraction
        Share of the SRAM's rate that reaches the matrix units.
    deskew_buffer_vectors : int
        Vectors that a lane holds between their arrival and their read.
    resident : bool
        A program can branch within bounded time: it polls for rows, and is not started anew for each segment.
    """

    name: str
    clock_mhz: Fraction
    sram_bytes: int
    sram_bytes_per_cycle: int
    matrix_macs_per_cycle: dict[str, int]
    matrix_types: tuple[str, ...]
    vector_operations_per_cycle: int
    matrix_fixed_cycles: int
    vector_fixed_cycles: int
    sum_cycles_in_hop: int
    shard_columns: int
    sram_efficiency: Fraction
    deskew_buffer_vectors: int
    resident: bool

    @property
    def matrix_bytes_per_cycle(self) -> int:
        """Bytes that reach the matrix unit in a cycle, rounded down; at least one."""
        return max(1, floor(self.sram_bytes_per_cycle * self.sram_efficiency))


def load_chip(name: str, clock_mhz: Fraction | None = None) -> Chip:
    """Return the chip of a shipped name or a path.

    Parameters
    ----------
    name : str
    clock_mhz : Fraction, optional
        Instead of the clock that the file says; rates are given in ns, so there is more or less in a cycle.

    Raises
    ------
    InputError
        When the name, the file or what it says is wrong, or a rate is below one in a cycle.
    """
    document = read_yaml(find_file("chip", name))
    file = validate(document, ChipFile)
    clock_mhz = clock_mhz or exact(file.clock_mhz.value)

    def per_cycle(key: str) -> int:
        rate = int(exact(getattr(file, key).value) * 1000 / clock_mhz)
        if not rate:
            raise document.error((key,), f"is less than one in a cycle of {float(clock_mhz):g} MHz; raise it")
        return rate

    return Chip(
        name=file.name,
        clock_mhz=clock_mhz,
        sram_bytes=file.sram_bytes.value,
        sram_bytes_per_cycle=per_cycle("sram_bytes_per_ns"),
        matrix_macs_per_cycle={
            "fp8": per_cycle("matrix_fp8_macs_per_ns"),
            "bf16": per_cycle("matrix_bf16_macs_per_ns"),
        },
        matrix_types=tuple(file.matrix_types.value),
        vector_operations_per_cycle=file.vector_operations_per_cycle.value,
        matrix_fixed_cycles=file.matrix_fixed_cycles.value,
        vector_fixed_cycles=file.vector_fixed_cycles.value,
        sum_cycles_in_hop=file.sum_cycles_in_hop.value,
        shard_columns=file.shard_columns.value,
        sram_efficiency=exact(file.sram_efficiency.value),
        deskew_buffer_vectors=file.deskew_buffer_vectors.value,
        resident=file.resident.value,
    )
