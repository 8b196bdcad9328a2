"""Element types: how many bits an element takes, and in which arithmetic a product of two types runs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal, get_args

from lpxsched.units import BITS_PER_BYTE

if TYPE_CHECKING:
    from collections.abc import Collection

WeightType = Literal["fp8", "bf16", "int8", "mxfp4", "nvfp4"]
ActivationType = Literal["fp8", "bf16"]
PartialType = Literal["bf16", "fp32"]

ROUTER_TYPE = "bf16"
BIAS_TYPE = "bf16"
WEIGHT_TYPES: tuple[WeightType, ...] = get_args(WeightType)


@dataclass(frozen=True, slots=True)
class Precision:
    """Types of weights, of the rows that enter, and of partial sums."""

    weights: WeightType
    activations: ActivationType
    partials: PartialType


# Bits of one element, shared scales included: MXFP4 has 8 bits for 32 elements (OCP Microscaling 1.0), NVFP4 8 bits
# for 16 (its one FP32 scale a tensor is left out: 4 bytes).
ELEMENT_BITS: dict[str, Fraction] = {
    "fp8": Fraction(8),
    "int8": Fraction(8),
    "bf16": Fraction(16),
    "fp32": Fraction(32),
    "int32": Fraction(32),
    "mxfp4": 4 + Fraction(8, 32),
    "nvfp4": 4 + Fraction(8, 16),
}
# A weight matrix is cut between blocks that share a scale, never inside one.
SCALE_BLOCK_COLUMNS: dict[str, int] = {"mxfp4": 32, "nvfp4": 16}


def stored_bits(dtype: str) -> Fraction | None:
    """Return the bits of a stored weight, shared scales included; None for a type that no table names.

    ``int4-32`` are integers of 4 bits of which 32 share a scale of 16 bits (AWQ, GPTQ, compressed tensors).
    """
    name, _, group = dtype.partition("-")
    return 4 + Fraction(16, int(group)) if name == "int4" else ELEMENT_BITS.get(dtype)


def arithmetic_type(weights: str, activations: str) -> str:
    """Return the type in which the matrix unit multiplies: ``bf16`` if either operand is, else ``fp8``.

    Four-bit weights are expanded to FP8 on the way to the unit; INT8 is taken to run at the rate of FP8.
    """
    return "bf16" if "bf16" in (weights, activations) else "fp8"


def is_expanded(weights: str, matrix_types: Collection[str]) -> bool:
    """Return whether weights are stored in blocks that a matrix unit cannot multiply."""
    return weights in SCALE_BLOCK_COLUMNS and weights not in matrix_types


def exact_bytes_of(elements: int, dtype: str) -> Fraction:
    """Return the bytes that elements of a type take, exactly."""
    return elements * ELEMENT_BITS[dtype] / BITS_PER_BYTE


def bytes_of(elements: int, dtype: str) -> int:
    """Return the bytes that elements of a type take, rounded up."""
    return ceil(exact_bytes_of(elements, dtype))
